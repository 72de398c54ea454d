"""The joint of a request: as given, from two observations, or guessed from one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.articulation.axis_estimation import AxisEstimate, estimate_axis
from dex1b_core.articulation.joint_guess import SLIDE, TURN, guess_joint
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_msgs.msg import ArticulationModel
from dex1b_ros.articulation_conversions import joint as joint_of
from dex1b_ros.node import Dex1bNode
from dex1b_ros.tf_buffer import make_tf_buffer

Array = NDArray[np.float64]

POOR, GOOD = 0.006, 0.001  # [m] residuals of a registration that says nothing, and that says all


@dataclass(frozen=True)
class FoundJoint:
    """A joint in the planning frame, its position 0 where the part is now.

    Attributes:
        confidence: 0 to 1; 1 where the request gave it.
        source: 'request', 'two observations' or what a guess rests on.
    """

    joint: ObjectJoint
    confidence: float
    source: str


class JointFinder:
    """Keeps what was seen of a named part, so that the next look can tell how it moved."""

    def __init__(self, node: Dex1bNode, planning_frame: str) -> None:
        self._node, self._planning_frame = node, planning_frame
        self._tf = make_tf_buffer(node)
        self._before: Array | None = None

    def destroy(self) -> None:
        """Free the TF buffer."""
        self._tf.close()

    def given(self, model: ArticulationModel) -> FoundJoint | None:
        """The request's joint in the planning frame; None when it is to be estimated.

        Raises:
            Dex1bError: INVALID_REQUEST for a malformed model, TF_ERROR.
        """
        if model.type == ArticulationModel.UNKNOWN:
            return None
        frame, pose = model.header.frame_id or self._planning_frame, np.eye(4)
        if frame != self._planning_frame:
            pose = self._tf.lookup(self._planning_frame, frame, stamp_s=None, timeout_s=2.0)
        return FoundJoint(joint_of(model, pose), 1.0, 'request')

    def estimate(
        self, whole: ObjectObservation, region: NDArray[np.bool_] | None, seed: int
    ) -> FoundJoint:
        """From the last look at a named part and this one, else guessed from this one.

        Raises:
            Dex1bError: TARGET_NOT_FOUND when neither says anything.
        """
        now = whole.points[region] if region is not None else None
        before, self._before = self._before, now
        moved = self._moved(before, now)
        if moved is not None:
            return moved
        guess = guess_joint(whole.points, whole.normals, seed=seed)
        return FoundJoint(guess.joint, guess.confidence, guess.reason)

    def _moved(self, before: Any, now: Any) -> FoundJoint | None:
        if before is None or now is None:
            return None
        try:
            found = estimate_axis(before, now)
        except Dex1bError as error:
            if error.error_code not in (ErrorCode.INVALID_REQUEST, ErrorCode.TOO_FEW_POINTS):
                raise
            self._node.get_logger().info(f'no joint from two observations: {error.message}')
            return None
        confidence = float(np.clip((POOR - found.residual) / (POOR - GOOD), 0.05, 0.95))
        return FoundJoint(_after(found), confidence, 'two observations')


def _after(found: AxisEstimate) -> ObjectJoint:
    """The joint with its position 0 where the second observation saw the part."""
    reach = SLIDE if found.kind == 'prismatic' else TURN
    joint = ObjectJoint(
        found.kind, found.axis / np.linalg.norm(found.axis), found.origin, 0.0, reach
    )
    return replace(joint, lower=-found.displacement)
