"""The pipeline's stages behind ROS: generator and sim check in their own processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rclpy.client import Client
from std_msgs.msg import Header

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import ArmMotion
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning import GraspCandidate, Rejection
from dex1b_msgs.action import CheckGrasps
from dex1b_msgs.msg import SceneSnapshot
from dex1b_msgs.srv import GenerateGrasps
from dex1b_ros import conversions
from dex1b_ros.action_client import ActionClient
from dex1b_ros.lease import PERIOD_S, ClientHeartbeat
from dex1b_ros.node import Dex1bNode, wait_for

MARGIN_S = 10.0
"""Wall-clock time a server may take beyond the budget that it was given."""


def raise_reply(reply: Any) -> None:
    """Turn a reply's error code into the exception it stands for."""
    if reply.error_code != ErrorCode.NONE:
        raise Dex1bError(ErrorCode(reply.error_code), reply.error_msg)


class ActionCaller:
    """Send a goal from a worker thread and wait for its result; cancels it when asked."""

    def __init__(self, node: Dex1bNode, kind: Any, name: str, *, has_lease: bool = False) -> None:
        """Create the client; `has_lease` when the server wants to hear that it lives."""
        self._client = ActionClient(node, kind, name)
        self._heartbeat = ClientHeartbeat(node, name) if has_lease else None
        self._name = name

    def call(
        self,
        goal: Any,
        *,
        timeout_s: float,
        cancelled: Callable[[], bool],
        on_feedback: Callable[[Any], None] | None = None,
    ) -> Any:
        """Return the result message, whatever its error code.

        Raises:
            Dex1bError: NODE_UNAVAILABLE, GOAL_REJECTED or DEADLINE.
        """
        if not self._client.wait_for_server(10.0):
            raise Dex1bError(
                ErrorCode.NODE_UNAVAILABLE,
                f"no server for action '{self._name}' within 10 s; is its node active?",
            )

        def forward(message: Any) -> None:
            if on_feedback is not None:
                on_feedback(message.feedback)

        handle = wait_for(
            self._client.send_goal_async(goal, feedback_callback=forward), MARGIN_S,
            f"action '{self._name}'",
        )  # fmt: skip
        if not handle.accepted:
            raise Dex1bError(ErrorCode.GOAL_REJECTED, f"action '{self._name}' refused the goal")
        return self._await_result(handle, timeout_s, cancelled)

    def _await_result(self, handle: Any, timeout_s: float, cancelled: Callable[[], bool]) -> Any:
        future = handle.get_result_async()
        waited = 0.0
        asked_to_cancel = False
        while not future.done():
            if cancelled() and not asked_to_cancel:
                handle.cancel_goal_async()
                asked_to_cancel = True
            if self._heartbeat is not None:
                self._heartbeat.beat(handle)
            try:
                wait_for(future, PERIOD_S, self._name)
            except Dex1bError:
                waited += PERIOD_S
                if waited > timeout_s + MARGIN_S:
                    handle.cancel_goal_async()
                    raise Dex1bError(
                        ErrorCode.DEADLINE,
                        f"action '{self._name}' gave no result within {waited:.0f} s",
                    ) from None
        return future.result().result

    def destroy(self) -> None:
        """Free the client."""
        if self._heartbeat is not None:
            self._heartbeat.destroy()
        self._client.destroy()


class PlanningClients:
    """PlanningStages of one request: holds the scene message that the servers want."""

    def __init__(
        self,
        motion: ArmMotion,
        generate: Client,
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
        if not self._generate.wait_for_service(10.0):
            raise Dex1bError(
                ErrorCode.NODE_UNAVAILABLE,
                "no server for 'generate_grasps' within 10 s; is the generator active?",
            )
        reply = wait_for(self._generate.call_async(request), 120.0, "service 'generate_grasps'")
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
