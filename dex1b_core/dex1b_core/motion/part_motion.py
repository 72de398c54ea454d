"""What an arm can do with a grasp of a moving part: reach it, and lead it along its joint."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError
from dex1b_core.motion.arm_motion import ArmMotion
from dex1b_core.motion.articulation_plan import ArticulationPlan
from dex1b_core.motion.cartesian import follow, straight_line
from dex1b_core.motion.collision import CollisionChecker
from dex1b_core.motion.giving_way import GivingWay
from dex1b_core.motion.grasp_lines import GraspLines
from dex1b_core.motion.ik import IkSolution
from dex1b_core.motion.inputs import named_vector, require_displacement, require_scaling
from dex1b_core.motion.joint_line import joint_line
from dex1b_core.motion.part_scene import SHARES, PartCheckers
from dex1b_core.motion.part_timing import part_stages
from dex1b_core.motion.path_search import PathSearch
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.motion.timing import stretched
from dex1b_core.motion.trajectory import JointTrajectory
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning.candidate import GraspCandidate
from dex1b_core.robots import RobotDescription
from dex1b_core.simulation.object_joint import ObjectJoint

Array = NDArray[np.float64]

STEP_S, POINTS = 0.1, 4  # between points of a way that is shifted; at least so many
BACK = (0.10, 0.06, 0.03)  # [m] that the open hand draws back, as far as the arm can


@dataclass(frozen=True)
class PartAnchor:
    """A grasp posture of the arm with all the ways that hang on it.

    Attributes:
        grasp: At the grasp.
        approach: (K, A) from the stand-off to the grasp.
        lead: (L, A) along the joint.
        back: (M, A) from its end away from the part.
    """

    grasp: IkSolution
    approach: Array
    lead: Array
    back: Array


class PartMotion(ArmMotion):
    """Motion planning for one robot at objects with a joint, its position 0 where it is now."""

    def __init__(
        self,
        robot: RobotDescription,
        *,
        settings: MotionSettings | None = None,
        search: PathSearch | None = None,
    ) -> None:
        super().__init__(robot, settings=settings, search=search)
        self._lines = GraspLines(self.model, self._ik, self.settings)

    def reach_part(
        self,
        candidates: Sequence[GraspCandidate],
        observation: ObjectObservation,
        joint: ObjectJoint,
        displacement: float,
        *,
        seed: int,
    ) -> tuple[GraspCandidate, ...]:
        """Fill in the reachability of every candidate; order and number stay.

        Tested are the grasp, the straight approach, the whole way of the part and the way back,
        with joint margins, the workspace and all collisions.

        Args:
            candidates: Grasps in the planning frame.
            observation: The moving part, plane and obstacles, its base among these.
            joint: Of the part, planning frame.
            displacement: How far it is led [rad or m].
            seed: Of the random restarts.

        Raises:
            Dex1bError: INVALID_REQUEST for hand joints that the robot lacks or a displacement that
                is 0 or beyond the joint's limits, SHAPE_INVALID for a part without points.
        """
        with self._lock:
            checkers = self._part_checkers(observation, joint, displacement)

            def anchor(candidate: GraspCandidate, seed: int) -> PartAnchor:
                return self._part_anchors(candidate, checkers, self._home(), 1, seed)[0]

            return self._judged(candidates, anchor, seed)

    def plan_articulation(
        self,
        candidate: GraspCandidate,
        observation: ObjectObservation,
        joint: ObjectJoint,
        displacement: float,
        *,
        arm_start: Mapping[str, float],
        hand_start: Mapping[str, float],
        velocity_scaling: float,
        seed: int,
    ) -> ArticulationPlan:
        """Plan all motions of opening a part.

        Args:
            candidate: The grasp.
            observation: The moving part, plane and obstacles, its base among these.
            joint: Of the part, planning frame.
            displacement: How far it is led [rad or m].
            arm_start: Measured arm positions by joint name [rad].
            hand_start: Measured positions of the driven hand joints by name [rad].
            velocity_scaling: Fraction of the arm's limits, 0 to 1.
            seed: Of inverse kinematics and path search.

        Raises:
            Dex1bError: INVALID_REQUEST, SHAPE_INVALID, NO_IK, JOINT_MARGIN, NO_PATH,
                OUT_OF_WORKSPACE, TABLE_COLLISION, SCENE_COLLISION, SELF_COLLISION or LIMITS.
        """
        begin = time.monotonic()
        require_scaling(velocity_scaling)
        start = named_vector(arm_start, self.robot.arm.joints, 'arm_start')
        hand = named_vector(hand_start, self.robot.hand.joints, 'hand_start')
        with self._lock:
            checkers = self._part_checkers(observation, joint, displacement)
            anchors = self._part_anchors(candidate, checkers, start, self.settings.ik_goals, seed)
            transit = checkers.phases.transit
            path, anchor = self._path_to(anchors, candidate, transit, start, seed)
            ways = path, anchor.approach, anchor.lead, anchor.back
            reach = displacement * joint.reach(candidate.planning_T_wrist[:3, 3])
            ends = [self.model.wrist_pose(place)[:3, 3] for place in anchor.approach[[0, -1]]]
            distance = float(np.linalg.norm(ends[1] - ends[0]))
            stages = part_stages(
                self._timing, candidate, ways, hand, velocity_scaling, distance, reach
            )
        return ArticulationPlan(
            replace(candidate, reachability=self._reachable(anchor.grasp)),
            joint,
            displacement,
            stages,
            time.monotonic() - begin,
        )

    def hand_force(self, positions: Array, efforts: Array) -> float:
        """Force of the hand [N] that best explains efforts of the arm.

        Args:
            positions: (A,) of the arm [rad].
            efforts: (A,) beyond those without the force [N m].
        """
        return float(np.linalg.norm(self.force_vector(positions, efforts)))

    def force_vector(self, positions: Array, efforts: Array) -> Array:
        """(3,) of `hand_force`: what the hand exerts [N], planning frame."""
        with self._lock:
            jacobian = self._ik.jacobian(positions)
            turn = self.model.wrist_pose(positions)[:3, :3]
        wrench = np.linalg.lstsq(jacobian.T, efforts, rcond=1e-3)[0]
        return np.asarray(turn @ wrench[:3])

    def hand_places(self, positions: Array) -> Array:
        """(K, 3) of the hand's root link [m] at postures (K, A) of the arm."""
        with self._lock:
            return np.array([self.model.wrist_pose(posture)[:3, 3] for posture in positions])

    def aside(self, trajectory: JointTrajectory, shift: Array, *, scaling: float) -> GivingWay:
        """A trajectory of the arm with its hand shifted.

        Args:
            trajectory: From where the arm rests.
            shift: (3,) of the hand at its beginning, planning frame [m]; it turns as the hand does.
            scaling: Fraction of the arm's limits.

        Raises:
            Dex1bError: NO_PATH or LIMITS when the arm cannot.
        """
        count = max(POINTS, int(np.ceil(trajectory.duration / STEP_S)))
        path = trajectory.sample(np.linspace(0.0, trajectory.duration, count))[0]
        with self._lock:
            targets = np.array([self.model.wrist_pose(positions) for positions in path])
            targets[:, :3, 3] += targets[:, :3, :3] @ targets[0, :3, :3].T @ shift
            away = follow(
                self._ik, path[0], targets, joint_jump=self.settings.joint_jump,
                told=lambda index, reason: f'giving way to the part the arm {reason}',
            )  # fmt: skip
            start = self._timing.arm(away[:2], scaling)
            rest = self._timing.arm(away[1:], scaling)
        slow = max(1.0, trajectory.duration / rest.duration)
        return GivingWay(start, stretched(rest, slow), float(np.linalg.norm(shift)))

    # -- parts ---------------------------------------------------------------------------------

    def _part_checkers(
        self, observation: ObjectObservation, joint: ObjectJoint, displacement: float
    ) -> PartCheckers:
        require_displacement(joint, displacement)
        return PartCheckers.of_scene(self.model, observation, joint, displacement, self.settings)

    def _part_anchors(
        self,
        candidate: GraspCandidate,
        checkers: PartCheckers,
        start: Array,
        count: int,
        seed: int,
    ) -> list[PartAnchor]:
        """At least one anchor, those nearest to (A,) `start` first; raises as `AnchorSearch`."""

        def build(solution: IkSolution) -> PartAnchor:
            self._lines.check_closing(candidate, checkers.phases, solution.positions)
            approach = self._lines.approach(candidate, checkers.phases, solution.positions)
            lead = self._lead(candidate, checkers, solution.positions)
            back = self._back(candidate, checkers, lead[-1])
            return PartAnchor(solution, approach, lead, back)

        return self._anchors.search(candidate, build, start, count=count, seed=seed)

    def _lead(self, candidate: GraspCandidate, checkers: PartCheckers, positions: Array) -> Array:
        path = joint_line(
            self._ik, positions, candidate.planning_T_wrist, checkers.joint, checkers.displacement,
            step=self.settings.cartesian_step, joint_jump=self.settings.joint_jump,
        )  # fmt: skip
        grasp = self.model.hand_vector(candidate.joint_names, candidate.grasp)
        for share, checker in zip(SHARES, checkers.moved, strict=True):
            place = path[round(share * (len(path) - 1))]
            self._require_free(checker, place, grasp, f"after {share:.0%} of the part's way")
        return path

    def _back(self, candidate: GraspCandidate, checkers: PartCheckers, end: Array) -> Array:
        """Path (M, A) away from the part; shorter where the arm cannot follow the whole."""
        motion = checkers.joint.motion(checkers.displacement)
        away = -motion[:3, :3] @ candidate.approach
        pregrasp = self.model.hand_vector(candidate.joint_names, candidate.pregrasp)
        last: Dex1bError | None = None
        for distance in BACK:
            try:
                path = straight_line(
                    self._ik, end, motion @ candidate.planning_T_wrist, distance * away,
                    step=self.settings.cartesian_step, joint_jump=self.settings.joint_jump,
                )  # fmt: skip
                self._require_free(checkers.moved[-1], path[-1], pregrasp, 'on the way back')
            except Dex1bError as error:
                last = error
            else:
                return path
        assert last is not None
        raise last

    def _require_free(
        self, checker: CollisionChecker, positions: Array, hand: Array, where: str
    ) -> None:
        collision = checker.first_collision(self.model.configuration(positions, hand))
        if collision is not None:
            raise collision.error(where)
