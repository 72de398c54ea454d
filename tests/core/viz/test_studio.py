from __future__ import annotations

import numpy as np
import pytest

from dex1b_core.simulation.raycast import Body
from dex1b_core.viz.studio import BACKGROUND, Ghost, Studio, View

VIEW = View((1.0, 0.0, 0.6), (0.0, 0.0, 0.1), 120, 90)
RED = (0.9, 0.1, 0.1)
BLUE = (0.1, 0.1, 0.9)


@pytest.fixture(scope='module')
def cube() -> Body:
    import trimesh

    mesh = trimesh.creation.box((0.2, 0.2, 0.2))
    return Body('cube', np.asarray(mesh.vertices), np.asarray(mesh.faces), RED, smooth=False)


def at(x: float, y: float, z: float) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, 3] = x, y, z
    return pose


def reddish(picture: np.ndarray) -> np.ndarray:
    return picture[..., 0].astype(int) - picture[..., 2] > 60


def test_a_body_is_drawn_where_it_is(cube: Body) -> None:
    picture = Studio([cube]).draw({'cube': at(0.0, 0.0, 0.1)}, VIEW)
    assert picture.shape == (90, 120, 3)
    rows, columns = np.nonzero(reddish(picture))
    assert abs(columns.mean() - 59.5) < 2.0
    assert 35 < rows.mean() < 55


def test_a_body_that_moves_left_of_the_robot_moves_right_in_a_view_from_ahead(cube: Body) -> None:
    studio = Studio([cube])
    middle = reddish(studio.draw({'cube': at(0.0, 0.0, 0.1)}, VIEW)).nonzero()[1].mean()
    moved = reddish(studio.draw({'cube': at(0.0, 0.2, 0.1)}, VIEW)).nonzero()[1].mean()
    assert moved > middle + 5.0


def test_only_a_near_body_darkens_the_floor(cube: Body) -> None:
    studio = Studio([cube])
    near = studio.draw({'cube': at(0.0, 0.0, 0.25)}, VIEW)
    far = studio.draw({'cube': at(0.0, 0.0, 50.0)}, VIEW)
    assert not reddish(far).any()
    below = (near.sum(axis=-1) < far.sum(axis=-1).astype(int) - 100) & ~reddish(near)
    assert below.sum() > 100


def test_the_floor_fades_into_the_background(cube: Body) -> None:
    picture = Studio([cube]).draw({'cube': at(0.0, 0.0, 0.1)}, VIEW)
    np.testing.assert_allclose(picture[0, 0], 255 * np.array(BACKGROUND), atol=1.0)


def test_a_ghost_is_seen_through_and_hidden_behind(cube: Body) -> None:
    studio = Studio([cube])
    poses = {'cube': at(0.0, 0.0, 0.1)}
    before = studio.draw(poses, VIEW).astype(int)
    front = studio.draw(poses, VIEW, [Ghost([cube], {'cube': at(0.2, 0.0, 0.1)}, BLUE)])
    behind = studio.draw(poses, VIEW, [Ghost([cube], {'cube': at(-0.01, 0.0, 0.09)}, BLUE)])
    centre = (45, 60)
    assert before[centre][0] > front[centre][0] > 40
    assert front[centre][2] > before[centre][2] + 40
    assert np.abs(behind[centre].astype(int) - before[centre]).max() <= 1


def test_a_body_behind_the_camera_is_not_drawn(cube: Body) -> None:
    picture = Studio([cube]).draw({'cube': at(3.0, 0.0, 0.6)}, VIEW)
    assert not reddish(picture).any()
