"""How well predicted probabilities rank grasps, and how far they can be taken at their word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_BINS = 10


def auc(predicted: Array, held: NDArray[np.bool_]) -> float | None:
    """Probability that a grasp that held is rated above one that did not; ties count half.

    None when all or none held.
    """
    if held.all() or not held.any():
        return None
    bad, good = np.sort(predicted[~held]), predicted[held]
    below = np.searchsorted(bad, good, 'left') + np.searchsorted(bad, good, 'right')
    return float(below.mean() / (2 * len(bad)))


def better_half(predicted: Array, objects: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N,) whether a grasp is predicted to be of the better half of those of its object."""
    better = np.zeros(len(predicted), dtype=bool)
    for index in np.unique(objects):
        rows = np.flatnonzero(objects == index)
        better[rows[np.argsort(-predicted[rows], kind='stable')[: len(rows) // 2]]] = True
    return better


def calibration_error(predicted: Array, held: NDArray[np.bool_]) -> float:
    """Mean distance of the predicted from the observed share, over tenths of the grasps."""
    parts = np.array_split(np.argsort(predicted, kind='stable'), _BINS)
    gaps = [abs(predicted[part].mean() - held[part].mean()) for part in parts if len(part)]
    return float(np.mean(gaps))
