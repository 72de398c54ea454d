"""What an arm can do with a grasp: reach it, and pick with it."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.cartesian import straight_line
from dex1b_core.motion.collision import Allow, Collision, CollisionChecker, environment
from dex1b_core.motion.ik import ArmIk, IkSolution
from dex1b_core.motion.plan import PickPlan, PickStage, Stage
from dex1b_core.motion.planner import plan_path
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.motion.timing import point_to_point, time_path
from dex1b_core.motion.trajectory import JointTrajectory
from dex1b_core.motion.validate import JointLimits, validate_trajectory
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning.candidate import GraspCandidate, Reachability, ReachResult
from dex1b_core.robots import RobotDescription

Array = NDArray[np.float64]

_UP = np.array([0.0, 0.0, 1.0])
_STAND_OFF_FACTORS = (1.0, 1.5, 2.0)  # farther away where the hand would touch at the first
_RESULTS = {
    ErrorCode.NO_IK: ReachResult.NO_IK,
    ErrorCode.JOINT_MARGIN: ReachResult.JOINT_MARGIN,
    ErrorCode.NO_PATH: ReachResult.NO_PATH,
    ErrorCode.OUT_OF_WORKSPACE: ReachResult.OUT_OF_WORKSPACE,
}  # every other error is a collision


@dataclass(frozen=True)
class _Checkers:
    """Collision tests of one scene, by phase."""

    transit: CollisionChecker
    approach: CollisionChecker
    contact: CollisionChecker


@dataclass(frozen=True)
class _Anchor:
    """A grasp posture of the arm with the straight lines that lead to and from it.

    Attributes:
        grasp: At the grasp.
        approach: (K, A) from the stand-off to the grasp.
        lift: (L, A) from the grasp upwards.
        lift_height: Of the last point of `lift` [m].
    """

    grasp: IkSolution
    approach: Array
    lift: Array
    lift_height: float


class ArmMotion:
    """Motion planning for one robot. Calls from several threads are taken in turn."""

    def __init__(self, robot: RobotDescription, *, settings: MotionSettings | None = None) -> None:
        self.robot = robot
        self.settings = settings or MotionSettings()
        self.model = RobotModel(robot)
        self._ik = ArmIk(self.model)
        self._lock = threading.Lock()
        self.arm_limits = JointLimits(
            robot.arm.joints,
            self.model.lower,
            self.model.upper,
            np.array(robot.arm.velocity_limits),
            np.array(robot.arm.acceleration_limits),
        )
        self.hand_limits = JointLimits(
            robot.hand.joints,
            self.model.hand_lower,
            self.model.hand_upper,
            np.array(robot.hand.velocity_limits),
            np.array(robot.hand.acceleration_limits),
        )

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
            start = self._vector(arm_start, self.robot.arm.joints, 'arm_start')
        with self._lock:
            checkers = self._checkers(observation)
            return tuple(
                replace(item, reachability=self._reachability(item, checkers, start, seed + i))
                for i, item in enumerate(candidates)
            )

    def _reachability(
        self, candidate: GraspCandidate, checkers: _Checkers, start: Array, seed: int
    ) -> Reachability:
        try:
            anchor = self._anchors(
                candidate, checkers, start, lift_height=self.settings.verify_height,
                count=1, seed=seed,
            )[0]  # fmt: skip
        except Dex1bError as error:
            if error.error_code is ErrorCode.INVALID_REQUEST:
                raise
            result = _RESULTS.get(error.error_code, ReachResult.IK_IN_COLLISION)
            return Reachability(result, self.robot.arm.joints)
        return self._reachable(anchor.grasp)

    def _reachable(self, grasp: IkSolution) -> Reachability:
        return Reachability(
            ReachResult.REACHABLE, self.robot.arm.joints, grasp.positions, grasp.margin,
            grasp.manipulability,
        )  # fmt: skip

    def explain(
        self, candidate: GraspCandidate, observation: ObjectObservation, *, seed: int
    ) -> Dex1bError | None:
        """Why a candidate is not reachable, in words and numbers; None when it is."""
        with self._lock:
            try:
                self._anchors(
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
        if not 0 < velocity_scaling <= 1:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'velocity_scaling is {velocity_scaling}; expected more than 0, at most 1',
            )
        start = self._vector(arm_start, self.robot.arm.joints, 'arm_start')
        hand = self._vector(hand_start, self.robot.hand.joints, 'hand_start')
        with self._lock:
            checkers = self._checkers(observation)
            anchors = self._anchors(
                candidate, checkers, start, lift_height=lift_height,
                count=self.settings.ik_goals, seed=seed,
            )  # fmt: skip
            path, anchor = self._path_to(anchors, candidate, checkers, start, seed)
            stages = self._stages(candidate, path, anchor, hand, velocity_scaling)
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
        start = self._vector(arm_start, self.robot.arm.joints, 'arm_start')
        target = self._vector(goal, self.robot.arm.joints, 'goal')
        hand = self._vector(hand_posture, self.robot.hand.joints, 'hand_posture')
        allow = Allow.OBJECT if ignore_object else Allow.NOTHING
        with self._lock:
            bodies = environment(observation, self.settings) if observation else {}
            checker = CollisionChecker(self.model, bodies, settings=self.settings, allow=allow)
            path = self._search(start, [target], hand, checker, seed)
            return time_path(
                path, self.arm_limits, scaling=velocity_scaling,
                period=self.settings.sample_period,
            )  # fmt: skip

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

    # -- parts ---------------------------------------------------------------------------------

    def _home(self) -> Array:
        return np.array(self.robot.arm.home)

    def _vector(self, positions: Mapping[str, float], names: tuple[str, ...], what: str) -> Array:
        """Named positions in the order of `names`."""
        missing = [name for name in names if name not in positions]
        if missing:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST, f'{what} lacks joints {missing}; expected {list(names)}'
            )
        vector = np.array([positions[name] for name in names], dtype=float)
        if not np.isfinite(vector).all():
            raise Dex1bError(ErrorCode.INVALID_REQUEST, f'{what} is not finite: {vector.tolist()}')
        return vector

    def _checkers(self, observation: ObjectObservation) -> _Checkers:
        bodies = environment(observation, self.settings)

        def make(allow: Allow) -> CollisionChecker:
            return CollisionChecker(self.model, bodies, settings=self.settings, allow=allow)

        return _Checkers(make(Allow.NOTHING), make(Allow.HAND_OBJECT), make(Allow.OBJECT))

    def _anchors(
        self,
        candidate: GraspCandidate,
        checkers: _Checkers,
        start: Array,
        *,
        lift_height: float,
        count: int,
        seed: int,
    ) -> list[_Anchor]:
        """Arm postures at the grasp that can be approached and lifted; at least one."""
        rng = np.random.default_rng(seed)
        self._check_target(candidate)
        pose = candidate.planning_T_wrist
        known = candidate.reachability.positions
        seeds = [start, self._home(), *([known] if len(known) == len(start) else [])]
        anchors: list[_Anchor] = []
        errors: list[Dex1bError] = []
        for solution in self._ik.solutions(
            pose, seeds=seeds, restarts=self.settings.ik_restarts, rng=rng
        ):
            try:
                anchors.append(self._anchor(candidate, checkers, solution, lift_height))
            except Dex1bError as error:
                errors.append(error)
            if len(anchors) >= count or len(errors) >= self.settings.ik_solutions:
                break
        if not anchors and not errors:
            raise self._no_ik(candidate, seeds, rng)
        if not anchors:
            # a collision says more about the grasp than a line the arm cannot follow
            errors.sort(key=lambda error: error.error_code is ErrorCode.NO_PATH)
            raise errors[0]
        anchors.sort(key=lambda item: float(np.abs(item.grasp.positions - start).sum()))
        return anchors

    def _check_target(self, candidate: GraspCandidate) -> None:
        for posture in (candidate.pregrasp, candidate.grasp, candidate.squeeze):
            self.model.hand_vector(candidate.joint_names, posture)
        box, point = self.robot.workspace, candidate.planning_T_wrist[:3, 3]
        if (point < np.array(box.lower)).any() or (point > np.array(box.upper)).any():
            raise Dex1bError(
                ErrorCode.OUT_OF_WORKSPACE,
                f"'{self.robot.hand.root_link}' would be at {point.round(3).tolist()} m; allowed "
                f'is {list(box.lower)} to {list(box.upper)} m',
            )

    def _no_ik(
        self, candidate: GraspCandidate, seeds: list[Array], rng: np.random.Generator
    ) -> Dex1bError:
        pose = candidate.planning_T_wrist
        point, distance = pose[:3, 3].round(3).tolist(), np.linalg.norm(pose[:3, 3])
        beyond = next(
            self._ik.solutions(pose, seeds=seeds, restarts=2, rng=rng, margin=False), None
        )
        if beyond is not None:
            return Dex1bError(
                ErrorCode.JOINT_MARGIN,
                f'the only arm posture found keeps {beyond.margin:.3f} rad to the '
                f'joint limits; {self.robot.arm.joint_margin:.3f} is required',
            )
        return Dex1bError(
            ErrorCode.NO_IK,
            f'no arm posture puts the hand at {point} m ({distance:.2f} m from the base) in this '
            f'orientation; {len(seeds) + self.settings.ik_restarts} starts tried',
        )

    def _anchor(
        self,
        candidate: GraspCandidate,
        checkers: _Checkers,
        solution: IkSolution,
        lift_height: float,
    ) -> _Anchor:
        self._check_grasp(candidate, checkers, solution.positions)
        approach = self._approach(candidate, checkers, solution.positions)
        lift, height = self._lift(candidate, checkers, solution.positions, lift_height)
        return _Anchor(solution, approach, lift, height)

    def _check_grasp(
        self, candidate: GraspCandidate, checkers: _Checkers, positions: Array
    ) -> None:
        """The hand may touch the object, but nothing else while it closes."""
        pregrasp, grasp = self._postures(candidate)
        for share in (0.0, 0.5, 1.0):
            posture = pregrasp + share * (grasp - pregrasp)
            collision = checkers.approach.first_collision(
                self.model.configuration(positions, posture)
            )
            if collision is not None:
                raise collision.error(f'at the grasp with the hand {100 * share:.0f} % closed')

    def _postures(self, candidate: GraspCandidate) -> tuple[Array, Array]:
        names = candidate.joint_names
        return (
            self.model.hand_vector(names, candidate.pregrasp),
            self.model.hand_vector(names, candidate.grasp),
        )

    def _approach(self, candidate: GraspCandidate, checkers: _Checkers, positions: Array) -> Array:
        """Path (K, A) from a free stand-off to the grasp."""
        pregrasp, _ = self._postures(candidate)
        pose, direction = candidate.planning_T_wrist, candidate.approach
        collision: Collision | None = None
        for factor in _STAND_OFF_FACTORS:
            distance = factor * candidate.approach_distance
            path = self._line(positions, pose, -distance * direction)
            self._check_path(
                path, pregrasp, checkers.approach, f'within {1e3 * distance:.0f} mm of the grasp'
            )
            collision = checkers.transit.first_collision(
                self.model.configuration(path[-1], pregrasp)
            )
            if collision is None:
                return path[::-1]
        assert collision is not None
        raise collision.error(f'at the stand-off, {1e3 * distance:.0f} mm before the grasp')

    def _lift(
        self, candidate: GraspCandidate, checkers: _Checkers, positions: Array, height: float
    ) -> tuple[Array, float]:
        """Path (L, A) upwards and the height that it reaches [m]."""
        _, grasp = self._postures(candidate)
        least = max(self.settings.min_lift_fraction * height, self.settings.verify_height)
        last: Dex1bError | None = None
        for share in (1.0, 0.85, 0.7, 0.55):
            if share * height < least and share < 1:
                break
            try:
                path = self._line(positions, candidate.planning_T_wrist, share * height * _UP)
                self._check_path(path, grasp, checkers.contact, 'while lifting')
            except Dex1bError as error:
                last = error
            else:
                return path, share * height
        assert last is not None
        raise last

    def _line(self, positions: Array, pose: Array, shift: Array) -> Array:
        return straight_line(
            self._ik, positions, pose, shift, step=self.settings.cartesian_step,
            joint_jump=self.settings.joint_jump,
        )  # fmt: skip

    def _check_path(self, path: Array, hand: Array, checker: CollisionChecker, where: str) -> None:
        hit = checker.first_on_path(self.model.configuration(q, hand) for q in path)
        if hit is not None:
            raise hit[1].error(where)

    def _path_to(
        self,
        anchors: list[_Anchor],
        candidate: GraspCandidate,
        checkers: _Checkers,
        start: Array,
        seed: int,
    ) -> tuple[Array, _Anchor]:
        """Path (K, A) to the stand-off of one of the anchors, and which one."""
        pregrasp, _ = self._postures(candidate)
        goals = [anchor.approach[0] for anchor in anchors]
        path = self._search(start, goals, pregrasp, checkers.transit, seed)
        reached = int(np.argmin([np.abs(goal - path[-1]).max() for goal in goals]))
        return path, anchors[reached]

    def _search(
        self, start: Array, goals: list[Array], hand: Array, checker: CollisionChecker, seed: int
    ) -> Array:
        def is_free(positions: Array) -> bool:
            return checker.is_free(self.model.configuration(positions, hand))

        collision = checker.first_collision(self.model.configuration(start, hand))
        if collision is not None:
            raise collision.error('where the arm is now; move it away by hand or clear the scene')
        for goal in goals:
            collision = checker.first_collision(self.model.configuration(goal, hand))
            if collision is not None:
                raise collision.error('at the goal of the arm')
        return plan_path(
            start, goals, is_free=is_free, lower=self._ik.lower, upper=self._ik.upper,
            settings=self.settings, seed=seed,
        )  # fmt: skip

    def _stages(
        self,
        candidate: GraspCandidate,
        path: Array,
        anchor: _Anchor,
        hand_start: Array,
        scaling: float,
    ) -> tuple[PickStage, ...]:
        settings, names = self.settings, candidate.joint_names
        pregrasp, grasp = self._postures(candidate)
        squeeze = np.clip(
            self.model.hand_vector(names, candidate.squeeze),
            self.hand_limits.lower,
            self.hand_limits.upper,
        )
        small = max(2, round(len(anchor.lift) * settings.verify_height / anchor.lift_height) + 1)
        small = min(small, len(anchor.lift))

        def arm(points: Array) -> JointTrajectory:
            return time_path(
                points, self.arm_limits, scaling=scaling, period=settings.sample_period
            )

        def hand(start: Array, goal: Array, duration: float) -> JointTrajectory:
            return point_to_point(
                start, goal, self.hand_limits, min_duration=duration,
                period=settings.sample_period,
            )  # fmt: skip

        opening = hand(hand_start, pregrasp, settings.close_duration)
        stages = [
            PickStage(Stage.PREGRASP, arm(path), opening),
            PickStage(Stage.APPROACH, arm(anchor.approach)),
            PickStage(Stage.CLOSE, hand=hand(pregrasp, grasp, settings.close_duration)),
            PickStage(
                Stage.SQUEEZE,
                hand=hand(grasp, squeeze, settings.squeeze_duration),
                settle=settings.settle_duration,
            ),
            PickStage(Stage.VERIFY, arm(anchor.lift[:small])),
        ]
        if small < len(anchor.lift):
            stages.append(PickStage(Stage.LIFT, arm(anchor.lift[small - 1 :])))
        for stage in stages:
            if stage.arm is not None:
                validate_trajectory(stage.arm, self.arm_limits, scaling=scaling)
            if stage.hand is not None:
                validate_trajectory(stage.hand, self.hand_limits)
        return tuple(stages)
