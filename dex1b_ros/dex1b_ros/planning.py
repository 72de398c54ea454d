"""What planning over ROS shares whatever is planned: a look, one plan at a time, its outputs."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from nav_msgs.msg import Path
from visualization_msgs.msg import MarkerArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import ArmMotion
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning import GraspCandidate
from dex1b_core.planning.pipeline import GraspPlan, GraspPlanner, PlanningError, with_ids
from dex1b_core.robots import RobotDescription
from dex1b_msgs.action import CaptureScene
from dex1b_msgs.msg import GraspArray, GraspTarget, SceneSnapshot
from dex1b_ros import conversions
from dex1b_ros.callers import ActionCaller, raise_reply
from dex1b_ros.grasp_display import grasp_markers, wrist_path
from dex1b_ros.joint_states import current_positions
from dex1b_ros.node import LATCHED, Dex1bNode


@dataclass(frozen=True)
class Planned:
    """A plan with the scene that it was made for."""

    plan_id: str
    scene: SceneSnapshot
    plan: GraspPlan


class Planning:
    """Client of perception, and the latched outputs of a plan; its kinds add their own."""

    def __init__(self, node: Dex1bNode, robot: RobotDescription, motion: ArmMotion) -> None:
        self._node, self._robot = node, robot
        self._wrist_poses = motion.wrist_poses
        self._wrist_frame = node.params.tf_prefix + robot.hand.root_link
        self._lock = threading.Lock()
        self._capture = ActionCaller(node, CaptureScene, 'capture_scene')
        self._grasps = node.create_publisher(GraspArray, '~/grasps', LATCHED)
        self._markers = node.create_publisher(MarkerArray, '~/markers', LATCHED)
        self._path = node.create_publisher(Path, '~/planned_path', LATCHED)

    def destroy(self) -> None:
        """Free client and publishers."""
        self._capture.destroy()
        for publisher in (self._grasps, self._markers, self._path):
            self._node.destroy_publisher(publisher)

    def candidate_msgs(self, planned: Planned) -> list[Any]:
        """Messages of the planned candidates, best first."""
        return self._grasp_array(planned.scene, '', planned.plan.candidates).candidates

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise Dex1bError(ErrorCode.BUSY, 'another plan is running; try again when it is done')
        try:
            yield
        finally:
            self._lock.release()

    def _look(self, target: GraspTarget, cancelled: Callable[[], bool]) -> SceneSnapshot:
        timeout = self._node.params.capture_timeout
        goal = CaptureScene.Goal(target=target, timeout=conversions.duration_msg(timeout))
        reply = self._capture.call(goal, timeout_s=timeout, cancelled=cancelled)
        raise_reply(reply)
        return reply.scene

    def _start(self) -> tuple[dict[str, float], dict[str, float]]:
        """Measured positions of arm and hand by joint name [rad]."""
        arm, hand = self._robot.arm.joints, self._robot.hand.joints
        positions = current_positions(self._node, (*arm, *hand))
        return {n: positions[n] for n in arm}, {n: positions[n] for n in hand}

    def _planned(
        self,
        planner: GraspPlanner,
        observation: ObjectObservation,
        scene: SceneSnapshot,
        *,
        prefix: str,
        seed: int,
        perceived_s: float,
    ) -> Planned:
        """Plan, and show what comes of it, also when it fails.

        Args:
            planner: Of this request.
            observation: What is planned for.
            scene: Where it stands.
            prefix: Of the plan's id.
            seed: Of the plan.
            perceived_s: What perception took [s].

        Raises:
            PlanningError: nothing survived a stage; says why.
        """

        def timed(plan: GraspPlan) -> GraspPlan:
            return replace(plan, timings=(('perceive', perceived_s), *plan.timings))

        try:
            plan = timed(planner.plan(observation, seed=seed))
        except PlanningError as error:
            error.plan = timed(error.plan)
            self._display(scene, '', error.plan)
            raise
        plan_id = f'{prefix}-{seed}-{scene.summary.snapshot_id}'
        plan = replace(plan, candidates=with_ids(plan.candidates, plan_id))
        self._display(scene, plan_id, plan)
        return Planned(plan_id, scene, plan)

    def _display(self, scene: SceneSnapshot, plan_id: str, plan: GraspPlan) -> None:
        header = scene.header
        self._grasps.publish(self._grasp_array(scene, plan_id, plan.candidates))
        self._markers.publish(grasp_markers(plan.candidates, plan.rejected, header))
        # empty without a motion: the last plan's must not stay on show
        poses = () if plan.motion is None else self._wrist_poses(plan.motion)
        self._path.publish(wrist_path(poses, header))

    def _grasp_array(
        self, scene: SceneSnapshot, plan_id: str, candidates: Sequence[GraspCandidate]
    ) -> GraspArray:
        header = scene.header
        messages = [conversions.candidate_msg(c, self._wrist_frame, header) for c in candidates]
        return GraspArray(header=header, plan_id=plan_id, candidates=messages)


def drawn(seed: int) -> int:
    """A seed; 0 stands for any."""
    return seed or secrets.randbelow(2**31 - 1) + 1
