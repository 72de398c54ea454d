"""What physics engines have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from dex1b_core.simulation.scene_description import SceneDescription

Array = NDArray[np.float64]
EngineName = Literal['mujoco', 'sapien']
ENGINES: tuple[EngineName, ...] = ('mujoco', 'sapien')

OBJECT, SUPPORT, BASE = -1, -2, -3  # in `Contacts.other`


@dataclass(frozen=True)
class Contacts:
    """Where the robot touches or overlaps something, K points.

    Attributes:
        body: (K,) index of one of the robot's bodies.
        other: (K,) `OBJECT`, `SUPPORT`, `BASE` (the fixed parts of an object with a joint) or the
            index of another body of the robot.
        depth: (K,) overlap [m]; negative where a gap is left.
        force: (K,) along the normal [N].
        point: (K, 3) world frame [m].
    """

    body: NDArray[np.int64]
    other: NDArray[np.int64]
    depth: Array
    force: Array
    point: Array

    def deepest(self, other: int | None = None) -> float:
        """Deepest overlap [m] with one of the others by name; None: of the robot with itself."""
        chosen = self.other >= 0 if other is None else self.other == other
        return float(self.depth[chosen].max(initial=0.0))

    def bodies_at(self, other: int, gap: float = 0.0) -> NDArray[np.int64]:
        """Bodies of the robot that are at most `gap` from `other` [m]."""
        return np.unique(self.body[(self.other == other) & (self.depth >= -gap)])


class Engine(Protocol):
    """One scene in one physics engine. Joint vectors are (J,) in `scene.robot.joint_names`' order.

    The same calls since `reset` lead to the same states. Of an object on a joint, "the object" is
    the moving part, and what it hangs on is its base.
    """

    scene: SceneDescription
    timestep: float

    def set_conditions(self, *, friction: float, mass: float) -> None:
        """Other friction of every contact and mass of the object [kg], until told otherwise."""

    def reset(self) -> None:
        """As new: what was simulated before leaves no trace. Conditions stay."""

    def place(
        self,
        world_T_root: Array,
        joints: Array,
        world_T_object: Array,
        object_joint: float = 0.0,
    ) -> None:
        """Put everything somewhere, at rest, commands equal to the joints, no push.

        Args:
            world_T_root: (4, 4) of the robot.
            joints: (J,) [rad or m].
            world_T_object: (4, 4); with a joint the pose of the base.
            object_joint: Position of the object's joint [rad or m].

        Raises:
            Dex1bError: INVALID_REQUEST for a position beyond the joint's limits, or other than 0
                of a free object.
        """

    def command(self, joints: Array) -> None:
        """Targets of the drives [rad or m]."""

    def push(self, force: Array) -> None:
        """Act on the object's centre of mass with (3,) [N], world frame, until told otherwise."""

    def advance(self, duration: float) -> bool:
        """Simulate [s]; False when the solution broke down (not finite, or a solver's warning)."""

    def object_pose(self) -> Array:
        """`world_T_object` (4, 4)."""

    def object_joint(self) -> float:
        """Position of the object's joint [rad or m]; 0 of a free object."""

    def object_speed(self) -> float:
        """[m/s] of the object's centre of mass."""

    def joint_positions(self) -> Array:
        """(J,) [rad or m]."""

    def joint_efforts(self) -> Array:
        """(J,) of the drives in the last step [N m or N]."""

    def body_poses(self) -> Array:
        """`world_T_body` (bodies, 4, 4)."""

    def contacts(self) -> Contacts:
        """In the last step, or in the state that `place` made."""

    def save(self) -> Any:
        """The state, for `restore`."""

    def restore(self, state: Any) -> None:
        """Go back to a state since the last `place`."""


def make_engine(name: EngineName, scene: SceneDescription, *, published: bool = False) -> Engine:
    """An engine with the settings at which the engines agree best.

    Args:
        name: Which.
        scene: What to build.
        published: MuJoCo with DexGraspBench's contact parameters instead.
    """
    if name == 'mujoco':
        from dex1b_core.simulation.mujoco_engine import MujocoEngine
        from dex1b_core.simulation.mujoco_model import MATCHED, PUBLISHED

        return MujocoEngine(scene, PUBLISHED if published else MATCHED)
    from dex1b_core.simulation.sapien_engine import SapienEngine

    return SapienEngine(scene)
