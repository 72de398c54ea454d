"""What carries the hand in a lift: slides, or the robot's arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError
from dex1b_core.geometry import invert
from dex1b_core.motion.cartesian import straight_line
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.body_tree import SLIDES
from dex1b_core.simulation.engine import OBJECT, SUPPORT, Engine

Array = NDArray[np.float64]

RESTARTS = 20  # of inverse kinematics where the wrist starts
_STEP = 0.01  # [m] between points of a line that is looked at beforehand
_JUMP = 0.5  # [rad] between them


class UnreachableError(Exception):
    """The arm cannot carry the hand along the way."""


class WristCarrier(Protocol):
    """Moves the hand's root without turning it. World vectors; commands in the scene's order."""

    def begin(self, world_T_wrist: Array, shifts: Sequence[Array]) -> Array:
        """`world_T_root` (4, 4) of the scene's robot, for a wrist that starts at a pose.

        Args:
            world_T_wrist: (4, 4) from which the offsets of `joints` count.
            shifts: (3,) offsets that follow each other on straight lines [m].

        Raises:
            UnreachableError: the arm cannot follow them.
        """

    def joints(self, offset: Array) -> Array:
        """Joints of the carrier for an offset (3,) [m] from where it began."""

    def load(self, engine: Engine) -> float:
        """Force on the hand from outside [N]."""


class SlideCarrier:
    """The hand alone on three slides along the axes of its root."""

    def __init__(self) -> None:
        self._axes = np.eye(3)

    def begin(self, world_T_wrist: Array, shifts: Sequence[Array]) -> Array:
        """See `WristCarrier`."""
        self._axes = world_T_wrist[:3, :3]
        return world_T_wrist

    def joints(self, offset: Array) -> Array:
        """See `WristCarrier`."""
        along: Array = offset @ self._axes
        return along

    def load(self, engine: Engine) -> float:
        """See `WristCarrier`."""
        return float(np.linalg.norm(engine.joint_efforts()[: len(SLIDES)]))


class ArmCarrier:
    """The arm, by inverse kinematics.

    Args:
        robot: Whose arm.
    """

    def __init__(self, robot: RobotDescription) -> None:
        self.joint_names = robot.arm.joints
        self._home = np.asarray(robot.arm.home, dtype=float)
        self._ik = ArmIk(RobotModel(robot))
        self._base_T_wrist = np.eye(4)
        self._positions = self._home
        self.world_T_base = np.eye(4)

    def begin(self, world_T_wrist: Array, shifts: Sequence[Array]) -> Array:
        """See `WristCarrier`; where `world_T_base` is said beforehand."""
        self._base_T_wrist = invert(self.world_T_base) @ world_T_wrist
        solutions = self._ik.solutions(
            self._base_T_wrist, seeds=[self._home], restarts=RESTARTS, rng=np.random.default_rng(0)
        )
        for solution in solutions:
            if self._follows(solution.positions, shifts):
                self._positions = solution.positions
                return self.world_T_base
        raise UnreachableError

    def joints(self, offset: Array) -> Array:
        """See `WristCarrier`."""
        target = self._base_T_wrist.copy()
        target[:3, 3] += self.world_T_base[:3, :3].T @ offset
        found = self._ik.solve(target, self._positions)
        if found is None:
            raise UnreachableError
        self._positions = found
        return found

    def load(self, engine: Engine) -> float:
        """See `WristCarrier`; the drives also move the arm's own mass, so contacts tell."""
        contacts = engine.contacts()
        touching = (contacts.other == OBJECT) | (contacts.other == SUPPORT)
        return float(contacts.force[touching].sum())

    def _follows(self, positions: Array, shifts: Sequence[Array]) -> bool:
        pose = self._base_T_wrist.copy()
        for shift in shifts:
            turned = self.world_T_base[:3, :3].T @ shift
            if not turned.any():
                continue
            try:
                path = straight_line(
                    self._ik, positions, pose, turned, step=_STEP, joint_jump=_JUMP
                )
            except Dex1bError:
                return False
            positions = path[-1]
            pose[:3, 3] += turned
        return True
