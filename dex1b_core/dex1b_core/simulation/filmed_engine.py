"""An engine that remembers how things stood at each stage of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.simulation.engine import Contacts, Engine

Array = NDArray[np.float64]

_AXES = 'xyz'


@dataclass(frozen=True, eq=False)
class Moment:
    """How things stood.

    Attributes:
        name: 'start', 'closed', or the direction of the push that had acted by then, as '+x'.
        body_poses: `world_T_body` (bodies, 4, 4).
        object_pose: `world_T_object` (4, 4).
    """

    name: str
    body_poses: Array
    object_pose: Array


class FilmedEngine:
    """Any `Engine`, with what `HoldChecker` does in it on film.

    Attributes:
        moments: Since the last `place`; complete after `finish`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.scene, self.timestep = engine.scene, engine.timestep
        self.moments: list[Moment] = []
        self._doing = 'closed'

    def finish(self) -> list[Moment]:
        """All moments, the last one as things stand."""
        self._take(self._doing)
        return self.moments

    def _take(self, name: str) -> None:
        poses = self._engine.body_poses(), self._engine.object_pose()
        self.moments.append(Moment(name, *poses))

    def place(
        self,
        world_T_root: Array,
        joints: Array,
        world_T_object: Array,
        object_joint: float = 0.0,
    ) -> None:
        """See `Engine`."""
        self._engine.place(world_T_root, joints, world_T_object, object_joint)
        self.moments, self._doing = [], 'closed'
        self._take('start')

    def push(self, force: Array) -> None:
        """See `Engine`."""
        if self._doing == 'closed':
            self._take('closed')
        axis = int(np.argmax(np.abs(force)))
        self._doing = ('+' if force[axis] > 0 else '-') + _AXES[axis]
        self._engine.push(force)

    def restore(self, state: Any) -> None:
        """See `Engine`."""
        self._take(self._doing)
        self._engine.restore(state)

    def reset(self) -> None:
        """See `Engine`."""
        self._engine.reset()

    def set_conditions(self, *, friction: float, mass: float) -> None:
        """See `Engine`."""
        self._engine.set_conditions(friction=friction, mass=mass)

    def command(self, joints: Array) -> None:
        """See `Engine`."""
        self._engine.command(joints)

    def advance(self, duration: float) -> bool:
        """See `Engine`."""
        return self._engine.advance(duration)

    def object_pose(self) -> Array:
        """See `Engine`."""
        return self._engine.object_pose()

    def object_joint(self) -> float:
        """See `Engine`."""
        return self._engine.object_joint()

    def object_speed(self) -> float:
        """See `Engine`."""
        return self._engine.object_speed()

    def joint_positions(self) -> Array:
        """See `Engine`."""
        return self._engine.joint_positions()

    def joint_efforts(self) -> Array:
        """See `Engine`."""
        return self._engine.joint_efforts()

    def body_poses(self) -> Array:
        """See `Engine`."""
        return self._engine.body_poses()

    def contacts(self) -> Contacts:
        """See `Engine`."""
        return self._engine.contacts()

    def save(self) -> Any:
        """See `Engine`."""
        return self._engine.save()
