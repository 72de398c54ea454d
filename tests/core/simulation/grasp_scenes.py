"""A can on a table, and side grasps of it with the Ability hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import trimesh

from dex1b_core.geometry import OrientedBox, Plane, make_transform
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_core.planning import GraspCandidate
from dex1b_core.robots import load_robot

ROBOT = load_robot('xarm7_ability')
RADIUS, HEIGHT = 0.033, 0.13
CENTRE = np.array([0.45, 0.0])


def can(radius: float = RADIUS, height: float = HEIGHT, table: float = 0.0) -> ShapeHypothesis:
    mesh = trimesh.creation.cylinder(radius, height)
    vertices = np.asarray(mesh.vertices) + np.array([*CENTRE, table + height / 2])
    return ShapeHypothesis('can', vertices, np.asarray(mesh.faces, dtype=np.int64))


def observation(*shapes: ShapeHypothesis, table: float = 0.0) -> ObjectObservation:
    shapes = shapes or (can(table=table),)
    points = shapes[0].vertices
    return ObjectObservation(
        points=points,
        normals=np.tile([0.0, 0.0, 1.0], (len(points), 1)),
        obstacles=np.zeros((0, 3)),
        support_plane=Plane(np.array([0.0, 0.0, 1.0]), -table),
        box=OrientedBox(make_transform(np.eye(3), points.mean(axis=0)), np.ptp(points, axis=0)),
        shapes=shapes,
    )


def side_grasp(*, ahead: float = 0.0, up: float = 0.0, closed: float = 0.4) -> GraspCandidate:
    """Palm towards +x, fingers across: holds the can with the default values.

    Args:
        ahead: Further towards the can [m].
        up: Higher [m].
        closed: Finger angle of the grasp posture [rad].
    """
    # columns: the palm link's x, y (palm normal) and z (fingers) in the planning frame
    rotation = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
    position = np.array([*CENTRE, 0.08]) - rotation @ np.array([0.0, 0.055, 0.115])
    grasp = np.array([closed] * 4 + [-1.5, 0.6 * closed])
    return GraspCandidate(
        hand=ROBOT.hand.key,
        planning_T_wrist=make_transform(rotation, position + np.array([ahead, 0.0, up])),
        joint_names=ROBOT.hand.joints,
        pregrasp=np.array([0.15, 0.15, 0.15, 0.15, -1.5, 0.05]),
        grasp=grasp,
        squeeze=grasp + 0.35 * np.array([1, 1, 1, 1, 0, 1]),
        approach=np.array([1.0, 0.0, 0.0]),
        approach_distance=0.1,
        id='side',
    )


def good() -> GraspCandidate:
    return side_grasp()


def in_the_air() -> GraspCandidate:
    return side_grasp(up=0.3)


def in_the_table() -> GraspCandidate:
    return side_grasp(up=-0.07)


def in_the_can() -> GraspCandidate:
    return side_grasp(ahead=0.04)


def without_thumb() -> GraspCandidate:
    """The thumb stays beside the palm."""
    grasp = side_grasp(closed=0.5)
    away = [0.0, 0.0]
    return replace(
        grasp,
        pregrasp=np.array([*grasp.pregrasp[:4], *away]),
        grasp=np.array([*grasp.grasp[:4], *away]),
        squeeze=np.array([*grasp.squeeze[:4], *away]),
    )


def loose() -> GraspCandidate:
    """Never closes."""
    grasp = side_grasp()
    return replace(grasp, grasp=grasp.pregrasp, squeeze=grasp.pregrasp)
