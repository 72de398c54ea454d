"""Whether a hand holds something, by the hand's own evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.execution.settings import ExecutionSettings
from dex1b_core.robots import HandDescription

Array = NDArray[np.float64]

_CLOSING = 0.02  # rad beyond the grasp posture that make a joint part of the grip


@dataclass(frozen=True)
class Grip:
    """Evidence of a grip at one instant.

    Attributes:
        held: Whether something is between the thumb and another finger.
        loaded: Fingers that press against something.
        free: Fingers that reached their command, so nothing is in their way.
        mean_effort: Mean absolute effort of the closing joints [N m]; NaN when not measured.
        reason: In words and numbers.
    """

    held: bool
    loaded: tuple[str, ...]
    free: tuple[str, ...]
    mean_effort: float
    reason: str


class GripJudge:
    """Reads a grip from the closing joints: a command that stays out of reach is a contact.

    A position controller's SUCCEEDED says nothing about a grasp; the position error that
    remains, and the effort where it is measured, do.
    """

    def __init__(
        self,
        hand: HandDescription,
        grasp: Array,
        squeeze: Array,
        settings: ExecutionSettings,
    ) -> None:
        """Keep what was commanded: (J,) contact and squeeze postures in the hand's order."""
        self._hand = hand
        self._settings = settings
        self._squeeze = squeeze
        change = squeeze - grasp
        self._direction = np.where(np.abs(change) > _CLOSING, np.sign(change), 0.0)
        self._closed: Array | None = None

    def remember(self, positions: Array) -> None:
        """Keep the (J,) posture in which the hand came to rest around the object."""
        self._closed = positions.copy()

    def judge(self, positions: Array, efforts: Array) -> Grip:
        """Evidence from measured (J,) positions [rad] and efforts [N m] (NaN = not measured)."""
        errors = self._direction * (self._squeeze - positions)
        closing = self._direction != 0
        pressing = closing & (errors > self._settings.grip_error)
        measured = np.isfinite(efforts)
        pressing &= ~measured | (np.abs(efforts) >= self._settings.grip_effort)
        if self._closed is not None:
            further = self._direction * (positions - self._closed)
            pressing &= further < self._settings.grip_motion
        loaded, free = self._by_finger(pressing, closing)
        thumb = next(iter(self._hand.fingers))
        thumb_takes_part = thumb in loaded or thumb in free
        held = len(loaded) >= 2 and thumb in loaded if thumb_takes_part else len(loaded) >= 1
        effort = np.abs(efforts[closing & measured])
        largest = float(errors[closing].max()) if closing.any() else 0.0
        reason = (
            f'pressing: {list(loaded) or "none"}, closed freely: {list(free) or "none"}, largest '
            f'remaining position error {largest:.3f} rad (more than '
            f'{self._settings.grip_error:.3f} is a contact)'
        )
        return Grip(held, loaded, free, float(effort.mean()) if len(effort) else np.nan, reason)

    def _by_finger(
        self, pressing: NDArray[np.bool_], closing: NDArray[np.bool_]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        loaded, free = [], []
        for name, finger in self._hand.fingers.items():
            joints = [self._hand.joints.index(joint) for joint in finger.joints]
            if pressing[joints].any():
                loaded.append(name)
            elif closing[joints].any():
                free.append(name)
        return tuple(loaded), tuple(free)
