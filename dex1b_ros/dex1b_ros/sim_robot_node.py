"""A simulated bench in place of camera and controllers: it speaks exactly their topics.

Another object: `ros2 lifecycle set` deactivate and cleanup, `ros2 param set` object and seed,
configure and activate. Its clock goes on.
"""

from __future__ import annotations

import threading
import traceback
from typing import Any, Literal

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from pydantic import Field
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots.description import RobotDescription, load_robot
from dex1b_ros.camera_publisher import CameraPublisher
from dex1b_ros.conversions import pose_msg
from dex1b_ros.memory import release_memory
from dex1b_ros.node import Dex1bNode, NodeParameters, run
from dex1b_ros.paced_thread import PacedThread
from dex1b_ros.robot_driver import ControllerParameters, RobotDriver

_START_TIME = 1.0  # [s]: 0 means 'latest' in TF
_STEPS = 10  # physics steps between two publications: 24 Hz at 1/240 s
_RESTING_TICKS = 4  # a robot at rest tells so at a quarter of the rate, which spares listeners
_REST_S = 2.0  # [s] without motion


class SimRobotParameters(NodeParameters):
    """Parameters of the simulated bench."""

    object: str = Field(
        'mustard_bottle',
        description='YCB name, shape:NAME, mesh file in metres, articulated:CATEGORY-N or .urdf',
    )
    mass: float = Field(0.0, ge=0, le=5, description='of the object [kg]; 0: from its volume')
    seed: int = Field(1, ge=0, le=2**31 - 1, description="of the object's place and the noise")
    locked: bool = Field(False, description="an articulated object's joint does not move")
    base_mass: float = Field(
        0.0, ge=0, le=200, description='[kg] of what an articulated object stands on; 0: screwed on'
    )
    camera: str = Field('front_side', description='name under config/cameras, or YAML file')
    camera_rate: float = Field(5.0, ge=0.1, le=15, description='[Hz], simulated time')
    depth_encoding: Literal['16UC1', '32FC1'] = '16UC1'
    noise: bool = Field(True, description='depth as real cameras measure it')
    real_time_factor: float = Field(
        1.0, ge=0.05, le=100, description='at most so many simulated seconds a second'
    )
    controller: ControllerParameters = ControllerParameters()


class SimRobotNode(Dex1bNode):
    """Physics in one thread, rendering in another; callbacks only change targets."""

    Parameters = SimRobotParameters

    def __init__(self) -> None:
        super().__init__('sim_robot')
        self._threads: list[PacedThread] = []
        self._driver: RobotDriver | None = None
        self._epoch = _START_TIME

    def configure(self) -> None:
        """Build the world; create publishers and controllers."""
        from dex1b_core.simulation.camera import load_camera

        params: SimRobotParameters = self.params
        robot = load_robot(params.robot)
        camera = load_camera(params.camera)
        self._world = _world(robot, params)
        self._driver = RobotDriver(
            self, robot, params.tf_prefix, params.controller, self._world.robot.positions()
        )
        self._camera = CameraPublisher(
            self,
            self._world.camera(camera),
            encoding=params.depth_encoding,
            noise=params.noise,
            seed=params.seed,
        )
        self._clock_topic = self.create_publisher(Clock, '/clock', 1)
        self._pose_topic = self.create_publisher(PoseStamped, '~/object_pose', 1)
        self._truth_topic = self.create_publisher(JointState, '~/object_joint', 1)
        self._ticks = 0
        self._moved_at = 0.0
        self._published: tuple[float, dict[str, float]] | None = None
        self._next_frame = 0.0
        self._frame_due = threading.Event()
        self._observe()
        place = self._world.start_pose[:3, 3].round(3).tolist()
        self.get_logger().info(f"'{params.object}' of {self._world.mass:.3f} kg stands at {place}")

    def activate(self) -> None:
        """Let time pass."""
        stamp = self._stamp()
        driver = self._driver
        assert driver is not None
        base = driver.publisher.frame(driver.publisher.tree.root)
        driver.publish_static(stamp, [self._camera.transform(stamp, base)])
        period = _STEPS * self._world.settings.dt / self.params.real_time_factor
        self._threads = [
            PacedThread('physics', self._tick, period, self._fail),
            PacedThread('camera', self._make_frame, 0.0, self._fail),
        ]

    def deactivate(self) -> None:
        """Stop time; controllers hold."""
        for thread in self._threads:
            thread.stop()
        self._threads = []
        if self._driver is not None:
            self._driver.stop('the simulated robot was deactivated')

    def cleanup(self) -> None:
        """Free the world."""
        if self._driver is None:
            return
        self._epoch += self._world.time  # a new world must not turn back everybody's clock
        self._driver.destroy()
        self._camera.destroy()
        self.destroy_publisher(self._clock_topic)
        self.destroy_publisher(self._pose_topic)
        self.destroy_publisher(self._truth_topic)
        self._driver = None
        del self._world, self._camera
        release_memory()

    # -- physics thread ------------------------------------------------------------------------

    def _tick(self) -> None:
        driver, world = self._driver, self._world
        assert driver is not None
        with driver.lock:
            if driver.moving:
                for _ in range(_STEPS):
                    self._follow()
                    world.step()
                    self._observe()
            else:
                self._follow()
                world.step(_STEPS)
                self._observe()
            self._ticks += 1
            if driver.moving:
                self._moved_at = world.time
            resting = world.time - self._moved_at > _REST_S
            if resting and self._ticks % _RESTING_TICKS:
                return
            robot = world.robot
            positions = robot.positions()
            joints = positions, self._encoder_velocities(positions), robot.efforts()
            self._poses = world.poses()
            truth = getattr(world, 'joint_position', None)
            self._truth = None if truth is None else (truth(), *world.base_motion())
        stamp = self._stamp()
        self._clock_topic.publish(Clock(clock=stamp))
        driver.publisher.publish_joints(stamp, *joints)
        if resting or self._ticks % 2 == 0:
            driver.publisher.publish_tf(stamp, joints[0])
        self._publish_object(stamp)
        self._request_frame(stamp)

    def _encoder_velocities(self, positions: dict[str, float]) -> dict[str, float]:
        """Mean over the last period, as encoders tell: a solver's own, in contact, is noise."""
        time = self._world.time
        (since, last), self._published = self._published or (time, positions), (time, positions)
        period = max(time - since, self._world.settings.dt)
        return {name: (value - last[name]) / period for name, value in positions.items()}

    def _follow(self) -> None:
        targets = self._driver.update()
        values = np.array(list(targets.values()))
        self._world.robot.set_targets(list(targets), values[:, 0], values[:, 1])

    def _observe(self) -> None:
        robot = self._world.robot
        time = self._epoch + self._world.time
        self._driver.pass_time(time, time)
        self._driver.observe(robot.positions(), robot.velocities())

    def _publish_object(self, stamp: Time) -> None:
        if self._pose_topic.get_subscription_count():
            publisher = self._driver.publisher
            header = Header(stamp=stamp, frame_id=publisher.frame(publisher.tree.root))
            pose = pose_msg(self._poses['object'])
            self._pose_topic.publish(PoseStamped(header=header, pose=pose))

        if self._truth is not None and self._truth_topic.get_subscription_count():
            header = Header(stamp=stamp)
            names = ['object', 'base_shift', 'base_turn']
            self._truth_topic.publish(JointState(header=header, name=names, position=self._truth))

    def _request_frame(self, stamp: Time) -> None:
        time, period = self._world.time, 1.0 / self.params.camera_rate
        if time < self._next_frame or self._camera.busy or not self._camera.wanted:
            return
        self._next_frame = max(self._next_frame, time - period) + period
        self._shot = stamp, self._poses
        self._frame_due.set()

    def _stamp(self) -> Time:
        nanoseconds = round((self._epoch + self._world.time) * 1e9)
        return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)

    # -- camera thread -------------------------------------------------------------------------

    def _make_frame(self) -> None:
        if self._frame_due.wait(0.2):
            self._frame_due.clear()
            self._camera.publish(*self._shot)

    def _fail(self, error: Exception) -> None:
        code = int(error.error_code) if isinstance(error, Dex1bError) else int(ErrorCode.UNKNOWN)
        text = ''.join(traceback.format_exception(error))
        self.get_logger().fatal(f'[{code}] simulation stopped: {error}\n{text}')


def _world(robot: RobotDescription, params: SimRobotParameters) -> Any:
    """`SimWorld`, or `ArticulatedWorld` for an object with a joint; the node uses what they share.

    Raises:
        Dex1bError: UNKNOWN_OBJECT, or SIM_ERROR when the object cannot be put there.
    """
    name = params.object
    if name.startswith('articulated:') or name.lower().endswith('.urdf'):
        from dex1b_core.articulation import load_articulated
        from dex1b_core.articulation.world import ArticulatedWorld

        target = load_articulated(name)
        return ArticulatedWorld(
            robot, target, seed=params.seed, locked=params.locked, base_mass=params.base_mass
        )
    from dex1b_core.geometry.object_model import load_object
    from dex1b_core.simulation.world import SimWorld

    return SimWorld(robot, load_object(name), mass=params.mass or None, seed=params.seed)


def main() -> None:
    """Run the node."""
    run(SimRobotNode)


if __name__ == '__main__':
    main()
