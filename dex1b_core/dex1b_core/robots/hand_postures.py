"""Postures of a hand: straight fingers, how they close, and ready with the thumb opposed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.robots.hand_motion import HandMotion, unit

Array = NDArray[np.float64]

THUMB_SAMPLES = 6000  # postures of the thumb among which the ready one is chosen
FLEXION_COSINE = 0.7  # joints so parallel to a finger's last joint bend it
READY_FRACTION = 0.3  # of a bending joint's range, from straight
THUMB_BENT = (0.15, 0.6)  # between these fractions the ready posture's thumb is bent


@dataclass(frozen=True)
class Closing:
    """How a hand closes.

    Attributes:
        signs: (J,) +1 or -1 by which bending joints close, 0 for others.
        straight: (J,) posture from which they start [rad].
        closed: (J,) limits towards which they go [rad].
        rest: (J,) where others stay: 0, or the limit next to it [rad].
    """

    signs: Array
    straight: Array
    closed: Array
    rest: Array

    def part_closed(self, fraction: float) -> Array:
        """(J,) bending joints closed by a fraction of their range, others at rest."""
        bent = self.straight + fraction * (self.closed - self.straight)
        return np.where(self.signs != 0, bent, self.rest)


def straight_posture(motion: HandMotion, palm_centre: Array) -> Array:
    """(J,) posture in which every tip is as far from the palm's middle (3,) as it gets."""
    posture: Array = 0.5 * (motion.lower + motion.upper)
    steps = np.linspace(0.0, 1.0, 41)
    for _ in range(3):
        for index, finger in enumerate(motion.fingers):
            for name in finger.joints:
                column = motion.column(name)
                sweep = np.repeat(posture[None], len(steps), axis=0)
                low, high = motion.lower[column], motion.upper[column]
                sweep[:, column] = low + steps * (high - low)
                away = np.linalg.norm(motion.measure(sweep)[0][:, index] - palm_centre, axis=1)
                best = away > away.max() - 1e-4  # turns about the finger's own axis: the middle
                posture[column] = sweep[best, column].mean()
    return posture


def find_closing(motion: HandMotion, straight: Array, thumb: int, normal: Array) -> Closing:
    """How bending joints close: the tip comes to the palm's front.

    For the thumb, which moves across the palm, it is the direction with more range from where
    the thumb is straightest.

    Args:
        motion: Of the hand.
        straight: (J,) posture with straight fingers [rad]; the thumb's is found anew.
        thumb: Which finger it is.
        normal: (3,) where the palm looks.
    """
    bending = _bending(motion)
    signs, straight = np.zeros(len(bending)), straight.copy()
    for index, finger in enumerate(motion.fingers):
        for name in finger.joints:
            column = motion.column(name)
            if not bending[column]:
                continue
            if index == thumb:
                value = straight[column] = _straightest(motion, thumb, column)
                more_above = motion.upper[column] - value > value - motion.lower[column]
                signs[column] = 1.0 if more_above else -1.0
            else:
                moved = np.repeat(straight[None], 2, axis=0)
                moved[:, column] += (-0.02, 0.02)
                tips, _, _ = motion.measure(moved)
                signs[column] = np.sign((tips[1, index] - tips[0, index]) @ normal)
    closed = np.where(signs > 0, motion.upper, motion.lower)
    return Closing(signs, straight, closed, np.clip(0.0, motion.lower, motion.upper))


def _bending(motion: HandMotion) -> NDArray[np.bool_]:
    """(J,) which driven joints bend their finger: parallel to its last joint on average."""
    bending = np.zeros(len(motion.draft.joints), dtype=bool)
    for chain, cosines in zip(motion.structure.fingers, motion.parallelism(), strict=True):
        for joint in chain.joints:
            if joint.name in motion.draft.joints and joint.kind == 'revolute':
                bending[motion.column(joint.name)] = cosines[joint.name] > FLEXION_COSINE
    return bending


def _straightest(motion: HandMotion, finger: int, column: int) -> float:
    """Position [rad] of a joint, others in the middle, at which a tip is farthest from its base."""
    sweep = np.repeat(0.5 * (motion.lower + motion.upper)[None], 41, axis=0)
    sweep[:, column] = np.linspace(motion.lower[column], motion.upper[column], 41)
    tips, bases, _ = motion.measure(sweep)
    best = np.linalg.norm(tips - bases, axis=-1)[:, finger].argmax()
    return float(sweep[best, column])


def ready_posture(
    motion: HandMotion, closing: Closing, thumb: int, others: list[int]
) -> tuple[Array, tuple[str, ...]]:
    """(J,) fingers part closed, the thumb where it opposes its two nearest fingers best; doubts.

    Args:
        motion: Of the hand.
        closing: How it closes.
        thumb: Which finger it is.
        others: The other fingers; the thumb itself where it is the only one.
    """
    ready = closing.part_closed(READY_FRACTION)
    if others == [thumb]:
        return ready, ()
    postures, part = _thumb_postures(motion, closing, thumb, ready)
    tips, _, _ = motion.measure(postures)
    pads = unit(motion.measure(postures + 0.01 * closing.signs)[0] - tips)
    bases = motion.bases.mean(axis=0)
    near = sorted(others, key=lambda f: float(np.linalg.norm(bases[f] - bases[thumb])))[:2]
    gap = tips[:, near].mean(axis=1) - tips[:, thumb]
    distance = np.linalg.norm(gap, axis=1)
    gap /= distance[:, None] + 1e-9
    wanted = float(np.clip(0.6 * motion.reach[others].mean(), 0.04, 0.08))
    score = (
        (pads[:, thumb] * gap).sum(axis=1)
        - (unit(pads[:, near].mean(axis=1)) * gap).sum(axis=1)
        - 0.3 * ((distance - wanted) / 0.02) ** 2
        - 0.2 * ((2.0 * part - 1.0) ** 2).mean(axis=1)
    )
    note = (
        'the thumb does not oppose the fingers well in any posture tried; look at the '
        'picture and correct `ready`'
    )
    return postures[score.argmax()], (note,) if score.max() < 0.5 else ()


def _thumb_postures(
    motion: HandMotion, closing: Closing, thumb: int, ready: Array
) -> tuple[Array, Array]:
    """(N, J) postures that differ from `ready` in the thumb, and (N, T) fractions of its ranges."""
    columns = [motion.column(name) for name in motion.fingers[thumb].joints]
    random = np.random.default_rng(1)
    postures = np.repeat(ready[None], THUMB_SAMPLES, axis=0)
    part = random.uniform(0.05, 0.95, (THUMB_SAMPLES, len(columns)))
    lower, upper, sign = (values[columns] for values in (motion.lower, motion.upper, closing.signs))
    start = np.where(sign != 0, closing.straight[columns], lower)
    end = np.where(sign < 0, lower, upper)
    fraction = np.where(sign != 0, THUMB_BENT[0] + np.ptp(THUMB_BENT) * part, part)
    postures[:, columns] = start + fraction * (end - start)
    return postures, part
