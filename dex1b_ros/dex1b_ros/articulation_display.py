"""The axis of a joint as RViz markers: where it lies, and which way it opens."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from dex1b_core.simulation.object_joint import ObjectJoint

Array = NDArray[np.float64]

LENGTH = 0.4  # [m] of the axis
RADIUS = 0.12  # [m] of the arc
_BLUE = (0.10, 0.45, 0.85)


def axis_markers(
    joint: ObjectJoint, displacement: float, confidence: float, header: Header
) -> MarkerArray:
    """An arrow along the axis, the way by `displacement` about or along it, and a text.

    Namespaces: 'axis', 'way', 'axis_text'; first all earlier markers are deleted.
    """
    tail = joint.origin - (0.0 if joint.slides else 0.5 * LENGTH) * joint.axis
    arrow = _marker(header, 'axis', Marker.ARROW, confidence)
    arrow.points = [_point(tail), _point(tail + LENGTH * joint.axis)]
    arrow.scale.x, arrow.scale.y = 0.008, 0.018
    way = _marker(header, 'way', Marker.LINE_STRIP, confidence)
    way.points = [_point(point) for point in _way(joint, displacement)]
    way.scale.x = 0.006
    text = _marker(header, 'axis_text', Marker.TEXT_VIEW_FACING, confidence)
    text.pose.position = _point(joint.origin + 0.6 * LENGTH * joint.axis)
    text.scale.z = 0.02
    unit = 'm' if joint.slides else 'rad'
    text.text = f'{joint.kind}, {displacement:.2f} {unit}, confidence {confidence:.0%}'
    delete = Marker(header=header, action=Marker.DELETEALL)
    return MarkerArray(markers=[delete, arrow, way, text])


def _way(joint: ObjectJoint, displacement: float) -> Array:
    """(24, 3) points along the joint's circle or line."""
    side = np.cross(joint.axis, np.eye(3)[np.abs(joint.axis).argmin()])
    start = joint.origin + (0.0 if joint.slides else RADIUS) * side / np.linalg.norm(side)
    positions = np.linspace(0.0, displacement, 24)
    return np.array([(joint.motion(position) @ np.r_[start, 1.0])[:3] for position in positions])


def _marker(header: Header, namespace: str, kind: int, confidence: float) -> Marker:
    marker = Marker(header=header, ns=namespace, type=kind)
    marker.pose.orientation.w = 1.0
    marker.color = ColorRGBA(r=_BLUE[0], g=_BLUE[1], b=_BLUE[2], a=0.35 + 0.6 * confidence)
    return marker


def _point(point: Array) -> Point:
    x, y, z = point.tolist()
    return Point(x=x, y=y, z=z)
