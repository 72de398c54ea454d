"""What a planning run does for a moving part: the stages of `planning.pipeline.GraspPlanner`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.articulation.check import ArticulationChecker, ArticulationVerdict
from dex1b_core.articulation.grasps import ArticulationGrasps
from dex1b_core.articulation.protocol import (
    NOMINAL,
    ArticulationProtocol,
    Condition,
    Reason,
)
from dex1b_core.articulation.synthesizer import ArticulationSettings, ArticulationSynthesizer
from dex1b_core.errors import ErrorCode
from dex1b_core.motion.articulation_plan import ArticulationPlan
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning.candidate import (
    CheckResult,
    FailureReason,
    GraspCandidate,
    SimCheck,
)
from dex1b_core.planning.rejection import Rejection
from dex1b_core.robots import RobotDescription
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.lift_check import joint_drives
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.simulation.scene_description import RIGID_SLIDE, RIGID_TURN
from dex1b_core.simulation.urdf_bodies import TreeSource

if TYPE_CHECKING:  # it loads pinocchio and coal
    from dex1b_core.motion.part_motion import PartMotion

# what is rebuilt from a view is some millimetres wrong, and an arm does not yield
WORLDS = (
    NOMINAL,
    Condition('near', 0.6, damping=3.0, resistance=1.5, shift=0.003),
    Condition('far', 0.6, shift=-0.003),
)
PROTOCOL = ArticulationProtocol(
    lead=1.0, max_load=70.0, load_all_along=True, slide_drive=RIGID_SLIDE, turn_drive=RIGID_TURN
)
SETTINGS = ArticulationSettings(clear=0.010)  # what is seen is not where it seems to be
APPROACH = 0.10  # [m] straight before the grasp
SQUEEZE = 0.15  # of the synthesised squeeze: a handle need not be lifted, and an arm does not yield
LEAST_SCORE = 0.02  # predicted probability below which a grasp is not even looked at

FAILURES = {
    Reason.START_OVERLAP: FailureReason.INITIAL_PENETRATION,
    Reason.MISSED: FailureReason.MISSED,
    Reason.LOST: FailureReason.DROPPED,
    Reason.NOT_OPENED: FailureReason.SLIPPED,
    Reason.TOO_FEW_FINGERS: FailureReason.TOO_FEW_FINGERS,
    Reason.SLIPPED: FailureReason.SLIPPED,
    Reason.UNSTABLE: FailureReason.UNSTABLE,
}  # OVERLOADED has none: UNKNOWN


@dataclass(frozen=True)
class PartTask:
    """What shall be moved, as far as it is known.

    Attributes:
        target: Rebuilt from what is seen, in the planning frame, its joint at 0 where it is now.
        observation: Its moving part; the base is among the obstacles.
        displacement: How far it shall move [rad or m].
    """

    target: ArticulatedObject
    observation: ObjectObservation
    displacement: float

    @property
    def joint(self) -> ObjectJoint:
        """In the planning frame."""
        return self.target.joint


class ArticulationStages:
    """PlanningStages of one task: synthesis, reach along the joint, physics, motion.

    Args:
        robot: Whose arm and hand.
        motion: Of it.
        task: What shall be moved.
        start: Measured arm and hand positions by joint name [rad], when asked.
        velocity_scaling: Fraction of the arm's limits.
        synthesizer: Of its hand; made when None.
    """

    def __init__(
        self,
        robot: RobotDescription,
        motion: PartMotion,
        task: PartTask,
        *,
        start: Callable[[], tuple[Mapping[str, float], Mapping[str, float]]],
        velocity_scaling: float,
        synthesizer: ArticulationSynthesizer | None = None,
    ) -> None:
        self._robot, self._motion, self._task = robot, motion, task
        self._start, self._scaling = start, velocity_scaling
        self._synthesizer = synthesizer or ArticulationSynthesizer(HandModel(robot.hand), SETTINGS)
        self._grasps: ArticulationGrasps | None = None
        self._rows: dict[bytes, int] = {}

    def generate(
        self, observation: ObjectObservation, *, count: int, seed: int
    ) -> tuple[tuple[GraspCandidate, ...], tuple[Rejection, ...]]:
        """The better half of `count` optimised grasps, best first."""
        from dex1b_core.articulation.grasp_target import GraspTarget

        target = GraspTarget.of(self._task.target)
        grasps = self._synthesizer.optimise(target, count, seed=seed).best(max(1, count // 2))
        gentle = grasps.grasp + SQUEEZE * (grasps.squeeze - grasps.grasp)
        grasps = replace(grasps, squeeze=gentle)
        self._grasps = grasps
        rows = [row for row in range(len(grasps)) if grasps.score[row] >= LEAST_SCORE]
        candidates = tuple(part_candidate(self._robot.hand.key, grasps, row) for row in rows)
        self._rows = {
            candidate.planning_T_wrist.tobytes(): row
            for row, candidate in zip(rows, candidates, strict=True)
        }
        if len(rows) == len(grasps):
            return candidates, ()
        poor = len(grasps) - len(rows)
        example = f'predicted to open it with less than {LEAST_SCORE:.0%}'
        return candidates, (Rejection(ErrorCode.NO_OPPOSITION, 'generate', poor, example),)

    def reach(
        self, candidates: Sequence[GraspCandidate], observation: ObjectObservation, *, seed: int
    ) -> tuple[GraspCandidate, ...]:
        """Whether the arm can bring the hand there and lead it along the joint."""
        return self._motion.reach_part(
            candidates, observation, self._task.joint, self._task.displacement, seed=seed
        )

    def check(
        self,
        candidates: Sequence[GraspCandidate],
        observation: ObjectObservation,
        *,
        seed: int,
        enough: int,
        time_budget_s: float,
    ) -> tuple[GraspCandidate, ...]:
        """Physics on what was rebuilt, with a hand held as by an arm: strict, in all `WORLDS`."""
        deadline = time.monotonic() + time_budget_s
        hand = self._robot.hand
        checker = ArticulationChecker(
            TreeSource.of_hand(hand), self._task.target, PROTOCOL,
            drives=joint_drives(hand.joints, self._robot.simulation.hand),
        )  # fmt: skip
        checked: list[GraspCandidate] = []
        passed = 0
        for candidate in candidates:
            if passed >= enough or (time.monotonic() > deadline and passed):
                checked.append(candidate)
                continue
            assert self._grasps is not None
            row = self._rows[candidate.planning_T_wrist.tobytes()]
            verdict = checker.check(self._grasps, row, WORLDS)
            judged = replace(
                candidate, sim_check=sim_check(verdict), score=self._score(candidate, verdict)
            )
            passed += judged.sim_check.result is CheckResult.PASSED
            checked.append(judged)
        return tuple(checked)

    def plan_motion(
        self, candidate: GraspCandidate, observation: ObjectObservation, *, seed: int
    ) -> ArticulationPlan:
        """From where the robot is now."""
        arm_start, hand_start = self._start()
        return self._motion.plan_articulation(
            candidate,
            observation,
            self._task.joint,
            self._task.displacement,
            arm_start=arm_start,
            hand_start=hand_start,
            velocity_scaling=self._scaling,
            seed=seed,
        )

    def _score(self, candidate: GraspCandidate, verdict: ArticulationVerdict) -> float:
        """Prediction, less what slipped and pulled in the worlds that were tried."""
        slip = max(trial.slip for trial in verdict.trials) / PROTOCOL.max_slip
        load = max(trial.load for trial in verdict.trials) / PROTOCOL.max_load
        return candidate.generator_score - 0.3 * slip - 0.6 * load


def part_candidate(hand: str, grasps: ArticulationGrasps, row: int) -> GraspCandidate:
    """One of many grasps, of an object whose frame is the planning frame."""
    score = float(grasps.score[row])
    return GraspCandidate(
        hand=hand,
        planning_T_wrist=grasps.object_T_hand[row],
        joint_names=grasps.joint_names,
        pregrasp=grasps.pregrasp[row],
        grasp=grasps.grasp[row],
        squeeze=grasps.squeeze[row],
        approach=-grasps.retreat[row],
        approach_distance=APPROACH,
        score=score,
        generator_score=score,
    )


def sim_check(verdict: ArticulationVerdict) -> SimCheck:
    """A verdict as candidates carry it; the lift is the joint's displacement."""
    met = verdict.strict is Reason.NONE
    last = verdict.trials[-1]
    return SimCheck(
        CheckResult.PASSED if met else CheckResult.FAILED,
        FailureReason.NONE if met else FAILURES.get(verdict.strict, FailureReason.UNKNOWN),
        lift_height=last.moved,
        slip=last.slip,
        max_penetration=last.overlap,
        fingers_in_contact=last.fingers,
        trials=len(verdict.trials),
        successes=sum(trial.strict is Reason.NONE for trial in verdict.trials),
    )
