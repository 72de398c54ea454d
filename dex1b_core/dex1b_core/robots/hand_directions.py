"""Which finger is the thumb, where the palm looks and fingers point: judged by their motion."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dex1b_core.robots.hand_motion import HandMotion, unit

Array = NDArray[np.float64]

TIE = 0.2  # relative margin below which names decide which finger is the thumb
SNAP = math.cos(math.radians(18.0))  # directions nearer to an axis are taken as that axis


def find_thumb(motion: HandMotion) -> tuple[int, tuple[str, ...]]:
    """The finger least like the others in direction, bending axis and place, and doubts about it.

    Two fingers compare by the angle between their mean directions, the overlap of the axes of
    their last joints over all postures, and the distance of their bases from the others'. Names
    decide where that leaves it open.
    """
    if len(motion.fingers) == 1:
        return 0, ()
    scores = _strangeness(motion)
    close = np.flatnonzero(scores > (1.0 - TIE) * scores.max())
    if len(close) == 1:
        return int(close[0]), ()
    names = [chain.name for chain in motion.structure.fingers]
    named = [f for f in close if 'thumb' in names[f] or 'th_' in names[f]]
    if named:
        return int(named[0]), ()
    best = int(scores.argmax())
    note = (
        f'which finger is the thumb is not clear; taken: the one with link '
        f"'{motion.fingers[best].links[-1]}'; reorder `fingers` if that is wrong"
    )
    return best, (note,)


def _strangeness(motion: HandMotion) -> Array:
    """(F,) how unlike the others each of two or more fingers is."""
    count = len(motion.fingers)
    outwards = (motion.tips - motion.bases).mean(axis=0)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    spread = np.einsum('nfi,nfj->fij', motion.axes, motion.axes) / len(motion.axes)
    spread /= np.linalg.norm(spread, axis=(1, 2), keepdims=True)
    overlap = np.einsum('fij,gij->fg', spread, spread)
    unlike = (1.0 - outwards @ outwards.T) + (1.0 - overlap)
    bases = motion.bases.mean(axis=0)
    size = float(motion.reach.mean())
    scores = np.empty(count)
    for f in range(count):
        rest = [g for g in range(count) if g != f]
        away = np.linalg.norm(bases[f] - bases[rest].mean(axis=0)) / size
        scores[f] = unlike[f, rest].mean() + 0.25 * away
    return scores


def palm_directions(
    motion: HandMotion, straight: Array, others: list[int]
) -> tuple[Array, Array, Array]:
    """Unit palm normal, direction of straight fingers, and the axis about which they bend.

    Args:
        motion: Of the hand.
        straight: (J,) posture with straight fingers [rad].
        others: Fingers that are not the thumb.
    """
    tips, bases, _ = motion.measure(straight[None])
    ends = tips[0, others]
    along = unit(ends - bases[0, others]).mean(axis=0)
    spread = np.einsum('nfi,nfj->ij', motion.axes[:, others], motion.axes[:, others])
    lateral = np.linalg.eigh(spread)[1][:, -1]
    along = _snapped(along - (along @ lateral) * lateral)
    lateral = _snapped(lateral - (lateral @ along) * along)
    normal = np.cross(lateral, along)
    swept = (motion.tips[:, others].mean(axis=0) - ends).mean(axis=0)
    return (normal if swept @ normal > 0 else -normal), along, lateral


def _snapped(direction: Array) -> Array:
    """The unit direction, or the axis that it nearly is."""
    found = unit(direction)
    axis = int(np.abs(found).argmax())
    if abs(found[axis]) > SNAP:
        found = np.sign(found[axis]) * np.eye(3)[axis]
    return found
