"""A robot's description from the models of its arm and its hand and a mount transform."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import coal
import numpy as np
from numpy.typing import NDArray

from dex1b_core.assets import asset_path
from dex1b_core.errors import ConfigurationError, Dex1bError, ErrorCode
from dex1b_core.geometry import make_transform
from dex1b_core.motion.collision import TABLE, CollisionChecker
from dex1b_core.motion.ik import ArmIk
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.robots.combined_urdf import MountDescription, combined_urdf
from dex1b_core.robots.description import (
    ArmDescription,
    CollisionSettings,
    DriveSettings,
    RobotDescription,
    SimulatedRobotSettings,
    WorkspaceBox,
)
from dex1b_core.robots.hand_description import load_hand
from dex1b_core.robots.link_tree import LinkTree, TreeJoint
from dex1b_core.robots.urdf_file import check_urdf

Array = NDArray[np.float64]

ACCELERATION = 3.0  # [1/s] of the velocity limit: full speed after a third of a second
JOINT_MARGIN = 0.05  # rad
VELOCITY = 1.0  # [rad/s] where the URDF states none
EFFORT = 100.0  # [N m] where the URDF states none
SAMPLES = 400  # postures looked at
ALWAYS = 0.9  # pairs that touch in so many of them are built that way
FLOOR = -0.05  # [m] lower wall of the workspace: the hand reaches down to the table
IK_TRIALS = 40
IK_NEEDED = 0.9  # of reachable poses that must be found again


@dataclass(frozen=True)
class DraftedRobot:
    """A description and what was noticed on the way.

    Attributes:
        robot: The description.
        notes: What was assumed and measured, for people.
        ik_share: Share of reachable, free wrist poses for which a posture was found again.
    """

    robot: RobotDescription
    notes: tuple[str, ...]
    ik_share: float


def draft_robot(
    name: str,
    *,
    arm: str,
    hand: str,
    link: str | None = None,
    xyz: tuple[float, float, float] = (0.0, 0.0, 0.0),
    rpy: tuple[float, float, float] = (0.0, 0.0, 0.0),
    controller: str | None = None,
    licence: str = 'unknown',
    seed: int = 0,
) -> DraftedRobot:
    """Describe a robot.

    Args:
        name: Of the robot.
        arm: URDF, xacro or MJCF; a path, or a path in the asset cache.
        hand: A name under config/hands, or a hand's .yaml file.
        link: Of the arm that carries the hand; None takes its last one.
        xyz: Of the hand file's first link in that link's frame [m].
        rpy: Of the same [rad].
        controller: Of the arm.
        licence: Of both models, for people.
        seed: Of the postures looked at.

    Raises:
        ConfigurationError: a model is malformed, the arm has no driven joint above the mount link,
            or no posture free of collision is found.
    """
    model = str(Path(arm).absolute()) if Path(arm).is_file() else arm
    urdf = check_urdf(asset_path(model), visuals_needed=True).path
    mount = MountDescription(link=link or _last_link(urdf), xyz=xyz, rpy=rpy)
    description = load_hand(hand)
    combined = combined_urdf(name, urdf, description.urdf_path, description.root_link, mount)
    chain = _chain(LinkTree.from_urdf(combined), description.root_link)
    joints = [joint for joint in chain if joint.kind != 'fixed' and joint.mimic is None]
    if not joints:
        raise ConfigurationError(f"{arm}: no driven joint between its root and '{mount.link}'")
    velocities, efforts, notes = _limits(combined, [joint.name for joint in joints])
    robot = RobotDescription(
        name=name,
        arm_urdf=model,
        mount=mount,
        licence=licence,
        base_link=_base(chain),
        arm=_arm(joints, velocities, controller or f'{name}_arm_controller'),
        hand=description,
        simulation=_drives(efforts, description.effort_limits),
        workspace=WorkspaceBox(lower=(-10.0, -10.0, -10.0), upper=(10.0, 10.0, 10.0)),
    )
    notes.append(f'accelerations are {ACCELERATION:g} times the velocities: no URDF states them')
    return _measured(robot, notes, np.random.default_rng(seed))


def _arm(joints: list[TreeJoint], velocities: tuple[float, ...], controller: str) -> ArmDescription:
    """Its home is the middle until postures were looked at."""
    return ArmDescription(
        joints=tuple(joint.name for joint in joints),
        home=tuple(float(np.clip(0.0, *joint.limits)) for joint in joints),
        velocity_limits=velocities,
        acceleration_limits=tuple(round(ACCELERATION * value, 3) for value in velocities),
        joint_margin=JOINT_MARGIN,
        controller=controller,
    )


def _drives(arm: tuple[float, ...], hand: tuple[float, ...]) -> SimulatedRobotSettings:
    """Stiff arm and soft hand with these effort limits [N m]."""
    return SimulatedRobotSettings(
        arm=DriveSettings(stiffness=2.0e4, damping=2.0e3, effort_limits=arm, armature=0.1),
        hand=DriveSettings(stiffness=20.0, damping=1.0, effort_limits=hand, armature=1.0e-3),
    )


def _measured(robot: RobotDescription, notes: list[str], rng: np.random.Generator) -> DraftedRobot:
    """The description with what postures tell: pairs built to touch, workspace, home."""
    model = RobotModel(robot)
    low, high = np.maximum(model.lower, -np.pi), np.minimum(model.upper, np.pi)
    postures = rng.uniform(low, high, (SAMPLES, len(low)))
    groups = _built_touching(model, postures)
    wrists = np.array([model.wrist_pose(posture)[:3, 3] for posture in postures])
    lower = np.floor(wrists.min(axis=0) / 0.05) * 0.05
    upper = np.ceil(wrists.max(axis=0) / 0.05) * 0.05
    lower[2] = FLOOR
    robot = robot.model_copy(update={
        'collision': CollisionSettings(disabled_groups=groups),
        'workspace': WorkspaceBox(lower=_vector(lower), upper=_vector(upper)),
    })  # fmt: skip
    model = RobotModel(robot)
    checker = CollisionChecker(
        model, {TABLE: coal.Halfspace(np.array([0.0, 0.0, 1.0]), 0.0)}, settings=MotionSettings()
    )
    home = _home(model, checker, postures)
    arm = robot.arm.model_copy(update={'home': tuple(round(float(v), 4) for v in home)})
    robot = robot.model_copy(update={'arm': arm})
    share = _ik_share(RobotModel(robot), checker, postures, rng)
    notes += [
        *_about_touching(groups, model),
        f'the workspace is all that was reached in {SAMPLES} random postures, above {FLOOR} m: '
        'make it smaller',
        f'inverse kinematics found {share:.0%} of {IK_TRIALS} reachable wrist poses again',
    ]
    if share < IK_NEEDED:
        raise ConfigurationError(
            f"robot '{robot.name}': inverse kinematics finds only {share:.0%} of its own reachable "
            f'wrist poses; expected {IK_NEEDED:.0%}: are limits and joints of the URDF right?'
        )
    return DraftedRobot(robot, tuple(notes), share)


def _last_link(urdf: Path) -> str:
    tree = LinkTree.from_urdf(urdf)
    parents = {joint.parent for joint in tree.joints}
    leaves = [joint.child for joint in tree.joints if joint.child not in parents]
    if len(leaves) != 1:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{urdf} ends in {len(leaves)} links: {", ".join(leaves)}; say which carries the hand '
            '(--link), or one above them',
        )
    return leaves[0]


def _chain(tree: LinkTree, link: str) -> list[TreeJoint]:
    """Joints from the root down to a link."""
    above = {joint.child: joint for joint in tree.joints}
    chain: list[TreeJoint] = []
    while link in above:
        chain.append(above[link])
        link = above[link].parent
    return chain[::-1]


def _base(chain: list[TreeJoint]) -> str:
    """The arm's own first link: a fixed 'world' above it is not the planning frame."""
    is_world = chain[0].kind == 'fixed' and chain[0].parent == 'world'
    return chain[0].child if is_world else chain[0].parent


def _limits(urdf: Path, names: list[str]) -> tuple[tuple[float, ...], tuple[float, ...], list[str]]:
    """Velocities [rad/s], efforts [N m] and notes about those that the URDF does not state."""
    joints = {j.get('name'): j.find('limit') for j in ElementTree.parse(urdf).findall('joint')}
    notes: list[str] = []

    def values(key: str, default: float, unit: str) -> tuple[float, ...]:
        found = [float(getattr(joints[name], 'attrib', {}).get(key, 0.0)) for name in names]
        missing = [name for name, value in zip(names, found, strict=True) if not value > 0]
        if missing:
            notes.append(f'no {key} of {", ".join(missing)} in the URDF: {default:g} {unit} taken')
        return tuple(round(value, 4) if value > 0 else default for value in found)

    return values('velocity', VELOCITY, 'rad/s'), values('effort', EFFORT, 'N m'), notes


def _built_touching(model: RobotModel, postures: Array) -> tuple[tuple[str, ...], ...]:
    """Pairs of links that touch in nearly every posture."""
    checker = CollisionChecker(model, {}, settings=MotionSettings())
    counts: dict[tuple[str, str], int] = {}
    for posture in postures:
        for pair in checker.touching(model.configuration(posture)):
            counts[pair] = counts.get(pair, 0) + 1
    return tuple(sorted(pair for pair, n in counts.items() if n >= ALWAYS * len(postures)))


def _about_touching(groups: tuple[tuple[str, ...], ...], model: RobotModel) -> list[str]:
    """What to look at among the pairs that are not tested."""
    notes = [f'{len(groups)} pairs of links touch in nearly every posture and are not tested']
    across = [
        f'{a} and {b}' for a, b in groups if (a in model.hand_links) != (b in model.hand_links)
    ]
    if across:
        notes.append(f'hand and arm touch where they are joined: {", ".join(across)}: right mount?')
    return notes


def _home(model: RobotModel, checker: CollisionChecker, postures: Array) -> Array:
    """A free posture with the palm down in front of the robot, far from limits; else any free one.

    Raises:
        ConfigurationError: none is free.
    """
    ik = ArmIk(model)
    poses = [model.wrist_pose(posture) for posture in postures]
    reach = float(np.percentile([np.linalg.norm(pose[:3, 3]) for pose in poses], 95))
    rng = np.random.default_rng(0)
    found: list[tuple[float, Array]] = []
    for height, distance in ((0.45, 0.5), (0.35, 0.6), (0.6, 0.4), (0.3, 0.45)):
        for turn in np.linspace(0.0, 2 * np.pi, 8, endpoint=False):
            goal = _palm_down(model, turn, np.array([distance * reach, 0.0, height * reach]))
            for solution in ik.solutions(goal, seeds=[0 * model.lower], restarts=4, rng=rng):
                if checker.is_free(model.configuration(solution.positions)):
                    found.append((solution.margin, solution.positions))
        if found:
            # near the middle of its range, every joint can go either way
            return max(found, key=lambda item: (min(item[0], 0.5), -np.abs(item[1]).max()))[1]
    free = [p for p in postures if checker.is_free(model.configuration(p))]
    if not free:
        raise ConfigurationError(
            f"robot '{model.description.name}': none of {len(postures)} random postures is free of "
            'collisions; is the mount right? Draw it with a picture of the URDF'
        )
    return min(free, key=lambda posture: float(np.abs(posture).max()))


def _palm_down(model: RobotModel, turn: float, position: Array) -> Array:
    """(4, 4) wrist pose with the palm's normal straight down, turned about it."""
    palm = model.description.hand.palm
    normal = np.array(palm.normal) / np.linalg.norm(palm.normal)
    along = np.array(palm.fingers) - (np.array(palm.fingers) @ normal) * normal
    along /= np.linalg.norm(along)
    in_palm = np.stack([along, np.cross(normal, along), normal])
    fingers = np.array([np.cos(turn), np.sin(turn), 0.0])
    down = np.array([0.0, 0.0, -1.0])
    in_base = np.stack([fingers, np.cross(down, fingers), down])
    return make_transform(in_base.T @ in_palm, position)


def _ik_share(
    model: RobotModel, checker: CollisionChecker, postures: Array, rng: np.random.Generator
) -> float:
    """Share of reachable, free wrist poses for which inverse kinematics finds a posture."""
    ik = ArmIk(model)
    inside = [
        posture for posture in postures
        if ((posture > ik.lower) & (posture < ik.upper)).all()
        and checker.is_free(model.configuration(posture))
    ][:IK_TRIALS]  # fmt: skip
    if not inside:
        return 0.0
    home = np.array(model.description.arm.home)
    hits = sum(
        next(ik.solutions(model.wrist_pose(p), seeds=[home], restarts=20, rng=rng), None)
        is not None
        for p in inside
    )
    return hits / len(inside)


def _vector(values: Array) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 3) for value in values)
    return x, y, z
