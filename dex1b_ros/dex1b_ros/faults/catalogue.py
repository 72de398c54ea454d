"""The faults: what happens, when, and what the robot may do about it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lifecycle_msgs.msg import Transition

from dex1b_core.errors import ErrorCode
from dex1b_core.motion import Stage
from dex1b_ros.faults import joint_state_faults as states
from dex1b_ros.faults.mock_bench import SQUEEZED, MockBench

Action = Callable[[MockBench], Any]

_SLOW = 0.1  # scaling at which a stage outlasts every patience
_FAST = 0.4
_SOON_S = 1.0  # from a fault that somebody notices at once to rest
_REFUSED: frozenset[ErrorCode] = frozenset({ErrorCode.PRECONDITION, ErrorCode.SAFETY_STOP})
_LOST = _REFUSED | {ErrorCode.TRACKING, ErrorCode.GOAL_REJECTED, ErrorCode.CONTROLLER_UNAVAILABLE}
_STOPPED: frozenset[ErrorCode] = frozenset({ErrorCode.SAFETY_STOP})
_FINE: frozenset[ErrorCode] = frozenset({ErrorCode.NONE})


@dataclass(frozen=True)
class Fault:
    """One row of the table.

    Attributes:
        name: What goes wrong.
        stage: In which; IDLE = before the goal is sent.
        inject: Makes it go wrong.
        codes: What the goal may end with.
        rest_within: Seconds in which the arm must rest for good; 0 = it may not begin to move;
            None = it may go on.
        mend: Undoes it, before the recovery.
        mend_first: Undo it before the goal's result is waited for.
        scaling: Of the velocity.
        hold: Of the object at the end [s].
        from_process: The goal comes from a client process of its own.
        spoil: Changes the goal before it is sent.
        waits: Seconds between a fault at IDLE and the goal.
        stops_dead: The controller itself stops without a ramp, which nobody else can mend.
    """

    name: str
    stage: Stage
    inject: Action
    codes: frozenset[ErrorCode]
    rest_within: float | None
    mend: Action = lambda bench: None
    mend_first: bool = False
    scaling: float = _FAST
    hold: float = 0.3
    from_process: bool = False
    spoil: Callable[[Any], Any] = lambda goal: None
    waits: float = 1.5
    stops_dead: bool = False

    def at(self, *stages: Stage) -> list[Fault]:
        """The same in several stages."""
        return [
            replace(self, stage=stage, hold=8.0 if stage is Stage.HOLD else self.hold)
            for stage in stages
        ]


def _joint_states(make: Callable[[MockBench], states.JointStateFault]) -> Action:
    def inject(bench: MockBench) -> None:
        bench.relay.joint_states = make(bench)

    return inject


def _clear(bench: MockBench) -> None:
    bench.relay.clear()


def _set(name: str, value: Any) -> Action:
    return lambda bench: setattr(bench.relay, name, value)


def faults(*, simulated_time: bool) -> list[Fault]:
    """All faults of a bench that runs on simulated time, or on the wall clock."""
    if simulated_time:
        return _clock_faults()
    return [
        *_stops(), *_deaths(), *_joint_state_faults(), *_other_inputs(), *_controller_faults(),
        *_bad_requests(),
    ]  # fmt: skip


def _stops() -> list[Fault]:
    estop = Fault(
        'emergency stop pressed', Stage.IDLE, lambda bench: bench.press_estop(True), _STOPPED,
        _SOON_S, mend=lambda bench: bench.press_estop(False),
    )  # fmt: skip
    everywhere = (
        Stage.PREGRASP, Stage.APPROACH, Stage.CLOSE, Stage.SQUEEZE, Stage.VERIFY, Stage.LIFT,
        Stage.HOLD,
    )  # fmt: skip
    cancel = replace(
        estop, name='canceled by the client', codes=frozenset({ErrorCode.CANCELED}),
        inject=lambda bench: bench.handle.cancel_goal_async(), mend=lambda bench: None,
    )  # fmt: skip
    stop = replace(
        cancel, name='~/stop called', codes=_STOPPED,
        inject=lambda bench: bench.trigger('executor/stop'),
    )  # fmt: skip
    inactive = replace(
        stop, name='executor deactivated',
        inject=lambda bench: bench.change_state('executor', Transition.TRANSITION_DEACTIVATE),
        mend=lambda bench: bench.change_state('executor', Transition.TRANSITION_ACTIVATE),
    )  # fmt: skip
    return [
        replace(estop, rest_within=0.0, waits=0.5),
        *estop.at(*everywhere),
        *cancel.at(Stage.PREGRASP, Stage.APPROACH, Stage.CLOSE, Stage.LIFT, Stage.HOLD),
        *stop.at(Stage.PREGRASP, Stage.LIFT),
        *inactive.at(Stage.PREGRASP, Stage.LIFT),
    ]


def _deaths() -> list[Fault]:
    client = Fault(
        'client killed', Stage.PREGRASP, lambda bench: bench.client.kill(), _STOPPED, 4.0,
        scaling=_SLOW, from_process=True,
    )  # fmt: skip
    hung = replace(
        client, name='client hangs', inject=lambda bench: bench.client.send_signal(signal.SIGSTOP),
        mend=lambda bench: bench.client.kill(),
    )  # fmt: skip
    executor = Fault(
        'executor killed', Stage.PREGRASP, lambda bench: bench.kill('executor'), _STOPPED, 3.5,
        scaling=_SLOW,
    )  # fmt: skip
    executor_hangs = replace(
        executor, name='executor hangs', codes=_LOST,
        inject=lambda bench: bench.send_signal('executor', signal.SIGSTOP),
        mend=lambda bench: bench.send_signal('executor', signal.SIGCONT), mend_first=True,
    )  # fmt: skip
    interrupted = replace(
        executor, name='executor interrupted (SIGINT)', rest_within=_SOON_S,
        inject=lambda bench: bench.send_signal('executor', signal.SIGINT),
    )  # fmt: skip
    monitor = replace(
        executor, name='safety monitor killed', rest_within=3.0,
        inject=lambda bench: bench.kill('safety_monitor'),
    )  # fmt: skip
    driver = replace(
        executor, name='robot driver killed', codes=_LOST, rest_within=_SOON_S,
        inject=lambda bench: bench.kill('mock_robot'), stops_dead=True,
    )  # fmt: skip
    return [
        *client.at(Stage.PREGRASP, Stage.CLOSE, Stage.LIFT),
        *hung.at(Stage.PREGRASP),
        *executor.at(Stage.PREGRASP, Stage.APPROACH, Stage.CLOSE, Stage.LIFT, Stage.HOLD),
        *executor_hangs.at(Stage.PREGRASP),
        *interrupted.at(Stage.PREGRASP, Stage.LIFT),
        replace(monitor, stage=Stage.IDLE, rest_within=0.0, waits=2.0),
        *monitor.at(Stage.PREGRASP, Stage.LIFT),
        *driver.at(Stage.PREGRASP, Stage.LIFT),
    ]


def _joint_state_faults() -> list[Fault]:
    def fault(
        name: str, make: Callable[[MockBench], states.JointStateFault], *stages: Stage,
        codes: frozenset[ErrorCode] = _LOST, rest_within: float | None = _SOON_S,
        scaling: float = _FAST, hold: float = 0.3,
    ) -> list[Fault]:  # fmt: skip
        row = Fault(
            f'joint states: {name}', Stage.IDLE, _joint_states(make), codes, rest_within,
            mend=_clear, scaling=scaling, hold=hold,
        )  # fmt: skip
        return [
            replace(one, rest_within=0.0)
            if one.stage is Stage.IDLE and one.rest_within is not None
            else one
            for one in row.at(*stages)
        ]

    def arm(k: int, what: str, value: float, *, added: bool = False) -> Any:
        return lambda bench: states.changed(bench.robot.arm.joints[k], what, value, added=added)

    def finger(what: str, value: float) -> Any:
        return lambda bench: states.changed(bench.robot.hand.joints[0], what, value)

    idle, reach, close, lift = Stage.IDLE, Stage.PREGRASP, Stage.CLOSE, Stage.LIFT
    empty = frozenset({ErrorCode.NOT_HELD})
    return [
        *fault('none any more', lambda bench: states.dropped, idle, reach, close, lift),
        *fault('frozen', lambda bench: states.frozen(), reach, rest_within=2.0),
        *fault('stamps 5 s old', lambda bench: states.shifted(-5), idle, reach),
        *fault('stamps 5 s ahead', lambda bench: states.shifted(5), idle, reach),
        *fault(
            'other order of joints', lambda bench: states.reversed_order, idle, reach,
            codes=_FINE, rest_within=None,
        ),
        *fault('fewer positions than names', lambda bench: states.cut_short, idle, reach),
        *fault(
            'a joint missing', lambda bench: states.without(bench.robot.arm.joints[3]), idle, reach
        ),
        *fault(
            'of the hand: none any more', lambda bench: states.only(bench.robot.arm.joints),
            idle, reach, close, lift,
        ),
        *fault(
            'two publishers 0.6 rad apart', lambda bench: states.in_turn(
                states.as_it_is,
                states.changed(bench.robot.arm.joints[1], 'position', 0.6, added=True),
            ), idle, reach, lift,
        ),
        *fault(
            'NaN of an arm joint', lambda bench: states.not_a_number(bench.robot.arm.joints[2]),
            idle, reach, lift,
        ),
        *fault(
            'NaN of a finger', lambda bench: states.not_a_number(bench.robot.hand.joints[0]),
            idle, close, lift,
        ),
        *fault('0.6 rad off the path', arm(1, 'position', 0.6, added=True), reach, lift),
        *fault('beyond a joint limit', arm(3, 'position', 9.0), idle, reach),
        *fault('outside of the workspace', arm(0, 'position', 2.8), idle, codes=_STOPPED),
        *fault('velocity 10 rad/s', arm(0, 'velocity', 10.0), reach, lift, codes=_STOPPED),
        *fault('effort 100 N m of a finger', finger('effort', 100.0), lift, codes=_STOPPED),
        *fault(
            'the object slips away', lambda bench: states.let_go(bench.robot, SQUEEZED),
            close, Stage.VERIFY, lift, Stage.HOLD, codes=empty, rest_within=None,
        ),
    ]  # fmt: skip


def _other_inputs() -> list[Fault]:
    camera = Fault(
        'camera silent', Stage.IDLE, _set('camera', False), _STOPPED, 0.0, mend=_clear, waits=3.0
    )
    transforms = replace(camera, name='transforms silent', inject=_set('transforms', False))
    return [
        camera,
        replace(camera, stage=Stage.PREGRASP, codes=_FINE, rest_within=None),
        transforms,
        replace(transforms, stage=Stage.PREGRASP, rest_within=3.0, scaling=_SLOW),
    ]


def _controller_faults() -> list[Fault]:
    row = Fault(
        'controllers deactivated', Stage.PREGRASP,
        lambda bench: bench.change_state('mock_robot', Transition.TRANSITION_DEACTIVATE), _LOST,
        _SOON_S, mend=lambda bench: bench.change_state(
            'mock_robot', Transition.TRANSITION_ACTIVATE), stops_dead=True,
    )  # fmt: skip
    return [
        replace(row, stage=Stage.IDLE, rest_within=0.0),
        *row.at(Stage.PREGRASP, Stage.CLOSE, Stage.LIFT),
    ]


def _bad_requests() -> list[Fault]:
    def wrong(name: str, code: ErrorCode, change: Callable[[Any], Any]) -> Fault:
        return Fault(
            name, Stage.IDLE, lambda bench: None, frozenset({code}), 0.0,
            spoil=change, waits=0.0,
        )  # fmt: skip

    def candidate(field: str, k: int, value: Any) -> Callable[[Any], Any]:
        return lambda goal: getattr(goal.candidates[0], field).__setitem__(k, value)

    two = Fault('a second client', Stage.PREGRASP, lambda bench: bench.send_more(1), _FINE, None)
    return [
        wrong('goal: NaN in a posture', ErrorCode.INVALID_REQUEST,
              candidate('grasp_positions', 0, float('nan'))),
        wrong('goal: unknown joint', ErrorCode.INVALID_REQUEST,
              candidate('joint_names', 0, 'finger')),
        wrong('goal: posture beyond the limits', ErrorCode.LIMITS,
              candidate('grasp_positions', 0, 9.0)),
        wrong('goal: wrist out of reach', ErrorCode.OUT_OF_WORKSPACE,
              lambda goal: setattr(goal.candidates[0].wrist_pose.position, 'x', 3.0)),
        wrong('goal: wrist pose of NaN', ErrorCode.INVALID_REQUEST,
              lambda goal: setattr(goal.candidates[0].wrist_pose.position, 'x', float('nan'))),
        wrong('goal: scene of long ago', ErrorCode.STALE_DEPTH,
              lambda goal: setattr(goal.scene.header.stamp, 'sec', 1)),
        two,
        replace(two, name='flood of 1000 goals', inject=lambda bench: bench.send_more(1000)),
    ]  # fmt: skip


def _clock_faults() -> list[Fault]:
    # a jump ahead may be noticed by the age of what comes, or by a deadline that it passes
    codes = _LOST | {ErrorCode.DEADLINE}
    ahead = Fault(
        'clock jumps 5 s ahead', Stage.PREGRASP, lambda bench: bench.relay.jump(5.0), codes,
        _SOON_S, scaling=_SLOW,
    )  # fmt: skip
    back = replace(ahead, name='clock jumps 5 s back', inject=lambda bench: bench.relay.jump(-5.0))
    still = replace(
        ahead, name='clock stands still', inject=_set('clock_rate', 0.0), mend=_clear,
        rest_within=2.5, mend_first=True,
    )  # fmt: skip
    return [
        *ahead.at(Stage.PREGRASP, Stage.LIFT), *back.at(Stage.PREGRASP, Stage.LIFT), still,
    ]  # fmt: skip
