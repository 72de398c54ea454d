"""A robot that follows every trajectory perfectly: for dry runs without physics or camera.

With `object_at` its fingers meet an imagined object: there they stay, and press.
"""

from __future__ import annotations

import time
import traceback

import numpy as np
from builtin_interfaces.msg import Time
from pydantic import Field

from dex1b_core.robots.description import load_robot
from dex1b_core.robots.link_tree import LinkTree
from dex1b_ros.conversions import seconds
from dex1b_ros.node import Dex1bNode, NodeParameters, run
from dex1b_ros.paced_thread import PacedThread
from dex1b_ros.robot_driver import ControllerParameters, RobotDriver

_STIFFNESS = 1.0  # [N m/rad] of fingers against the imagined object


class MockRobotParameters(NodeParameters):
    """Parameters of the mock robot."""

    rate: float = Field(25.0, ge=1, le=500, description='of control and joint states [Hz]')
    object_at: float = Field(
        0.0, ge=0, description='how far fingers close from open until they touch [rad]; 0: never'
    )
    states_apart: bool = Field(
        False, description='joint states of arm and hand in messages of their own'
    )
    controller: ControllerParameters = ControllerParameters()


class MockRobotNode(Dex1bNode):
    """Joint states are what the controllers command."""

    Parameters = MockRobotParameters

    def __init__(self) -> None:
        super().__init__('mock_robot')
        self._thread: PacedThread | None = None
        self._driver: RobotDriver | None = None

    def configure(self) -> None:
        """Create publishers and controllers; the robot is at home with an open hand."""
        robot = load_robot(self.params.robot)
        self._tree = LinkTree.from_urdf(robot.urdf_path)
        positions = dict(zip(robot.arm.joints, robot.arm.home, strict=True))
        self._open = dict(zip(robot.hand.joints, robot.hand.open, strict=True))
        positions |= self._open
        self._driver = RobotDriver(
            self,
            robot,
            self.params.tf_prefix,
            self.params.controller,
            self._tree.complete(positions),
            states_apart=self.params.states_apart,
        )
        self._ticks = 0

    def activate(self) -> None:
        """Begin to publish and to move."""
        driver = self._driver
        assert driver is not None
        driver.publish_static(self._stamp(), [])
        self._thread = PacedThread('control', self._tick, 1.0 / self.params.rate, self._fail)

    def deactivate(self) -> None:
        """Hold."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        if self._driver is not None:
            self._driver.stop('the mock robot was deactivated')

    def cleanup(self) -> None:
        """Destroy publishers and controllers."""
        if self._driver is not None:
            self._driver.destroy()
            self._driver = None

    def _tick(self) -> None:
        driver = self._driver
        assert driver is not None
        with driver.lock:
            # as hardware does, it moves on by a clock of its own; both are read at once, or the
            # positions would not be those of the stamp
            now, stamp = time.monotonic(), self._stamp()
            driver.pass_time(now, seconds(stamp))
            targets = driver.update()
            reached = {name: self._reached(name, value[0]) for name, value in targets.items()}
            positions = self._tree.complete(reached)
            velocities = dict.fromkeys(positions, 0.0)
            efforts = dict.fromkeys(positions, 0.0)
            for name, (target, velocity) in targets.items():
                efforts[name] = _STIFFNESS * (target - reached[name])
                velocities[name] = velocity if reached[name] == target else 0.0
            driver.observe(positions, velocities)
        driver.publisher.publish_joints(stamp, positions, velocities, efforts)
        if self._ticks % 2 == 0:
            driver.publisher.publish_tf(stamp, positions)
        self._ticks += 1

    def _reached(self, joint: str, target: float) -> float:
        """Where a joint gets to: a finger no further than the object."""
        opened, limit = self._open.get(joint), self.params.object_at
        if opened is None or not limit:
            return target
        return float(np.clip(target, opened - limit, opened + limit))

    def _stamp(self) -> Time:
        return self.get_clock().now().to_msg()

    def _fail(self, error: Exception) -> None:
        text = ''.join(traceback.format_exception(error))
        self.get_logger().fatal(f'control stopped: {error}\n{text}')


def main() -> None:
    """Run the node."""
    run(MockRobotNode)


if __name__ == '__main__':
    main()
