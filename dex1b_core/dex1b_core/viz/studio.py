"""Pictures of bodies on a bright floor that fades away, with translucent ghosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import invert, look_at, transform_points
from dex1b_core.perception.frames import CameraIntrinsics
from dex1b_core.simulation.raycast import NOTHING, Body, RaycastScene
from dex1b_core.simulation.shading import Lighting

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
Colour = tuple[float, float, float]
Window = tuple[slice, slice]

BACKGROUND: Colour = (0.965, 0.970, 0.976)
FLOOR: Colour = (0.885, 0.895, 0.910)
GRID = 0.1
"""Spacing of the lines on the floor [m]."""

_GRID_HALF_WIDTH = 0.0012  # [m]
_SHADOW = 0.27
_LIGHT = Lighting(
    key=(0.45, -0.55, 1.0),
    key_strength=0.36,
    sky=0.58,
    ground=0.42,
    fill=0.26,
    sky_colours=(BACKGROUND, BACKGROUND),
)


@dataclass(frozen=True)
class View:
    """A camera and the size of its picture.

    Attributes:
        eye: Where it stands, planning frame [m].
        target: What it looks at [m].
        width: [px].
        height: [px].
        field_of_view: Vertical [degrees].
        floor_fade: Distances [m] from below the target between which the floor fades away.
    """

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    width: int
    height: int
    field_of_view: float = 36.0
    floor_fade: tuple[float, float] = (0.6, 1.5)

    @property
    def camera_pose(self) -> Array:
        """`planning_T_camera` (4, 4) of the optical frame."""
        return look_at(self.eye, self.target)

    def intrinsics(self, samples: int) -> CameraIntrinsics:
        """Of a picture with `samples` times as many pixels each way."""
        width, height = self.width * samples, self.height * samples
        focal = 0.5 * height / np.tan(0.5 * np.radians(self.field_of_view))
        return CameraIntrinsics(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)

    def window(self, points: Array, samples: int) -> Window:
        """The smallest window that holds all of (N, 3) points of the planning frame."""
        camera = self.intrinsics(samples)
        seen = transform_points(invert(self.camera_pose), points)
        if len(seen) == 0 or seen[:, 2].min() < 0.01:
            return slice(0, camera.height), slice(0, camera.width)
        columns = camera.cx + camera.fx * seen[:, 0] / seen[:, 2]
        rows = camera.cy + camera.fy * seen[:, 1] / seen[:, 2]
        return _slice(rows, camera.height), _slice(columns, camera.width)


@dataclass(frozen=True)
class Ghost:
    """Bodies drawn translucent in one colour."""

    bodies: Sequence[Body]
    poses: Mapping[str, Array]
    colour: Colour
    opacity: float = 0.5


class Studio:
    """Bodies that can be posed and drawn; one studio belongs to one thread.

    Args:
        bodies: Opaque bodies.
        samples: Rays along each side of a pixel; 2 smooths edges.
    """

    def __init__(self, bodies: Iterable[Body], *, samples: int = 2) -> None:
        self._scene = RaycastScene(bodies, _LIGHT)
        self._samples = samples
        self._floor: _Floor | None = None
        self._ghosts: dict[tuple[Colour, tuple[str, ...]], RaycastScene] = {}

    def draw(self, poses: Mapping[str, Array], view: View, ghosts: Sequence[Ghost] = ()) -> Image:
        """(height, width, 3) RGB of the bodies at `planning_T_body` on a floor at z = 0.

        Args:
            poses: By body name.
            view: From where; the floor is computed anew only when it changes.
            ghosts: Each is blended where it is in front of bodies and floor.
        """
        if self._floor is None or self._floor.view != view:
            self._floor = _Floor(view, self._samples)
        self._scene.set_poses(poses)
        colour, depth = self._floor.colour.copy(), self._floor.depth.copy()
        _add(self._scene, view, self._samples, colour, depth)
        self._floor.add_shadow(colour, depth, self._scene)
        for ghost in ghosts:
            _add(self._ghost_scene(ghost), view, self._samples, colour, depth, ghost.opacity)
        return _shrink(colour, self._samples)

    def _ghost_scene(self, ghost: Ghost) -> RaycastScene:
        key = (ghost.colour, tuple(body.name for body in ghost.bodies))
        if key not in self._ghosts:
            bodies = [replace(body, colour=ghost.colour) for body in ghost.bodies]
            self._ghosts[key] = RaycastScene(bodies, _LIGHT)
        self._ghosts[key].set_poses(ghost.poses)
        return self._ghosts[key]


class _Floor:
    """The plane z = 0 as one view sees it, with a grid, fading into the background."""

    def __init__(self, view: View, samples: int) -> None:
        self.view, self._samples = view, samples
        intrinsics, camera = view.intrinsics(samples), view.camera_pose.astype(np.float32)
        rays = intrinsics.deproject(np.ones((intrinsics.height, intrinsics.width)))
        rays = rays @ camera[:3, :3].T
        with np.errstate(divide='ignore'):
            self.depth = np.where(rays[..., 2] < -1e-4, -camera[2, 3] / rays[..., 2], np.inf)
        self.depth = self.depth.astype(np.float32)
        below = np.isfinite(self.depth)
        points = rays[below] * self.depth[below][:, None] + camera[:3, 3]
        start, end = view.floor_fade
        offset = points[:, :2] - np.array(view.target[:2], np.float32)
        fade = np.clip((np.hypot(offset[:, 0], offset[:, 1]) - start) / (end - start), 0.0, 1.0)
        opacity = np.float32(1.0) - fade * fade * (3.0 - 2.0 * fade)
        to_line = GRID * np.abs(points[:, :2] / GRID - np.rint(points[:, :2] / GRID)).min(axis=1)
        shade = 1.0 - 0.06 * (to_line < _GRID_HALF_WIDTH).astype(np.float32)
        background = 255.0 * np.array(BACKGROUND, np.float32)
        drawn = 255.0 * np.array(FLOOR, np.float32) * shade[:, None]
        self.colour = np.tile(background, (*self.depth.shape, 1))
        self.colour[below] = background + opacity[:, None] * (drawn - background)
        self.opacity = np.zeros(self.depth.shape, np.float32)
        self.opacity[below] = opacity
        self.points = np.zeros((*self.depth.shape, 3), np.float32)
        self.points[below] = points

    def add_shadow(self, colour: Any, depth: Any, scene: RaycastScene) -> None:
        """Darken the floor, where it is seen, in the shadow of the scene's bodies."""
        light = scene.lighting.key_direction
        points = _box_corners(scene)
        fallen = points - (points[:, 2:] / light[2]) * light
        window = self.view.window(fallen, self._samples)
        floor = (depth[window] == self.depth[window]) & (self.opacity[window] > 0.0)
        points = self.points[window][floor]
        up = np.broadcast_to(np.array([0.0, 0.0, 1.0], np.float32), points.shape)
        shadow = (1.0 - scene.lit(points, up)) * self.opacity[window][floor]
        colour[window][floor] *= 1.0 - _SHADOW * shadow[:, None]


def _add(
    scene: RaycastScene, view: View, samples: int, colour: Any, depth: Any, opacity: float = 1.0
) -> None:
    """Draw a scene over a picture, in place, where it is nearer; only where it can be seen."""
    window = view.window(_box_corners(scene), samples)
    whole = view.intrinsics(samples)
    rows, columns = window
    part = replace(
        whole,
        width=columns.stop - columns.start,
        height=rows.stop - rows.start,
        cx=whole.cx - columns.start,
        cy=whole.cy - rows.start,
    )
    drawn = scene.render(part, view.camera_pose)
    assert drawn.colour is not None
    nearer = (drawn.ids != NOTHING) & (drawn.depth < depth[window])
    target = colour[window]
    target[nearer] += opacity * (drawn.colour[nearer] - target[nearer])
    if opacity == 1.0:
        depth[window][nearer] = drawn.depth[nearer]


def _box_corners(scene: RaycastScene) -> Array:
    """(N, 3) corners of the boxes around all bodies, planning frame."""
    return np.concatenate(
        [transform_points(scene.poses[body.name], _corners(body)) for body in scene.bodies]
    )


def _corners(body: Body) -> Array:
    ends = np.stack([body.vertices.min(axis=0), body.vertices.max(axis=0)])
    return np.array([[ends[i, 0], ends[j, 1], ends[k, 2]] for i, j, k in np.ndindex(2, 2, 2)])


def _slice(values: Array, size: int) -> slice:
    """Of whole pixels around values, at least one."""
    start = int(np.clip(values.min() - 1.0, 0, size - 1))
    return slice(start, int(np.clip(values.max() + 2.0, start + 1, size)))


def _shrink(colour: Any, samples: int) -> Image:
    """Average blocks of samples x samples pixels."""
    total = np.zeros((colour.shape[0] // samples, colour.shape[1] // samples, 3), np.float32)
    for row in range(samples):
        for column in range(samples):
            total += colour[row::samples, column::samples]
    return np.asarray((total / samples**2 + 0.5).astype(np.uint8))
