"""What drivers get wrong in joint states, as functions of a message; None drops it."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Sequence

from sensor_msgs.msg import JointState

from dex1b_core.robots import RobotDescription

JointStateFault = Callable[[JointState], JointState | None]


def dropped(message: JointState) -> None:
    """A driver that says nothing any more."""


def frozen() -> JointStateFault:
    """A driver that repeats what it said first, with new stamps."""
    first: list[JointState] = []

    def fault(message: JointState) -> JointState:
        first[:] = first or [message]
        repeated = copy.deepcopy(first[0])
        repeated.header.stamp = message.header.stamp
        repeated.velocity = [0.0] * len(message.velocity)
        return repeated

    return fault


def shifted(seconds: int) -> JointStateFault:
    """Stamps of another clock."""

    def fault(message: JointState) -> JointState:
        message.header.stamp.sec = max(0, message.header.stamp.sec + seconds)
        return message

    return fault


def reversed_order(message: JointState) -> JointState:
    """Joints in another order, each with its own values: nothing is wrong with that."""
    for field in ('name', 'position', 'velocity', 'effort'):
        setattr(message, field, list(getattr(message, field))[::-1])
    return message


def cut_short(message: JointState) -> JointState:
    """Fewer positions than names."""
    message.position = message.position[:-1]
    return message


def without(joint: str) -> JointStateFault:
    """A joint that is not reported."""

    def fault(message: JointState) -> JointState:
        k = list(message.name).index(joint)
        for field in ('name', 'position', 'velocity', 'effort'):
            values = list(getattr(message, field))
            setattr(message, field, values[:k] + values[k + 1 :])
        return message

    return fault


def only(joints: Sequence[str]) -> JointStateFault:
    """A driver of these joints alone, the other one's has died."""

    def fault(message: JointState) -> JointState:
        kept = [k for k, name in enumerate(message.name) if name in joints]
        for field in ('name', 'position', 'velocity', 'effort'):
            values = list(getattr(message, field))
            setattr(message, field, [values[k] for k in kept])
        return message

    return fault


def in_turn(first: JointStateFault, second: JointStateFault) -> JointStateFault:
    """Two publishers of the same joints that do not agree."""
    turns = itertools.cycle((first, second))
    return lambda message: next(turns)(message)


def as_it_is(message: JointState) -> JointState:
    """Nothing is wrong."""
    return message


def changed(joint: str, field: str, value: float, *, added: bool = False) -> JointStateFault:
    """A joint's position, velocity or effort set, or `added` to."""

    def fault(message: JointState) -> JointState:
        k = list(message.name).index(joint)
        values = list(getattr(message, field))
        values[k] = values[k] + value if added else value
        setattr(message, field, values)
        return message

    return fault


def not_a_number(joint: str) -> JointStateFault:
    """A joint whose encoder is lost."""
    return changed(joint, 'position', math.nan)


def let_go(robot: RobotDescription, posture: float) -> JointStateFault:
    """Fingers that close further, without effort: what they held is gone."""

    def fault(message: JointState) -> JointState:
        names = list(message.name)
        positions, efforts = list(message.position), list(message.effort)
        for joint, opened in zip(robot.hand.joints, robot.hand.open, strict=True):
            k = names.index(joint)
            if positions[k] > opened + 0.1:
                positions[k], efforts[k] = opened + posture, 0.0
        message.position, message.effort = positions, efforts
        return message

    return fault
