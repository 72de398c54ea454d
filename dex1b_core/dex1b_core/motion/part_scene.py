"""Collision tests of a scene with a moving part, phase by phase and along its joint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import coal
import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import transform_points
from dex1b_core.motion.collision import (
    OBJECT,
    OBSTACLES,
    TABLE,
    Allow,
    CollisionChecker,
)
from dex1b_core.motion.grasp_lines import PhaseCheckers
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.simulation.object_joint import ObjectJoint

Array = NDArray[np.float64]

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # parts of the way at which the moved part is looked at
VOXEL = 0.006  # [m]: fingers work in narrow places


@dataclass(frozen=True)
class PartCheckers:
    """Collision tests of one scene whose object is the moving part and whose base is an obstacle.

    Attributes:
        phases: With the part where it is now.
        moved: One for each of `SHARES`, with the part moved; the hand may touch it.
        after: With the part where it ends; nothing may be touched.
        joint: Of the part, planning frame.
        displacement: How far it is led [rad or m].
    """

    phases: PhaseCheckers
    moved: tuple[CollisionChecker, ...]
    after: CollisionChecker
    joint: ObjectJoint
    displacement: float

    @classmethod
    def of_scene(
        cls,
        model: RobotModel,
        observation: ObjectObservation,
        joint: ObjectJoint,
        displacement: float,
        settings: MotionSettings,
    ) -> PartCheckers:
        """For an observation of which `points` are the moving part.

        Raises:
            Dex1bError: SHAPE_INVALID for a part without points.
        """
        close = settings.model_copy(update={'obstacle_margin': 0.0, 'object_margin': 0.0})

        def make(position: float, allow: Allow) -> CollisionChecker:
            bodies = _bodies(observation, joint.motion(position))
            return CollisionChecker(model, bodies, settings=close, allow=allow)

        phases = PhaseCheckers(
            make(0.0, Allow.NOTHING), make(0.0, Allow.HAND_OBJECT), make(0.0, Allow.OBJECT)
        )
        moved = tuple(make(share * displacement, Allow.HAND_OBJECT) for share in SHARES)
        after = make(displacement, Allow.NOTHING)
        return cls(phases, moved, after, joint, displacement)


def _bodies(observation: ObjectObservation, motion: Array) -> dict[str, Any]:
    """Collision shapes by name, planning frame; the part moved by (4, 4)."""
    if len(observation.points) == 0:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID, 'the scene holds no points of the moving part: look again'
        )
    plane = observation.support_plane
    bodies = {
        # coal: the half-space is n . x <= d
        TABLE: coal.Halfspace(plane.normal, -plane.offset),
        OBJECT: _voxels(transform_points(motion, observation.points)),
    }
    if len(observation.obstacles):
        bodies[OBSTACLES] = _voxels(observation.obstacles)
    return bodies


def _voxels(points: Array) -> Any:
    cells = np.unique(np.floor(points / VOXEL), axis=0)
    return coal.makeOctree((cells + 0.5) * VOXEL, VOXEL)
