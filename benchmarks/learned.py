"""The network's grasps beside the optimiser's: how often they hold, how fast, how diverse.

    .venv/bin/python -m benchmarks.learned --hand allegro_right --checkpoint N.safetensors --out OUT

Rows: `optimizer`, from scratch on the true shape; `network`, from its full cloud, refined on the
true shape; those of `one view` see one noisy depth image of the object on a table, refine on the
most trusted shape hypothesis and rank by all; `constrained` ones come from above and touch the
upper 60 % of the object alone. Ranked rows return the best by prediction, of 1.5 grasps for each,
or of 5 for hands with few motors; quick ones of 8 that are refined by 20 steps.
Raw: all six pushes of DexGraspBench on the true object in MuJoCo.
Filtered: raw, of those that pass six pushes with the friction halved in SAPIEN, on the
shape that the row knows. Processor time is that of one core, without the checks. What is there is
not made again: stop it and start it as you like. Writes learned.md and learned.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.pick_without_ros import look
from dex1b_core.benchmark.diversity import Diversity
from dex1b_core.benchmark.generators import CLOUD_POINTS, predictor_bytes
from dex1b_core.benchmark.object_list import object_list
from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.benchmark.protocols import protocol_named
from dex1b_core.data import GraspSet
from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.object_model import ObjectModel, load_object
from dex1b_core.model.checkpoint import load_checkpoint
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.learned_seeds import LearnedSettings, LearnedSynthesizer
from dex1b_core.model.success_file import prediction_for
from dex1b_core.perception import PerceptionSettings, RobotMask, observe
from dex1b_core.perception.settings import HypothesisName
from dex1b_core.robots import load_hand, load_robot
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.cuts import cut_into_convex_parts
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.verdicts import wilson
from dex1b_core.simulation.world import SimWorld
from dex1b_core.synthesis.constraints import Box, Constraints
from dex1b_core.synthesis.seed_file import grasp_set_of
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import REFINEMENT, SeedSettings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer
from dex1b_core.synthesis.seeds import Seeds

CAMERA_ROBOT = 'xarm7_ability'  # on whose bench the camera stands
TRUTH = protocol_named('dexgraspbench').check
FILTER = HoldProtocol(torsion=0.0, published_contacts=False, friction=0.3)
HYPOTHESES: tuple[HypothesisName, ...] = ('smooth', 'extrusion', 'carved_hull', 'hull')
_UNRANKED = ('optimizer', 'network')  # what one view shows is ranked where the support leaves less
SPARE = 0.01  # [m] around an object, where contacts may be


@dataclass(frozen=True)
class Known:
    """What a row knows of an object, object frame.

    Attributes:
        target: For the descent.
        others: What it may be as well, for the ranking.
        cloud: (N, 3) for the network [m].
        parts: Convex parts for the filter.
    """

    target: SeedObject
    others: tuple[SeedObject, ...]
    cloud: torch.Tensor
    parts: tuple[np.ndarray, ...]


def known_fully(model: ObjectModel, seed: int) -> Known:
    """The true shape and points from all sides."""
    cloud = SurfaceSamples.of_model(model).full(CLOUD_POINTS, np.random.default_rng(seed))
    parts = tuple(part.vertices for part in model.parts)
    return Known(SeedObject.of_model(model), (), cloud, parts)


def known_from_one_view(model: ObjectModel, seed: int) -> Known:
    """A shape hypothesis and the points of one noisy depth image.

    Raises:
        Dex1bError: perception finds no object, or no shape.
    """
    robot = load_robot(CAMERA_ROBOT)
    world = SimWorld(robot, model, seed=seed)
    scene = observe(
        [look(world, seed)], settings=PerceptionSettings(hypotheses=HYPOTHESES),
        robot_mask=RobotMask.from_urdf(robot.urdf_path), link_poses=world.robot.link_poses(),
    )  # fmt: skip
    observation, pose = scene.observation, world.object_pose()

    def in_object(points: np.ndarray) -> np.ndarray:
        return (points - pose[:3, 3]) @ pose[:3, :3] + model.foot

    normal = observation.support_plane.normal @ pose[:3, :3]
    point = in_object(-observation.support_plane.offset * observation.support_plane.normal)
    plane = torch.tensor([*normal, -float(normal @ point)], dtype=torch.float32)
    placed = [replace(shape, vertices=in_object(shape.vertices)) for shape in observation.shapes]
    target, *others = (
        SeedObject.of_mesh(model.name, shape.vertices, shape.faces, plane) for shape in placed
    )
    return Known(
        target,
        tuple(others),
        torch.as_tensor(in_object(observation.points), dtype=torch.float32),
        tuple(part.vertices for part in cut_into_convex_parts(placed[0])),
    )


Make = Callable[[int, int], Seeds]


@dataclass(frozen=True)
class Row:
    """What makes grasps, and from what.

    Attributes:
        prepare: For what is known of an object; the time that it takes does not count.
        one_view: Whether one side is seen, or everything.
    """

    prepare: Callable[[Known], Make]
    one_view: bool = False


def constraints_on(target: SeedObject) -> Constraints:
    """From above, within 45 degrees, with all contacts on the upper 60 % of an object."""
    low, high = target.hull_points.amin(dim=0) - SPARE, target.hull_points.amax(dim=0) + SPARE
    low[2] += 0.4 * (high[2] - low[2])
    region = Box(tuple(low.tolist()), tuple(high.tolist()))
    return Constraints(approach=(0.0, 0.0, -1.0), contact_region=region)


def rows_of(hand: HandModel, checkpoint: Path, steps: int) -> dict[str, Row]:
    """By name."""
    plain = SeedSettings().with_excess(1.0)
    network, _ = load_checkpoint(checkpoint, hand)
    predict = prediction_for(hand)

    def optimizer(settings: SeedSettings, *, constrained: bool = False) -> Callable[[Known], Make]:
        free = SeedSynthesizer(hand, settings, predict=predict)

        def prepare(known: Known) -> Make:
            maker = free
            if constrained:
                constraints = constraints_on(known.target)
                maker = SeedSynthesizer(hand, settings, constraints, predict=predict)
            return lambda count, seed: maker.synthesize(
                known.target, count, seed=seed, others=known.others
            )

        return prepare

    def learner(learned: LearnedSettings, *, constrained: bool = False) -> Callable[[Known], Make]:
        free = LearnedSynthesizer(hand, network, learned, predict=predict)

        def prepare(known: Known) -> Make:
            maker = free
            if constrained:
                constraints = constraints_on(known.target)
                maker = LearnedSynthesizer(hand, network, learned, constraints, predict)
            return lambda count, seed: maker.synthesize(
                known.target, known.cloud, count, seed=seed, others=known.others
            )

        return prepare

    best = SeedSettings()
    refined = LearnedSettings(refinement=replace(REFINEMENT, steps=steps))
    unranked, quick = replace(refined, seeds=plain), LearnedSettings.quick()
    return {
        'optimizer': Row(optimizer(plain)),
        'network': Row(learner(unranked)),
        'optimizer, ranked': Row(optimizer(best)),
        'network, ranked': Row(learner(refined)),
        'network, quick': Row(learner(quick)),
        'optimizer, one view': Row(optimizer(plain), one_view=True),
        'network, one view': Row(learner(unranked), one_view=True),
        'optimizer, one view, ranked': Row(optimizer(best), one_view=True),
        'network, one view, ranked': Row(learner(refined), one_view=True),
        'network, one view, quick': Row(learner(quick), one_view=True),
        'optimizer, constrained, ranked': Row(optimizer(best, constrained=True)),
        'network, constrained, quick': Row(learner(quick, constrained=True)),
    }


def result_of(
    name: str, hand_name: str, hand: HandModel, row: Row, each: int, seed: int
) -> dict[str, Any]:
    """Of one object by one row; `error` where there is nothing to grasp or no grasp."""
    model = load_object(name)
    try:
        known = known_from_one_view(model, seed) if row.one_view else known_fully(model, seed)
        make = row.prepare(known)
        begin = time.process_time()
        seeds = make(each, seed)
        seconds = time.process_time() - begin
    except Dex1bError as error:
        return {'object': name, 'error': error.message}
    stiffness = SeedSettings().grip.stiffness
    grasps = grasp_set_of(hand, hand_name, model, known.target, seeds, stiffness=stiffness)
    grasps = replace(grasps, support_plane=np.full(4, np.nan))
    judge = GraspJudge(source_of(grasps))
    (truth,) = judge.judge(grasps, TRUTH)
    (passed,) = judge.judge(replace(grasps, object_parts=known.parts), FILTER, 'sapien')
    held = truth.success
    return {
        'object': name,
        'seconds': seconds,
        'held': held.tolist(),
        'clean': truth.clean.tolist(),
        'passed': passed.success.tolist(),
        'distinct': Diversity.of(PlacedGrasps.of(grasps), held).distinct,
        'joint_spread': spread(grasps, held),
    }


def spread(grasps: GraspSet, held: np.ndarray) -> float | None:
    """Mean over joints of the standard deviation over the successes [rad]; None of fewer than 3."""
    return float(grasps.grasp[held].std(axis=0).mean()) if held.sum() > 2 else None


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Of all objects of a row."""
    found = [result for result in results if 'error' not in result]
    held, clean, passed = (
        np.concatenate([np.array(result[key], dtype=bool) for result in found])
        for key in ('held', 'clean', 'passed')
    )
    spreads = [r['joint_spread'] for r in found if r['joint_spread'] is not None]
    kept = int(passed.sum())
    return {
        'objects': len(found),
        'n': len(held),
        'raw': float(held.mean()),
        'raw_interval': wilson(int(held.sum()), len(held)),
        'clean': float(clean.mean()),
        'passed': kept / len(held),
        'filtered': float(held[passed].mean()) if kept else None,
        'filtered_interval': wilson(int(held[passed].sum()), kept),
        'per_s': len(held) / sum(result['seconds'] for result in found),
        'held_per_s': int(held.sum()) / sum(result['seconds'] for result in found),
        'distinct_of_held': sum(result['distinct'] for result in found) / max(1, int(held.sum())),
        'joint_spread': float(np.mean(spreads)),
    }


def write(folder: Path, hand: str, table: dict[str, dict[str, Any]], seed: int) -> None:
    """Write learned.md and learned.json."""

    def percent(value: float | None, interval: tuple[float, float] | None) -> str:
        if value is None or interval is None:
            return '-'
        return f'{100 * value:.1f} ({interval[0]:.0f}-{interval[1]:.0f})'

    lines = [
        f'{hand}, seed {seed}',
        '',
        '| row | objects, n | raw % | clean % | pass the filter % | filtered % | held/core s '
        '| distinct of held % | joint spread |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    for name, row in table.items():
        lines.append(
            f'| {name} | {row["objects"]}, {row["n"]} | {percent(row["raw"], row["raw_interval"])} '
            f'| {100 * row["clean"]:.1f} | {100 * row["passed"]:.0f} '
            f'| {percent(row["filtered"], row["filtered_interval"])} | {row["held_per_s"]:.1f} '
            f'| {100 * row["distinct_of_held"]:.0f} | {row["joint_spread"]:.2f} |'
        )
    (folder / 'learned.md').write_text('\n'.join(lines) + '\n')
    report = {'hand': hand, 'seed': seed, 'rows': table}
    (folder / 'learned.json').write_text(json.dumps(report, indent=2) + '\n')
    print('\n'.join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hand', default='allegro_right')
    parser.add_argument('--checkpoint', type=Path, required=True)
    parser.add_argument('--objects', default='docs/benchmarks/ycb20.txt')
    parser.add_argument('--each', type=int, default=12, help='grasps of each object')
    parser.add_argument('--steps', type=int, default=100, help='of post-optimisation')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--rows', default='', help='only those whose name has this in it')
    parser.add_argument('--out', type=Path, default=Path('out/learned'))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    hand = HandModel(load_hand(arguments.hand))
    table: dict[str, dict[str, Any]] = {}
    rows = rows_of(hand, arguments.checkpoint, arguments.steps)
    network = hashlib.sha256(arguments.checkpoint.read_bytes()).hexdigest()
    predictor = hashlib.sha256(predictor_bytes(hand)).hexdigest()
    for row, how in rows.items():
        if arguments.rows not in row:
            continue
        results = []
        for name in object_list(arguments.objects):
            what = (arguments.hand, row, name, arguments.each, arguments.seed, arguments.steps,
                    network if row.startswith('network') else '',
                    '' if row in _UNRANKED else predictor)  # fmt: skip
            key = hashlib.sha256(repr(what).encode()).hexdigest()[:16]
            path = arguments.out / f'{key}.json'
            if not path.is_file():
                found = result_of(name, arguments.hand, hand, how, arguments.each, arguments.seed)
                path.write_text(json.dumps(found) + '\n')
            results.append(json.loads(path.read_text()))
        table[row] = summary(results)
    write(arguments.out, arguments.hand, table, arguments.seed)


if __name__ == '__main__':
    main()
