"""A grasp of a moving part as a strip of pictures: before, closed, on the way, and opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.articulation.check import ArticulationChecker
from dex1b_core.articulation.grasps import ArticulationGrasps
from dex1b_core.articulation.protocol import NOMINAL, Reason
from dex1b_core.articulation.trial import ArticulationTrial
from dex1b_core.simulation.engine import Engine
from dex1b_core.simulation.raycast import Body
from dex1b_core.viz.canvas import MUTED, Headline, Tile, sheet
from dex1b_core.viz.film_strip import hand_bodies
from dex1b_core.viz.grasp_gallery import FIELD_OF_VIEW, OBJECT, OBJECT_COLOUR
from dex1b_core.viz.studio import Studio, View
from dex1b_core.viz.verdict import GREEN, RED

Array = NDArray[np.float64]

SIZE = 300  # [px] of a tile
COLUMNS = 4
BASE_COLOUR = (0.66, 0.70, 0.74)
EYE = np.array([0.75, 0.65, 0.5])  # direction to the camera: in front, above, to the right
BASE = 'object/base'


@dataclass(frozen=True, eq=False)
class Still:
    """How things stood: a name, `world_T_body` (bodies, 4, 4), `world_T_part`, the joint."""

    name: str
    body_poses: Array
    part_pose: Array
    joint: float


def draw_articulation(
    path: Path, checker: ArticulationChecker, grasps: ArticulationGrasps, row: int
) -> ArticulationTrial:
    """Simulate one grasp in the nominal world and draw its stages."""
    trial, tiles = film(checker, grasps, row)
    met = trial.strict is Reason.NONE
    words = 'opened' if met else trial.strict.value.replace('_', ' ')
    headline = Headline(
        f'{grasps.hand} at {checker.target.name}',
        f'moved {trial.share:.0%} of its range, slip {1e3 * trial.slip:.0f} mm',
        words,
        GREEN if met else RED,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet(headline, tiles, columns=COLUMNS).save(path)
    return trial


def film(
    checker: ArticulationChecker, grasps: ArticulationGrasps, row: int
) -> tuple[ArticulationTrial, list[Tile]]:
    """The trial, and a tile of each of its stages."""
    engine, stills = checker.engine(NOMINAL), []

    def take(name: str) -> None:
        stills.append(Still(name, engine.body_poses(), engine.object_pose(), engine.object_joint()))

    trial = checker.run(grasps, row, on_stage=take)
    return trial, _tiles(engine, checker.target, stills)


def _tiles(engine: Engine, target: ArticulatedObject, stills: list[Still]) -> list[Tile]:
    hand = hand_bodies(engine.scene.robot)
    moving, fixed = target.moving_solid(0.0), target.fixed_solid
    bodies = [
        Body(OBJECT, moving.vertices, moving.faces, OBJECT_COLOUR),
        Body(BASE, fixed.vertices, fixed.faces, BASE_COLOUR),
    ]
    studio = Studio([*bodies, *hand.values()], samples=2)
    view = _view(target, hand, stills)
    base = np.eye(4)
    base[2, 3] = -target.height
    tiles = []
    for still in stills:
        poses = {hand[index].name: still.body_poses[index] for index in hand}
        poses |= {OBJECT: still.part_pose, BASE: base}
        unit = 'm' if target.joint.slides else 'rad'
        moved = still.joint - target.start
        detail = f'joint moved {moved:.2f} {unit}'
        tiles.append(Tile(studio.draw(poses, view), still.name, detail, MUTED))
    return tiles


def _view(target: ArticulatedObject, hand: dict[int, Body], stills: list[Still]) -> View:
    """Sees the base and the hand in all stages."""
    points = [part.vertices - [0.0, 0.0, target.height] for part in target.fixed]
    for still in stills:
        points += [
            body.vertices @ still.body_poses[i][:3, :3].T + still.body_poses[i][:3, 3]
            for i, body in hand.items()
        ]
    corners = np.vstack(points)
    middle = 0.5 * (corners.min(axis=0) + corners.max(axis=0))
    size = float(np.linalg.norm(np.ptp(corners, axis=0)))
    away = 0.5 * size / np.tan(0.5 * np.radians(FIELD_OF_VIEW))
    eye = middle + away * EYE / np.linalg.norm(EYE)
    (x, y, z), (at_x, at_y, at_z) = eye.tolist(), middle.tolist()
    return View(
        (x, y, z), (at_x, at_y, at_z), SIZE, SIZE, field_of_view=FIELD_OF_VIEW,
        floor_fade=(0.6, 1.4),
    )  # fmt: skip
