"""A hold check as a strip of pictures: start, closed, and after each push."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.geometry.convex import convex_part
from dex1b_core.geometry.solids import fuse
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.body_tree import BodyTree
from dex1b_core.simulation.engine import EngineName, make_engine
from dex1b_core.simulation.filmed_engine import FilmedEngine, Moment
from dex1b_core.simulation.grasp_judge import source_of
from dex1b_core.simulation.hold_check import DIRECTIONS, HoldChecker, HoldTrial, Postures
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.raycast import Body
from dex1b_core.simulation.scene_description import SceneDescription
from dex1b_core.simulation.urdf_bodies import read_body_tree
from dex1b_core.viz.canvas import MUTED, Headline, Tile, sheet
from dex1b_core.viz.grasp_gallery import FIELD_OF_VIEW, OBJECT, OBJECT_COLOUR, seen_from
from dex1b_core.viz.hand_picture import FINGERS, PALM
from dex1b_core.viz.studio import Studio, View
from dex1b_core.viz.verdict import GREEN, RED

Array = NDArray[np.float64]

SIZE = 300  # [px] of a tile
COLUMNS = 4
_GAP = 1e-4  # [m] between convex parts of one body
_CLEAR = 0.05  # [m] of the lowest point above the floor


def draw_film(
    path: Path, grasps: GraspSet, row: int, protocol: HoldProtocol, engine: EngineName
) -> HoldTrial:
    """Simulate one grasp once more and draw how things stood.

    Args:
        path: Of the picture.
        grasps: The set.
        row: Which of them.
        protocol: What is asked.
        engine: Which simulates.
    """
    tree = read_body_tree(source_of(grasps))
    engines: list[FilmedEngine] = []

    def filmed(scene: SceneDescription) -> FilmedEngine:
        made = make_engine(engine, scene, published=protocol.published_contacts)
        engines.append(FilmedEngine(made))
        return engines[-1]

    checker = HoldChecker(tree, grasps.object_parts, protocol, filmed)
    postures = Postures(grasps.pregrasp[row], grasps.grasp[row], grasps.squeeze[row])
    trial = checker.run(grasps.object_T_hand[row], postures, grasps.plane)
    moments = engines[0].finish() if engines[0].moments else []
    held = trial.reason is FailureReason.NONE
    reason = trial.reason.name.lower().replace('_', ' ')
    words = 'holds' if held else f'{reason} {trial.stage}'.strip()
    headline = Headline(
        f'{grasps.hand} at {grasps.object}, grasp {row}', f'{engine}', words, GREEN if held else RED
    )
    tiles = _tiles(tree, grasps, moments, trial)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet(headline, tiles, columns=COLUMNS).save(path)
    return trial


def _tiles(
    tree: BodyTree, grasps: GraspSet, moments: Sequence[Moment], trial: HoldTrial
) -> list[Tile]:
    bodies = hand_bodies(tree)
    part = fuse([convex_part(corners) for corners in grasps.object_parts], gap=_GAP)
    target = Body(OBJECT, part.vertices, part.faces, OBJECT_COLOUR)
    studio = Studio([target, *bodies.values()], samples=2)
    if not moments:
        return [Tile(np.full((SIZE, SIZE, 3), 255, dtype=np.uint8), 'never placed')]
    view, lift = _view(bodies, target, moments[0])
    tiles = []
    for moment in moments:
        poses = {bodies[i].name: lift @ moment.body_poses[i] for i in bodies}
        poses[OBJECT] = lift @ moment.object_pose
        shift = 1e3 * float(np.linalg.norm(moment.object_pose[:3, 3]))
        cosine = (np.trace(moment.object_pose[:3, :3]) - 1.0) / 2.0
        turn = float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
        colour, title = MUTED, moment.name
        if moment.name in DIRECTIONS:
            held = trial.directions[DIRECTIONS.index(moment.name)] == 1
            colour, title = (GREEN if held else RED), f'pushed along {moment.name}'
        detail = f'moved {shift:.1f} mm, turned {turn:.1f} degrees'
        tiles.append(Tile(studio.draw(poses, view), title, detail, colour))
    return tiles


def hand_bodies(tree: BodyTree) -> dict[int, Body]:
    """Bodies with shapes, by index, each finger in its colour."""
    owner = tree.fingers()
    found = {}
    for index, body in enumerate(tree.bodies):
        if body.shapes:
            mesh: Any = trimesh.util.concatenate([shape.solid() for shape in body.shapes])
            colour = PALM if owner[index] < 0 else FINGERS[owner[index] % len(FINGERS)]
            vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
            found[index] = Body(body.name, vertices, faces, colour)
    return found


def _view(bodies: dict[int, Body], target: Body, moment: Moment) -> tuple[View, Array]:
    """A camera that sees everything as it stood, and how it is lifted above the floor."""
    corners = [
        body.vertices @ moment.body_poses[i][:3, :3].T + moment.body_poses[i][:3, 3]
        for i, body in bodies.items()
    ]
    points = np.vstack([target.vertices, *corners])
    lift = np.eye(4)
    lift[2, 3] = _CLEAR - float(points[:, 2].min())
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0)) + lift[:3, 3]
    size = float(np.linalg.norm(np.ptp(points, axis=0)))
    away = 0.58 * size / np.tan(0.5 * np.radians(FIELD_OF_VIEW))
    eye = middle + away * seen_from(moment.body_poses[0][:3, 3])
    (x, y, z), (at_x, at_y, at_z) = eye.tolist(), middle.tolist()
    view = View(
        (x, y, z), (at_x, at_y, at_z), SIZE, SIZE, field_of_view=FIELD_OF_VIEW,
        floor_fade=(0.3, 0.9),
    )  # fmt: skip
    return view, lift
