"""What an arm can do with a grasp: reach it, and pick with it."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.anchors import Anchor, Anchored, AnchorSearch, IsAnchor
from dex1b_core.motion.collision import Allow, CollisionChecker, environment
from dex1b_core.motion.grasp_lines import PhaseCheckers
from dex1b_core.motion.ik import ArmIk, IkSolution
from dex1b_core.motion.inputs import named_vector, require_scaling
from dex1b_core.motion.path_search import PathSearch
from dex1b_core.motion.pick_stages import PickTiming
from dex1b_core.motion.plan import PickPlan
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.motion.timing import resumed, time_path
from dex1b_core.motion.trajectory import JointTrajectory
from dex1b_core.motion.transit import Transit
from dex1b_core.motion.validate import JointLimits, validate_trajectory
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning.candidate import GraspCandidate, Reachability, ReachResult
from dex1b_core.robots import RobotDescription

Array = NDArray[np.float64]

_REACH_RESULTS = {
    ErrorCode.NO_IK: ReachResult.NO_IK,
    ErrorCode.JOINT_MARGIN: ReachResult.JOINT_MARGIN,
    ErrorCode.NO_PATH: ReachResult.NO_PATH,
    ErrorCode.OUT_OF_WORKSPACE: ReachResult.OUT_OF_WORKSPACE,
}  # every other error is a collision


class ArmMotion:
    """Motion planning for one robot. Calls from several threads are taken in turn.

    Args:
        robot: Whose arm.
        settings: Margins, resolutions, time limits.
        search: Finds ways through free space; our own without.
    """

    def __init__(
        self,
        robot: RobotDescription,
        *,
        settings: MotionSettings | None = None,
        search: PathSearch | None = None,
    ) -> None:
        self.robot = robot
        self.settings = settings or MotionSettings()
        self.model = RobotModel(robot)
        self._lock = threading.Lock()
        self.arm_limits = JointLimits(
            robot.arm.joints,
            self.model.lower,
            self.model.upper,
            np.array(robot.arm.velocity_limits),
            np.array(robot.arm.acceleration_limits),
            _optional(robot.arm.jerk_limits),
        )
        self.hand_limits = JointLimits(
            robot.hand.joints,
            self.model.hand_lower,
            self.model.hand_upper,
            np.array(robot.hand.velocity_limits),
            np.array(robot.hand.acceleration_limits),
            _optional(robot.hand.jerk_limits),
        )
        self._ik = ArmIk(self.model)
        self._anchors = AnchorSearch(self.model, self._ik, self.settings)
        self._transit = Transit(self.model, self._ik, self.settings, search)
        self._timing = PickTiming(self.model, self.arm_limits, self.hand_limits, self.settings)

    def warm_up(self) -> None:
        """Load what the first plan would have to wait for."""
        time_path(np.stack([self._home(), self._home() + 0.1]), self.arm_limits)
        importlib.import_module('ompl.geometric')

    # -- reach ---------------------------------------------------------------------------------

    def reach(
        self,
        candidates: Sequence[GraspCandidate],
        observation: ObjectObservation,
        *,
        seed: int,
        arm_start: Mapping[str, float] | None = None,
    ) -> tuple[GraspCandidate, ...]:
        """Fill in the reachability of every candidate; order and number stay.

        Tested are the posture at the grasp, the straight approach and the first centimetres of
        the lift, with joint margins, the workspace and all collisions.

        Args:
            candidates: Grasps in the planning frame.
            observation: Object, plane and obstacles.
            seed: Of the random restarts.
            arm_start: Postures close to it are preferred; None = home.
        """
        start = self._home()
        if arm_start is not None:
            start = named_vector(arm_start, self.robot.arm.joints, 'arm_start')
        with self._lock:
            checkers = self._checkers(observation)

            def anchor(candidate: GraspCandidate, seed: int) -> Anchor:
                return self._anchors.find(
                    candidate, checkers, start, lift_height=self.settings.verify_height,
                    count=1, seed=seed,
                )[0]  # fmt: skip

            return self._judged(candidates, anchor, seed)

    def explain(
        self, candidate: GraspCandidate, observation: ObjectObservation, *, seed: int
    ) -> Dex1bError | None:
        """Why a candidate is not reachable, in words and numbers; None when it is."""
        with self._lock:
            try:
                self._anchors.find(
                    candidate, self._checkers(observation), self._home(),
                    lift_height=self.settings.verify_height, count=1, seed=seed,
                )  # fmt: skip
            except Dex1bError as error:
                return error
        return None

    # -- plan ----------------------------------------------------------------------------------

    def plan_pick(
        self,
        candidate: GraspCandidate,
        observation: ObjectObservation,
        *,
        arm_start: Mapping[str, float],
        hand_start: Mapping[str, float],
        velocity_scaling: float,
        lift_height: float,
        seed: int,
    ) -> PickPlan:
        """Plan all motions of a pick.

        Args:
            candidate: The grasp.
            observation: Object, plane and obstacles.
            arm_start: Measured arm positions by joint name [rad].
            hand_start: Measured positions of the driven hand joints by name [rad].
            velocity_scaling: Fraction of the arm's limits, 0 to 1; the hand has its own times.
            lift_height: [m].
            seed: Of inverse kinematics and path search.

        Raises:
            Dex1bError: INVALID_REQUEST, NO_IK, JOINT_MARGIN, NO_PATH, OUT_OF_WORKSPACE,
                TABLE_COLLISION, SCENE_COLLISION, SELF_COLLISION or LIMITS.
        """
        begin = time.monotonic()
        require_scaling(velocity_scaling)
        start = named_vector(arm_start, self.robot.arm.joints, 'arm_start')
        hand = named_vector(hand_start, self.robot.hand.joints, 'hand_start')
        with self._lock:
            checkers = self._checkers(observation)
            anchors = self._anchors.find(
                candidate, checkers, start, lift_height=lift_height,
                count=self.settings.ik_goals, seed=seed,
            )  # fmt: skip
            path, anchor = self._path_to(anchors, candidate, checkers.transit, start, seed)
            stages = self._timing.stages(candidate, path, anchor, hand, velocity_scaling)
        return PickPlan(
            replace(candidate, reachability=self._reachable(anchor.grasp)),
            stages,
            anchor.lift_height,
            time.monotonic() - begin,
        )

    def wrist_poses(self, plan: PickPlan) -> Array:
        """Poses (K, 4, 4) of the hand's root link along the plan, planning frame."""
        paths = [stage.arm.positions for stage in plan.stages if stage.arm is not None]
        with self._lock:
            return np.array([self.model.wrist_pose(q) for q in np.vstack(paths)])

    def plan_to(
        self,
        goal: Mapping[str, float],
        observation: ObjectObservation | None,
        *,
        arm_start: Mapping[str, float],
        hand_posture: Mapping[str, float],
        velocity_scaling: float,
        seed: int,
        ignore_object: bool = False,
    ) -> JointTrajectory:
        """Collision-free motion of the arm to a posture, e.g. home.

        Args:
            goal: Arm positions by joint name [rad].
            observation: Scene to keep clear of; None = the robot alone.
            arm_start: Measured arm positions by joint name [rad].
            hand_posture: Posture of the hand on the way, by joint name [rad].
            velocity_scaling: Fraction of the arm's limits.
            seed: Of the path search.
            ignore_object: The object may be touched, e.g. because the hand holds it.

        Raises:
            Dex1bError: NO_PATH, LIMITS or a collision of start or goal.
        """
        start = named_vector(arm_start, self.robot.arm.joints, 'arm_start')
        target = named_vector(goal, self.robot.arm.joints, 'goal')
        hand = named_vector(hand_posture, self.robot.hand.joints, 'hand_posture')
        allow = Allow.OBJECT if ignore_object else Allow.NOTHING
        with self._lock:
            bodies = environment(observation, self.settings) if observation else {}
            checker = CollisionChecker(self.model, bodies, settings=self.settings, allow=allow)
            path = self._transit.path(start, [target], hand, checker, seed)
            return self._timing.arm(path, velocity_scaling)

    def validate(
        self,
        trajectory: JointTrajectory,
        *,
        scaling: float,
        start: ArrayLike | None = None,
        start_tolerance: float = 0.02,
    ) -> None:
        """Refuse an arm or hand trajectory that breaks a limit, the workspace or the start.

        Raises:
            Dex1bError: LIMITS, OUT_OF_WORKSPACE or START_STATE_MISMATCH.
        """
        if trajectory.names == self.robot.arm.joints:
            with self._lock:
                validate_trajectory(
                    trajectory, self.arm_limits, scaling=scaling, start=start,
                    start_tolerance=start_tolerance, workspace=self.robot.workspace,
                    wrist_position=lambda q: self.model.wrist_pose(q)[:3, 3],
                )  # fmt: skip
        else:
            validate_trajectory(trajectory, self.hand_limits, start=start)

    def resume(
        self, trajectory: JointTrajectory, elapsed: float, *, scaling: float
    ) -> JointTrajectory:
        """The rest of an arm trajectory that was stopped on its way.

        Args:
            trajectory: What was interrupted.
            elapsed: Path time at which the arm rests [s].
            scaling: Fraction of the arm's limits.
        """
        return resumed(trajectory, elapsed, self.arm_limits, scaling=scaling)

    # -- parts ---------------------------------------------------------------------------------

    def _home(self) -> Array:
        return np.array(self.robot.arm.home)

    def _checkers(self, observation: ObjectObservation) -> PhaseCheckers:
        return PhaseCheckers.of_scene(self.model, observation, self.settings)

    def _judged(
        self,
        candidates: Sequence[GraspCandidate],
        anchor: Callable[[GraspCandidate, int], IsAnchor],
        seed: int,
    ) -> tuple[GraspCandidate, ...]:
        """Candidates with their reachability; `anchor` finds one's, given a seed, or refuses."""

        def reachability(candidate: GraspCandidate, seed: int) -> Reachability:
            try:
                return self._reachable(anchor(candidate, seed).grasp)
            except Dex1bError as error:
                if error.error_code is ErrorCode.INVALID_REQUEST:
                    raise
                result = _REACH_RESULTS.get(error.error_code, ReachResult.IK_IN_COLLISION)
                return Reachability(result, self.robot.arm.joints)

        return tuple(
            replace(item, reachability=reachability(item, seed + i))
            for i, item in enumerate(candidates)
        )

    def _reachable(self, grasp: IkSolution) -> Reachability:
        return Reachability(
            ReachResult.REACHABLE, self.robot.arm.joints, grasp.positions, grasp.margin,
            grasp.manipulability,
        )  # fmt: skip

    def _path_to(
        self,
        anchors: Sequence[Anchored],
        candidate: GraspCandidate,
        transit: CollisionChecker,
        start: Array,
        seed: int,
    ) -> tuple[Array, Anchored]:
        """Path (K, A) to the stand-off of one of the anchors, and which one."""
        pregrasp = self.model.hand_vector(candidate.joint_names, candidate.pregrasp)
        goals = [anchor.approach[0] for anchor in anchors]
        path = self._transit.path(start, goals, pregrasp, transit, seed)
        reached = int(np.argmin([np.abs(goal - path[-1]).max() for goal in goals]))
        return path, anchors[reached]


def _optional(values: tuple[float, ...] | None) -> Array | None:
    return None if values is None else np.array(values)
