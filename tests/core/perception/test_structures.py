"""Boards of a shelf and walls of a bin are no objects; what stands on a board stands on it."""

import numpy as np
import pytest
from rendering import Body, box, cylinder, frame, truth

from dex1b_core.perception import PerceptionSettings, Target, TargetMode, observe, segment

SETTINGS = PerceptionSettings(reconstruct=False, workspace_lower=(0.0, -0.6, -0.3))
NOISE = 0.001
BOARD = box((0.25, -0.4, 0.22), (0.5, 0.4, 0.24))
BELOW = box((0.52, -0.1, 0.0), (0.6, 0.0, 0.12))
ABOVE = box((0.38, 0.07, 0.24), (0.45, 0.14, 0.34)), box((0.36, -0.2, 0.24), (0.44, -0.12, 0.32))
EYE, LOOKS_AT = (1.15, 0.0, 0.75), (0.45, 0.0, 0.15)


def bin_walls(height: float = 0.15) -> list[Body]:
    """A bin of 0.36 x 0.5 m, open at the top, whose bottom is the plane z = 0."""
    x, y, wall = (0.25, 0.61), (-0.25, 0.25), 0.01
    return [
        box((x[0], y[0], 0), (x[0] + wall, y[1], height)),
        box((x[1] - wall, y[0], 0), (x[1], y[1], height)),
        box((x[0], y[0], 0), (x[1], y[0] + wall, height)),
        box((x[0], y[1] - wall, 0), (x[1], y[1], height)),
    ]


@pytest.fixture(scope='module')
def shelf() -> list[Body]:
    return [BELOW, *ABOVE, BOARD]


def shelf_frame(bodies: list[Body]):
    return frame(*bodies, eye=EYE, looks_at=LOOKS_AT, noise=NOISE)


def test_a_board_is_no_object_and_hides_none(shelf: list[Body]) -> None:
    image = shelf_frame(shelf)
    found = segment([image], settings=SETTINGS)
    shown = truth(*shelf, eye=EYE, looks_at=LOOKS_AT)
    assert found.plane.offset == pytest.approx(0, abs=0.005)  # the lower board
    assert found.labels[0].max() == 3
    for body in (1, 2, 3):
        label = np.bincount(found.labels[0][shown == body]).argmax()
        assert label > 0
        common = (found.labels[0] == label) & (shown == body)
        assert common.sum() / ((found.labels[0] == label) | (shown == body)).sum() > 0.75
    assert found.structures[0][shown == 4].mean() > 0.8
    assert len(found.boards) == 1
    assert found.boards[0].plane.offset == pytest.approx(-0.24, abs=0.005)


@pytest.mark.parametrize(
    ('point', 'plane', 'height'),
    [((0.56, -0.05, 0.06), 0.0, 0.12), ((0.4, -0.16, 0.28), 0.24, 0.08)],
)
def test_an_object_stands_on_its_own_board(shelf, point, plane: float, height: float) -> None:
    target = Target(TargetMode.POINT, point=np.array(point))
    seen = observe([shelf_frame(shelf)], settings=SETTINGS, target=target).observation
    assert -seen.support_plane.offset == pytest.approx(plane, abs=0.005)
    assert seen.box.size[2] == pytest.approx(height, abs=0.01)
    on_board = int((np.abs(seen.obstacles[:, 2] - 0.24) < 0.006).sum())
    # the board above an object is an obstacle, that on which it stands is none
    assert on_board > 100 if plane == 0.0 else on_board < 60


def test_walls_of_a_bin_are_obstacles_and_no_objects() -> None:
    things = [cylinder((0.4, 0.05), 0.035, 0.1), box((0.36, -0.15, 0), (0.46, -0.07, 0.06))]
    bodies = [*things, *bin_walls()]
    scene = observe([frame(*bodies, eye=(0.9, 0, 0.8), noise=NOISE)], settings=SETTINGS)
    assert len(scene.instances) == 2
    shown = truth(*bodies, eye=(0.9, 0, 0.8))
    assert (scene.labels[0][shown > 2] > 0).mean() < 0.05
    high = scene.observation.obstacles[:, 2] > 0.11
    assert high.sum() > 100


@pytest.mark.parametrize(
    ('looks_at', 'workspace'),
    [((0.22, 0.0, 0.05), 0.95), ((0.45, 0.0, 0.05), 0.5)],
    ids=['by the image', 'by the workspace'],
)
def test_walls_of_a_bin_that_is_cut_off_are_no_objects(
    looks_at: tuple[float, float, float], workspace: float
) -> None:
    things = [cylinder((0.4, 0.05), 0.035, 0.1), box((0.36, -0.15, 0), (0.46, -0.07, 0.06))]
    bodies = [*things, *bin_walls()]
    eye = (0.75, 0.0, 0.7)
    settings = SETTINGS.model_copy(update={'workspace_upper': (workspace, 0.6, 0.6)})
    image = frame(*bodies, eye=eye, looks_at=looks_at, noise=NOISE)
    labels = segment([image], settings=settings).labels[0]
    shown = truth(*bodies, eye=eye, looks_at=looks_at)
    assert (labels[shown > 2] > 0).mean() < 0.05
    assert labels.max() == 2


def test_a_flat_box_against_a_wall_is_an_object() -> None:
    wall, flat = box((0.3, -0.4, 0), (0.31, 0.4, 0.15)), box((0.31, -0.02, 0), (0.5, 0.02, 0.15))
    labels = segment([frame(wall, flat, noise=NOISE)], settings=SETTINGS).labels[0]
    assert labels.max() == 1


def test_a_long_object_is_one_while_it_is_shorter_than_allowed() -> None:
    image = frame(box((0.4, -0.2, 0), (0.48, 0.2, 0.06)), noise=NOISE)
    assert segment([image], settings=SETTINGS).labels[0].max() == 1
    short = SETTINGS.model_copy(update={'largest_object': 0.3})
    assert segment([image], settings=short).labels[0].max() == 0
