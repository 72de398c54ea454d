"""A hand's description as a picture: fingers, palm frame, collision spheres, contact candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw

from dex1b_core.geometry import invert, transform_points
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.robots.link_geometry import collision_hulls
from dex1b_core.simulation.raycast import Body
from dex1b_core.viz.canvas import INK, PAPER, Headline, Tile, font, sheet
from dex1b_core.viz.studio import Ghost, Studio, View

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
Colour = tuple[float, float, float]

SIZE = (520, 600)  # [px] of each view
FIELD_OF_VIEW = 26.0  # [degrees]
PALM: Colour = (0.62, 0.65, 0.70)
FINGERS: tuple[Colour, ...] = (
    (0.90, 0.36, 0.20),
    (0.16, 0.47, 0.78),
    (0.20, 0.62, 0.42),
    (0.58, 0.36, 0.76),
    (0.85, 0.62, 0.13),
    (0.30, 0.64, 0.72),
)
NORMAL: Colour = (0.80, 0.12, 0.30)
ALONG: Colour = (0.12, 0.30, 0.62)


@dataclass(frozen=True)
class _Label:
    """Words at a point of the planning frame."""

    point: Array
    words: str
    colour: Colour


def hand_picture(model: HandModel) -> Any:
    """Three views: the open hand with its palm frame, spheres and contacts of the ready hand.

    Returns:
        `PIL.Image.Image`.
    """
    scene = _HandScene(model)
    front, oblique, side = (1.0, 0.25, 0.10), (0.75, -0.75, 0.30), (0.50, 0.95, 0.15)
    tiles = [
        scene.fingers(front),
        scene.spheres(oblique),
        scene.contacts(side),
    ]
    return sheet(_headline(model), tiles, columns=3)


def _headline(model: HandModel) -> Headline:
    moving = len(model.kinematics.all_joint_names)
    driven = len(model.kinematics.joint_names)
    follow = f', {moving - driven} follow' if moving > driven else ''
    return Headline(
        model.hand.key,
        f'{len(model.finger_names)} fingers   {driven} driven joints{follow}   '
        f'licence: {model.hand.licence}',
    )


class _HandScene:
    """The hand's links as bodies; fingers point up, the palm faces +x."""

    def __init__(self, model: HandModel) -> None:
        self._model = model
        names = model.kinematics.link_names
        hulls = collision_hulls(model.hand.urdf_path, names)
        owners = model.link_fingers.tolist()
        self._colours = [PALM if owner < 0 else FINGERS[owner % len(FINGERS)] for owner in owners]
        self._links = [
            _body(name, trimesh.util.concatenate(hulls[name]), colour)
            for name, colour in zip(names, self._colours, strict=True)
            if hulls[name]
        ]
        self._turned = _upright(model)

    def _poses(self, posture: torch.Tensor) -> dict[str, Array]:
        """planning_T_link with the lowest point of the hand a little over the floor."""
        placed = self._model.kinematics.forward(posture[None])[0].double().numpy()
        names = self._model.kinematics.link_names
        poses = {name: self._turned @ pose for name, pose in zip(names, placed, strict=True)}
        low = min(float(self._points(poses, body)[:, 2].min()) for body in self._links)
        lift = np.eye(4)
        lift[2, 3] = 0.02 - low
        return {name: lift @ pose for name, pose in poses.items()}

    def _points(self, poses: Mapping[str, Array], body: Body) -> Array:
        return transform_points(poses[body.name], body.vertices)

    def _view(self, poses: Mapping[str, Array], direction: Sequence[float]) -> View:
        points = np.concatenate([self._points(poses, body) for body in self._links])
        middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
        size = float(np.linalg.norm(np.ptp(points, axis=0)))
        away = 0.50 * size / np.tan(0.5 * np.radians(FIELD_OF_VIEW))
        eye = middle + away * np.asarray(direction) / np.linalg.norm(direction)
        x, y, z = middle.tolist()
        return View(
            (float(eye[0]), float(eye[1]), float(eye[2])), (x, y, z), *SIZE,
            field_of_view=FIELD_OF_VIEW, floor_fade=(0.3, 0.9),
        )  # fmt: skip

    def fingers(self, direction: Sequence[float]) -> Tile:
        """The open hand: each finger in its colour with its name, and the palm frame."""
        model = self._model
        poses = self._poses(model.open_posture)
        view = self._view(poses, direction)
        palm = poses[model.hand.palm.link]
        start = _palm_face(model, poses)
        arrows, labels = [], []
        for name, way, colour, length in (
            ('palm normal', model.hand.palm.normal, NORMAL, 0.055),
            ('fingers', model.hand.palm.fingers, ALONG, 0.055),
        ):
            end = start + length * (palm[:3, :3] @ np.asarray(way))
            arrows.append(_body(name, _arrow(start, end), colour))
            labels.append(_Label(end, name, colour))
        for index, name in enumerate(model.finger_names):
            tip = poses[model.kinematics.link_names[int(model.tip_links[index])]][:3, 3]
            words = f'{name} (thumb)' if index == 0 and name != 'thumb' else name
            above = tip + np.array([0.0, 0.0, 0.012])
            labels.append(_Label(above, words, FINGERS[index % len(FINGERS)]))
        studio = Studio([*arrows], samples=2)
        ghosts = [Ghost(group, poses, colour, 0.72) for colour, group in self._by_colour()]
        picture = _labelled(studio.draw(poses, view, ghosts), view, labels)
        return Tile(picture, 'Open posture', 'fingers, palm frame, thumb in orange', INK)

    def spheres(self, direction: Sequence[float]) -> Tile:
        """The ready hand: collision spheres inside the translucent collision geometry."""
        model = self._model
        poses = self._poses(model.ready_posture)
        view = self._view(poses, direction)
        spheres = model.spheres
        bodies = []
        names = model.kinematics.link_names
        for link in sorted(set(spheres.links.tolist())):
            mine = spheres.links == link
            balls = []
            for centre, radius in zip(
                spheres.positions[mine].numpy(), spheres.radii[mine].numpy(), strict=True
            ):
                ball = trimesh.creation.icosphere(subdivisions=3, radius=float(radius))
                balls.append(ball.apply_translation(centre))
            mesh = trimesh.util.concatenate(balls)
            bodies.append(_body(names[link], mesh, self._colours[link]))
        studio = Studio(bodies, samples=2)
        ghosts = [Ghost(group, poses, colour, 0.28) for colour, group in self._by_colour()]
        report = model.sphere_report()
        p95 = 1e3 * np.mean([row.uncovered_p95 for row in report])
        out = 1e3 * max(row.overshoot_max for row in report)
        detail = f'surface uncovered by {p95:.1f} mm (p95), spheres out by {out:.1f} mm at most'
        title = f'Ready posture: {len(spheres.radii)} spheres'
        return Tile(studio.draw(poses, view, ghosts), title, detail, INK)

    def contacts(self, direction: Sequence[float]) -> Tile:
        """The ready hand: contact candidates with their normals on translucent geometry."""
        model = self._model
        poses = self._poses(model.ready_posture)
        view = self._view(poses, direction)
        contacts = model.contacts
        bodies, names = [], model.kinematics.link_names
        for link in sorted(set(contacts.links.tolist())):
            mine = contacts.links == link
            parts = []
            for point, normal in zip(
                contacts.positions[mine].double().numpy(),
                contacts.normals[mine].double().numpy(),
                strict=True,
            ):
                dot = trimesh.creation.icosphere(subdivisions=2, radius=0.0013)
                parts.append(dot.apply_translation(point))
                parts.append(_stick(point, point + 0.008 * normal, 0.0004))
            dark = tuple(0.72 * value for value in self._colours[link])
            bodies.append(_body(names[link], trimesh.util.concatenate(parts), dark))
        studio = Studio(bodies, samples=2)
        ghosts = [Ghost(group, poses, colour, 0.30) for colour, group in self._by_colour()]
        title = f'Ready posture: {len(contacts.links)} contact candidates'
        detail = 'on fingertips and distal pads, with outward normals'
        return Tile(studio.draw(poses, view, ghosts), title, detail, INK)

    def _by_colour(self) -> list[tuple[Colour, list[Body]]]:
        groups: dict[Colour, list[Body]] = {}
        for body in self._links:
            groups.setdefault(body.colour, []).append(body)
        return list(groups.items())


def _upright(model: HandModel) -> Array:
    """planning_T_root: fingers along z, palm normal along x."""
    names = model.kinematics.link_names
    palm = model.kinematics.forward(model.open_posture[None])[0, names.index(model.hand.palm.link)]
    turn = palm[:3, :3].double().numpy()
    up, front = (turn @ np.asarray(v) for v in (model.hand.palm.fingers, model.hand.palm.normal))
    pose = np.eye(4)
    pose[0, :3], pose[1, :3], pose[2, :3] = front, np.cross(up, front), up
    return pose


def _palm_face(model: HandModel, poses: Mapping[str, Array]) -> Array:
    """Middle of the palm's front, planning frame: where the arrows begin."""
    names = model.kinematics.link_names
    points = [
        transform_points(poses[names[link]], position[None].double().numpy())[0]
        for link, position in zip(
            model.surface.links.tolist(), model.surface.positions, strict=True
        )
        if int(model.link_fingers[link]) < 0
    ]
    if not points:
        return np.array(poses[model.hand.palm.link][:3, 3])
    cloud = np.array(points)
    middle: Array = 0.5 * (cloud.min(axis=0) + cloud.max(axis=0))
    near = np.linalg.norm(cloud[:, 1:] - middle[1:], axis=1) < 0.03
    middle[0] = cloud[near, 0].max() if near.any() else cloud[:, 0].max()
    return middle


def _body(name: str, mesh: Any, colour: Any) -> Body:
    return Body(name, np.asarray(mesh.vertices), np.asarray(mesh.faces), colour)


def _stick(start: Array, end: Array, radius: float) -> Any:
    return trimesh.creation.cylinder(radius, segment=[start, end], sections=10)


def _arrow(start: Array, end: Array) -> Any:
    length = float(np.linalg.norm(end - start))
    neck = start + (1.0 - 0.014 / length) * (end - start)
    head = trimesh.creation.cone(radius=0.005, height=0.014, sections=24)
    head.apply_transform(trimesh.geometry.align_vectors([0, 0, 1], end - start))
    return trimesh.util.concatenate([_stick(start, neck, 0.0018), head.apply_translation(neck)])


def _labelled(picture: Image, view: View, labels: Sequence[_Label]) -> Image:
    """The picture with words at points, on a light ground, moved apart where they would overlap."""
    page = Pictures.fromarray(picture)
    draw = ImageDraw.Draw(page, 'RGBA')
    camera = view.intrinsics(1)
    words_font = font(13, bold=True)
    taken: list[tuple[float, float, float, float]] = []
    for label in labels:
        x, y, z = transform_points(invert(view.camera_pose), label.point[None])[0]
        column, row = camera.cx + camera.fx * x / z, camera.cy + camera.fy * y / z
        half = 0.5 * draw.textlength(label.words, words_font) + 5
        column = float(np.clip(column, half + 4, view.width - half - 4))
        for shift in (0, -12, 12, -20, 20, -28, 28, -36, 36):
            middle = float(np.clip(row + shift, 13, view.height - 13))
            box = (column - half, middle - 9, column + half, middle + 9)
            if not any(_overlap(box, other) for other in taken):
                break
        taken.append(box)
        red, green, blue = (round(255 * value) for value in PAPER)
        draw.rounded_rectangle(box, 6, fill=(red, green, blue, 215))
        ink = tuple(round(255 * 0.85 * value) for value in label.colour)
        draw.text((column, middle), label.words, ink, words_font, anchor='mm')
    return np.asarray(page)


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
