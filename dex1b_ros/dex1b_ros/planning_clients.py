"""The pipeline's stages behind ROS: generator and sim check in their own processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from std_msgs.msg import Header

from dex1b_core.errors import ErrorCode
from dex1b_core.motion import ArmMotion
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning import GraspCandidate, Rejection
from dex1b_msgs.action import CheckGrasps
from dex1b_msgs.msg import SceneSnapshot
from dex1b_msgs.srv import GenerateGrasps
from dex1b_ros import conversions
from dex1b_ros.callers import ActionCaller, ServiceCaller, raise_reply

_GENERATE_S = 120.0  # wall clock


class PlanningClients:
    """PlanningStages of one request: holds the scene message that the servers want."""

    def __init__(
        self,
        motion: ArmMotion,
        generate: ServiceCaller,
        check: ActionCaller,
        scene: SceneSnapshot,
        *,
        wrist_frame: str,
        start: Callable[[], tuple[dict[str, float], dict[str, float]]],
        cancelled: Callable[[], bool],
        velocity_scaling: float,
        lift_height: float,
    ) -> None:
        self._motion = motion
        self._generate = generate
        self._check = check
        self._scene = scene
        self._wrist_frame = wrist_frame
        self._start = start
        self._cancelled = cancelled
        self._velocity_scaling = velocity_scaling
        self._lift_height = lift_height

    def generate(
        self, observation: ObjectObservation, *, count: int, seed: int
    ) -> tuple[tuple[GraspCandidate, ...], tuple[Rejection, ...]]:
        """Call generate_grasps."""
        request = GenerateGrasps.Request(scene=self._scene, count=count, seed=seed)
        reply = self._generate.call(request, timeout_s=_GENERATE_S, cancelled=self._cancelled)
        if reply.error_code == ErrorCode.NO_CANDIDATES:
            return (), tuple(conversions.rejection(r) for r in reply.rejections)
        raise_reply(reply)
        return (
            tuple(conversions.candidate(c) for c in reply.candidates),
            tuple(conversions.rejection(r) for r in reply.rejections),
        )

    def reach(
        self, candidates: Sequence[GraspCandidate], observation: ObjectObservation, *, seed: int
    ) -> tuple[GraspCandidate, ...]:
        """Judge reachability in this process."""
        return self._motion.reach(candidates, observation, seed=seed)

    def check(
        self,
        candidates: Sequence[GraspCandidate],
        observation: ObjectObservation,
        *,
        seed: int,
        enough: int,
        time_budget_s: float,
    ) -> tuple[GraspCandidate, ...]:
        """Call check_grasps."""
        goal = CheckGrasps.Goal(scene=self._scene, seed=seed, enough=enough)
        goal.candidates = [self._candidate_msg(c) for c in candidates]
        goal.time_budget = conversions.duration_msg(time_budget_s)
        reply = self._check.call(goal, timeout_s=time_budget_s, cancelled=self._cancelled)
        if reply.error_code not in (ErrorCode.ALL_FAILED, ErrorCode.CHECK_TIMEOUT):
            raise_reply(reply)  # those two still bring their verdicts
        return tuple(conversions.candidate(c) for c in reply.candidates)

    def plan_motion(
        self, candidate: GraspCandidate, observation: ObjectObservation, *, seed: int
    ) -> Any:
        """Plan the pick from where the robot is now."""
        arm_start, hand_start = self._start()
        return self._motion.plan_pick(
            candidate,
            observation,
            arm_start=arm_start,
            hand_start=hand_start,
            velocity_scaling=self._velocity_scaling,
            lift_height=self._lift_height,
            seed=seed,
        )

    def _candidate_msg(self, candidate: GraspCandidate) -> Any:
        header = Header(frame_id=self._scene.header.frame_id, stamp=self._scene.header.stamp)
        return conversions.candidate_msg(candidate, self._wrist_frame, header)
