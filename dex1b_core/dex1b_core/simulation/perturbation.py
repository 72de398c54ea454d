"""Repeats of a check in worlds that differ a little from the one that a grasp was planned in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.geometry import make_transform

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PerturbationRanges:
    """What differs, drawn evenly unless said otherwise.

    Attributes:
        friction: Lowest and highest factor on the friction.
        mass: The same on the mass, drawn evenly in its logarithm.
        position: Of the hand relative to the object, each axis [m].
        angle: Of the hand about a random axis through its origin [rad].
        joints: Of every driven joint, the same in all postures [rad].
    """

    friction: tuple[float, float] = (0.6, 1.0)
    mass: tuple[float, float] = (0.5, 2.0)
    position: float = 0.003
    angle: float = math.radians(3.0)
    joints: float = 0.02


@dataclass(frozen=True)
class Perturbation:
    """One world; the default is the one that was planned for.

    Attributes:
        friction, mass: Factors.
        hand_T_moved: (4, 4) how the hand's root is off.
        seed: Of the noise on joints; equal grasps get equal noise.
        joints: Largest noise of a joint [rad].
    """

    friction: float = 1.0
    mass: float = 1.0
    hand_T_moved: Array | None = None
    seed: int = 0
    joints: float = 0.0

    def joint_noise(self, count: int) -> Array:
        """(count,) [rad]."""
        if self.joints == 0.0:
            return np.zeros(count)
        return np.random.default_rng(self.seed).uniform(-self.joints, self.joints, count)


UNPERTURBED = Perturbation()


def draw_perturbations(
    count: int, seed: int, ranges: PerturbationRanges | None = None
) -> tuple[Perturbation, ...]:
    """The world as planned for, then `count` - 1 others.

    All grasps face the same, so that their counts compare.
    """
    ranges = ranges or PerturbationRanges()
    rng = np.random.default_rng(seed)
    made = [UNPERTURBED]
    low, high = np.log(ranges.mass)
    for _ in range(1, count):
        shift = rng.uniform(-ranges.position, ranges.position, 3)
        axis = rng.normal(size=3)
        turn = Rotation.from_rotvec(
            rng.uniform(-ranges.angle, ranges.angle) * axis / np.linalg.norm(axis)
        )
        made.append(
            Perturbation(
                friction=float(rng.uniform(*ranges.friction)),
                mass=math.exp(rng.uniform(low, high)),
                hand_T_moved=make_transform(turn.as_matrix(), shift),
                seed=int(rng.integers(2**31)),
                joints=ranges.joints,
            )
        )
    return tuple(made)
