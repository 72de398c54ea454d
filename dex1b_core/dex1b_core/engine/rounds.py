"""What is proposed in each round, and on what the network is trained."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.data.demonstrations import Demonstrations
from dex1b_core.data.shards import ShardFolder
from dex1b_core.engine.makers import Networks
from dex1b_core.engine.portions import Portion, Task
from dex1b_core.engine.runners import Runner
from dex1b_core.engine.settings import EngineSettings
from dex1b_core.model.checkpoint import ModelCard, save_checkpoint
from dex1b_core.model.dataset import GraspDataset
from dex1b_core.model.debiasing import rare, shares
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.settings import ModelSettings
from dex1b_core.model.success import SuccessSettings
from dex1b_core.model.success_file import SuccessCard, save_predictor
from dex1b_core.model.success_training import JudgedGrasps, train_success
from dex1b_core.model.training import TrainingSettings, train
from dex1b_core.model.training_process import TrainingProcess
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel

MOST_ASSOCIATED = 512  # points of an object's earlier grasps that a task is told

Report = Callable[[str, int, int], None]


def checkpoint_path(folder: Path, number: int) -> Path:
    """Of the network trained after a round."""
    return folder / 'checkpoints' / f'round-{number:02d}.safetensors'


def predictor_path(folder: Path, number: int) -> Path:
    """Of the predictor of success trained after a round."""
    return folder / 'checkpoints' / f'round-{number:02d}.success.safetensors'


def curve_path(folder: Path, number: int) -> Path:
    """Of the losses on the way to it, `TrainingCurve.to_json`."""
    return folder / 'checkpoints' / f'round-{number:02d}.curve.json'


def run_rounds(
    settings: EngineSettings,
    folder: Path,
    shards: ShardFolder,
    runner: Runner,
    *,
    train: Callable[[int], None] | None = None,
    report: Report = lambda stage, done, total: None,
) -> None:
    """Do what is not done yet; stop it at any time and call it again.

    Args:
        settings: Of the run.
        folder: Of checkpoints.
        shards: Where demonstrations go.
        runner: Does the tasks.
        train: Trains a round's network; in this process without.
        report: Told stage, done and total.

    Raises:
        Dex1bError: a task's, a shard's or the training's.
    """
    shards.tidy()
    for number in range(settings.rounds):
        tasks = round_tasks(settings, folder, shards, number)
        missing = [task for task in tasks if not shards.has(task.name)]
        done = len(tasks) - len(missing)
        report(f'round {number}', done, len(tasks))
        for _ in runner.run(missing):
            done += 1
            report(f'round {number}', done, len(tasks))
        if not checkpoint_path(folder, number).is_file():
            if train is None:
                train_round(settings, folder, shards, number, report=report)
            else:
                train(number)
        if settings.task == 'grasp' and not predictor_path(folder, number).is_file():
            report(f'predictor {number}', 0, 1)
            train_round_predictor(settings, folder, shards, number)
            report(f'predictor {number}', 1, 1)


def round_tasks(
    settings: EngineSettings, folder: Path, shards: ShardFolder, number: int
) -> list[Task]:
    """The same for the same shards of the rounds before."""
    names = settings.object_names()
    earlier = _held(shards, number) if number > 0 else None
    held = dict.fromkeys(names, 0)
    if earlier is not None:
        held |= Counter(earlier.values('object').tolist())
    if not settings.debias:
        held = dict.fromkeys(names, 0)
    rng = np.random.default_rng(settings.draw_seed('objects', number))
    chosen = rare(held, max(1, settings.proposals // settings.per_object), rng)
    counts = shares({name: held[name] for name in chosen}, settings.proposals)
    portions = [
        _portion(settings, name, count, number, earlier) for name, count in counts.items() if count
    ]
    networks = None
    if number > 0:
        before = number - 1
        predictor = predictor_path(folder, before) if settings.task == 'grasp' else None
        networks = Networks(checkpoint_path(folder, before), predictor)
    groups: list[list[Portion]] = [[]]
    for portion in portions:
        if sum(p.random + p.learned for p in groups[-1]) >= settings.per_task:
            groups.append([])
        groups[-1].append(portion)
    return [
        Task(f'round-{number:02d}-{index:06d}', number, tuple(group), networks)
        for index, group in enumerate(groups)
        if group
    ]


def train_round(
    settings: EngineSettings,
    folder: Path,
    shards: ShardFolder,
    number: int,
    *,
    process: TrainingProcess | None = None,
    report: Report = lambda stage, done, total: None,
) -> None:
    """A network on everything that held so far, from scratch.

    Args:
        settings: Of the run.
        folder: Of checkpoints; the first of several processes writes there.
        shards: Of all rounds so far.
        number: Of the round.
        process: This one, of several; alone without.
        report: Told stage, done and total.
    """
    process = process or TrainingProcess()
    hand = HandModel(load_hand(settings.hand))
    rows = _held(shards, number + 1)
    data = GraspDataset.of(rows, hand)
    model_settings = ModelSettings(joint=settings.task == 'articulation')
    training = TrainingSettings(steps=settings.training_steps)
    seed = settings.draw_seed('training', number)
    torch.manual_seed(seed)
    model = DexSimple(model_settings, GraspCode(hand.kinematics).size)
    curve = train(
        data, hand, model, training, seed=seed, process=process,
        report=lambda step, losses: report(f'training {number}', step, training.steps),
    )  # fmt: skip
    if process.rank > 0:
        return
    last = {name: values[-1] for name, values in curve.losses.items()} if curve.step else {}
    card = ModelCard(
        hand=settings.hand,
        joints=tuple(hand.kinematics.joint_names),
        settings=model_settings,
        data={
            'grasps': len(data),
            'objects': len(data.objects),
            'rounds': number + 1,
            'losses': last,
        },
        training=dataclasses.asdict(training) | {'processes': process.count},
        seed=seed,
    )
    curve_file = curve_path(folder, number)
    curve_file.parent.mkdir(parents=True, exist_ok=True)
    curve_file.write_text(curve.to_json() + '\n')
    save_checkpoint(checkpoint_path(folder, number), model, card)


def train_round_predictor(
    settings: EngineSettings, folder: Path, shards: ShardFolder, number: int
) -> None:
    """A predictor of success on all verdicts so far, from scratch."""
    hand = HandModel(load_hand(settings.hand))
    judged = JudgedGrasps.of(_judged(shards, number + 1), hand)
    seed = settings.draw_seed('predictor', number)
    model, report = train_success(judged, SuccessSettings(), seed=seed)
    card = SuccessCard(
        hand=settings.hand,
        joints=tuple(hand.kinematics.joint_names),
        settings=model.settings,
        report=report.to_dict(),
        seed=seed,
    )
    save_predictor(predictor_path(folder, number), model, card)


def _judged(shards: ShardFolder, number: int) -> Demonstrations:
    """Rows of all rounds below a number."""
    return shards.read_all(lambda name: int(name.split('-')[1]) < number)


def _held(shards: ShardFolder, number: int) -> Demonstrations:
    """Those that held."""
    rows = _judged(shards, number)
    return rows.select(rows.held)


def _portion(
    settings: EngineSettings, name: str, count: int, number: int, earlier: Demonstrations | None
) -> Portion:
    rng = np.random.default_rng(settings.draw_seed('portions', number, name))
    on_table = bool(rng.random() < settings.table) or settings.task == 'articulation'
    if earlier is None:
        return Portion(name, on_table, count, 0, np.zeros((0, 3), dtype=np.float32))
    learned = round(count * (1.0 - settings.random))
    points = np.zeros((0, 3), dtype=np.float32)
    if settings.debias:
        points = _associated(earlier, name, on_table=on_table, rng=rng)
    return Portion(name, on_table, count - learned, learned, points)


def _associated(
    earlier: Demonstrations, name: str, *, on_table: bool, rng: np.random.Generator
) -> NDArray[np.float32]:
    rests = ~np.isnan(earlier.vectors('plane')[:, 0])
    rows = np.flatnonzero((earlier.values('object') == name) & (rests == on_table))
    if len(rows) > MOST_ASSOCIATED:
        rows = rng.choice(rows, MOST_ASSOCIATED, replace=False)
    points: NDArray[np.float32] = earlier.vectors('point')[rows]
    return points
