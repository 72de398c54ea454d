"""The arm's position stream as the executor runs it, with the time of every command kept."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from pydantic import Field

from dex1b_core.motion.timing import rest_to_rest
from dex1b_core.motion.trajectory import JointTrajectory
from dex1b_core.robots import load_robot
from dex1b_ros.joint_state_buffer import JointStateBuffer
from dex1b_ros.node import Dex1bNode, NodeParameters, run
from dex1b_ros.position_stream import PositionStream

_SWING = 0.3  # rad
_SWING_S = 4.0


class StreamProbeParameters(NodeParameters):
    """Parameters of the probe."""

    seconds: float = Field(60.0, gt=0, description='length of the trajectory [s]')
    realtime: bool = Field(True, description='ask for real-time scheduling')
    out: str = Field('', description='.npy file of the times of all commands, monotonic [s]')


class StreamProbe(Dex1bNode):
    """Streams one long trajectory, writes when each command left, prints 'done'."""

    Parameters = StreamProbeParameters

    def __init__(self) -> None:
        super().__init__('stream_probe')

    def configure(self) -> None:
        """Create the stream."""
        self._arm = load_robot(self.params.robot).arm
        self._states = JointStateBuffer(self, self._arm.joints, max_age=2.0, max_wall_age=2.0)
        self._stream = PositionStream(
            self, self._arm, self._states.measure, keeps_grip=False, realtime=self.params.realtime
        )
        self._times: list[float] = []

    def activate(self) -> None:
        """Begin in a worker thread, as the executor does."""
        self.in_thread(self._run).add_done_callback(self._report)

    def cleanup(self) -> None:
        """End the stream."""
        self._stream.destroy()
        self._states.destroy()

    def _run(self) -> None:
        self._states.wait_for_first(20.0)
        self._stream.require_server(20.0)
        start = self._states.measure(self._arm.joints).positions
        self._stream.on_command = lambda: self._times.append(time.monotonic())
        motion = self._stream.send(_swings(self._arm.joints, start, self.params.seconds))
        while not motion.finished():
            time.sleep(0.1)
        self._stream.on_command = lambda: None
        np.save(Path(self.params.out), np.array(self._times))
        priority = 'real-time' if self._stream.has_realtime_priority else 'normal'
        self.get_logger().info(f'done {priority} {motion.failure()}')

    def _report(self, future: object) -> None:
        error = future.exception()  # type: ignore[attr-defined]
        if error is not None:
            self.get_logger().error(f'failed: {error}')


def _swings(joints: tuple[str, ...], start: np.ndarray, seconds: float) -> JointTrajectory:
    """Back and forth, over and over."""
    out = rest_to_rest(joints, start, start + _SWING, _SWING_S / 2)
    back = rest_to_rest(joints, start + _SWING, start, _SWING_S / 2)
    count = max(1, round(seconds / _SWING_S))
    parts = [part for _ in range(count) for part in (out, back)]
    times = [part.times[1:] + _SWING_S / 2 * k for k, part in enumerate(parts)]

    def joined(name: str) -> np.ndarray:
        return np.vstack([getattr(out, name)[:1], *(getattr(part, name)[1:] for part in parts)])

    return JointTrajectory(
        joints,
        np.concatenate([[0.0], *times]),
        joined('positions'),
        joined('velocities'),
        joined('accelerations'),
    )


def main() -> None:
    """Run the node."""
    run(StreamProbe)


if __name__ == '__main__':
    main()
