"""Candidates and planned motion as RViz markers, coloured by verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import Point, PoseStamped
from nav_msgs.msg import Path
from std_msgs.msg import ColorRGBA, Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from visualization_msgs.msg import Marker, MarkerArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import to_xyzw
from dex1b_core.motion import PlannedMotion
from dex1b_core.planning import GraspCandidate
from dex1b_core.viz.verdict import BLUE, verdict
from dex1b_ros.conversions import duration_msg, seconds

LIFETIME_S = 120.0
"""As long as executors take a scene, unless told otherwise (`max_scene_age`)."""


def grasp_markers(
    candidates: Sequence[GraspCandidate], rejected: Sequence[GraspCandidate], header: Header
) -> MarkerArray:
    """Arrows along the approach with a text each; first all earlier markers are deleted.

    Namespaces: 'grasps', 'grasps_text', 'rejected', 'rejected_text'; ids are ranks. They vanish
    with LIFETIME_S, when an executor would refuse the plan anyway.
    """
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for rank, candidate in enumerate(candidates):
        colour, words = verdict(candidate)
        colour = BLUE if rank == 0 else colour
        markers.append(_arrow(candidate, header, 'grasps', rank, colour, 0.95, 0.008))
        markers.append(_text(candidate, header, 'grasps_text', rank, f'#{rank} {words}', colour))
    for rank, candidate in enumerate(rejected):
        colour, words = verdict(candidate)
        markers.append(_arrow(candidate, header, 'rejected', rank, colour, 0.35, 0.004))
        words = f'rejected #{rank} {words}'
        markers.append(_text(candidate, header, 'rejected_text', rank, words, colour))
    for marker in markers[1:]:
        marker.lifetime = duration_msg(LIFETIME_S)
    return MarkerArray(markers=markers)


def _arrow(
    candidate: GraspCandidate, header: Header, namespace: str, number: int,
    colour: tuple[float, float, float], alpha: float, width: float,
) -> Marker:  # fmt: skip
    tip = candidate.planning_T_wrist[:3, 3]
    tail = tip - candidate.approach * candidate.approach_distance
    marker = Marker(header=header, ns=namespace, id=number, type=Marker.ARROW)
    marker.pose.orientation.w = 1.0
    marker.points = [Point(x=p[0], y=p[1], z=p[2]) for p in (tail.tolist(), tip.tolist())]
    marker.scale.x, marker.scale.y = width, 2.0 * width
    marker.color = ColorRGBA(r=colour[0], g=colour[1], b=colour[2], a=alpha)
    return marker


def _text(
    candidate: GraspCandidate, header: Header, namespace: str, number: int, words: str,
    colour: tuple[float, float, float],
) -> Marker:  # fmt: skip
    tail = candidate.planning_T_wrist[:3, 3] - candidate.approach * candidate.approach_distance
    marker = Marker(header=header, ns=namespace, id=number, type=Marker.TEXT_VIEW_FACING)
    marker.pose.position = Point(x=tail[0], y=tail[1], z=tail[2] + 0.01)
    marker.pose.orientation.w = 1.0
    marker.scale.z = 0.012
    marker.text = words
    marker.color = ColorRGBA(r=colour[0], g=colour[1], b=colour[2], a=1.0)
    return marker


def wrist_path(transforms: Sequence[Any], header: Header) -> Path:
    """Path of the hand's root link through (4, 4) planning-frame poses."""
    path = Path(header=header)
    for transform in transforms:
        position, quaternion = to_xyzw(np.asarray(transform))
        stamped = PoseStamped(header=header)
        stamped.pose.position = Point(x=position[0], y=position[1], z=position[2])
        o = stamped.pose.orientation
        o.x, o.y, o.z, o.w = (float(value) for value in quaternion)
        path.poses.append(stamped)
    return path


def planned_motion_msg(motion: PlannedMotion, prefix: str, header: Header) -> JointTrajectory:
    """Positions of all joints over time, to be shown; controllers get their own trajectories."""
    points = [
        JointTrajectoryPoint(positions=row.tolist(), time_from_start=duration_msg(float(time)))
        for time, row in zip(motion.times, motion.positions, strict=True)
    ]
    names = [prefix + name for name in motion.names]
    return JointTrajectory(header=header, joint_names=names, points=points)


def planned_motion(message: JointTrajectory, prefix: str) -> PlannedMotion | None:
    """What `planned_motion_msg` wrote; None when there is no motion.

    Raises:
        Dex1bError: INVALID_REQUEST for a message that is not one.
    """
    if not message.points:
        return None
    rows = [point.positions for point in message.points]
    if any(len(row) != len(message.joint_names) for row in rows):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'planned motion: its points do not have {len(message.joint_names)} positions each',
        )
    return PlannedMotion(
        tuple(name.removeprefix(prefix) for name in message.joint_names),
        np.array([seconds(point.time_from_start) for point in message.points]),
        np.array(rows),
    )
