"""What each part of DexSimple and of the engine is worth: networks trained with and without it.

    .venv/bin/python -m benchmarks.ablation --folder RUN --biased RUN2 --out out/ablation

RUN is a folder of `dex1b engine run`; RUN2 one of the same settings with `--no-debias`. Every
variant is trained with several seeds and proposes grasps of procedural shapes that no training has
seen. Unrefined: deepest penetration, and the mean distance of fingertips to the surface. Refined:
one draw for each grasp, post-optimised, all six pushes of DexGraspBench in MuJoCo; the spread of
its joints over the successes; the part of the object's surface that they are about. What is there
is not made again: stop it and start it as you like. Writes ablation.md and ablation.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.learned import spread
from dex1b_core.benchmark.protocols import protocol_named
from dex1b_core.data.shards import ShardFolder
from dex1b_core.engine.settings import read_settings
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.associated_point import associated_points, palm_and_heading
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.dataset import GraspDataset
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.losses import LossWeights
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.model.settings import PAPER, ModelSettings
from dex1b_core.model.training import TrainingSettings, train
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
from dex1b_core.synthesis.batch import GraspBatch, place
from dex1b_core.synthesis.seed_file import grasp_set_of
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import REFINEMENT, SeedSettings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

CLOUD_POINTS = 1024
NEAR = 0.01  # [m] of an associated point, a place counts as covered
TRUTH = replace(protocol_named('dexgraspbench').check, extrapolates=True)


@dataclass(frozen=True)
class Variant:
    """What is trained, and on what.

    Attributes:
        model: Settings of the network.
        training: Settings of the training, but for its steps.
        rounds: Of the run; 0 takes all.
        biased: Take the run without debiasing.
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    rounds: int = 0
    biased: bool = False


_OURS = Variant()
_CVAE = replace(_OURS.model, decoder='variational')


def _weighed(variant: Variant, **weights: float) -> Variant:
    changed = replace(variant.training.weights, **weights)
    return replace(variant, training=replace(variant.training, weights=changed))


VARIANTS = {
    'ours': _OURS,
    'ours, rounds 1 and 2': replace(_OURS, rounds=2),
    'ours, round 1': replace(_OURS, rounds=1),
    'ours, rounds 1 and 2 without debiasing': replace(_OURS, rounds=2, biased=True),
    'ours without penetration loss': _weighed(_OURS, penetration=0.0),
    'ours without distance loss': _weighed(_OURS, distance=0.0),
    'ours, losses against points': replace(_OURS, training=TrainingSettings(geometry='points')),
    'ours, full clouds alone': replace(_OURS, training=TrainingSettings(seen=0.0)),
    'ours without place of the point': replace(
        _OURS, model=replace(_OURS.model, point_position=False)
    ),
    'ours without heading': replace(_OURS, model=replace(_OURS.model, heading=False)),
    'ours without table': replace(_OURS, model=replace(_OURS.model, table=False)),
    'CVAE': replace(_OURS, model=_CVAE),
    'CVAE without penetration loss': _weighed(replace(_OURS, model=_CVAE), penetration=0.0),
    'CVAE without distance loss': _weighed(replace(_OURS, model=_CVAE), distance=0.0),
    'paper, our rate of learning': Variant(
        PAPER,
        TrainingSettings(seen=0.0, geometry='points', weights=LossWeights(divergence=1e-4)),
    ),
}  # fmt: skip


def trained(
    variant: Variant, hand: HandModel, data: GraspDataset, steps: int, seed: int
) -> DexSimple:
    """A network from scratch."""
    torch.manual_seed(seed)
    model = DexSimple(variant.model, GraspCode(hand.kinematics).size)
    train(data, hand, model, replace(variant.training, steps=steps), seed=seed)
    return model


def result_of(
    model: DexSimple, hand: HandModel, hand_name: str, objects: list[str], each: int, seed: int
) -> dict[str, Any]:
    """Of one network: means over grasps, and over objects for spread and coverage."""
    sampler = GraspSampler(hand, model)
    synthesizer = SeedSynthesizer(hand, SeedSettings().with_excess(1.0))
    penetration, distance, held = [], [], []
    spreads, covered = [], []
    for name in objects:
        loaded = load_object(name)
        target = SeedObject.of_model(loaded)
        samples = SurfaceSamples.of_model(loaded)
        cloud = samples.full(CLOUD_POINTS, np.random.default_rng(seed))
        generator = torch.Generator().manual_seed(seed)
        drawn = sampler.sample(cloud, each, generator)
        depth, gap = unrefined(hand, target, drawn)
        penetration.append(depth)
        distance.append(gap)
        seeds = synthesizer.refine(target, drawn, seed=seed, descent=REFINEMENT)
        grasps = grasp_set_of(
            hand, hand_name, loaded, target, seeds, stiffness=SeedSettings().grip.stiffness
        )
        (verdicts,) = GraspJudge(source_of(grasps)).judge(grasps, TRUTH)
        held.append(verdicts.success)
        if (found := spread(grasps, verdicts.success)) is not None:
            spreads.append(found)
        good = torch.from_numpy(np.flatnonzero(verdicts.success))
        covered.append(coverage(hand, cloud, seeds.grasps.select(good)))
    return {
        'penetration_mm': 1e3 * float(np.concatenate(penetration).mean()),
        'distance_mm': 1e3 * float(np.concatenate(distance).mean()),
        'held': float(np.concatenate(held).mean()),
        'joint_spread': float(np.mean(spreads)) if spreads else 0.0,
        'coverage': float(np.mean(covered)),
    }


def unrefined(
    hand: HandModel, target: SeedObject, grasps: GraspBatch
) -> tuple[np.ndarray, np.ndarray]:
    """(B,) deepest penetration and mean distance of the fingers' nearest candidates [m]."""
    pose = grasps.rotation, grasps.translation
    surface = place(hand, hand.surface, grasps.grasp, *pose)
    contacts = place(hand, hand.contacts, grasps.grasp, *pose)
    depth = (-target.sdf.distance(surface)).amax(dim=1).clamp_min(0.0)
    gaps = target.sdf.distance(contacts).abs()
    fingers = hand.contact_fingers
    nearest = [gaps[:, fingers == finger].amin(dim=1) for finger in set(fingers.tolist())]
    return depth.numpy(), torch.stack(nearest).mean(dim=0).numpy()


def coverage(hand: HandModel, cloud: torch.Tensor, grasps: GraspBatch) -> float:
    """Part of a cloud's points within 1 cm of a grasp's associated point."""
    if not len(grasps):
        return 0.0
    palm, heading = palm_and_heading(hand, grasps.rotation, grasps.translation, grasps.grasp)
    points = cloud[associated_points(cloud.expand(len(palm), -1, -1), palm, heading)]
    return float((torch.cdist(cloud, points) < NEAR).any(dim=1).float().mean())


def summary(results: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation over seeds, by measure."""
    found = {}
    for name in results[0]:
        values = np.array([result[name] for result in results])
        found[name] = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return found


_HEADS = {
    'held': ('held [%]', 100.0, 1),
    'penetration_mm': ('penetration [mm]', 1.0, 1),
    'distance_mm': ('distance of fingertips [mm]', 1.0, 1),
    'joint_spread': ('spread of joints [rad]', 1.0, 3),
    'coverage': ('surface covered [%]', 100.0, 1),
}


def write(folder: Path, table: Mapping[str, dict[str, tuple[float, float]]], note: str) -> None:
    """Write ablation.md and ablation.json."""
    heads = ' | '.join(head for head, _, _ in _HEADS.values())
    lines = [note, '', f'| variant | {heads} |', '|---' * (len(_HEADS) + 1) + '|']
    for name, row in table.items():
        cells = [
            f'{scale * row[key][0]:.{digits}f} ± {scale * row[key][1]:.{digits}f}'
            for key, (_, scale, digits) in _HEADS.items()
        ]
        lines.append(f'| {name} | {" | ".join(cells)} |')
    (folder / 'ablation.md').write_text('\n'.join(lines) + '\n')
    (folder / 'ablation.json').write_text(json.dumps({'note': note, 'rows': table}, indent=2))
    print('\n'.join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--folder', type=Path, required=True)
    parser.add_argument('--biased', type=Path, help='run without debiasing')
    parser.add_argument('--objects', type=int, default=20, help='procedural shapes from 0 on')
    parser.add_argument('--each', type=int, default=12, help='grasps of each object')
    parser.add_argument('--steps', type=int, default=1500, help='of training')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument(
        '--rows', default=','.join(map(str, range(len(VARIANTS)))), help='by number'
    )
    parser.add_argument('--out', type=Path, default=Path('out/ablation'))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    hand_name = read_settings(arguments.folder).hand
    hand = HandModel(load_hand(hand_name))
    objects = [f'shape:random-{number}' for number in range(arguments.objects)]
    loaded: dict[tuple[bool, int], GraspDataset] = {}

    def data_of(variant: Variant) -> GraspDataset:
        key = variant.biased, variant.rounds
        if key not in loaded:
            folder = arguments.biased if variant.biased else arguments.folder
            rows = ShardFolder.at(folder / 'shards').read_all(_below(variant.rounds))
            loaded.clear()  # grids are large
            loaded[key] = GraspDataset.of(rows, hand)
        return loaded[key]

    table = {}
    names = [list(VARIANTS)[int(number)] for number in arguments.rows.split(',')]
    for name in names:
        variant = VARIANTS[name]
        if variant.biased and arguments.biased is None:
            continue
        results = []
        for seed in range(arguments.seeds):
            what = (name, variant, hand_name, arguments.steps, seed, objects, arguments.each)
            path = arguments.out / f'{hashlib.sha256(repr(what).encode()).hexdigest()[:16]}.json'
            if not path.is_file():
                model = trained(variant, hand, data_of(variant), arguments.steps, seed)
                found = result_of(model, hand, hand_name, objects, arguments.each, seed)
                path.write_text(json.dumps(found) + '\n')
                print(name, seed, found, flush=True)
            results.append(json.loads(path.read_text()))
        table[name] = summary(results)
    note = (
        f'{hand_name}, {arguments.objects} shapes, {arguments.each} grasps each, '
        f'{arguments.steps} steps of training, {arguments.seeds} seeds (mean ± standard deviation)'
    )
    write(arguments.out, table, note)


def _below(rounds: int) -> Callable[[str], bool]:
    """Which shards belong to the first so many rounds; to all for 0."""
    return lambda name: not rounds or int(name.split('-')[1]) < rounds


if __name__ == '__main__':
    main()
