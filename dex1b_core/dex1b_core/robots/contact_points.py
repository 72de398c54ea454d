"""Where a finger may touch an object: its tip and distal pad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.hand_description import FingerDescription, HandDescription
from dex1b_core.robots.kinematics import HandKinematics
from dex1b_core.robots.link_geometry import farthest_points, sample_union

Array = NDArray[np.float64]

PAD_COSINE = 0.3  # candidates face the closing motion within acos of this
OUTER_PART = 0.4  # and lie beyond this part of the way from the last joint to the tip
EDGE_COSINE = 0.6  # two normals further apart than acos of this make an edge
SAMPLES = 4000
FEWEST = 4  # candidates below which the margin to edges is given up step by step


@dataclass(frozen=True)
class ContactPoints:
    """Candidates on one link.

    Attributes:
        link: Index into the kinematics' links.
        positions: (N, 3) in the link's frame [m].
        normals: (N, 3) outward unit normals there.
    """

    link: int
    positions: Array
    normals: Array


def contact_points(
    hand: HandDescription,
    kinematics: HandKinematics,
    hulls: dict[str, list[Any]],
    finger: FingerDescription,
    posture: torch.Tensor,
    closing: torch.Tensor,
) -> list[ContactPoints]:
    """Candidates of a finger: on what moves with its last joint, facing the closing motion.

    Args:
        hand: With the margin to edges and the number of candidates.
        kinematics: Of the hand.
        hulls: Collision geometry by link.
        finger: Which finger.
        posture: (J,) in which the motion is looked at [rad].
        closing: (J,) directions in which joints close their finger.

    Raises:
        ConfigurationError: no joint closes the finger, or nothing of it faces that way.
    """
    names = kinematics.link_names
    frame = int(kinematics.link_frames[names.index(finger.links[-1])])
    links = [
        index for index, name in enumerate(names)
        if int(kinematics.link_frames[index]) == frame and hulls[name]
    ]  # fmt: skip
    frame_T_link = kinematics.frame_T_link.double().numpy()
    bodies, owners = [], []
    for link in links:
        bodies += [hull.copy().apply_transform(frame_T_link[link]) for hull in hulls[names[link]]]
        owners += [link] * len(hulls[names[link]])
    tip = frame_T_link[names.index(finger.tip)][:3, 3]
    points, normals, body = sample_union(bodies, SAMPLES, seed=1)
    motion = _closing_motion(hand, kinematics, finger, points, posture, closing)
    facing = (normals * motion).sum(axis=1) > PAD_COSINE
    length = float(np.linalg.norm(tip))
    facing &= points @ tip > OUTER_PART * length**2
    if not facing.any():
        raise ConfigurationError(
            f"hand '{hand.key}': nothing on link '{finger.links[-1]}' faces the closing motion; "
            'correct `closing` or the tip of that finger'
        )
    smooth = _away_from_edges(points, normals, facing, hand.contact_margin)
    chosen = smooth[farthest_points(points[smooth], finger.contacts or hand.contacts_per_finger)]
    found = []
    for link in links:
        mine = chosen[np.array(owners)[body[chosen]] == link]
        if len(mine):
            turn, shift = frame_T_link[link][:3, :3], frame_T_link[link][:3, 3]
            found.append(ContactPoints(link, (points[mine] - shift) @ turn, normals[mine] @ turn))
    return found


def _closing_motion(
    hand: HandDescription,
    kinematics: HandKinematics,
    finger: FingerDescription,
    points: Array,
    posture: torch.Tensor,
    closing: torch.Tensor,
) -> Array:
    """(N, 3) unit directions, in the distal frame, in which points move with the last joint."""
    columns = [hand.joints.index(joint) for joint in finger.joints]
    moving = [column for column in columns if closing[column] != 0.0]
    if not moving:
        raise ConfigurationError(
            f"hand '{hand.key}': no joint of the finger with tip '{finger.tip}' closes it; give "
            '`closing` for one of ' + ', '.join(finger.joints)
        )
    ahead = posture.clone()
    ahead[moving[-1]] += 0.02 * float(closing[moving[-1]])
    link = kinematics.link_names.index(finger.links[-1])
    link_T_frame = np.linalg.inv(kinematics.frame_T_link[link].double().numpy())
    before, after = (
        kinematics.forward(p[None])[0, link].double().numpy() @ link_T_frame
        for p in (posture, ahead)
    )
    change = np.linalg.inv(before) @ after
    motion = points @ (change[:3, :3] - np.eye(3)).T + change[:3, 3]
    unit: Array = motion / (np.linalg.norm(motion, axis=1, keepdims=True) + 1e-12)
    return unit


def _away_from_edges(
    points: Array, normals: Array, allowed: NDArray[np.bool_], margin: float
) -> NDArray[np.int64]:
    """Allowed points with no edge nearer than the margin; less margin where that leaves few."""
    tree = cKDTree(points)
    indices = np.flatnonzero(allowed)
    while margin > 2e-4:
        near = tree.query_ball_point(points[indices], margin)
        smooth = [
            bool((normals[others] @ normals[index] > EDGE_COSINE).all())
            for index, others in zip(indices, near, strict=True)
        ]
        if sum(smooth) >= FEWEST:
            kept: NDArray[np.int64] = indices[np.array(smooth)]
            return kept
        margin *= 0.5
    return indices
