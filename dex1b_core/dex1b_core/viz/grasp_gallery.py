"""Grasps of one object side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray

from dex1b_core.geometry.object_model import ObjectModel
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.robots.link_geometry import collision_hulls
from dex1b_core.simulation.raycast import Body
from dex1b_core.synthesis.batch import GraspBatch
from dex1b_core.synthesis.seeds import Seeds
from dex1b_core.viz.canvas import MUTED, Colour, Headline, Tile, sheet
from dex1b_core.viz.hand_picture import FINGERS, PALM
from dex1b_core.viz.studio import Studio, View

Array = NDArray[np.float64]
SIZE = 360  # [px] of a tile
FIELD_OF_VIEW = 28.0  # [degrees]
OBJECT = 'object'
OBJECT_COLOUR = (0.93, 0.91, 0.86)
COLUMNS = 4
SHOWN = 8


@dataclass(frozen=True)
class GalleryTile:
    """A grasp to show.

    Attributes:
        object_T_root: (4, 4) of the hand.
        posture: (J,) [rad], in the order of the hand's kinematics.
        title, detail: Words under it.
        colour: Of the mark before the title.
    """

    object_T_root: Array
    posture: Array
    title: str
    detail: str
    colour: Colour = MUTED


def draw_gallery(path: Path, hand: HandModel, model: ObjectModel, seeds: Seeds) -> None:
    """Draw up to eight of the better half of the grasps, chosen far from each other."""
    half = max(SHOWN, len(seeds.score) // 2)
    grasps = seeds.grasps
    tiles = []
    for row in _varied(grasps.select(torch.arange(min(half, len(seeds.score))))):
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = grasps.rotation[row].numpy(), grasps.translation[row].numpy()
        detail = f'predicted to hold {float(seeds.score[row]):.0%}'
        tiles.append(GalleryTile(pose, grasps.grasp[row].numpy(), f'rank {row + 1}', detail))
    extents = ' x '.join(f'{100 * size:.1f}' for size in model.extents)
    headline = Headline(
        f'{hand.hand.key} at {model.spec}',
        f'{len(seeds.score)} grasps of {seeds.made} optimised   object {extents} cm',
    )
    draw_tiles(path, headline, hand, (model.vertices, model.faces), tiles)


def draw_tiles(
    path: Path,
    headline: Headline,
    hand: HandModel,
    target: tuple[Array, NDArray[np.int64]],
    tiles: Sequence[GalleryTile],
) -> None:
    """Draw grasps of an object with vertices (V, 3) [m] and faces (F, 3)."""
    links = link_bodies(hand)
    body = Body(OBJECT, target[0], target[1], OBJECT_COLOUR)
    studio = Studio([body, *links], samples=2)
    drawn = [_tile(studio, links, body, hand, tile) for tile in tiles]
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet(headline, drawn, columns=COLUMNS).save(path)


def link_bodies(hand: HandModel) -> list[Body]:
    """Collision shapes of each link, named as the link, in its frame; a colour a finger."""
    names = hand.kinematics.link_names
    hulls = collision_hulls(hand.hand.urdf_path, names)
    bodies = []
    for name, owner in zip(names, hand.link_fingers.tolist(), strict=True):
        if hulls[name]:
            mesh: Any = trimesh.util.concatenate(hulls[name])
            colour = PALM if owner < 0 else FINGERS[owner % len(FINGERS)]
            bodies.append(Body(name, np.asarray(mesh.vertices), np.asarray(mesh.faces), colour))
    return bodies


def _varied(grasps: GraspBatch) -> list[int]:
    """Rows, each chosen with its wrist farthest from those before; the best first."""
    chosen = [0]
    distance = (grasps.translation - grasps.translation[0]).norm(dim=1)
    while len(chosen) < min(SHOWN, len(grasps)):
        chosen.append(int(distance.argmax()))
        last = (grasps.translation - grasps.translation[chosen[-1]]).norm(dim=1)
        distance = torch.minimum(distance, last)
    return sorted(chosen)


def _tile(
    studio: Studio, links: list[Body], target: Body, hand: HandModel, tile: GalleryTile
) -> Tile:
    wrist = tile.object_T_root
    posture = torch.as_tensor(tile.posture, dtype=torch.float32)
    placed = hand.kinematics.forward(posture[None])[0].double().numpy()
    poses = {
        name: wrist @ pose for name, pose in zip(hand.kinematics.link_names, placed, strict=True)
    }
    corners = [body.vertices @ poses[body.name][:3, :3].T + poses[body.name][:3, 3]
               for body in links]  # fmt: skip
    points = np.vstack([target.vertices, *corners])
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    lift = np.eye(4)
    lift[2, 3] = 0.02 - float(points[:, 2].min())
    poses = {name: lift @ pose for name, pose in {**poses, OBJECT: np.eye(4)}.items()}
    x, y, z = (middle + lift[:3, 3]).tolist()
    size = float(np.linalg.norm(np.ptp(points, axis=0)))
    away = 0.52 * size / np.tan(0.5 * np.radians(FIELD_OF_VIEW))
    eye = np.array([x, y, z]) + away * seen_from(wrist[:3, 3])
    view = View(
        (float(eye[0]), float(eye[1]), float(eye[2])), (x, y, z), SIZE, SIZE,
        field_of_view=FIELD_OF_VIEW, floor_fade=(0.3, 0.9),
    )  # fmt: skip
    return Tile(studio.draw(poses, view), tile.title, tile.detail, tile.colour)


def seen_from(wrist: Array) -> Array:
    """Unit direction to a camera that sees the hand from the side and a little from above."""
    side = np.cross(wrist, [0.0, 0.0, 1.0])
    if np.linalg.norm(side) < 0.01:
        side = np.array([0.0, 0.01, 0.0])
    direction = side / np.linalg.norm(side) + 0.4 * wrist / max(float(np.linalg.norm(wrist)), 1e-6)
    direction[2] = max(direction[2], 0.0) + 0.35
    return np.asarray(direction / np.linalg.norm(direction))
