"""A hand and objects on a table."""

import numpy as np
import pytest
import trimesh

from dex1b_core.geometry import OrientedBox, Plane, make_transform
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_core.robots import load_robot
from dex1b_core.robots.hand_model import HandModel


@pytest.fixture(scope='session')
def robot():
    return load_robot('xarm7_ability')


@pytest.fixture(scope='session')
def hand(robot):
    return HandModel(robot.hand)


def place_and_see(mesh, at=(0.45, 0.0), obstacles=None):
    """The mesh standing on z = 0, seen from the robot's side."""
    mesh = mesh.copy()
    low, high = mesh.bounds
    mesh.apply_translation([at[0] - (low + high)[0] / 2, at[1] - (low + high)[1] / 2, -low[2]])
    points, faces = trimesh.sample.sample_surface(mesh, 2000, seed=0)
    normals = mesh.face_normals[faces]
    seen = ((np.array([0.0, 0.3, 0.6]) - points) * normals).sum(axis=1) > 0.0
    return ObjectObservation(
        points=points[seen],
        normals=normals[seen],
        obstacles=np.zeros((0, 3)) if obstacles is None else obstacles,
        support_plane=Plane(np.array([0.0, 0.0, 1.0]), 0.0),
        box=OrientedBox(make_transform(np.eye(3), mesh.bounds.mean(axis=0)), mesh.extents),
        shapes=(ShapeHypothesis('true', np.asarray(mesh.vertices), np.asarray(mesh.faces)),),
    )


@pytest.fixture(scope='session')
def observe():
    return place_and_see


@pytest.fixture(scope='session')
def can():
    return place_and_see(trimesh.creation.cylinder(radius=0.033, height=0.11))
