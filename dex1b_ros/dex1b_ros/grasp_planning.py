"""One planning run over ROS: look, generate, reach, check, plan motion, show."""

from __future__ import annotations

import time
from collections.abc import Callable

from trajectory_msgs.msg import JointTrajectory

from dex1b_core.motion import ArmMotion, PlannedMotion
from dex1b_core.planning.pipeline import GraspPlan, GraspPlanner, PlanOptions
from dex1b_core.robots import RobotDescription
from dex1b_msgs.action import CheckGrasps
from dex1b_msgs.msg import GraspArray, GraspTarget, SceneSnapshot
from dex1b_msgs.srv import GenerateGrasps
from dex1b_ros import conversions
from dex1b_ros.callers import ActionCaller, ServiceCaller
from dex1b_ros.grasp_display import planned_motion_msg
from dex1b_ros.node import LATCHED, Dex1bNode
from dex1b_ros.planning import Planned, Planning, drawn
from dex1b_ros.planning_clients import PlanningClients
from dex1b_ros.planning_replies import require_hand


class GraspPlanning(Planning):
    """Clients of generator and sim check besides, and what is shown of a pick."""

    def __init__(self, node: Dex1bNode, robot: RobotDescription) -> None:
        self._motion = ArmMotion(robot)
        super().__init__(node, robot, self._motion)
        self._rejected = node.create_publisher(GraspArray, '~/rejected', LATCHED)
        self._joints = node.create_publisher(JointTrajectory, '~/planned_motion', LATCHED)
        self._check = ActionCaller(node, CheckGrasps, 'check_grasps')
        self._generate = ServiceCaller(node, GenerateGrasps, 'generate_grasps')

    def destroy(self) -> None:
        """Free clients and publishers."""
        super().destroy()
        self._check.destroy()
        self._generate.destroy()
        for publisher in (self._rejected, self._joints):
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
        require_hand(self._robot, hand)
        with self._one_at_a_time():
            on_stage('perceive')
            begin = time.monotonic()
            scene = self._look(target, cancelled)
            perceived_s = time.monotonic() - begin
            stages = self._stages(scene, cancelled)
            planner = GraspPlanner(stages, options, on_stage=on_stage, cancelled=cancelled)
            return self._planned(
                planner, conversions.observation(scene), scene,
                prefix='plan', seed=drawn(seed), perceived_s=perceived_s,
            )  # fmt: skip

    def _stages(self, scene: SceneSnapshot, cancelled: Callable[[], bool]) -> PlanningClients:
        params = self._node.params
        return PlanningClients(
            self._motion, self._generate, self._check, scene,
            wrist_frame=self._wrist_frame, start=self._start, cancelled=cancelled,
            velocity_scaling=params.velocity_scaling, lift_height=params.lift_height,
        )  # fmt: skip

    def _display(self, scene: SceneSnapshot, plan_id: str, plan: GraspPlan) -> None:
        super()._display(scene, plan_id, plan)
        self._rejected.publish(self._grasp_array(scene, plan_id, plan.rejected))
        joints = JointTrajectory(header=scene.header)
        if plan.motion is not None:
            prefix = self._node.params.tf_prefix
            joints = planned_motion_msg(PlannedMotion.of(plan.motion), prefix, scene.header)
        self._joints.publish(joints)
