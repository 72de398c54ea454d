"""From an observation and a joint to a task: what moves, what stays, what stands in the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dex1b_core.articulation.planning import PartTask
from dex1b_core.articulation.rebuilt import rebuilt
from dex1b_core.articulation.seen_part import SeenPart, find_part
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.simulation.object_joint import ObjectJoint

Mask = NDArray[np.bool_]

NEIGHBOURS = 0.03  # [m] a base is what is connected to the moving part over gaps of this size
FARTHEST_AXIS = 1.5  # [m] from the object
LEAST = {'revolute': 0.05, 'prismatic': 0.01}  # [rad or m] a displacement worth the while
MOST = {'revolute': np.pi, 'prismatic': 0.6}


def part_task(
    observation: ObjectObservation,
    joint: ObjectJoint,
    displacement: float,
    region: Mask | None = None,
) -> PartTask:
    """What a planning run needs.

    Args:
        observation: All of the object, planning frame.
        joint: Of its part, planning frame, its position 0 where it is now; limits count from there.
        displacement: How far it shall move [rad or m]; below 0 against the axis.
        region: (N,) points of the observation said to belong to the part.

    Raises:
        Dex1bError: INVALID_REQUEST for a displacement beyond the joint's limits, out of all
            bounds or too small, or an axis far from the object; TARGET_NOT_FOUND, TOO_FEW_POINTS
            or SHAPE_INVALID when the part is not seen.
    """
    joint = _checked(observation, joint, displacement)
    seen = find_part(observation.points, observation.normals, joint, region)
    seen, others = _without_neighbours(seen)
    middle = seen.moving.mean(axis=0)
    support = float(middle[2] - observation.support_plane.signed_distance(middle[None])[0])
    target = rebuilt(seen, joint, abs(displacement), support)
    obstacles = [seen.fixed, others, observation.obstacles]
    part = replace(
        observation,
        points=seen.moving,
        normals=np.zeros_like(seen.moving),
        obstacles=np.vstack([points for points in obstacles if len(points)] or [np.zeros((0, 3))]),
        shapes=(),
    )
    return PartTask(target, part, abs(displacement))


def _checked(
    observation: ObjectObservation, joint: ObjectJoint, displacement: float
) -> ObjectJoint:
    """The joint with its axis so that positive motion is wanted."""
    unit = 'm' if joint.slides else 'rad'
    amount = abs(displacement)
    if not LEAST[joint.kind] <= amount <= MOST[joint.kind]:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'displacement {displacement} {unit}; expected {LEAST[joint.kind]:g} to '
            f'{MOST[joint.kind]:.2f} {unit} of a {joint.kind} joint, either way',
        )
    if not joint.lower - 1e-6 <= displacement <= joint.upper + 1e-6:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'displacement {displacement:.3f} {unit} leads beyond the limits of the joint: from '
            f'where it is, {joint.lower:.3f} to {joint.upper:.3f} {unit} are left',
        )
    if displacement < 0:
        joint = replace(joint, axis=-joint.axis, lower=-joint.upper, upper=-joint.lower)
    if not joint.slides:
        away = np.linalg.norm(np.cross(joint.axis, observation.points - joint.origin), axis=1)
        if float(away.min()) > FARTHEST_AXIS:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'the axis of the model passes {float(away.min()):.2f} m from the object; is its '
                'origin in the frame that the header says?',
            )
    return joint


def _without_neighbours(seen: SeenPart) -> tuple[SeenPart, NDArray[np.float64]]:
    """The object alone, and (M, 3) points of what stands apart from it [m]."""
    from scipy.ndimage import label

    if not len(seen.fixed):
        return seen, np.zeros((0, 3))
    points = np.vstack([seen.moving, seen.fixed])
    cells = np.floor((points - points.min(axis=0)) / NEIGHBOURS).astype(int)
    grid = np.zeros(cells.max(axis=0) + 1, dtype=bool)
    grid[tuple(cells.T)] = True
    groups = label(grid, structure=np.ones((3, 3, 3)))[0][tuple(cells.T)]
    own = np.bincount(groups[: len(seen.moving)]).argmax()
    near = groups[len(seen.moving) :] == own
    return replace(seen, fixed=seen.fixed[near]), seen.fixed[~near]
