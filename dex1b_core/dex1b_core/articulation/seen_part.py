"""Which points of one view belong to the part that a joint moves: a panel, and a handle on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.articulation.articulated_object import Array
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.object_joint import ObjectJoint

Mask = NDArray[np.bool_]

FACING = 0.85  # cosine between a panel's normal and the way in which it opens
FLAT = 0.005  # [m] within which points are on a panel
NEAR_AXIS = 0.05  # [m] a hinged panel's plane passes the hinge at most this far away
DRAWS = 200  # planes tried
LEAST_POINTS, LEAST_AREA = 60, 8e-3  # of a panel, [m^2]
SHARE = 0.25  # of the largest face's points: of faces as large the outermost moves
CELL = 0.015  # [m] a panel's points are connected across cells of this size
HANDLE = (0.012, 0.10)  # [m] before the panel
LEAST_HANDLE = 25  # points
LEVEL = 0.7  # least z of the normal of a lid: it lies on its base, and hides it from above
SIDE = 0.04  # [m] the most that a panel is taken to be thick
# of `PerceptionSettings`: handles are narrow, what is rebuilt is rebuilt by parts, furniture is no
# part of the room, and an arm that stands before it hides where its parts end
FURNITURE: dict[str, int | float] = {
    'max_points': 20000, 'reconstruct': False, 'largest_object': 3.0, 'robot_shadow': True,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Panel:
    """A flat face that the joint moves outwards.

    Attributes:
        normal: (3,) outward unit normal.
        offset: normal . p of its points [m].
        along: (2, 3) unit vectors in it; the second leads away from a hinge.
        points: (P, 3) on it [m].
    """

    normal: Array
    offset: float
    along: Array
    points: Array

    def height(self, points: Array) -> Array:
        """(N,) before the panel [m]."""
        return np.asarray(points @ self.normal - self.offset)

    def inside(self, points: Array, grown: float = 0.0) -> Mask:
        """(N,) whether points lie over the rectangle around the panel, grown by so much [m]."""
        own, other = self.points @ self.along.T, points @ self.along.T
        low, high = np.percentile(own, [1.0, 99.0], axis=0)
        return np.asarray(((other > low - grown) & (other < high + grown)).all(axis=1))


@dataclass(frozen=True, eq=False)
class SeenPart:
    """One view of an articulated object, planning frame.

    Attributes:
        panel: Of the moving part; None when it is but a rod.
        handle: (H, 3) points of a handle; empty without one [m].
        handle_normals: (H, 3) unit, towards the camera.
        moving: (M, 3) all points of the moving part [m].
        fixed: (F, 3) the others [m].
    """

    panel: Panel | None
    handle: Array
    handle_normals: Array
    moving: Array
    fixed: Array


def find_part(
    points: Array, normals: Array, joint: ObjectJoint, region: Mask | None = None, *, seed: int = 0
) -> SeenPart:
    """Split one view of an object by what its joint moves.

    A panel faces the way in which it opens, and the plane of a hinged one passes the hinge.

    Args:
        points: (N, 3) of the object [m].
        normals: (N, 3) unit, towards the camera.
        joint: Of its part; positive motion opens.
        region: (N,) points that somebody says belong to the part; needed where it has no panel.
        seed: Of the planes tried.

    Raises:
        Dex1bError: TARGET_NOT_FOUND when no panel can be moved by this joint and no region says
            what can.
    """
    if region is not None and int(region.sum()) < LEAST_HANDLE:
        raise Dex1bError(
            ErrorCode.TOO_FEW_POINTS,
            f'the moving part is named by {int(region.sum())} points; expected {LEAST_HANDLE} or '
            'more: name a larger region',
        )
    panel = find_panel(points, normals, joint, seed=seed)
    if panel is None:
        if region is None:
            raise Dex1bError(
                ErrorCode.TARGET_NOT_FOUND,
                'nothing flat that this joint could open is seen: check type, axis and origin of '
                'the model, or name the moving part with a BOX or CLOUD target',
            )
        return SeenPart(None, points[region], normals[region], points[region], points[~region])
    height, over = panel.height(points), panel.inside(points)
    handle = (height > HANDLE[0]) & (height < HANDLE[1]) & over
    if region is not None:
        handle &= region
    if handle.sum() < LEAST_HANDLE:
        handle = np.zeros_like(handle)
    # noise before the panel and the feet of handles are no obstacles to whoever grasps there
    before = panel.inside(points, CELL) & (height > -FLAT) & (height < HANDLE[1])
    beside = CELL if panel.normal[2] > LEVEL else FLAT  # nothing stands beside a lid
    side = panel.inside(points, beside) & (height < 0) & (height > -thickness(panel, points))
    moving = handle | before | side
    return SeenPart(panel, points[handle], normals[handle], points[moving], points[~moving])


def opening_directions(points: Array, joint: ObjectJoint) -> tuple[Array, Array]:
    """(N, 3) unit directions in which a joint moves points, and (N,) distances from its axis [m].

    A slide has no axis: its distances are infinite.
    """
    if joint.slides:
        return np.broadcast_to(joint.axis, points.shape), np.full(len(points), np.inf)
    way = np.cross(joint.axis, points - joint.origin)
    reach = np.linalg.norm(way, axis=1)
    return way / np.maximum(reach, 1e-9)[:, None], reach


def find_panel(points: Array, normals: Array, joint: ObjectJoint, *, seed: int = 0) -> Panel | None:
    """The flat face that a joint moves outwards; None when there is none.

    Of a hinge the largest; of a slide the outermost of the large ones, as a case has a rim.
    """
    ways, reach = opening_directions(points, joint)
    facing = ((normals * ways).sum(axis=1) > FACING) & (reach > 0.02)
    if facing.sum() < LEAST_POINTS:
        return None
    candidates, their_normals = points[facing], normals[facing]
    random = np.random.default_rng(seed)
    found: list[tuple[int, float, Array]] = []
    for index in random.integers(len(candidates), size=DRAWS):
        near = np.linalg.norm(candidates - candidates[index], axis=1) < 0.03
        normal = _across(their_normals[near].mean(axis=0), joint)
        offset = float(normal @ candidates[near].mean(axis=0))
        if not joint.slides and abs(normal @ joint.origin - offset) > NEAR_AXIS:
            continue
        count = int(_on_plane(candidates, their_normals, normal, offset).sum())
        found.append((count, offset - float(normal @ joint.origin), normal))
    most = max((count for count, _, _ in found), default=0)
    if most < LEAST_POINTS:
        return None
    large = [entry for entry in found if entry[0] > SHARE * most]
    _, outward, normal = max(large, key=lambda entry: entry[1] if joint.slides else entry[0])
    offset = outward + float(normal @ joint.origin)
    return _fitted(candidates, their_normals, joint, normal, offset)


def thickness(panel: Panel, points: Array) -> float:
    """How thick a panel is where its edge far from the hinge shows, else a guess [m]."""
    guess, slice_ = 0.014, 0.002
    away = points @ panel.along[1]
    far = np.percentile(panel.points @ panel.along[1], 99.0)
    height = panel.height(points)
    edge = (np.abs(away - far) < 0.007) & panel.inside(points, 0.01) & (height < 0)
    counts, _ = np.histogram(-height[edge], bins=np.arange(0.0, SIDE + slice_, slice_))
    if counts[1:3].sum() < 6:
        return guess
    empty = np.flatnonzero(counts[1:] < 2)
    deep = (1 + int(empty[0])) * slice_ if len(empty) else SIDE
    return float(np.clip(deep, 0.006, 0.03)) if deep < SIDE else guess


def _fitted(
    points: Array, normals: Array, joint: ObjectJoint, normal: Array, offset: float
) -> Panel | None:
    """The panel of a plane's largest connected piece, its plane fitted."""
    for _ in range(2):
        on = points[_on_plane(points, normals, normal, offset)]
        middle = on.mean(axis=0)
        spread = np.linalg.svd(on - middle, full_matrices=False)[2][2]
        spread = spread if spread @ normal > 0 else -spread
        normal = joint.axis if joint.slides else _across(spread, joint)
        offset = float(np.median(on @ normal))
    along = _along(normal, joint, middle)
    on = points[_on_plane(points, normals, normal, offset)]
    piece = on[_largest_piece(on @ along.T)]
    area = len(np.unique(np.floor(piece @ along.T / CELL), axis=0)) * CELL**2
    if len(piece) < LEAST_POINTS or area < LEAST_AREA:
        return None
    return Panel(normal, offset, along, piece)


def _along(normal: Array, joint: ObjectJoint, middle: Array) -> Array:
    """(2, 3) unit vectors in a panel, the second away from its hinge, or upright of a slide."""
    if joint.slides:
        up = np.array([0.0, 0.0, 1.0]) - normal[2] * normal
        first = np.cross(up, normal)
        if np.linalg.norm(up) < 1e-3:
            first = np.cross(normal, [1.0, 0.0, 0.0])
        first = first / np.linalg.norm(first)
        return np.stack([first, np.cross(normal, first)])
    away = np.cross(joint.axis, normal)
    away = away if away @ (middle - joint.origin) > 0 else -away
    return np.stack([joint.axis, away])


def _across(normal: Array, joint: ObjectJoint) -> Array:
    """The unit normal closest to one (3,) that a panel on this joint can have."""
    if joint.slides:
        return joint.axis
    across = normal - (normal @ joint.axis) * joint.axis
    return np.asarray(across / max(float(np.linalg.norm(across)), 1e-9))


def _on_plane(points: Array, normals: Array, normal: Array, offset: float) -> Mask:
    return np.asarray((np.abs(points @ normal - offset) < FLAT) & (normals @ normal > FACING))


def _largest_piece(plane_points: Array) -> Mask:
    """(N,) of points (N, 2) [m] in the largest connected group of cells."""
    from scipy.ndimage import label

    cells = np.floor((plane_points - plane_points.min(axis=0)) / CELL).astype(int)
    grid = np.zeros(cells.max(axis=0) + 1, dtype=int)
    np.add.at(grid, (cells[:, 0], cells[:, 1]), 1)
    labels, _ = label(grid > 0, structure=np.ones((3, 3)))
    groups = labels[cells[:, 0], cells[:, 1]]
    return np.asarray(groups == np.bincount(groups).argmax())
