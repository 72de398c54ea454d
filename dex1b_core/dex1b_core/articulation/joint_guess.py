"""A guess at the joint of a part from one view: a handle and the panel it stands on.

Upright panels with an upright bar, or a knob near one side, turn about the other side; with a level
bar, or a knob in the middle, they slide out. Level panels are lids, hinged on the side away from
their handle. What shows no handle on a panel is refused; a guess says how confident it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dex1b_core.articulation.articulated_object import Array
from dex1b_core.articulation.seen_part import (
    CELL,
    HANDLE,
    LEAST_HANDLE,
    LEAST_POINTS,
    SHARE,
    Panel,
    find_panel,
)
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation.object_joint import ObjectJoint

UPRIGHT = 0.25  # largest |z| of an upright panel's normal
LEVEL = 0.9  # least z of a lid's
LONG = 2.0  # a handle longer than wide by this is a bar
ASIDE = 0.28  # part of the width within which a handle is near a side
WHOLE = 0.9  # part of what hangs together before a panel that a handle has at least
THICKNESS = 0.016  # [m] of panels, behind whose face the hinge lies
SLIDE, TURN = 0.3, 1.6  # [m], [rad] assumed ranges


@dataclass(frozen=True, eq=False)
class JointGuess:
    """A joint that a view suggests.

    Attributes:
        joint: Planning frame, its position 0 where the part is now; range assumed.
        confidence: 0 to 1, set by hand: how clearly handle and panel speak.
        reason: In words.
    """

    joint: ObjectJoint
    confidence: float
    reason: str


def guess_joint(points: Array, normals: Array, *, seed: int = 0) -> JointGuess:
    """The joint of a handle's panel.

    Args:
        points: (N, 3) of the object, planning frame, z up [m].
        normals: (N, 3) unit, towards the camera.
        seed: Of the planes tried.

    Raises:
        Dex1bError: TARGET_NOT_FOUND when no panel with a handle is seen.
    """
    best: tuple[int, Panel, Array] | None = None
    for panel in _panels(points, normals, seed):
        height = panel.height(points)
        over = panel.inside(points) & (height > HANDLE[0]) & (height < HANDLE[1])
        handle = points[over]
        if len(handle) < LEAST_HANDLE or _goes_on(points[height > HANDLE[0]], handle):
            continue
        if best is None or len(handle) > best[0]:
            best = len(handle), panel, handle
    if best is None:
        raise Dex1bError(
            ErrorCode.TARGET_NOT_FOUND,
            'no panel with a handle is seen, from which a joint could be guessed: give the model, '
            'or let the part be seen at two places',
        )
    _, panel, handle = best
    if panel.normal[2] > LEVEL:
        return _lid(panel, handle)
    return _front(panel, handle)


def _goes_on(before: Array, handle: Array) -> bool:
    """Whether points (H, 3) are but an end of something among all those (N, 3) before a panel.

    A handle ends where its panel does: what goes on beyond it, as a laptop's screen above its keys
    or a tap above its foot, is none.
    """
    from scipy.ndimage import label

    low = before.min(axis=0)
    cells, own = (np.floor((these - low) / CELL).astype(int) for these in (before, handle))
    grid = np.zeros(cells.max(axis=0) + 1, dtype=bool)
    grid[tuple(cells.T)] = True
    pieces, _ = label(grid, structure=np.ones((3, 3, 3)))
    touched = np.isin(pieces[tuple(cells.T)], np.unique(pieces[tuple(own.T)]))
    return len(handle) < WHOLE * int(touched.sum())


def _panels(points: Array, normals: Array, seed: int) -> list[Panel]:
    """Upright faces in several directions, and level ones."""
    ways = [np.array([0.0, 0.0, 1.0])]
    level = normals[np.abs(normals[:, 2]) < UPRIGHT]
    if len(level) >= LEAST_POINTS:
        angles = np.arctan2(level[:, 1], level[:, 0])
        counts, edges = np.histogram(angles, bins=36, range=(-np.pi, np.pi))
        for index in np.flatnonzero(counts > SHARE * counts.max()):
            near = np.abs(_turned(angles - 0.5 * (edges[index] + edges[index + 1]))) < 0.2
            way = level[near].mean(axis=0) * [1.0, 1.0, 0.0]
            ways.append(way / np.linalg.norm(way))
    panels = []
    for way in ways:
        slide = ObjectJoint('prismatic', way, np.zeros(3), 0.0, SLIDE)
        panel = find_panel(points, normals, slide, seed=seed)
        if panel is not None and len(panel.points) >= LEAST_POINTS:
            panels.append(panel)
    return panels


def _front(panel: Panel, handle: Array) -> JointGuess:
    """Door or drawer, by the handle's shape and place."""
    across, up = panel.along
    width = np.percentile(panel.points @ across, [1.0, 99.0])
    place = float((np.median(handle @ across) - width[0]) / np.ptp(width))
    size = [float(np.ptp(np.percentile(handle @ way, [3.0, 97.0]))) for way in (across, up)]
    near_side = min(place, 1.0 - place)
    if size[0] > LONG * size[1]:
        confidence = 0.9 if near_side > ASIDE else 0.5
        return _drawer(panel, confidence, 'a level bar on an upright panel')
    if size[1] <= LONG * size[0] and near_side > ASIDE:
        return _drawer(panel, 0.6, 'a knob in the middle of an upright panel')
    upright = size[1] > LONG * size[0]
    what = 'an upright bar' if upright else 'a knob'
    confidence = (0.9 if upright else 0.8) if near_side < ASIDE else 0.4
    side = width[1] if place < 0.5 else width[0]
    middle = panel.points.mean(axis=0)
    origin = middle + (side - middle @ across) * across - THICKNESS * panel.normal
    away = across if place > 0.5 else -across
    axis = _axis(away, panel.normal)
    joint = ObjectJoint('revolute', axis, origin, 0.0, TURN)
    return JointGuess(joint, confidence, f'{what} beside one side of an upright panel')


def _drawer(panel: Panel, confidence: float, reason: str) -> JointGuess:
    origin = panel.points.mean(axis=0)
    return JointGuess(
        ObjectJoint('prismatic', panel.normal, origin, 0.0, SLIDE), confidence, reason
    )


def _lid(panel: Panel, handle: Array) -> JointGuess:
    """Hinged on the side of the panel's rectangle that is farthest from the handle."""
    middle = panel.points.mean(axis=0)
    flat = (panel.points - middle) @ panel.along.T
    ways = _rectangle(flat) @ panel.along
    best: tuple[float, Array, Array] | None = None
    for way in (*ways, *-ways):
        edge = float(np.percentile((panel.points - middle) @ way, 1.0))
        far = float(np.percentile((panel.points - middle) @ way, 99.0))
        place = float((np.median((handle - middle) @ way) - edge) / (far - edge))
        if best is None or place > best[0]:
            origin = middle + edge * way - THICKNESS * panel.normal
            best = place, way, origin
    assert best is not None
    place, away, origin = best
    joint = ObjectJoint('revolute', _axis(away, panel.normal), origin, 0.0, TURN)
    confidence = 0.85 if place > 0.75 else 0.5
    return JointGuess(joint, confidence, 'a handle on a level panel')


def _rectangle(flat: Array) -> Array:
    """(2, 2) unit directions of the smallest rectangle around points (N, 2)."""
    sizes = []
    for angle in np.radians(np.arange(0.0, 90.0, 1.0)):
        way = np.array([np.cos(angle), np.sin(angle)])
        other = np.array([-way[1], way[0]])
        spans = [np.ptp(np.percentile(flat @ d, [1.0, 99.0])) for d in (way, other)]
        sizes.append((float(spans[0] * spans[1]), way, other))
    _, way, other = min(sizes, key=lambda entry: entry[0])
    return np.stack([way, other])


def _axis(away: Array, normal: Array) -> Array:
    """The unit axis about which what lies `away` from it moves along `normal`."""
    axis = np.cross(away, normal)
    return np.asarray(axis / np.linalg.norm(axis))


def _turned(angle: Array) -> Array:
    """Angles between -pi and pi [rad]."""
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)
