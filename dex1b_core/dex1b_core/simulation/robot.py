"""A simulated robot: joints by name, drives, mimic joints, contacts."""

from __future__ import annotations

import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots.description import DriveSettings, RobotDescription
from dex1b_core.simulation.arm_scene import passing_bodies
from dex1b_core.simulation.body_tree import BodyTree
from dex1b_core.simulation.physics_urdf import physics_urdf
from dex1b_core.simulation.sapien_model import exclusion_masks
from dex1b_core.simulation.self_contact import overlapping_by_design
from dex1b_core.simulation.settings import PhysicsSettings
from dex1b_core.simulation.urdf_bodies import TreeSource, read_body_tree

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MimicJoint:
    """A joint that follows another: position = multiplier * leader + offset [rad]."""

    name: str
    leader: str
    multiplier: float
    offset: float


@dataclass(frozen=True)
class LinkContact:
    """Contact of one link with a body in the last step.

    Attributes:
        impulse: Sum over contact points of the impulse's magnitude [N s]; 0 when the bodies are
            near (within the contact offset) but do not touch.
        separation: Smallest distance [m]; negative where they overlap.
    """

    impulse: float
    separation: float


class SimulatedRobot:
    """An arm with a hand in a SAPIEN scene.

    Joints go by name; SAPIEN's own order stays inside.
    """

    def __init__(
        self,
        articulation: Any,
        description: RobotDescription,
        mimic: Iterable[MimicJoint],
        settings: PhysicsSettings,
    ) -> None:
        self.articulation = articulation
        self.description = description
        self.settings = settings
        self.mimic = tuple(mimic)
        self._joints = {joint.name: joint for joint in articulation.active_joints}
        self._index = {joint.name: i for i, joint in enumerate(articulation.active_joints)}
        self._links = {link.name: link for link in articulation.links}
        self._names = {id(link): link.name for link in articulation.links}
        self._drives: dict[str, tuple[float, float, float]] = {}
        self._targets = dict.fromkeys(self._joints, 0.0)
        self._speeds = dict.fromkeys(self._joints, 0.0)

    @classmethod
    def load(
        cls,
        scene: Any,
        description: RobotDescription,
        *,
        settings: PhysicsSettings | None = None,
    ) -> Self:
        """Add the robot to a scene, at home with the hand open, fixed at the origin.

        Args:
            scene: Made by `PhysicsSettings.new_scene`.
            description: Which robot.
            settings: For the friction; those of the scene.
        """
        settings = settings or PhysicsSettings()
        text = physics_urdf(description)
        robot = cls(_build(scene, text, settings), description, _mimic_joints(text), settings)
        robot._set_drives()
        robot._filter_collisions()
        arm, hand = description.arm, description.hand
        robot.set_positions([*arm.joints, *hand.joints], [*arm.home, *hand.open])
        return robot

    # -- joints --------------------------------------------------------------------------------

    @property
    def joint_names(self) -> tuple[str, ...]:
        """All movable joints, mimic joints included."""
        return tuple(self._joints)

    @property
    def link_names(self) -> tuple[str, ...]:
        """All links."""
        return tuple(self._links)

    def positions(self) -> dict[str, float]:
        """Joint positions [rad or m]."""
        return dict(zip(self._index, self.articulation.qpos.tolist(), strict=True))

    def velocities(self) -> dict[str, float]:
        """Joint velocities [rad/s or m/s]."""
        return dict(zip(self._index, self.articulation.qvel.tolist(), strict=True))

    def efforts(self) -> dict[str, float]:
        """Drive forces, clipped to their limits [N m or N]; 0 for mimic joints, which have none."""
        positions, velocities = self.positions(), self.velocities()
        return {
            name: float(
                np.clip(
                    stiffness * (self._targets[name] - positions[name])
                    + damping * (self._speeds[name] - velocities[name]),
                    -limit,
                    limit,
                )
            )
            for name, (stiffness, damping, limit) in self._drives.items()
        }

    def targets(self) -> dict[str, float]:
        """Drive targets [rad or m]."""
        return dict(self._targets)

    def set_targets(
        self, names: Sequence[str], positions: ArrayLike, velocities: ArrayLike | None = None
    ) -> None:
        """Set drive targets of some driven joints [rad], and their velocities [rad/s], else 0."""
        speeds = np.zeros(len(names)) if velocities is None else np.asarray(velocities, float)
        for (name, position), speed in zip(
            self._checked(names, positions), speeds.tolist(), strict=True
        ):
            joint = self._joints[name]
            if self._targets[name] != position:
                self._targets[name] = position
                joint.set_drive_target(position)
            if self._speeds[name] != speed:
                self._speeds[name] = speed
                joint.set_drive_velocity_target(speed)

    def set_positions(self, names: Sequence[str], positions: ArrayLike) -> None:
        """Put joints at positions, at rest, with mimic joints and drive targets to match."""
        moved = dict(self._checked(names, positions))
        for mimic in self.mimic:
            if mimic.leader in moved:
                moved[mimic.name] = mimic.multiplier * moved[mimic.leader] + mimic.offset
        qpos, qvel = self.articulation.qpos, self.articulation.qvel
        for name, position in moved.items():
            qpos[self._index[name]], qvel[self._index[name]] = position, 0.0
            self._targets[name], self._speeds[name] = position, 0.0
            self._joints[name].set_drive_target(position)
            self._joints[name].set_drive_velocity_target(0.0)
        self.articulation.set_qpos(qpos)
        self.articulation.set_qvel(qvel)

    def _checked(self, names: Sequence[str], positions: ArrayLike) -> Iterable[tuple[str, float]]:
        driven = [name for name in self._joints if name not in self._followers]
        unknown = [name for name in names if name not in driven]
        values = np.asarray(positions, dtype=float)
        if unknown or values.shape != (len(names),) or not np.isfinite(values).all():
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'{values.size} positions {values.tolist()} for joints {list(names)}; expected one '
                f'finite value each for joints among {driven}',
            )
        return zip(names, values.tolist(), strict=True)

    # -- links ---------------------------------------------------------------------------------

    def link_poses(self) -> dict[str, Array]:
        """`world_T_link` (4, 4) of every link."""
        return {
            name: np.asarray(link.entity_pose.to_transformation_matrix(), dtype=float)
            for name, link in self._links.items()
        }

    def contacts(self, scene: Any, entity: Any) -> dict[str, LinkContact]:
        """Contacts of the robot's links with an actor in the last step, by link name."""
        found: dict[str, LinkContact] = {}
        for contact in scene.get_contacts():
            bodies = contact.bodies
            entities = [body.entity for body in bodies]
            if entity not in entities or not contact.points:
                continue
            other = bodies[1 - entities.index(entity)]
            name = other.entity.name
            if name not in self._links or self._links[name].entity != other.entity:
                continue
            impulse = sum(float(np.linalg.norm(point.impulse)) for point in contact.points)
            separation = min(float(point.separation) for point in contact.points)
            if name in found:
                impulse += found[name].impulse
                separation = min(separation, found[name].separation)
            found[name] = LinkContact(impulse, separation)
        return found

    # -- set-up --------------------------------------------------------------------------------

    @property
    def _followers(self) -> set[str]:
        return {mimic.name for mimic in self.mimic}

    def _set_drives(self) -> None:
        simulation = self.description.simulation
        settings = _by_joint(self.description.arm.joints, simulation.arm)
        settings |= _by_joint(self.description.hand.joints, simulation.hand)
        for name, joint in self._joints.items():
            if name in self._followers:
                joint.set_drive_properties(0.0, 0.0)
                joint.set_armature([simulation.hand.armature])
                self._drives[name] = (0.0, 0.0, 0.0)
                continue
            if name not in settings:
                raise Dex1bError(
                    ErrorCode.INVALID_CONFIGURATION,
                    f"robot '{self.description.name}': joint '{name}' is in neither group; put it "
                    'under arm.joints or hand.joints, or make it a mimic joint in the URDF',
                )
            drive, armature = settings[name]
            joint.set_drive_properties(**drive)
            joint.set_armature([armature])
            self._drives[name] = (drive['stiffness'], drive['damping'], drive['force_limit'])
        for link in self.articulation.links:
            link.set_disable_gravity(True)

    def _filter_collisions(self) -> None:
        tree, pairs = _passing(self.description)
        masks = exclusion_masks(tree, pairs)
        for body, mask in zip(tree.bodies, masks, strict=True):
            for link in body.links:
                for shape in self._links[link].collision_shapes:
                    # the third word: shapes that share a bit never collide
                    shape.set_collision_groups([1, 1, mask, 0])


def _passing(robot: RobotDescription) -> tuple[BodyTree, frozenset[tuple[int, int]]]:
    """The robot's bodies, and the pairs of them that never collide.

    Those of its disabled groups, and in the hand those that overlap by design, as in the physics
    check: what the hulls of a hand do to each other would jam its fingers.
    """
    arm, hand = robot.arm, robot.hand
    tree = read_body_tree(TreeSource(robot.urdf_path, robot.base_link, (*arm.joints, *hand.joints)))
    alone = read_body_tree(TreeSource(robot.urdf_path, hand.root_link, hand.joints))
    owner = {link: i for i, body in enumerate(tree.bodies) for link in body.links}
    whole = [owner[body.links[0]] for body in alone.bodies]
    by_design = {
        (min(whole[one], whole[other]), max(whole[one], whole[other]))
        for one, other in overlapping_by_design(alone)
    }
    return tree, passing_bodies(tree, robot.collision) | by_design


def _by_joint(
    joints: Sequence[str], drive: DriveSettings
) -> dict[str, tuple[Mapping[str, float], float]]:
    return {
        name: (
            {'stiffness': drive.stiffness, 'damping': drive.damping, 'force_limit': limit},
            drive.armature,
        )
        for name, limit in zip(joints, drive.effort_limits, strict=True)
    }


def _build(scene: Any, text: str, settings: PhysicsSettings) -> Any:
    from sapien.wrapper.urdf_loader import URDFLoader

    loader = URDFLoader()
    loader.set_scene(scene)
    loader.fix_root_link = True
    loader.set_material(settings.friction, settings.friction, settings.restitution)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'robot.urdf'
        path.write_text(text)
        builders, _, _ = loader.parse(str(path))
    return builders[0].build()


def _mimic_joints(text: str) -> list[MimicJoint]:
    found = []
    for joint in ElementTree.fromstring(text).findall('joint'):
        mimic = joint.find('mimic')
        if mimic is not None:
            values = mimic.attrib
            multiplier = float(values.get('multiplier', 1.0))
            offset = float(values.get('offset', 0.0))
            found.append(MimicJoint(joint.attrib['name'], values['joint'], multiplier, offset))
    return found
