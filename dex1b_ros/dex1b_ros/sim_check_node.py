"""Tries candidates in physics on the shapes that perception reconstructed: check_grasps."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydantic import Field
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning import CheckResult, GraspCandidate, Rejection
from dex1b_core.robots import load_robot
from dex1b_core.simulation.check_pool import CheckPool
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import REASON_TEXTS
from dex1b_msgs.action import CheckGrasps
from dex1b_ros import conversions
from dex1b_ros.bounds import MAX_CANDIDATES, MAX_TIME_BUDGET_S, require_at_most
from dex1b_ros.node import Dex1bNode, NodeParameters, run
from dex1b_ros.server_life import ServerLife

REASON_CODE_BASE = 310  # see dex1b_msgs/msg/ErrorCode


class Parameters(NodeParameters):
    """Parameters of the sim check."""

    workers: int = Field(2, ge=1, le=64, description='processes, each one core while it checks')
    time_budget: float = Field(
        30.0, ge=0.1, le=600.0, description='[s] wall clock for a goal that gives none'
    )
    check: CheckSettings = CheckSettings()


class SimCheckNode(Dex1bNode):
    """Owns the check pool; its worker processes end with it."""

    Parameters = Parameters

    def __init__(self) -> None:
        super().__init__('sim_check')
        self._halt = threading.Event()

    def configure(self) -> None:
        """Create the pool and the action server."""
        robot = load_robot(self.params.robot)
        _ = robot.urdf_path  # a model that is not there fails now instead of at the first goal
        self._pool = CheckPool(robot, workers=self.params.workers, settings=self.params.check)
        self._server = ActionServer(
            self,
            CheckGrasps,
            'check_grasps',
            execute_callback=self._on_check,
            goal_callback=lambda goal: GoalResponse.ACCEPT if self.active else GoalResponse.REJECT,
            cancel_callback=lambda handle: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )
        self._life = ServerLife(self, 'check_grasps')

    def activate(self) -> None:
        """Warm the workers up."""
        self._halt.clear()
        self._pool.start()

    def deactivate(self) -> None:
        """Cancel what runs."""
        self._halt.set()

    def cleanup(self) -> None:
        """End the workers."""
        self._life.destroy()
        self._server.destroy()
        self._pool.close()

    async def _on_check(self, handle: Any) -> Any:
        result = CheckGrasps.Result()
        try:
            await self.in_thread(self._check, handle, result)
        except Exception as error:
            self.fail(result, error)
        if result.error_code == ErrorCode.NONE:
            handle.succeed()
        elif handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        return result

    def _check(self, handle: Any, result: Any) -> None:
        goal = handle.request
        result.seed = goal.seed or random.randrange(1, 2**32)
        if not goal.candidates:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST, 'the goal holds no candidates; expected at least one'
            )
        require_at_most(len(goal.candidates), MAX_CANDIDATES, 'candidates in the goal')
        budget = conversions.seconds(goal.time_budget)
        require_at_most(budget, MAX_TIME_BUDGET_S, 'seconds of time_budget')
        observation = conversions.observation(goal.scene)
        checked = self._pool.check(
            [conversions.candidate(message) for message in goal.candidates],
            observation,
            seed=result.seed,
            enough=goal.enough,
            time_budget_s=budget or self.params.time_budget,
            on_progress=lambda done, passed, total: handle.publish_feedback(
                CheckGrasps.Feedback(done=done, passed=passed, total=total)
            ),
            cancelled=lambda: handle.is_cancel_requested or self._halt.is_set(),
        )
        result.candidates = [
            conversions.candidate_msg(candidate, message.wrist_frame, message.header)
            for candidate, message in zip(checked, goal.candidates, strict=True)
        ]
        result.rejections = [conversions.rejection_msg(r) for r in rejections(checked)]
        require_passed(checked)


def rejections(checked: Sequence[GraspCandidate]) -> list[Rejection]:
    """Candidates that did not hold, counted by reason, most first."""
    failed = [
        c.sim_check.reason
        for c in checked
        if c.sim_check.result in (CheckResult.FAILED, CheckResult.ERROR)
    ]
    return [
        Rejection(ErrorCode(REASON_CODE_BASE + reason), 'check', count, REASON_TEXTS[reason])
        for reason, count in Counter(failed).most_common()
    ]


def require_passed(checked: Sequence[GraspCandidate]) -> None:
    """Raise unless some candidate passed.

    Raises:
        Dex1bError: CHECK_TIMEOUT when some were not tried, else ALL_FAILED.
    """
    results = Counter(c.sim_check.result for c in checked)
    if results[CheckResult.PASSED]:
        return
    not_run = results[CheckResult.NOT_RUN]
    if not_run:
        raise Dex1bError(
            ErrorCode.CHECK_TIMEOUT,
            f'no candidate passed before the time budget was spent, {not_run} of {len(checked)} '
            'were not tried; give more time, fewer candidates or more workers',
        )
    counts = ', '.join(f'{r.count} {ErrorCode(r.code).name}' for r in rejections(checked))
    raise Dex1bError(
        ErrorCode.ALL_FAILED,
        f'physics held none of {len(checked)} candidates ({counts}); try another seed or view',
    )


def main() -> None:
    """Entry point of the executable."""
    run(SimCheckNode)


if __name__ == '__main__':
    main()
