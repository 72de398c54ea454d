"""How near each shape hypothesis is to the true shape, from one noisy depth view.

    .venv/bin/python -m benchmarks.shape_hypotheses --out out/shapes

YCB objects that a hand can hold and procedural ones, each standing on the table of the simulated
bench. Intersection over union of the volumes; median and 95th percentile of the distance from the
true surface to the hypothesis; milliseconds of processor time for making the hypothesis by itself
and for cutting it into convex parts. What is there is not made again: stop it and start it as you
like. Writes shapes.md and shapes.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, get_args
from unittest import mock

import numpy as np

from benchmarks.filter_quality import graspable
from benchmarks.pick_without_ros import look
from dex1b_core.errors import Dex1bError
from dex1b_core.geometry import Plane
from dex1b_core.geometry.mesh_repair import repair
from dex1b_core.geometry.object_model import load_object
from dex1b_core.geometry.solids import Solid
from dex1b_core.geometry.surface import exact_signed_distance, sample_surface, surface_distance
from dex1b_core.perception import (
    PerceptionSettings,
    RobotMask,
    ShapeHypothesis,
    observe,
    reconstruct_shapes,
)
from dex1b_core.perception.settings import DEFAULT_HYPOTHESES, HypothesisName
from dex1b_core.robots import load_robot
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.lift_check import prepare_object
from dex1b_core.simulation.world import SimWorld

NAMES: tuple[HypothesisName, ...] = get_args(HypothesisName)
# the parameters of perception were chosen on others, random-112 to random-199
PROCEDURAL = tuple(f'shape:random-{number}' for number in range(100, 112))
CELL = 0.002  # of the volumes' grid [m]
MOST_CELLS = 500_000  # larger objects get larger cells
SAMPLES = 3000  # of the true surface
Result = TypeVar('Result')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--robot', default='xarm7_ability')
    parser.add_argument('--objects', type=int, default=20, help='YCB objects, by number')
    parser.add_argument('--procedural', default=','.join(PROCEDURAL), help='may be empty')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, default=Path('out/shapes'))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    robot = load_robot(arguments.robot)
    procedural = [name for name in arguments.procedural.split(',') if name]
    for name in (*graspable(arguments.objects), *procedural):
        path = arguments.out / f'{name.replace(":", "-")}.s{arguments.seed}.json'
        if not path.is_file():
            row = measure(name, robot, arguments.seed)
            path.write_text(json.dumps(row) + '\n')
            print(name, row.get('error', ''), flush=True)
    write(arguments.out, f's{arguments.seed}')


def measure(name: str, robot: RobotDescription, seed: int) -> dict[str, Any]:
    """What is known of each hypothesis, by its name; 'error' instead where none is made."""
    row: dict[str, Any] = {'object': name, 'hypotheses': {}}
    try:
        world = SimWorld(robot, load_object(name), seed=seed)
        reconstruct, plane = reconstruction(world, robot, seed)
        _, row['default_ms'] = timed(lambda: reconstruct(hypotheses=DEFAULT_HYPOTHESES))
    except Dex1bError as error:
        return row | {'error': error.message}
    true = true_solid(world)
    for hypothesis in NAMES:
        shapes, spent = timed(lambda name=hypothesis: reconstruct(hypotheses=(name,)))
        for shape in shapes:
            prepared, cut = timed(lambda shape=shape: prepare_object(shape, plane))
            row['hypotheses'][hypothesis] = {
                **compare(Solid(shape.vertices, shape.faces), true),
                'ms': spent,
                'cut_ms': cut,
                'parts': len(prepared.parts),
            }
    return row


def reconstruction(
    world: SimWorld, robot: RobotDescription, seed: int
) -> tuple[Callable[..., tuple[ShapeHypothesis, ...]], Plane]:
    """`reconstruct_shapes` on what the camera sees of the object, and the support plane."""
    module = 'dex1b_core.perception.scene.reconstruct_shapes'
    with mock.patch(module, return_value=()) as called:
        scene = observe(
            [look(world, seed)], settings=PerceptionSettings(),
            robot_mask=RobotMask.from_urdf(robot.urdf_path), link_poses=world.robot.link_poses(),
        )  # fmt: skip
    seen, options = called.call_args.args, called.call_args.kwargs
    return partial(reconstruct_shapes, *seen, **options), scene.plane


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What it returns, and the least processor time of three runs [ms]."""
    spent = []
    for _ in range(3):
        begin = time.process_time()
        result = work()
        spent.append(1e3 * (time.process_time() - begin))
    return result, min(spent)


def true_solid(world: SimWorld) -> Solid:
    """The object's own mesh, closed, where it stands."""
    model, pose = world.model, world.object_pose()
    solid = repair(model.mesh, name=model.name).solid
    return Solid((solid.vertices - model.foot) @ pose[:3, :3].T + pose[:3, 3], solid.faces)


def compare(guess: Solid, true: Solid) -> dict[str, float]:
    """Intersection over union, and distances of the true surface from the guess [mm]."""
    corners = np.concatenate([guess.vertices, true.vertices])
    low, high = corners.min(axis=0), corners.max(axis=0)
    cell = max(CELL, float(np.prod(high - low) / MOST_CELLS) ** (1 / 3))
    axes = [np.arange(a + cell / 2, b, cell) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    inside = [exact_signed_distance(solid, grid) < 0 for solid in (guess, true)]
    distance = 1e3 * np.abs(surface_distance(guess, sample_surface(true, SAMPLES).points))
    return {
        'iou': float((inside[0] & inside[1]).sum() / max(1, (inside[0] | inside[1]).sum())),
        'median_mm': float(np.median(distance)),
        'p95_mm': float(np.percentile(distance, 95)),
    }


def write(folder: Path, suffix: str) -> None:
    """Write shapes.md and shapes.json."""
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob(f'*.{suffix}.json'))]
    groups = {
        'YCB': [row for row in rows if not row['object'].startswith('shape:')],
        'procedural': [row for row in rows if row['object'].startswith('shape:')],
    }
    lines = ['| objects | hypothesis | made | IoU | worst | median mm | 95 % mm | ms | cut ms | '
             'parts |', '|' + '---|' * 10]  # fmt: skip
    report: dict[str, Any] = {'objects': rows, 'groups': {}}
    for group, own in groups.items():
        for name in NAMES:
            made = [row['hypotheses'][name] for row in own if name in row['hypotheses']]
            if not made:
                continue
            mean = {key: float(np.mean([found[key] for found in made])) for key in made[0]}
            worst = min(found['iou'] for found in made)
            report['groups'].setdefault(group, {})[name] = mean | {'worst': worst}
            lines.append(
                f'| {group} | {name} | {len(made)} of {len(own)} | {mean["iou"]:.3f} | '
                f'{worst:.2f} | {mean["median_mm"]:.2f} | {mean["p95_mm"]:.1f} | {mean["ms"]:.0f} '
                f'| {mean["cut_ms"]:.0f} | {mean["parts"]:.1f} |'
            )
    seen = [row for row in rows if 'error' not in row]
    if seen:
        together = np.mean([row['default_ms'] for row in seen])
        lines.append(f'\nThe default ones together take {together:.0f} ms.')
    (folder / 'shapes.md').write_text('\n'.join(lines) + '\n')
    (folder / 'shapes.json').write_text(json.dumps(report, indent=2) + '\n')
    print((folder / 'shapes.md').read_text())


if __name__ == '__main__':
    main()
