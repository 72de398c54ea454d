"""What carries the hand in a lift: slides, or the robot's arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError
from dex1b_core.geometry import invert
from dex1b_core.motion.cartesian import straight_line
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.arm_scene import passing_bodies
from dex1b_core.simulation.body_tree import SLIDES, BodyTree
from dex1b_core.simulation.engine import OBJECT, SUPPORT, Engine

Array = NDArray[np.float64]

RESTARTS = 20  # random starts of inverse kinematics at the grasp
# joints go straight from point to point: at .075 rad the wrist is less than 1 mm off its line
_STEP = 0.0025  # [m] between points of a line
_JUMP = 0.075  # [rad] largest change of a joint between them, at the rate that the planner allows


class UnreachableError(Exception):
    """The arm cannot carry the hand along the way."""


@dataclass(frozen=True)
class WristWay:
    """Where the hand's root goes without turning: straight to the grasp, then straight up.

    Attributes:
        world_T_planning: (4, 4) the arm's base.
        world_T_grasp: (4, 4) of the hand's root.
        travel: (3,) of the approach [m], world frame.
        lift: [m].
        arm_positions: (A,) arm joints at the grasp [rad], tried first; (0,) where not known.
    """

    world_T_planning: Array
    world_T_grasp: Array
    travel: Array
    lift: float
    arm_positions: Array

    def start_pose(self) -> Array:
        """`world_T_start` (4, 4) of the hand's root before the approach."""
        start = self.world_T_grasp.copy()
        start[:3, 3] -= self.travel
        return start

    def offset(self, approached: float, lifted: float) -> Array:
        """(3,) from the start [m], world frame; for the arguments see `WristCarrier.joints`."""
        offset: Array = self.travel * approached + np.array([0.0, 0.0, lifted])
        return offset


class WristCarrier(Protocol):
    """Moves the hand's root along a way. Joints in the scene's order."""

    def begin(self, way: WristWay) -> Array:
        """`world_T_root` (4, 4) of the scene's robot.

        Raises:
            UnreachableError: the arm cannot follow the way.
        """

    def joints(self, approached: float, lifted: float) -> Array:
        """Joints (C,) of the carrier somewhere on the way.

        Args:
            approached: Part of the approach, 0 to 1.
            lifted: Height above the grasp [m].
        """

    def targets(self, joints: Array, rate: Array) -> Array:
        """Drive targets (C,) at positions (C,) and rates (C,) [1/s] of the carrier's joints."""

    def load(self, engine: Engine) -> float:
        """Force on what moves from outside [N]."""


class SlideCarrier:
    """The hand alone on three slides along the axes of its root."""

    def begin(self, way: WristWay) -> Array:
        """See `WristCarrier`."""
        self._way = way
        return way.start_pose()

    def joints(self, approached: float, lifted: float) -> Array:
        """See `WristCarrier`."""
        along: Array = self._way.offset(approached, lifted) @ self._way.world_T_grasp[:3, :3]
        return along

    def targets(self, joints: Array, rate: Array) -> Array:
        """See `WristCarrier`; slides are stiff enough to go without the rate."""
        return joints

    def load(self, engine: Engine) -> float:
        """See `WristCarrier`."""
        return float(np.linalg.norm(engine.joint_efforts()[: len(SLIDES)]))


class ArmCarrier:
    """The arm, by inverse kinematics before the trial begins.

    Args:
        robot: Whose arm.
    """

    def __init__(self, robot: RobotDescription) -> None:
        self.joint_names = robot.arm.joints
        self._home = np.asarray(robot.arm.home, dtype=float)
        model = RobotModel(robot)
        self._ik = ArmIk(model)
        self._hand_links = model.hand_links
        self._collision = robot.collision
        drive = robot.simulation.arm
        self._lead = drive.damping / drive.stiffness  # [s]

    def passing(self, tree: BodyTree) -> frozenset[tuple[int, int]]:
        """Bodies of the robot that never collide: `passing_bodies`."""
        return passing_bodies(tree, self._collision, self._hand_links)

    def begin(self, way: WristWay) -> Array:
        """See `WristCarrier`; the known posture comes first, then what is found from home."""
        base_T_world = invert(way.world_T_planning)
        base_T_grasp = base_T_world @ way.world_T_grasp
        back = base_T_world[:3, :3] @ -way.travel
        up = base_T_world[:3, :3] @ [0.0, 0.0, way.lift]
        known = way.arm_positions
        seeds = [known, self._home] if known.shape == self._home.shape else [self._home]
        for solution in self._ik.solutions(
            base_T_grasp, seeds=seeds, restarts=RESTARTS, rng=np.random.default_rng(0)
        ):
            try:
                self._approach = self._line(solution.positions, base_T_grasp, back)[::-1]
                self._lift = self._line(solution.positions, base_T_grasp, up)
            except Dex1bError:
                continue
            self._height = way.lift
            return way.world_T_planning
        raise UnreachableError

    def joints(self, approached: float, lifted: float) -> Array:
        """See `WristCarrier`."""
        if lifted > 0.0:
            return _point(self._lift, lifted / self._height)
        return _point(self._approach, approached)

    def targets(self, joints: Array, rate: Array) -> Array:
        """See `WristCarrier`; as far ahead as the drives' damping would let the arm lag.

        The same force as with target velocities, which the stack's controller gives.
        """
        ahead: Array = joints + self._lead * rate
        return ahead

    def load(self, engine: Engine) -> float:
        """See `WristCarrier`; the drives also move the arm's own mass, so contacts tell."""
        contacts = engine.contacts()
        touching = (contacts.other == OBJECT) | (contacts.other == SUPPORT)
        return float(contacts.force[touching].sum())

    def _line(self, positions: Array, pose: Array, shift: Array) -> Array:
        return straight_line(self._ik, positions, pose, shift, step=_STEP, joint_jump=_JUMP)


def _point(path: Array, part: float) -> Array:
    """(A,) at a part, 0 to 1, of a path (K, A) whose points are evenly spaced."""
    place = part * (len(path) - 1)
    index = min(int(place), len(path) - 2)
    point: Array = path[index] + (place - index) * (path[index + 1] - path[index])
    return point
