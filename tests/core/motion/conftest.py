from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dex1b_core.geometry import OrientedBox, Plane, make_transform
from dex1b_core.motion import ArmMotion
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_core.planning import GraspCandidate
from dex1b_core.robots import RobotDescription, load_robot

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, 2)]) / 2


@pytest.fixture(scope='session')
def robot() -> RobotDescription:
    return load_robot('xarm7_ability')


@pytest.fixture(scope='session')
def motion(robot: RobotDescription) -> ArmMotion:
    return ArmMotion(robot)


@pytest.fixture(scope='session')
def scene() -> Callable[..., ObjectObservation]:
    """A box that stands on the plane z = 0."""

    def make(
        x: float = 0.42,
        y: float = 0.0,
        size: tuple[float, float, float] = (0.06, 0.06, 0.16),
        obstacles: np.ndarray | None = None,
        table: float = 0.0,
    ) -> ObjectObservation:
        vertices = _CORNERS * size + [x, y, table]
        return ObjectObservation(
            points=vertices,
            normals=np.zeros((8, 3)),
            obstacles=np.zeros((0, 3)) if obstacles is None else obstacles,
            support_plane=Plane(np.array([0.0, 0.0, 1.0]), -table),
            box=OrientedBox(make_transform(np.eye(3), vertices.mean(axis=0)), np.array(size)),
            shapes=(ShapeHypothesis('box', vertices, np.zeros((0, 3), dtype=np.int64)),),
        )

    return make


@pytest.fixture(scope='session')
def grasp(robot: RobotDescription) -> Callable[..., GraspCandidate]:
    """A grasp with the palm's normal along `normal` and the fingers along `fingers`."""

    def make(
        wrist: tuple[float, float, float] = (0.35, 0.0, 0.2),
        normal: tuple[float, float, float] = (1.0, 0.0, 0.0),
        fingers: tuple[float, float, float] = (0.0, 0.0, -1.0),
        approach: tuple[float, float, float] = (0.0, 0.0, -1.0),
        distance: float = 0.08,
    ) -> GraspCandidate:
        y, z = np.array(normal), np.array(fingers)
        rotation = np.stack([np.cross(y, z), y, z], axis=1)
        pregrasp = np.array(robot.hand.open)
        closed = pregrasp + np.array([0.8, 0.8, 0.8, 0.8, 0.0, 0.6])
        return GraspCandidate(
            hand=robot.hand.key,
            planning_T_wrist=make_transform(rotation, wrist),
            joint_names=robot.hand.joints,
            pregrasp=pregrasp,
            grasp=closed,
            squeeze=closed + np.array([0.35, 0.35, 0.35, 0.35, 0.0, 0.35]),
            approach=np.array(approach),
            approach_distance=distance,
            id='test/0',
        )

    return make


@pytest.fixture(scope='session')
def start(robot: RobotDescription) -> dict[str, dict[str, float]]:
    """Arm at home, hand open."""
    return {
        'arm_start': dict(zip(robot.arm.joints, robot.arm.home, strict=True)),
        'hand_start': dict(zip(robot.hand.joints, robot.hand.open, strict=True)),
    }
