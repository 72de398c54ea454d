"""What a joint can move is found in one view, and rebuilt."""

from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.joint_guess import guess_joint
from dex1b_core.articulation.observed_task import part_task
from dex1b_core.articulation.rebuilt import rebuilt
from dex1b_core.articulation.seen_part import find_part
from dex1b_core.articulation.world import articulated_bodies
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import OrientedBox, Plane, look_at
from dex1b_core.perception.frames import CameraIntrinsics
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.simulation.raycast import RaycastScene

CAMERA = CameraIntrinsics(320, 240, 260.0, 260.0, 159.5, 119.5)


def seen(name: str):
    """The object, and points and normals that a camera in front, above and aside sees of it."""
    target = load_articulated(f'articulated:{name}')
    part, base = articulated_bodies(target)
    scene = RaycastScene([part, base])
    scene.set_poses({part.name: target.joint.motion(target.start)})
    pose = look_at((0.75, -0.4, 0.75), (0.0, 0.0, 0.15))
    view = scene.render(CAMERA, pose, colour=False)
    rows, columns = np.nonzero(np.isfinite(view.depth))
    depth = view.depth[rows, columns].astype(float)
    rays = np.stack([(columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy,
                     np.ones(len(rows))], axis=1)  # fmt: skip
    points = (rays * depth[:, None]) @ pose[:3, :3].T + pose[:3, 3]
    return target, points, view.normals[rows, columns].astype(float), view.ids[rows, columns]


@pytest.mark.parametrize('name', ['door-left-100', 'door-right-100', 'drawer-100', 'box-101'])
def test_the_part_is_what_the_joint_moves(name: str) -> None:
    target, points, normals, ids = seen(name)
    found = find_part(points, normals, target.joint)
    _, nearest = _nearest(points, found.moving)
    assert (ids[nearest] == 0).mean() > 0.9  # the moving body is the first
    assert len(found.handle) > 25


def test_the_handle_is_rebuilt_where_it_is() -> None:
    target, points, normals, _ = seen('door-right-100')
    own = rebuilt(find_part(points, normals, target.joint), target.joint, 0.6)
    corners = target.moved_corners(target.start)
    truth = np.vstack([corners[index] for index in target.handle])
    mine = np.vstack([own.moving[index].vertices for index in own.handle])
    np.testing.assert_allclose(mine.min(axis=0), truth.min(axis=0), atol=0.006)
    np.testing.assert_allclose(mine.max(axis=0), truth.max(axis=0), atol=0.006)
    assert own.joint.upper == 0.6


@pytest.mark.parametrize('name', ['door-left-100', 'drawer-103', 'box-102'])
def test_the_unseen_half_of_a_knob_is_rebuilt(name: str) -> None:
    target, points, normals, _ = seen(name)
    own = rebuilt(find_part(points, normals, target.joint), target.joint, 0.15)
    truth = target.moved_corners(target.start)[target.handle[0]]
    mine = own.moving[own.handle[0]].vertices
    np.testing.assert_allclose(mine.min(axis=0), truth.min(axis=0), atol=0.006)
    np.testing.assert_allclose(mine.max(axis=0), truth.max(axis=0), atol=0.006)


@pytest.mark.parametrize('name', ['toilet-100', 'toilet-101'])
def test_a_base_reaches_up_to_its_lid_on_the_side_that_is_not_seen(name: str) -> None:
    target, points, normals, _ = seen(name)
    own = rebuilt(find_part(points, normals, target.joint), target.joint, 0.5)
    bowl, mine = target.fixed[0].vertices, own.fixed[0].vertices
    for side in (mine.min, mine.max):
        assert abs(side(axis=0)[1] - getattr(bowl, side.__name__)(axis=0)[1]) < 0.01
    assert mine[:, 2].max() > bowl[:, 2].max() - 0.005
    assert mine[:, 0].max() < bowl[:, 0].max() + 0.01  # there is room under the lip


def test_a_wrong_axis_moves_nothing_that_is_seen() -> None:
    target, points, normals, _ = seen('door-left-100')
    beside = replace(target.joint, origin=target.joint.origin + np.array([0.2, 0.0, 0.0]))
    with pytest.raises(Dex1bError, match='nothing flat') as caught:
        find_part(points, normals, beside)
    assert caught.value.error_code is ErrorCode.TARGET_NOT_FOUND


@pytest.mark.parametrize(
    ('displacement', 'words'), [(3.0, 'beyond the limits'), (0.001, 'expected 0.05')]
)
def test_displacements_out_of_bounds_are_refused(displacement: float, words: str) -> None:
    target, points, normals, _ = seen('door-left-100')
    box = OrientedBox(np.eye(4), np.ones(3))
    plane = Plane(np.array([0.0, 0.0, 1.0]), 0.0)
    observation = ObjectObservation(points, normals, np.zeros((0, 3)), plane, box)
    with pytest.raises(Dex1bError, match=words) as caught:
        part_task(observation, target.joint, displacement)
    assert caught.value.error_code is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize('name', ['door-right-100', 'drawer-100', 'box-101'])
def test_a_handle_and_its_panel_suggest_the_joint(name: str) -> None:
    target, points, normals, _ = seen(name)
    guess = guess_joint(points, normals)
    assert guess.joint.kind == target.joint.kind
    assert guess.joint.axis @ target.joint.axis > np.cos(np.radians(5.0))
    assert 0.5 <= guess.confidence < 1.0
    if not target.joint.slides:
        away = np.cross(target.joint.axis, guess.joint.origin - target.joint.origin)
        assert np.linalg.norm(away) < 0.03


@pytest.mark.parametrize('name', ['toilet-102', 'laptop-100', 'laptop-102', 'faucet-102'])
def test_without_a_handle_nothing_is_guessed(name: str) -> None:
    """What stands before a flat face but goes on beyond it is no handle."""
    _, points, normals, _ = seen(name)
    with pytest.raises(Dex1bError, match='no panel with a handle'):
        guess_joint(points, normals)


def _nearest(points: np.ndarray, wanted: np.ndarray):
    from scipy.spatial import cKDTree

    return cKDTree(points).query(wanted)
