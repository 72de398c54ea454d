"""The whole stack on the simulated bench, and its planning nodes killed in each stage of a pick."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sensor_msgs.msg import JointState

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import Stage
from dex1b_core.robots import load_robot
from dex1b_ros.bringup import Stack
from dex1b_ros.commander import Commander
from dex1b_ros.demo_recorder import DemoRecorder
from dex1b_ros.faults.motion_watch import MotionWatch, seconds_to_rest, unsafe_motions
from dex1b_ros.node_list import StackOptions
from dex1b_ros.processes import is_alive, usage
from dex1b_ros.sim_bench import SimBench

OBJECT, SEED = 'mustard_bottle', 1
STAGES = (
    Stage.PERCEIVE, Stage.PLAN, Stage.SIM_CHECK, Stage.PREGRASP, Stage.APPROACH, Stage.CLOSE,
    Stage.LIFT, Stage.HOLD,
)  # fmt: skip
_NEEDED_UNTIL = {
    'perception': Stage.PERCEIVE, 'generator': Stage.PLAN, 'sim_check': Stage.SIM_CHECK,
    'grasp_server': Stage.HOLD,
}  # fmt: skip
_ARM_MOVES = (Stage.PREGRASP, Stage.APPROACH, Stage.LIFT)
_CARRIES = (Stage.LIFT, Stage.HOLD)
_SCALING = 0.3
_HOLD_S = 6.0
_READY_S = 120.0
_REST_S = 4.0  # the lease of the client, 2 s, and the ramp
_WATCHED_S = 2.0
_DROPPED_M = 0.02
_TRIES = 3


@dataclass(frozen=True)
class Kill:
    """A node that is killed (SIGKILL) in a stage."""

    node: str
    stage: Stage

    @property
    def name(self) -> str:
        """As in the table of faults."""
        return f'{self.node} killed'

    @property
    def is_needed(self) -> bool:
        """Whether the pick cannot end well without the node."""
        return self.stage <= _NEEDED_UNTIL[self.node]

    @property
    def codes(self) -> frozenset[ErrorCode]:
        """What the client may be told; what is started again in time need not be noticed."""
        lost = {ErrorCode.NODE_UNAVAILABLE} if self.is_needed else {ErrorCode.NONE}
        in_time = self.node != 'grasp_server' and self.stage is not _NEEDED_UNTIL[self.node]
        return frozenset(lost | ({ErrorCode.NONE} if in_time else set()))


def kills(only: str = '') -> list[Kill]:
    """Every planning node in every stage; `only` is part of their names."""
    return [kill for kill in (Kill(n, s) for n in _NEEDED_UNTIL for s in STAGES)
            if only in kill.name]  # fmt: skip


class FullStack:
    """Use as a context manager; nodes that may be are started again, as `dex1b up` does."""

    def __init__(self, folder: Path) -> None:
        """Start everything; `folder` is for the nodes' logs."""
        options = StackOptions(execute=True, object=OBJECT, seed=SEED)
        self._robot = load_robot(options.robot)
        self._stack = Stack(options, log_folder=folder)
        self._ended = threading.Event()
        self._restarted: list[str] = []
        self._trouble = ''
        self._keeper = threading.Thread(target=self._keep_alive, daemon=True)
        self._commander = Commander(use_sim_time=True)
        node = self._commander.node
        self._bench, self._recorder = SimBench(node), DemoRecorder(node)
        self._recorder.drop_camera()
        self._watch = MotionWatch(self._robot)
        node.create_subscription(JointState, 'joint_states', self._watch.add, 20)

    def __enter__(self) -> Self:
        self._keeper.start()
        try:
            self._commander.wait_until_ready(_READY_S, self._stack.require_alive)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._keeper.join(5.0)
        self._commander.close()
        self._stack.stop()

    def _keep_alive(self) -> None:
        while not self._ended.wait(0.5):
            try:
                self._restarted += self._stack.mend()
            except Dex1bError as error:
                self._trouble = error.message
                return

    # -- one fault -----------------------------------------------------------------------------

    def row(self, kill: Kill) -> dict[str, Any]:
        """Kill a node in a pick; see what the robot does, and whether the stack recovers."""
        row: dict[str, Any] = {'fault': kill.name, 'stage': kill.stage.name}
        self._restarted.clear()
        try:
            row |= self._injected(kill)
        except Dex1bError as error:  # the bench itself: nothing was judged, which is not 'safe'
            row |= {
                'unsafe_motion': None, 'unsafe': ['not judged'], 'expected': False,
                'error_code': error.error_code.name, 'error_msg': f'bench: {error.message}',
                'seconds': None,
            }  # fmt: skip
        messages = self._recovery()
        return row | {
            'recovered': messages[-1] == '', 'recovery_msg': [m for m in messages if m],
            'restarted': sorted(set(self._restarted)),
        }  # fmt: skip

    def _injected(self, kill: Kill) -> dict[str, Any]:
        for _ in range(_TRIES):  # a busy machine may end a pick before the stage
            self._bench.reset()
            self._bench.put(OBJECT, SEED)
            self._recorder.clear()
            self._watch.clear()
            murder = _Murder(self._stack.pids[kill.node], kill.stage, self._watch)
            code, message = self._pick(murder)
            told = time.monotonic()
            if murder.was_done():
                break
        else:
            raise Dex1bError(
                ErrorCode.NODE_UNAVAILABLE, f'{kill.stage.name} was not reached: {message}'
            )
        return self._judged(kill, murder, code, message, told)

    def _judged(
        self, kill: Kill, murder: _Murder, code: ErrorCode, message: str, told: float
    ) -> dict[str, Any]:
        stops = code is not ErrorCode.NONE
        until = murder.at + (_REST_S if stops else 0.0) + _WATCHED_S
        time.sleep(max(_WATCHED_S, until - time.monotonic()))
        recorded = self._watch.recorded()
        rest_within = None if not stops else 0.0 if kill.stage <= Stage.SIM_CHECK else _REST_S
        unsafe = unsafe_motions(
            self._robot, recorded, fault_at=murder.at, rest_within=rest_within, keeps_grip=False
        )
        unsafe += self._dropped(kill) + [f'orphans {pid}' for pid in murder.orphans()]
        return {
            'unsafe_motion': bool(unsafe), 'unsafe': unsafe, 'error_code': code.name,
            'error_msg': message, 'expected': code in kill.codes,
            'told': round(told - murder.at, 2) if stops else None,
            'seconds': round(seconds_to_rest(recorded, murder.at), 2) if stops else None,
        }  # fmt: skip

    def _pick(self, murder: _Murder) -> tuple[ErrorCode, str]:
        """What the client is told."""
        try:
            result = self._commander.pick(
                seed=SEED, velocity_scaling=_SCALING, hold_duration=_HOLD_S,
                on_feedback=lambda feedback: murder.look(feedback.stage),
            )  # fmt: skip
        except Dex1bError as error:
            return error.error_code, error.message
        return ErrorCode(result.error_code), result.error_msg

    def _dropped(self, kill: Kill) -> list[str]:
        """Whether what was carried has sunk, by ground truth."""
        _, heights = self._recorder.height_curve()
        sunk = float(heights.max() - heights[-1]) if len(heights) else 0.0
        return (
            [f'the object sank by {sunk:.3f} m']
            if kill.stage in _CARRIES and sunk > _DROPPED_M
            else []
        )

    def _recovery(self) -> list[str]:
        """Why each try to plan again failed, '' for the one that did not."""
        messages = []
        for _ in range(_TRIES):
            try:
                if self._trouble:
                    raise Dex1bError(ErrorCode.NODE_UNAVAILABLE, self._trouble)
                self._commander.wait_until_ready(_READY_S)
                self._bench.reset()
                self._bench.put(OBJECT, SEED)
                result = self._commander.pick(seed=SEED, dry_run=True)
                messages.append(result.error_msg)
            except Dex1bError as error:
                messages.append(error.message)
            if not messages[-1]:
                break
        return messages


class _Murder:
    """Kills a process once a stage is reported, and the arm moves where the stage moves it."""

    def __init__(self, pid: int, stage: Stage, watch: MotionWatch) -> None:
        self._pid, self._stage, self._watch = pid, stage, watch
        self._family = usage(pid).pids
        self._thread: threading.Thread | None = None
        self.at = 0.0

    def look(self, stage: int) -> None:
        if stage == self._stage and self._thread is None:
            self._thread = threading.Thread(target=self._kill, daemon=True)
            self._thread.start()

    def _kill(self) -> None:
        deadline = time.monotonic() + 3.0
        while self._stage in _ARM_MOVES and self._watch.speed < 0.04:
            if time.monotonic() > deadline:
                break
            time.sleep(0.005)
        self._family = usage(self._pid).pids
        os.kill(self._pid, signal.SIGKILL)
        self.at = time.monotonic()

    def was_done(self) -> bool:
        if self._thread is not None:
            self._thread.join()
        return bool(self.at)

    def orphans(self) -> list[int]:
        return [pid for pid in self._family if pid != self._pid and is_alive(pid)]


def bench_kills(
    folder: Path, only: str, on_row: Callable[[dict[str, Any]], None]
) -> list[dict[str, Any]]:
    """Kill every planning node in every stage of a pick.

    Args:
        folder: For the nodes' logs.
        only: Part of the names of those to run; '' = all.
        on_row: Called with each row.

    Returns:
        Rows as `bench_faults` has them; seconds are from the kill to rest, and `told` to when
        the client knew; None where the pick went on.
    """
    chosen, rows = kills(only), []
    if not chosen:
        return []
    with FullStack(folder) as stack:
        for kill in chosen:
            rows.append(stack.row(kill))
            on_row(rows[-1])
    return rows
