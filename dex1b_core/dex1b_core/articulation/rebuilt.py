"""From what one view shows of a moving part to an articulated object that can be simulated.

What is not seen is guessed: a panel's back lies its thickness behind it; bars and knobs are as deep
as they are wide and the same from both sides; a base fills what it covers down to the support, and
below a lid up to this, alike on both sides of it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dex1b_core.articulation.articulated_object import Array, ArticulatedObject
from dex1b_core.articulation.seen_part import CELL, LEVEL, Panel, SeenPart, thickness
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.convex import ConvexPart, convex_part
from dex1b_core.geometry.solids import fuse
from dex1b_core.simulation.object_joint import ObjectJoint

DENSITY = 400.0  # [kg/m^3] of what moves
HEAVIEST = 3.0  # [kg]
TURNING, SLIDING = (0.15, 0.15), (2.0, 6.0)  # friction and damping taken for granted
HOLDING = 1.3  # friction of what stands open by itself, as a part of its weight's torque
GRAVITY = 9.81  # [m/s^2]
NARROWEST, WIDEST = 0.008, 0.05  # [m] of bars and knobs
BAR = 2.5  # so many times as long as wide
CAP = 0.012  # [m] of what is held that is looked at first, from its front,
OUTLIER = 0.003  # [m] and what lies before that is noise
GAP = 0.001  # [m] between a panel and what lies behind it


def rebuilt(
    seen: SeenPart, joint: ObjectJoint, displacement: float, support: float = 0.0
) -> ArticulatedObject:
    """The object as far as it is known, in the planning frame, its joint at 0 where it is now.

    Args:
        seen: Its parts.
        joint: Its axis; positive motion opens. Range, friction and damping are not used.
        displacement: How far it shall move [rad or m].
        support: Height of the plane it stands on [m].

    Raises:
        Dex1bError: SHAPE_INVALID when too little is seen to make a body.
    """
    handle: tuple[int, ...] = (0,)
    deep = 0.0
    if seen.panel is None:
        moving = _rods(seen)
    else:
        deep = thickness(seen.panel, np.vstack([seen.moving, seen.fixed]))
        pieces = _handle(seen, seen.panel)
        moving = [_slab(seen.panel, deep), *pieces]
        handle = tuple(range(1, len(moving)))
    fixed = _base(seen, support, deep)
    solid = fuse(moving)
    mass = float(np.clip(DENSITY * solid.volume, 0.02, HEAVIEST))
    friction, damping = SLIDING if joint.slides else TURNING
    if not joint.slides:
        weight = np.cross(solid.centre - joint.origin, [0.0, 0.0, -mass * GRAVITY]) @ joint.axis
        friction = max(friction, HOLDING * abs(float(weight)) if seen.panel is not None else 0.0)
    limited = replace(joint, lower=0.0, upper=displacement, friction=friction, damping=damping)
    return ArticulatedObject('seen', '', tuple(moving), tuple(fixed), limited, 0.0, mass, handle)


def _slab(panel: Panel, deep: float) -> ConvexPart:
    flat = panel.points - np.outer(panel.height(panel.points), panel.normal)
    return _hull(np.vstack([flat, flat - deep * panel.normal]), 'the panel')


def _handle(seen: SeenPart, panel: Panel) -> list[ConvexPart]:
    """What is held in front, and what it stands on."""
    if not len(seen.handle):
        return []
    points, height = seen.handle, panel.height(seen.handle)
    top = float(np.percentile(height, 98.0))
    front = height > top - CAP
    _, low, high = _outline(points[front], panel.normal)
    long, wide = high - low
    if long > BAR * wide:
        wide = min(float(np.clip(wide, NARROWEST, WIDEST)), 0.8 * top)
        grip = _bar(points, panel, top, wide)
    else:
        grip, wide = _knob(seen, panel, top)
    return [_hull(grip, 'the handle'), *_posts(points[height < top - wide], panel, top - wide)]


def _bar(points: Array, panel: Panel, top: float, wide: float) -> Array:
    """What is seen of a bar, and the same mirrored to its back."""
    height = panel.height(points)
    front = points[(height > top - 0.6 * wide) & (height < top + OUTLIER)]
    middle = panel.offset + top - 0.5 * wide
    behind = front - np.outer(2.0 * (front @ panel.normal - middle), panel.normal)
    return np.vstack([front, behind])


def _knob(seen: SeenPart, panel: Panel, top: float) -> tuple[Array, float]:
    """What is seen of a knob and the same turned about its middle; how wide it is [m]."""
    points, height = seen.handle, panel.height(seen.handle)
    wide = CAP
    for _ in range(3):  # how deep it is tells what belongs to it, and that how wide it is
        grip = (height > top - max(wide, CAP)) & (height < top + OUTLIER)
        away = seen.handle_normals[grip].mean(axis=0)  # of what is round: to the camera
        away = away / max(float(np.linalg.norm(away)), 1e-9)
        ways, low, high = _outline(points[grip], away)
        wide = min(float(np.clip(high[1] - low[1], NARROWEST, WIDEST)), 0.8 * top)
    front = points[(height > top - wide) & (height < top + OUTLIER)]
    depth = float(np.percentile(front @ away, 98.0)) - 0.5 * wide
    middle = 0.5 * (low + high) @ ways + depth * away
    whole = np.vstack([front, 2.0 * middle - front])
    return whole[panel.height(whole) < top + OUTLIER], wide


def _outline(points: Array, away: Array) -> tuple[Array, Array, Array]:
    """Long and short way (2, 3) across `away` of what is seen, and its ends (2,) along each [m]."""
    centred = points - points.mean(axis=0)
    ways = np.linalg.svd(centred - np.outer(centred @ away, away), full_matrices=False)[2][:2]
    low, high = np.percentile(points @ ways.T, [1.0, 99.0], axis=0)
    return ways, low, high


def _posts(points: Array, panel: Panel, top: float) -> list[ConvexPart]:
    """From the panel to what is held, where such are seen; they count as handle too."""
    from scipy.ndimage import label

    if len(points) < 8:
        return []
    flat = points @ panel.along.T
    cells = np.floor((flat - flat.min(axis=0)) / CELL).astype(int)
    grid = np.zeros(cells.max(axis=0) + 1, dtype=bool)
    grid[cells[:, 0], cells[:, 1]] = True
    groups = label(grid, structure=np.ones((3, 3)))[0][cells[:, 0], cells[:, 1]]
    posts = []
    for group in range(1, int(groups.max()) + 1):
        own = points[groups == group]
        if len(own) < 8 or np.ptp(panel.height(own)) < 0.006:
            continue
        foot = own - np.outer(panel.height(own), panel.normal)
        head = foot + top * panel.normal
        posts.append(_hull(np.vstack([foot, head, _inwards(foot, panel)]), 'a post'))
    return posts


def _inwards(foot: Array, panel: Panel) -> Array:
    """A cross at the middle of a post's foot: its seen side alone may span no volume."""
    middle = foot.mean(axis=0)
    return np.asarray([middle + sign * 0.004 * way for way in panel.along for sign in (-1, 1)])


def _rods(seen: SeenPart) -> list[ConvexPart]:
    """A part without a panel: its seen side and the same mirrored, as deep as it is wide."""
    away = seen.handle_normals.mean(axis=0)
    away = away / max(float(np.linalg.norm(away)), 1e-9)
    _, low, high = _outline(seen.handle, away)
    back = seen.handle - np.clip(high[1] - low[1], NARROWEST, WIDEST) * away
    return [_hull(np.vstack([seen.handle, back]), 'the moving part')]


def _base(seen: SeenPart, support: float, deep: float) -> list[ConvexPart]:
    """Down to the support; below a lid `deep` [m] up to it, too.

    What rises before the moving part's panel is a body of its own.
    """
    points = seen.fixed
    groups = [points]
    if seen.panel is not None:
        before = seen.panel.height(points) > -GAP
        groups = [points[~before], points[before]]
        if seen.panel.normal[2] > LEVEL:
            groups = [_below_lid(groups[0], seen.panel, deep), _both_sides(groups[1], seen.panel)]
    parts: list[ConvexPart] = []
    for group in groups:
        if len(group) < 30:
            continue
        low, high = np.percentile(group, [0.3, 99.7], axis=0)
        own = group[((group >= low) & (group <= high)).all(axis=1)]
        foot = own.copy()
        foot[:, 2] = support
        parts.append(_hull(np.vstack([own, foot]), 'the base'))
    if not parts:
        return [_plinth(seen, support)]
    return parts


def _below_lid(points: Array, lid: Panel, deep: float) -> Array:
    """Points of a base and what a lid above hides of it: up to the lid, back to its hinge."""
    points = _both_sides(points[lid.height(points) < -deep - GAP], lid)
    away = lid.along[1] * [1.0, 1.0, 0.0] / np.linalg.norm(lid.along[1, :2])
    inwards = points @ away - np.percentile(lid.points @ away, 1.0)
    points = np.vstack([points, points - np.outer(np.maximum(inwards, 0.0), away)])
    under = points - ((lid.height(points) + deep + GAP) / lid.normal[2])[:, None] * [0.0, 0.0, 1.0]
    return np.vstack([points, under])


def _both_sides(points: Array, lid: Panel) -> Array:
    """Points and the same mirrored at the middle of a lid: of a base one side is seen."""
    along = lid.along[0]
    middle = 0.5 * np.percentile(lid.points @ along, [1.0, 99.0]).sum()
    return np.vstack([points, points - 2.0 * np.outer(points @ along - middle, along)])


def _plinth(seen: SeenPart, support: float) -> ConvexPart:
    """A flat stone below the part, where nothing else is seen of the base."""
    middle = seen.moving.mean(axis=0)
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, 1)], dtype=float)
    return convex_part([*middle[:2], support] + signs * [0.02, 0.02, 0.004])


def _hull(points: Array, what: str) -> ConvexPart:
    try:
        return convex_part(points)
    except Dex1bError as error:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'{what} is seen as {len(points) // 2} points that span no volume; move the camera '
            f'nearer or to where it shows more ({error.message})',
        ) from error
