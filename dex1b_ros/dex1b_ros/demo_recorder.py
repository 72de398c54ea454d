"""Watches a running stack: ground truth, joints, stages and what the camera saw."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState

from dex1b_core.planning import GraspCandidate
from dex1b_core.viz.recording import DemoRecording
from dex1b_msgs.msg import ExecutorStatus, GraspArray
from dex1b_ros import conversions
from dex1b_ros.node import LATCHED
from dex1b_ros.reports import stage_name

STEP_S = 0.1  # simulated seconds between frames of a recording


class DemoRecorder:
    """Subscribes on a node that somebody else spins; all times are simulated seconds."""

    def __init__(self, node: Node, planner: str = 'grasp_server') -> None:
        """Begin to listen; `planner` is the node whose candidates are kept."""
        self._lock = threading.Lock()
        self.poses: list[tuple[float, NDArray[np.float64]]] = []
        self.joints: list[tuple[float, NDArray[np.float64]]] = []
        self.joint_names: tuple[str, ...] = ()
        self.stages: list[tuple[float, int]] = []
        self.candidates: tuple[GraspCandidate, ...] = ()
        self.colour: NDArray[np.uint8] | None = None
        self.segmentation: NDArray[np.uint8] | None = None
        self._colour_topic: Any = None
        subscribe = node.create_subscription
        subscribe(PoseStamped, 'sim_robot/object_pose', self._on_pose, 10)
        self.truth: list[tuple[float, ...]] = []
        subscribe(JointState, 'sim_robot/object_joint', self._on_truth, 10)
        subscribe(JointState, 'joint_states', self._on_joints, qos_profile_sensor_data)
        subscribe(ExecutorStatus, 'executor/status', self._on_status, LATCHED)
        subscribe(GraspArray, f'{planner}/grasps', self._on_grasps, LATCHED)
        subscribe(Image, 'perception/segmentation', self._on_segmentation, LATCHED)
        self._node = node
        self._colour_topic = subscribe(
            Image, 'camera/color/image_raw', self._on_colour, qos_profile_sensor_data
        )

    def _on_pose(self, message: PoseStamped) -> None:
        with self._lock:
            stamp = conversions.seconds(message.header.stamp)
            self.poses.append((stamp, conversions.pose(message.pose)))

    def _on_truth(self, message: JointState) -> None:
        with self._lock:
            self.truth.append((conversions.seconds(message.header.stamp), *message.position))

    def _on_joints(self, message: JointState) -> None:
        with self._lock:
            self.joint_names = tuple(message.name)
            stamp = conversions.seconds(message.header.stamp)
            self.joints.append((stamp, np.array(message.position)))

    def _on_status(self, message: ExecutorStatus) -> None:
        with self._lock:
            if not self.stages or self.stages[-1][1] != message.stage:
                stamp = conversions.seconds(message.header.stamp)
                self.stages.append((stamp, int(message.stage)))

    def _on_grasps(self, message: GraspArray) -> None:
        with self._lock:
            self.candidates = tuple(conversions.candidate(c) for c in message.candidates)

    def _on_colour(self, message: Image) -> None:
        with self._lock:
            if self.colour is None:
                self.colour = conversions.image(message).copy()
                if message.encoding == 'bgr8':
                    self.colour = self.colour[..., ::-1].copy()

    def _on_segmentation(self, message: Image) -> None:
        with self._lock:
            self.segmentation = conversions.image(message).copy()

    def clear(self) -> None:
        """Forget what was seen of an earlier pick."""
        with self._lock:
            self.poses, self.joints, self.stages, self.truth = [], [], [], []
            self.candidates = ()

    def drop_camera(self) -> None:
        """Stop listening to the camera, once a picture is there."""
        if self._colour_topic is not None:
            self._node.destroy_subscription(self._colour_topic)
            self._colour_topic = None

    def height_curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Simulated seconds (T,) and rise of the object above its first pose (T,) [m]."""
        with self._lock:
            times = np.array([stamp for stamp, _ in self.poses])
            heights = np.array([pose[2, 3] for _, pose in self.poses])
        return times, heights - (heights[0] if len(heights) else 0.0)

    def joint_curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Simulated seconds (T,) and position of the object's joint (T,) [rad or m]."""
        with self._lock:
            table = np.array(self.truth).reshape(-1, 4)
        return table[:, 0], table[:, 1]

    def base_motion(self) -> tuple[float, float]:
        """How far the object's base was at most from where it was put [m], and turned [rad]."""
        with self._lock:
            shift, turn = np.array(self.truth).reshape(-1, 4)[:, 2:].max(axis=0, initial=0.0)
        return float(shift), float(turn)

    def resampled_joints(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Joint positions (T, J) at the given times."""
        with self._lock:
            stamps = np.array([stamp for stamp, _ in self.joints])
            values = np.array([positions for _, positions in self.joints])
        return np.stack([np.interp(times, stamps, column) for column in values.T], axis=1)

    def recording(
        self, times: NDArray[np.float64], curve: NDArray[np.float64], **known: Any
    ) -> DemoRecording:
        """What was seen from just before the first motion, in even steps.

        Args:
            times: (T,) simulated seconds of `curve`, as this recorder gave them.
            curve: (T,) rise of the object [m], or displacement of its joint [rad or m].
            known: What else a recording holds: robot, object, seed and executed grasp.
        """
        begin = self.stages[1][0] - 1.0 if len(self.stages) > 1 else float(times[0])
        grid = np.arange(max(begin, float(times[0])), float(times[-1]), STEP_S)
        stamps = np.array([stamp for stamp, _ in self.poses])
        nearest = np.searchsorted(stamps, grid).clip(0, len(stamps) - 1)
        return DemoRecording(
            times=grid,
            joint_names=self.joint_names,
            joint_positions=self.resampled_joints(grid),
            object_poses=np.stack([self.poses[i][1] for i in nearest]),
            stages=tuple((stamp, stage_name(stage)) for stamp, stage in self.stages),
            colour=self.colour,
            segmentation=self.segmentation,
            candidates=self.candidates,
            lift_heights=np.interp(grid, times, curve),
            **known,
        )


def longest_hold(
    times: NDArray[np.float64], heights: NDArray[np.float64], threshold: float
) -> float:
    """Longest time [s] that `heights` (T,) stay at or above the threshold [m] without a break."""
    best = 0.0
    start: float | None = None
    for time, height in zip(times, heights, strict=True):
        if height < threshold:
            start = None
            continue
        start = float(time) if start is None else start
        best = max(best, float(time) - start)
    return best
