"""One planning run for a moving part over ROS: look, find the joint, plan, show."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import Vector3
from numpy.typing import NDArray
from visualization_msgs.msg import MarkerArray

from dex1b_core.articulation.observed_task import part_task
from dex1b_core.articulation.planning import SETTINGS, ArticulationStages, PartTask
from dex1b_core.articulation.synthesizer import ArticulationSynthesizer
from dex1b_core.motion.part_motion import PartMotion
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning.pipeline import GraspPlanner, PlanOptions
from dex1b_core.robots import RobotDescription
from dex1b_core.robots.hand_model import HandModel
from dex1b_msgs.msg import ArticulationModel, GraspTarget, SceneSnapshot
from dex1b_ros import conversions
from dex1b_ros.articulation_conversions import model_msg
from dex1b_ros.articulation_display import axis_markers
from dex1b_ros.joint_finder import FoundJoint, JointFinder
from dex1b_ros.node import LATCHED, Dex1bNode
from dex1b_ros.planning import Planned, Planning, drawn

EVERYWHERE = Vector3(x=4.0, y=4.0, z=4.0)  # [m] a box that holds whatever perception keeps
SAME = 0.006  # [m] within which points of two captures are the same


@dataclass(frozen=True)
class PlannedArticulation(Planned):
    """A plan with all that it was made for; the scene's object is the moving part.

    Attributes:
        task: What is moved, and how far.
        found: The joint, and how sure it is.
    """

    task: PartTask
    found: FoundJoint


class ArticulationPlanning(Planning):
    """Finds the joint besides, and shows it."""

    def __init__(self, node: Dex1bNode, robot: RobotDescription) -> None:
        self._motion = PartMotion(robot)
        super().__init__(node, robot, self._motion)
        self._synthesizer = ArticulationSynthesizer(HandModel(robot.hand), SETTINGS)
        self._base_frame = node.params.tf_prefix + robot.base_link
        self._finder = JointFinder(node, self._base_frame)
        self._model = node.create_publisher(ArticulationModel, '~/model', LATCHED)
        self._axis = node.create_publisher(MarkerArray, '~/axis', LATCHED)

    def destroy(self) -> None:
        """Free clients and publishers."""
        super().destroy()
        self._finder.destroy()
        for publisher in (self._model, self._axis):
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
        with self._one_at_a_time():
            seed = drawn(seed)
            given = self._finder.given(request.model)  # refuse nonsense before anybody looks
            on_stage('perceive')
            begin = time.monotonic()
            scene = self._look_at(GraspTarget(mode=GraspTarget.BOX), cancelled)
            whole = conversions.observation(scene)
            region = self._region(request.target, whole, cancelled)
            found = given or self._finder.estimate(whole, region, seed)
            self._show_joint(found, scene, request.displacement)
            task = part_task(whole, found.joint, request.displacement, region)
            perceived_s = time.monotonic() - begin
            stages = ArticulationStages(
                self._robot, self._motion, task, start=self._start,
                synthesizer=self._synthesizer,
                velocity_scaling=self._node.params.velocity_scaling,
            )  # fmt: skip
            planner = GraspPlanner(stages, options, on_stage=on_stage, cancelled=cancelled)
            planned = self._planned(
                planner, task.observation, scene,
                prefix='articulation', seed=seed, perceived_s=perceived_s,
            )  # fmt: skip
        part = _part_scene(scene, task)
        return PlannedArticulation(planned.plan_id, part, planned.plan, task, found)

    def _look_at(self, target: GraspTarget, cancelled: Callable[[], bool]) -> SceneSnapshot:
        if target.mode == GraspTarget.BOX and not target.header.frame_id:
            target.box_size = EVERYWHERE
            target.box_pose.orientation.w = 1.0
        return self._look(target, cancelled)

    def _region(
        self, target: GraspTarget, whole: ObjectObservation, cancelled: Callable[[], bool]
    ) -> NDArray[np.bool_] | None:
        """(N,) points of the whole that a target names; None for AUTO: whatever the joint moves."""
        if target.mode == GraspTarget.AUTO:
            return None
        from scipy.spatial import cKDTree

        target.header.frame_id = target.header.frame_id or self._base_frame
        named = conversions.observation(self._look_at(target, cancelled)).points
        distance, _ = cKDTree(named).query(whole.points, distance_upper_bound=SAME)
        return np.asarray(np.isfinite(distance))

    def _show_joint(self, found: FoundJoint, scene: SceneSnapshot, displacement: float) -> None:
        self._model.publish(model_msg(found.joint, scene.header))
        self._axis.publish(axis_markers(found.joint, displacement, found.confidence, scene.header))


def _part_scene(scene: SceneSnapshot, task: PartTask) -> SceneSnapshot:
    """The snapshot with the moving part as its object, and all else as obstacles."""
    part = conversions.snapshot_msg(task.observation, scene.header)
    part.summary = scene.summary
    return part
