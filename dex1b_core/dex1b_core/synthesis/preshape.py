"""Postures before closing, and how such a hand sits around what it will hold."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.robots.hand_model import HandModel


@dataclass(frozen=True)
class HandPreshape:
    """A posture before closing and its frame.

    Attributes:
        posture: (J,) [rad].
        frame: (3, 3) columns in the root frame: closing axis from fingers to thumb, approach,
            and across.
        centre: (3,) middle between thumb and finger tips in the root frame [m].
        width: Gap between thumb and finger tips [m].
    """

    posture: torch.Tensor
    frame: torch.Tensor
    centre: torch.Tensor
    width: float


def preshapes(
    hand: HandModel, opened_fractions: tuple[float, ...], opposition: tuple[float, ...]
) -> list[HandPreshape]:
    """Every combination of opening and opposition.

    Args:
        hand: Which hand.
        opened_fractions: Of the way from the open posture to closed.
        opposition: Offsets from the open posture of joints that neither open nor close, such as
            the thumb's rotation [rad].
    """
    palm = hand.hand.palm
    root = torch.eye(3)
    if palm.link != hand.hand.root_link:
        link = hand.kinematics.link_names.index(palm.link)
        root = hand.kinematics.forward(hand.open_posture[None])[0, link, :3, :3]
    forward = root @ (torch.tensor(palm.normal) + torch.tensor(palm.fingers))
    limit = torch.where(hand.closing > 0, hand.kinematics.upper, hand.kinematics.lower)
    result = []
    for opened in opened_fractions:
        for offset in opposition:
            posture = torch.where(
                hand.closing != 0,
                hand.open_posture + opened * (limit - hand.open_posture),
                hand.open_posture + offset,
            )
            posture = torch.clamp(posture, hand.kinematics.lower, hand.kinematics.upper)
            poses = hand.kinematics.forward(posture[None])[0]
            tips = poses[hand.tip_links, :3, 3]
            fingers = tips[1:3].mean(dim=0)
            axis = torch.nn.functional.normalize(tips[0] - fingers, dim=0)
            approach = forward - (forward @ axis) * axis
            approach = torch.nn.functional.normalize(approach, dim=0)
            frame = torch.stack([axis, approach, torch.linalg.cross(axis, approach)], dim=1)
            width = float((tips[0] - fingers).norm())
            result.append(HandPreshape(posture, frame, 0.5 * (tips[0] + fingers), width))
    return result
