"""Depth cameras in, a scene out: the action capture_scene."""

from __future__ import annotations

import dex1b_ros.one_thread  # noqa: F401  isort: skip

import threading
import time
from dataclasses import dataclass
from typing import Any

from pydantic import Field
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from std_msgs.msg import Header

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception import (
    DepthFrame,
    PerceptionSettings,
    RobotMask,
    Scene,
    check_stamp,
    describe,
    segment,
)
from dex1b_core.robots.description import load_robot
from dex1b_msgs.action import CaptureScene
from dex1b_ros import conversions
from dex1b_ros.bounds import MAX_FRAMES, require_at_most
from dex1b_ros.capture import Stopwatch, check_skew, make_frame, read_target, time_msg
from dex1b_ros.image_sync import CameraTopics, ImageCollector
from dex1b_ros.memory import release_memory
from dex1b_ros.node import Dex1bNode, NodeParameters, run
from dex1b_ros.scene_display import SceneDisplay
from dex1b_ros.server_life import ServerLife
from dex1b_ros.standing_target import StandingTarget
from dex1b_ros.tf_buffer import make_tf_buffer


class PerceptionParameters(NodeParameters):
    """Parameters of the perception node; {camera} in a topic stands for the camera's name."""

    cameras: tuple[str, ...] = Field(('camera',), description='names; the first is the default')
    depth_topic: str = Field('{camera}/depth/image_raw', description='16UC1 or 32FC1')
    info_topic: str = Field('{camera}/depth/camera_info', description='of the depth image')
    color_topic: str = Field('{camera}/color/image_raw', description='aligned; empty = none')
    depth_unit: float = Field(0.001, gt=0, description='step of a 16UC1 image [m]')
    max_depth: float = Field(3.0, gt=0, description='farther is ignored [m]')
    frames: int = Field(3, ge=1, le=30, description='images averaged')
    timeout: float = Field(10.0, gt=0, description='to wait for images [s, wall clock]')
    tf_timeout: float = Field(2.0, ge=0, description='to wait for transforms [s, wall clock]')
    stamp_tolerance: float = Field(0.01, ge=0, description='depth to its camera_info [s]')
    max_skew: float = Field(0.2, gt=0, description='between the cameras [s]')
    max_ahead: float = Field(0.5, gt=0, description="of stamps before the node's clock [s]")
    mask_robot: bool = Field(True, description='remove robot points')
    target_hold: float = Field(
        60.0,
        ge=0,
        description='[s] wall clock, how long a clicked point or a mask on a topic stands',
    )
    scene: PerceptionSettings = PerceptionSettings()


@dataclass(frozen=True)
class Capture:
    """What one goal found."""

    scene: Scene
    frames: list[DepthFrame]
    watch: Stopwatch


class PerceptionNode(Dex1bNode):
    """Serves capture_scene; publishes what it saw last."""

    Parameters = PerceptionParameters

    def __init__(self) -> None:
        super().__init__('perception')
        self._changed = threading.Condition()
        self._mask_ready = threading.Lock()
        self._mask: RobotMask | None = None
        self._busy = False
        self._captures = 0

    # -- lifecycle -----------------------------------------------------------------------------

    def configure(self) -> None:
        """Create publishers, the TF buffer and the action server."""
        p = self.params
        self._robot = load_robot(p.robot)
        self._planning_frame = p.tf_prefix + self._robot.base_link
        self._topics = [
            CameraTopics(
                name,
                p.depth_topic.format(camera=name),
                p.info_topic.format(camera=name),
                p.color_topic.format(camera=name),
            )
            for name in p.cameras
        ]
        self._tf = make_tf_buffer(self)
        self._display = SceneDisplay(self)
        self._standing = StandingTarget(self, p.target_hold)
        self._server = ActionServer(
            self,
            CaptureScene,
            'capture_scene',
            self._execute,
            goal_callback=lambda _: GoalResponse.ACCEPT,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )
        self._life = ServerLife(self, 'capture_scene')

    def activate(self) -> None:
        """Load the slow things in the background, so that the first goal need not wait."""
        self._workers.submit(self._warm_up)

    def cleanup(self) -> None:
        """Drop what `configure` made."""
        if not hasattr(self, '_server'):
            return
        self._life.destroy()
        self._server.destroy()
        self._tf.close()
        self._display.close()
        self._standing.destroy()
        self._mask = None
        del self._server

    def _warm_up(self) -> None:
        import cv2
        import scipy.spatial  # noqa: F401
        import skimage.measure  # noqa: F401

        cv2.setNumThreads(1)
        try:
            self._robot_mask()
        except Dex1bError as error:
            self.get_logger().warning(f'robot mask: [{int(error.error_code)}] {error.message}')

    def _robot_mask(self) -> RobotMask | None:
        with self._mask_ready:
            if self._mask is None and self.params.mask_robot:
                padding = self.params.scene.robot_padding
                self._mask = RobotMask.from_urdf(self._robot.urdf_path, padding=padding)
            return self._mask

    # -- the action ----------------------------------------------------------------------------

    async def _execute(self, goal_handle: Any) -> CaptureScene.Result:
        result = CaptureScene.Result()
        if self._busy:
            goal_handle.abort()
            error = Dex1bError(ErrorCode.BUSY, 'another capture is running; wait for its result')
            return self.fail(result, error)
        self._busy = True
        collectors: list[ImageCollector] = []
        try:
            self.require_active()
            collectors = self._collect(goal_handle.request)
            capture = await self.in_thread(self._capture, goal_handle, collectors)
            self._fill(result, capture)
            self._display.show(
                capture.scene, capture.frames, result.scene, capture.watch.processor_s
            )
            goal_handle.succeed()
        except Exception as error:
            self.fail(result, error)
            canceled = result.error_code == ErrorCode.CANCELED
            goal_handle.canceled() if canceled else goal_handle.abort()
        finally:
            for collector in collectors:
                collector.close()
            self._busy = False
            self._workers.submit(release_memory)
        return result

    def _collect(self, request: CaptureScene.Goal) -> list[ImageCollector]:
        require_at_most(request.frames, MAX_FRAMES, 'frames asked for')
        return [
            ImageCollector(
                self,
                topics,
                after_s=self.get_clock().now().nanoseconds * 1e-9,
                count=request.frames or self.params.frames,
                tolerance_s=self.params.stamp_tolerance,
                changed=self._changed,
            )
            for topics in self._topics
        ]

    def _capture(self, goal_handle: Any, collectors: list[ImageCollector]) -> Capture:
        watch = Stopwatch()
        self._wait(goal_handle, collectors)
        watch.lap('wait_for_images')
        taken = {collector.topics.camera: collector.take() for collector in collectors}
        now = self.get_clock().now().nanoseconds * 1e-9
        for camera, sets in taken.items():
            check_stamp(sets[-1].stamp_s, now, ahead_s=self.params.max_ahead, camera=camera)
        frames = [
            make_frame(sets, camera, self.params, self._pose) for camera, sets in taken.items()
        ]
        check_skew(frames, self.params.max_skew)
        watch.lap('decode')
        stamp = min(frame.stamp_s for frame in frames)
        asked = self._standing.instead_of(goal_handle.request.target)
        target = read_target(asked, self._planning_frame, self._pose)
        mask, poses = self._robot_mask(), {}
        if mask is not None:
            prefix = self.params.tf_prefix
            poses = {link: self._pose(prefix + link, stamp) for link in mask.links}
        watch.lap('robot_pose')
        segmentation = segment(
            frames, settings=self.params.scene, robot_mask=mask, link_poses=poses
        )
        watch.lap('segment')
        scene = describe(segmentation, settings=self.params.scene, target=target)
        watch.lap('describe')
        return Capture(scene, frames, watch)

    def _wait(self, goal_handle: Any, collectors: list[ImageCollector]) -> None:
        timeout = conversions.seconds(goal_handle.request.timeout) or self.params.timeout
        deadline = time.monotonic() + timeout
        told = None
        with self._changed:
            while not all(collector.done for collector in collectors):
                if goal_handle.is_cancel_requested:
                    raise Dex1bError(ErrorCode.CANCELED, 'canceled while waiting for images')
                if time.monotonic() > deadline:
                    late = next(c for c in collectors if not c.done)
                    if late.matched < late.count:
                        raise late.missing(timeout)
                    break  # only colour is missing, and depth does without
                state = (
                    min(collector.matched for collector in collectors),
                    ', '.join(filter(None, (c.waiting_for for c in collectors))),
                )
                if state != told:
                    told = state
                    goal_handle.publish_feedback(
                        CaptureScene.Feedback(frames_received=state[0], waiting_for=state[1])
                    )
                self._changed.wait(0.1)

    def _pose(self, frame: str, stamp_s: float | None = None) -> Any:
        return self._tf.lookup(
            self._planning_frame, frame, stamp_s=stamp_s, timeout_s=self.params.tf_timeout
        )

    # -- the answer ----------------------------------------------------------------------------

    def _fill(self, result: CaptureScene.Result, capture: Capture) -> None:
        frames, scene = capture.frames, capture.scene
        stamps = [frame.stamp_s for frame in frames]
        header = Header(frame_id=self._planning_frame, stamp=time_msg(min(stamps)))
        result.scene = conversions.snapshot_msg(scene.observation, header)
        self._captures += 1
        summary = result.scene.summary
        summary.snapshot_id = f'{min(stamps):.3f}-{self._captures}'
        summary.cameras = [frame.camera for frame in frames]
        summary.stamps = [time_msg(stamp) for stamp in stamps]
        summary.max_skew = conversions.duration_msg(max(stamps) - min(stamps))
        summary.objects = len(scene.instances)
        summary.robot_points_removed = scene.robot_points_removed
        result.timings = capture.watch.timings


def main() -> None:
    """Run the node."""
    run(PerceptionNode)


if __name__ == '__main__':
    main()
