"""One planning run for a moving part over ROS: look, find the joint, plan, show."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from geometry_msgs.msg import Vector3
from nav_msgs.msg import Path
from numpy.typing import NDArray
from visualization_msgs.msg import MarkerArray

from dex1b_core.articulation.observed_task import part_task
from dex1b_core.articulation.planning import ArticulationStages, PartTask
from dex1b_core.articulation.synthesizer import ArticulationSynthesizer
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.part_motion import PartMotion
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning.pipeline import (
    GraspPlan,
    GraspPlanner,
    PlanningError,
    PlanOptions,
    with_ids,
)
from dex1b_core.robots import RobotDescription
from dex1b_core.robots.hand_model import HandModel
from dex1b_msgs.action import CaptureScene
from dex1b_msgs.msg import ArticulationModel, GraspArray, GraspTarget, SceneSnapshot
from dex1b_ros import conversions
from dex1b_ros.articulation_conversions import model_msg
from dex1b_ros.articulation_display import axis_markers
from dex1b_ros.callers import ActionCaller, raise_reply
from dex1b_ros.grasp_display import grasp_markers, wrist_path
from dex1b_ros.joint_finder import FoundJoint, JointFinder
from dex1b_ros.joint_states import current_positions
from dex1b_ros.node import LATCHED, Dex1bNode

EVERYWHERE = Vector3(x=4.0, y=4.0, z=4.0)  # [m] a box that holds whatever perception keeps
SAME = 0.006  # [m] within which points of two captures are the same


@dataclass(frozen=True)
class PlannedArticulation:
    """A plan with all that it was made for.

    Attributes:
        scene: Its object is the moving part; the base is among the obstacles.
        found: The joint, and how sure it is.
    """

    plan_id: str
    scene: SceneSnapshot
    task: PartTask
    found: FoundJoint
    plan: GraspPlan


class ArticulationPlanning:
    """Client of perception, and the latched outputs of a plan."""

    def __init__(self, node: Dex1bNode, robot: RobotDescription) -> None:
        self._node, self._robot = node, robot
        self._motion = PartMotion(robot)
        self._synthesizer = ArticulationSynthesizer(HandModel(robot.hand))
        self._wrist_frame = node.params.tf_prefix + robot.hand.root_link
        self._one_at_a_time = threading.Lock()
        self._finder = JointFinder(node, node.params.tf_prefix + robot.base_link)
        self._grasps = node.create_publisher(GraspArray, '~/grasps', LATCHED)
        self._markers = node.create_publisher(MarkerArray, '~/markers', LATCHED)
        self._path = node.create_publisher(Path, '~/planned_path', LATCHED)
        self._model = node.create_publisher(ArticulationModel, '~/model', LATCHED)
        self._axis = node.create_publisher(MarkerArray, '~/axis', LATCHED)
        self._capture = ActionCaller(node, CaptureScene, 'capture_scene')

    def destroy(self) -> None:
        """Free clients and publishers."""
        self._capture.destroy()
        self._finder.destroy()
        for publisher in (self._grasps, self._markers, self._path, self._model, self._axis):
            self._node.destroy_publisher(publisher)

    def plan(
        self,
        request: Any,
        seed: int,
        options: PlanOptions,
        on_stage: Callable[[str], None] = lambda stage: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> PlannedArticulation:
        """One planning run; call it in a worker thread.

        Args:
            request: With target, model and displacement.
            seed: 0 = drawn.
            options: How much to plan.
            on_stage: Told what is being done.
            cancelled: Asked now and then.

        Raises:
            PlanningError: nothing survived a stage; says why.
            Dex1bError: a stage failed as a whole, BUSY, CANCELED, INVALID_REQUEST.
        """
        if not self._one_at_a_time.acquire(blocking=False):
            raise Dex1bError(ErrorCode.BUSY, 'another plan is running; try again when it is done')
        try:
            return self._plan(request, seed, options, on_stage, cancelled)
        finally:
            self._one_at_a_time.release()

    def _plan(
        self,
        request: Any,
        seed: int,
        options: PlanOptions,
        on_stage: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> PlannedArticulation:
        seed = seed or secrets.randbelow(2**31 - 1) + 1
        given = self._finder.given(request.model)  # refuse nonsense before anybody looks
        on_stage('perceive')
        start = time.monotonic()
        scene = self._look(GraspTarget(mode=GraspTarget.BOX), cancelled)
        whole = conversions.observation(scene)
        region = self._region(request.target, whole, cancelled)
        found = given or self._finder.estimate(whole, region, seed)
        self._show_joint(found, scene, request.displacement)
        task = part_task(whole, found.joint, request.displacement, region)
        perceived = ('perceive', time.monotonic() - start)
        stages = ArticulationStages(
            self._robot, self._motion, task, start=self._start, synthesizer=self._synthesizer,
            velocity_scaling=self._node.params.velocity_scaling,
        )  # fmt: skip
        planner = GraspPlanner(stages, options, on_stage=on_stage, cancelled=cancelled)
        try:
            plan = planner.plan(task.observation, seed=seed)
        except PlanningError as error:
            error.plan = replace(error.plan, timings=(perceived, *error.plan.timings))
            self._display(scene, '', error.plan)
            raise
        plan_id = f'articulation-{seed}-{scene.summary.snapshot_id}'
        plan = replace(
            plan,
            timings=(perceived, *plan.timings),
            candidates=with_ids(plan.candidates, plan_id),
        )
        self._display(scene, plan_id, plan)
        return PlannedArticulation(plan_id, _part_scene(scene, task), task, found, plan)

    # -- perception ----------------------------------------------------------------------------

    def _look(self, target: GraspTarget, cancelled: Callable[[], bool]) -> SceneSnapshot:
        if target.mode == GraspTarget.BOX and not target.header.frame_id:
            target.box_size = EVERYWHERE
            target.box_pose.orientation.w = 1.0
        timeout = self._node.params.capture_timeout
        goal = CaptureScene.Goal(target=target, timeout=conversions.duration_msg(timeout))
        reply = self._capture.call(goal, timeout_s=timeout, cancelled=cancelled)
        raise_reply(reply)
        return reply.scene

    def _region(
        self, target: GraspTarget, whole: ObjectObservation, cancelled: Callable[[], bool]
    ) -> NDArray[np.bool_] | None:
        """(N,) points of the whole that a target names; None for AUTO: whatever the joint moves."""
        if target.mode == GraspTarget.AUTO:
            return None
        from scipy.spatial import cKDTree

        target.header.frame_id = target.header.frame_id or (
            self._node.params.tf_prefix + self._robot.base_link
        )
        named = conversions.observation(self._look(target, cancelled)).points
        distance, _ = cKDTree(named).query(whole.points, distance_upper_bound=SAME)
        return np.asarray(np.isfinite(distance))

    def _start(self) -> tuple[dict[str, float], dict[str, float]]:
        arm, hand = self._robot.arm.joints, self._robot.hand.joints
        positions = current_positions(self._node, (*arm, *hand))
        return {n: positions[n] for n in arm}, {n: positions[n] for n in hand}

    # -- outputs -------------------------------------------------------------------------------

    def candidate_msgs(self, planned: PlannedArticulation) -> list[Any]:
        """Messages of the planned candidates, best first."""
        header = planned.scene.header
        return [
            conversions.candidate_msg(c, self._wrist_frame, header) for c in planned.plan.candidates
        ]

    def _show_joint(self, found: FoundJoint, scene: SceneSnapshot, displacement: float) -> None:
        self._model.publish(model_msg(found.joint, scene.header))
        self._axis.publish(axis_markers(found.joint, displacement, found.confidence, scene.header))

    def _display(self, scene: SceneSnapshot, plan_id: str, plan: GraspPlan) -> None:
        header = scene.header
        messages = [
            conversions.candidate_msg(c, self._wrist_frame, header) for c in plan.candidates
        ]
        self._grasps.publish(GraspArray(header=header, plan_id=plan_id, candidates=messages))
        self._markers.publish(grasp_markers(plan.candidates, plan.rejected, header))
        if plan.motion is not None:
            self._path.publish(wrist_path(self._motion.wrist_poses(plan.motion), header))


def _part_scene(scene: SceneSnapshot, task: PartTask) -> SceneSnapshot:
    """The snapshot with the moving part as its object, and all else as obstacles."""
    part = conversions.snapshot_msg(task.observation, scene.header)
    part.summary = scene.summary
    return part
