"""Trajectories for controllers."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from trajectory_msgs.msg import JointTrajectory as TrajectoryMsg
from trajectory_msgs.msg import JointTrajectoryPoint

from dex1b_core.motion import JointTrajectory
from dex1b_ros.conversions.geometry import duration_msg


def trajectory_msg(
    trajectory: JointTrajectory, prefix: str = '', begin: Time | None = None
) -> TrajectoryMsg:
    """A trajectory for a controller; without `begin` it starts when it arrives."""
    message = TrajectoryMsg(joint_names=[prefix + name for name in trajectory.names])
    if begin is not None:
        message.header.stamp = begin
    message.points = [
        JointTrajectoryPoint(
            positions=trajectory.positions[k].tolist(),
            velocities=trajectory.velocities[k].tolist(),
            accelerations=trajectory.accelerations[k].tolist(),
            time_from_start=duration_msg(float(t)),
        )
        for k, t in enumerate(trajectory.times)
    ]
    return message
