"""Names for the fingers of a hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dex1b_core.robots.hand_structure import FingerChain

Array = NDArray[np.float64]

_USUAL = {
    'index': 'index', 'middle': 'middle', 'ring': 'ring', 'little': 'little',
    'pinky': 'little', 'ff': 'index', 'mf': 'middle', 'rf': 'ring', 'lf': 'little',
}  # fmt: skip


def finger_names(
    fingers: Sequence[FingerChain], order: list[int], side: Array, thumb: int
) -> list[str]:
    """The thumb first; names from the file where they are telling, else by place across the palm.

    Args:
        fingers: With the names in the file.
        order: Fingers in the order in which names are wanted.
        side: (F,) where they stand across the palm [m].
        thumb: Which is the thumb.
    """
    others = [f for f in order if f != thumb]
    found = {}
    for f in others:
        text = fingers[f].name
        words = text.replace('_', ' ').split()
        hits = [_USUAL[key] for key in _USUAL if key in words or (len(key) > 2 and key in text)]
        if hits:
            found[f] = hits[0]
    if len(set(found.values())) != len(others):
        others.sort(key=lambda f: float(side[f]))
        if others and abs(side[others[-1]] - side[thumb]) < abs(side[others[0]] - side[thumb]):
            others.reverse()
        plain = ['index', 'middle', 'ring', 'little']
        found = dict(
            zip(
                others,
                plain if len(others) <= 4 else [f'finger_{i + 1}' for i in range(len(others))],
                strict=False,
            )
        )
    return ['thumb' if f == thumb else found[f] for f in order]
