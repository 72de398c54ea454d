"""Picks that are canceled in the lift: how fast the arm rests, and whether it still holds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState

from dex1b_core.errors import ErrorCode
from dex1b_core.motion import braking_trajectory
from dex1b_core.robots import RobotDescription, load_robot
from dex1b_msgs.msg import ExecutorStatus
from dex1b_ros.bringup import Stack, own_domain
from dex1b_ros.commander import Commander
from dex1b_ros.demo import VELOCITY_SCALING
from dex1b_ros.demo_recorder import DemoRecorder
from dex1b_ros.faults.motion_watch import MotionWatch
from dex1b_ros.node_list import StackOptions
from dex1b_ros.sim_bench import SimBench

_READY_S = 90.0
_FAST = 0.1  # [rad/s] of the arm, to be worth a stop
_WATCHED_S = 3.0
_DROPPED_M = 0.02


def bench_stop(
    objects: Sequence[str],
    *,
    seed: int,
    robot: str,
    folder: Path,
    on_row: Callable[[dict[str, Any]], None] = lambda row: None,
) -> dict[str, Any]:
    """Cancel a pick of each object while it is lifted.

    Args:
        objects: Names that the simulation takes.
        seed: Of places and plans.
        robot: Name under config/robots.
        folder: For the nodes' logs.
        on_row: Called with each row.

    Returns:
        {'n', 'held', 'seed', 'robot', 'rows'}; a row has seconds (of robot time, from the cancel to
        rest), ramp_s (of a gentle stop from the speed at the cancel, within the limits), speed
        [rad/s], travelled [rad], dropped_m and held.
    """
    own_domain()
    random = np.random.default_rng(seed)
    options = StackOptions(robot=robot, object=objects[0], seed=1, execute=True)
    rows = []
    with Stack(options, log_folder=folder) as stack, Commander(use_sim_time=True) as commander:
        commander.wait_until_ready(_READY_S, stack.require_alive)
        stopper = _Stopper(commander, load_robot(robot))
        for name in objects:
            stack.require_alive()
            rows.append({'object': name} | stopper.stop(name, int(random.integers(1, 2**31 - 1))))
            on_row(rows[-1])
    held = sum(row['held'] for row in rows)
    return {'n': len(rows), 'held': held, 'seed': seed, 'robot': robot, 'rows': rows}


class _Stopper:
    def __init__(self, commander: Commander, robot: RobotDescription) -> None:
        self._commander, self._robot = commander, robot
        self._bench = SimBench(commander.node)
        self._recorder = DemoRecorder(commander.node)
        self._recorder.drop_camera()
        self._watch = MotionWatch(robot)
        commander.node.create_subscription(JointState, 'joint_states', self._watch.add, 20)

    def stop(self, name: str, seed: int) -> dict[str, Any]:
        """Pick, cancel in the lift, and watch."""
        self._bench.put(name, seed)
        self._recorder.clear()
        self._watch.clear()
        cancel, at = threading.Event(), [0.0]

        def on_feedback(feedback: Any) -> None:
            if feedback.stage == ExecutorStatus.LIFT and not cancel.is_set():
                threading.Thread(target=cancel_when_fast, daemon=True).start()
                cancel.set()

        def cancel_when_fast() -> None:
            deadline = time.monotonic() + 3.0
            while self._watch.speed < _FAST and time.monotonic() < deadline:
                time.sleep(0.002)
            at[0] = time.monotonic()
            self._commander.cancel()

        result = self._commander.pick(
            seed=seed, velocity_scaling=VELOCITY_SCALING, on_feedback=on_feedback
        )
        time.sleep(_WATCHED_S)
        self._bench.reset()
        code = ErrorCode(result.error_code)
        if not cancel.is_set() or code is not ErrorCode.CANCELED:
            return {'held': False, 'error': code.name, 'error_msg': result.error_msg}
        return self._row(at[0]) | {'error': code.name}

    def _row(self, at: float) -> dict[str, Any]:
        recorded = self._watch.recorded().since(at)
        speeds = np.abs(recorded.speed)
        arm = self._robot.arm
        ramp = braking_trajectory(
            arm.joints, recorded.arm[0], recorded.speed[0],
            acceleration_limits=arm.acceleration_limits,
        )  # fmt: skip
        moving = recorded.stamps[speeds.max(axis=1) > 0.02]
        seconds = float(moving[-1] - recorded.stamps[0]) if len(moving) else 0.0
        times, heights = self._recorder.height_curve()
        stopped = heights[times >= recorded.stamps[0] + seconds]
        dropped = float(stopped.max() - stopped[-1]) if len(stopped) else float('nan')
        return {
            'seconds': round(seconds, 3),
            'ramp_s': round(ramp.duration, 3),
            'speed': round(float(speeds[0].max()), 3),
            'travelled': round(float(np.abs(recorded.arm[-1] - recorded.arm[0]).max()), 3),
            'height_m': round(float(stopped[-1]) if len(stopped) else 0.0, 4),
            'dropped_m': round(dropped, 4),
            'held': bool(dropped < _DROPPED_M and stopped[-1] > 0.0),
        }
