"""One planning run over ROS: look, generate, reach, check, plan motion, show."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from nav_msgs.msg import Path
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import MarkerArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import ArmMotion, PlannedMotion
from dex1b_core.planning.pipeline import (
    GraspPlan,
    GraspPlanner,
    PlanningError,
    PlanOptions,
    with_ids,
)
from dex1b_core.robots import RobotDescription
from dex1b_msgs.action import CaptureScene, CheckGrasps
from dex1b_msgs.msg import GraspArray, GraspTarget, SceneSnapshot
from dex1b_msgs.srv import GenerateGrasps
from dex1b_ros import conversions
from dex1b_ros.callers import ActionCaller, ServiceCaller, raise_reply
from dex1b_ros.grasp_display import grasp_markers, planned_motion_msg, wrist_path
from dex1b_ros.joint_states import current_positions
from dex1b_ros.node import LATCHED, Dex1bNode
from dex1b_ros.planning_clients import PlanningClients


@dataclass(frozen=True)
class Planned:
    """A plan with the scene that it was made for."""

    plan_id: str
    scene: SceneSnapshot
    plan: GraspPlan


class GraspPlanning:
    """Clients of perception, generator and sim check, and the latched outputs of a plan."""

    def __init__(self, node: Dex1bNode, robot: RobotDescription) -> None:
        self._node = node
        self._robot = robot
        self._motion = ArmMotion(robot)
        self._wrist_frame = node.params.tf_prefix + robot.hand.root_link
        self._one_at_a_time = threading.Lock()
        self._grasps = node.create_publisher(GraspArray, '~/grasps', LATCHED)
        self._markers = node.create_publisher(MarkerArray, '~/markers', LATCHED)
        self._rejected = node.create_publisher(GraspArray, '~/rejected', LATCHED)
        self._path = node.create_publisher(Path, '~/planned_path', LATCHED)
        self._joints = node.create_publisher(JointTrajectory, '~/planned_motion', LATCHED)
        self._capture = ActionCaller(node, CaptureScene, 'capture_scene')
        self._check = ActionCaller(node, CheckGrasps, 'check_grasps')
        self._generate = ServiceCaller(node, GenerateGrasps, 'generate_grasps')

    def destroy(self) -> None:
        """Free clients and publishers."""
        self._capture.destroy()
        self._check.destroy()
        self._generate.destroy()
        outputs = (self._grasps, self._rejected, self._markers, self._path, self._joints)
        for publisher in outputs:
            self._node.destroy_publisher(publisher)

    def plan(
        self,
        target: GraspTarget,
        hand: str,
        seed: int,
        options: PlanOptions,
        on_stage: Callable[[str], None] = lambda stage: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Planned:
        """One planning run; call it in a worker thread.

        Raises:
            PlanningError: nothing survived a stage; says why.
            Dex1bError: a stage failed as a whole, BUSY, CANCELED, INVALID_REQUEST.
        """
        if hand not in ('', self._robot.hand.key):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"unknown hand '{hand}'; this robot has '{self._robot.hand.key}'",
            )
        if not self._one_at_a_time.acquire(blocking=False):
            raise Dex1bError(ErrorCode.BUSY, 'another plan is running; try again when it is done')
        try:
            on_stage('perceive')
            start = time.monotonic()
            scene = self._capture_scene(target, cancelled)
            perceived = ('perceive', time.monotonic() - start)
            planner = GraspPlanner(
                self._stages(scene, cancelled), options, on_stage=on_stage, cancelled=cancelled
            )
            seed = seed or secrets.randbelow(2**31 - 1) + 1
            try:
                plan = planner.plan(conversions.observation(scene), seed=seed)
            except PlanningError as error:
                error.plan = replace(error.plan, timings=(perceived, *error.plan.timings))
                self._display(scene, '', error.plan)
                raise
            plan_id = f'plan-{seed}-{scene.summary.snapshot_id}'
            plan = replace(
                plan,
                timings=(perceived, *plan.timings),
                candidates=with_ids(plan.candidates, plan_id),
            )
            self._display(scene, plan_id, plan)
            return Planned(plan_id, scene, plan)
        finally:
            self._one_at_a_time.release()

    def _capture_scene(self, target: GraspTarget, cancelled: Callable[[], bool]) -> SceneSnapshot:
        timeout = self._node.params.capture_timeout
        goal = CaptureScene.Goal(target=target, timeout=conversions.duration_msg(timeout))
        reply = self._capture.call(goal, timeout_s=timeout, cancelled=cancelled)
        raise_reply(reply)
        return reply.scene

    def _stages(self, scene: SceneSnapshot, cancelled: Callable[[], bool]) -> PlanningClients:
        arm, hand = self._robot.arm.joints, self._robot.hand.joints

        def start() -> tuple[dict[str, float], dict[str, float]]:
            positions = current_positions(self._node, (*arm, *hand))
            return {n: positions[n] for n in arm}, {n: positions[n] for n in hand}

        params = self._node.params
        return PlanningClients(
            self._motion, self._generate, self._check, scene,
            wrist_frame=self._wrist_frame, start=start, cancelled=cancelled,
            velocity_scaling=params.velocity_scaling, lift_height=params.lift_height,
        )  # fmt: skip

    def candidate_msgs(self, planned: Planned) -> list[Any]:
        """Messages of the planned candidates, best first."""
        header = planned.scene.header
        return [
            conversions.candidate_msg(c, self._wrist_frame, header) for c in planned.plan.candidates
        ]

    def _display(self, scene: SceneSnapshot, plan_id: str, plan: GraspPlan) -> None:
        header = scene.header
        for publisher, candidates in (
            (self._grasps, plan.candidates),
            (self._rejected, plan.rejected),
        ):
            messages = [conversions.candidate_msg(c, self._wrist_frame, header) for c in candidates]
            publisher.publish(GraspArray(header=header, plan_id=plan_id, candidates=messages))
        self._markers.publish(grasp_markers(plan.candidates, plan.rejected, header))
        # without a motion both are empty: the last plan's must not stay on show
        poses = () if plan.motion is None else self._motion.wrist_poses(plan.motion)
        self._path.publish(wrist_path(poses, header))
        joints = JointTrajectory(header=header)
        if plan.motion is not None:
            prefix = self._node.params.tf_prefix
            joints = planned_motion_msg(PlannedMotion.of(plan.motion), prefix, header)
        self._joints.publish(joints)
