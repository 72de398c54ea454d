"""Runs the faults and writes down what the robot did."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lifecycle_msgs.msg import Transition

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion import Stage
from dex1b_msgs.msg import SafetyStatus
from dex1b_ros.bringup import own_domain
from dex1b_ros.faults.catalogue import Fault, faults
from dex1b_ros.faults.full_stack import bench_kills
from dex1b_ros.faults.mock_bench import MockBench, require_rclpy
from dex1b_ros.faults.motion_watch import seconds_to_rest, unsafe_motions

_HAND_ALONE = (Stage.CLOSE, Stage.SQUEEZE, Stage.HOLD)
_HOLDS = (Stage.SQUEEZE, Stage.VERIFY, Stage.LIFT, Stage.HOLD)
_WATCHED_S = 1.0  # after everything is over, for what comes late
_RESULT_S = 90.0
_TRIES = 3
_HOMING = (
    Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP,
    Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE,
)  # fmt: skip


def bench_faults(
    *,
    folder: Path,
    only: str = '',
    on_row: Callable[[dict[str, Any]], None] = lambda row: None,
) -> dict[str, Any]:
    """Inject every fault into real processes: executor, monitor and mock robot, then all nodes.

    Args:
        folder: For the nodes' logs.
        only: Part of the names of those to run; '' = all.
        on_row: Called with each row.

    Returns:
        {'rows', 'n', 'unsafe', 'unjudged', 'unexpected', 'unrecovered'}; a row has fault, stage,
        unsafe_motion (None: the bench itself failed), unsafe (in words), error_code, error_msg,
        expected, recovered, restarted (processes that had died) and seconds (from the fault to
        rest; None where the motion went on).
    """
    own_domain()
    require_rclpy()
    rows = []
    for simulated in (False, True):
        chosen = [f for f in faults(simulated_time=simulated) if only in f.name]
        if not chosen:
            continue
        name = f'faults_{"simulated" if simulated else "wall"}'
        with MockBench(folder / name, f'/{name}', simulated_time=simulated) as bench:
            for fault in chosen:
                rows.append(_row(bench, fault))
                on_row(rows[-1])
    rows += bench_kills(folder / 'full_stack', only, on_row)
    return {
        'n': len(rows),
        'unsafe': sum(row['unsafe_motion'] is True for row in rows),
        'unjudged': sum(row['unsafe_motion'] is None for row in rows),
        'unexpected': sum(not row['expected'] for row in rows),
        'unrecovered': sum(not row['recovered'] for row in rows),
        'rows': rows,
    }


def _row(bench: MockBench, fault: Fault) -> dict[str, Any]:
    row: dict[str, Any] = {'fault': fault.name, 'stage': fault.stage.name}
    try:
        row |= _injected(bench, fault)
    except Dex1bError as error:  # the bench itself: nothing was judged, which is not 'safe'
        row |= {
            'unsafe_motion': None, 'unsafe': ['not judged'], 'error_code': error.error_code.name,
            'error_msg': f'bench: {error.message}', 'expected': False, 'seconds': None,
        }  # fmt: skip
    return row | _recovered(bench, fault)


def _injected(bench: MockBench, fault: Fault) -> dict[str, Any]:
    bench.watch.clear()
    bench.wait(lambda: len(bench.watch) > 0, 10.0, 'joint states')
    if fault.stage is Stage.IDLE:
        at = time.monotonic()
        fault.inject(bench)
        time.sleep(fault.waits)
        bench.send(_goal(bench, fault), from_process=fault.from_process)
    else:
        _reach(bench, fault)
        at = time.monotonic()
        fault.inject(bench)
    if fault.mend_first:
        time.sleep((fault.rest_within or 0.0) + _WATCHED_S)
        fault.mend(bench)
    code, message = _answer(bench, fault)
    time.sleep(_WATCHED_S)
    recorded = bench.watch.recorded()
    unsafe = unsafe_motions(
        bench.robot, recorded, fault_at=at, rest_within=fault.rest_within,
        keeps_grip=fault.stage in _HOLDS and ErrorCode.NOT_HELD not in fault.codes,
        may_stop_dead=fault.stops_dead,
    )  # fmt: skip
    return {
        'unsafe_motion': bool(unsafe), 'unsafe': unsafe, 'error_code': code.name,
        'error_msg': message, 'expected': code in fault.codes,
        'seconds': round(seconds_to_rest(recorded, at), 2),
    }  # fmt: skip


def _goal(bench: MockBench, fault: Fault) -> Any:
    goal = bench.goal(velocity_scaling=fault.scaling, hold_duration=fault.hold)
    fault.spoil(goal)
    return goal


def _reach(bench: MockBench, fault: Fault) -> None:
    """Bring a goal to the fault's stage; a busy machine may refuse one before it begins."""
    for attempt in range(_TRIES):
        bench.wait_until_ready()
        bench.send(_goal(bench, fault), from_process=fault.from_process)
        try:
            bench.wait_for_stage(int(fault.stage), moving=fault.stage not in _HAND_ALONE)
        except Dex1bError:
            if attempt == _TRIES - 1:
                raise
        else:
            return


def _answer(bench: MockBench, fault: Fault) -> tuple[ErrorCode, str]:
    """What the goal ended with; where nobody is left to tell, what the latched status says."""
    result = None if fault.from_process else bench.result(_RESULT_S)
    if result is not None:
        others = Counter(ErrorCode(code).name for code in bench.other_codes)
        text = f' (others: {dict(others)})' if others else ''
        return ErrorCode(result.error_code), result.error_msg + text
    has_stopped, is_stop = (
        lambda: bench.executor_status.stage in (Stage.STOPPING, Stage.STOPPED),
        lambda: bench.safety_status.level == SafetyStatus.STOP,
    )
    bench.wait(lambda: has_stopped() or is_stop(), 20.0, 'executor or monitor to tell of a stop')
    status = bench.executor_status if has_stopped() else bench.safety_status
    return ErrorCode.SAFETY_STOP, status.message


def _recovered(bench: MockBench, fault: Fault) -> dict[str, Any]:
    """Mend the fault, reset, and see whether the robot moves again."""
    try:
        if not fault.mend_first:
            fault.mend(bench)
        if bench.client is not None:
            bench.client.kill()
        restarted = bench.restart_dead()
        if 'mock_robot' not in restarted:
            for transition in _HOMING:
                bench.change_state('mock_robot', transition)
        messages = []
        for _ in range(_TRIES):  # a busy machine may deliver late and stop a goal
            bench.wait_until_reset()
            bench.send(bench.goal(stop_after=int(Stage.PREGRASP), velocity_scaling=0.6))
            result = bench.result(60.0)
            for transition in _HOMING:
                bench.change_state('mock_robot', transition)
            recovered = result is not None and result.error_code == ErrorCode.NONE
            if recovered:
                break
            messages.append('the executor is gone' if result is None else result.error_msg)
        return {'recovered': recovered, 'restarted': restarted, 'recovery_msg': messages}
    except Dex1bError as error:
        return {'recovered': False, 'restarted': [], 'recovery_msg': [error.message]}
