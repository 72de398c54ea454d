"""How far the fingers that hold a part move along it."""

from __future__ import annotations

import numpy as np

from dex1b_core.articulation.articulated_object import Array
from dex1b_core.geometry import invert
from dex1b_core.simulation.engine import OBJECT, Engine

TOUCH = 5e-4  # [m] gap at which a link touches


class FingerTrack:
    """Follows each finger from where it touches the part when `hold` is called."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fingers = engine.scene.robot.fingers()
        self._held: dict[int, tuple[int, Array, Array]] = {}
        self._slips: dict[int, float] = {}

    def hold(self) -> bool:
        """Remember where fingers touch: on their link, and on the part; whether any does."""
        contacts = self._engine.contacts()
        poses, part = self._engine.body_poses(), invert(self._engine.object_pose())
        for body, other, depth, point in zip(
            contacts.body, contacts.other, contacts.depth, contacts.point, strict=True
        ):
            finger = int(self._fingers[body])
            if other == OBJECT and depth >= -TOUCH and finger >= 0 and finger not in self._held:
                place = np.r_[point, 1.0]
                own = (invert(poses[body]) @ place)[:3]
                self._held[finger] = (int(body), own, (part @ place)[:3])
        self._slips = dict.fromkeys(self._held, 0.0)
        return bool(self._held)

    def look(self) -> None:
        """See how far each has moved along the part by now."""
        poses, part = self._engine.body_poses(), invert(self._engine.object_pose())
        for finger, (body, own, place) in self._held.items():
            now = (part @ poses[body] @ np.r_[own, 1.0])[:3]
            self._slips[finger] = max(self._slips[finger], float(np.linalg.norm(now - place)))

    def touching(self) -> set[int]:
        """Fingers that touch the part now."""
        bodies = self._engine.contacts().bodies_at(OBJECT, TOUCH)
        return {int(finger) for finger in self._fingers[bodies] if finger >= 0}

    def slip(self) -> float:
        """Farthest that a finger which touches now has ever been from its place [m]."""
        touching = self.touching()
        return max(
            (slip for finger, slip in self._slips.items() if finger in touching), default=0.0
        )
