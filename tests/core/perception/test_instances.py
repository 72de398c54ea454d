"""Label images of rendered scenes against what was rendered."""

from dataclasses import replace

import numpy as np
import pytest
from rendering import Body, box, cup, cylinder, frame, sphere, truth

from dex1b_core.benchmark.segmentation_metrics import score_segmentation
from dex1b_core.perception import PerceptionSettings, segment

SETTINGS = PerceptionSettings()
SCENES = {
    'box on box': [
        box((0.35, -0.1, 0), (0.5, 0.1, 0.06)), box((0.38, -0.06, 0.06), (0.46, 0.05, 0.13)),
    ],
    'box on box, flush at the side': [
        box((0.35, -0.1, 0), (0.5, 0.1, 0.06)), box((0.37, -0.1, 0.06), (0.46, 0.02, 0.13)),
    ],
    'can against a box': [
        box((0.35, -0.1, 0), (0.42, 0.1, 0.12)), cylinder((0.456, 0.0), 0.035, 0.1),
    ],
    'ball against a box': [
        box((0.35, -0.1, 0), (0.42, 0.1, 0.12)), sphere((0.46, 0.0, 0.04), 0.04),
    ],
    'cup': [cup((0.45, 0.0), 0.04, 0.09)],
    'bowl and box': [cup((0.45, 0.1), 0.08, 0.06), box((0.42, -0.1, 0), (0.5, -0.03, 0.07))],
    'box behind a can': [
        box((0.36, -0.12, 0), (0.42, 0.12, 0.08)), cylinder((0.55, 0.0), 0.03, 0.16),
    ],
}  # fmt: skip


@pytest.mark.parametrize('bodies', SCENES.values(), ids=SCENES)
@pytest.mark.parametrize('noise', [0.0, 0.0015])
def test_objects_are_those_that_were_rendered(bodies: list[Body], noise: float) -> None:
    found = segment([frame(*bodies, noise=noise)], settings=SETTINGS)
    visible = np.where(found.clouds[0].above, truth(*bodies), 0)  # a bowl's floor is table
    score = score_segmentation(found.labels[0], visible)
    assert score.found == len(bodies)
    assert score.ious.min() > 0.8


def test_two_boxes_apart_are_not_joined_for_their_likeness() -> None:
    bodies = box((0.36, -0.14, 0), (0.42, -0.03, 0.08)), box((0.36, 0.03, 0), (0.42, 0.14, 0.08))
    labels = segment([frame(*bodies, noise=0.0015)], settings=SETTINGS).labels[0]
    assert labels.max() == 2


STEPPED = [
    box((0.36, -0.14, 0), (0.42, -0.01, 0.08)),
    box((0.36, 0.01, 0), (0.42, 0.14, 0.12)),
    cylinder((0.55, 0.0), 0.03, 0.2),
]
SHIFTED = [
    box((0.36, -0.14, 0), (0.42, -0.02, 0.08)),
    box((0.351, 0.02, 0), (0.411, 0.14, 0.088)),
    cylinder((0.55, 0.0), 0.04, 0.3),
]
RED, NEARLY_RED, BLUE, GREEN = (200, 60, 50), (185, 55, 48), (50, 70, 190), (60, 150, 60)


def test_parts_of_different_height_behind_a_can_stay_apart() -> None:
    labels = segment([frame(*STEPPED, noise=0.0015)], settings=SETTINGS).labels[0]
    assert labels.max() == 3


@pytest.mark.parametrize(
    ('colours', 'count'),
    [
        ((RED, NEARLY_RED, BLUE), 2),
        ((RED, GREEN, BLUE), 3),
        ((RED, RED, RED), 3),
        ((BLUE, RED, RED), 3),
    ],
    ids=['nearly one colour', 'two colours', 'as the can', 'one as the can'],
)
def test_parts_behind_a_can_are_one_if_their_colour_says_so(
    colours: tuple[tuple[int, int, int], ...], count: int
) -> None:
    image = frame(*SHIFTED, noise=0.0015)
    picture = np.array([(120, 120, 120), *colours], np.uint8)[truth(*SHIFTED)]
    labels = segment([replace(image, colour=picture)], settings=SETTINGS).labels[0]
    assert labels.max() == count


def test_colour_that_is_not_aligned_with_depth_is_not_used() -> None:
    image = frame(*SHIFTED, noise=0.0015)
    picture = np.array([(120, 120, 120), RED, RED, BLUE], np.uint8)[truth(*SHIFTED)][::2, ::2]
    labels = segment([replace(image, colour=picture)], settings=SETTINGS).labels[0]
    assert labels.max() == 3


def test_labels_go_by_size_and_keep_within_what_is_above_the_plane() -> None:
    bodies = sphere((0.45, -0.1, 0.03), 0.03), box((0.4, 0.05, 0), (0.5, 0.15, 0.08))
    found = segment([frame(*bodies, noise=0.0015)], settings=SETTINGS)
    sizes = np.bincount(found.labels[0].ravel())[1:]
    assert sizes[0] > sizes[1] > 0
    assert not found.labels[0][~found.clouds[0].above].any()


def test_a_small_ball_is_crease_all_over_and_still_seen() -> None:
    ball = sphere((0.45, 0.0, 0.02), 0.02)
    labels = segment([frame(ball, noise=0.001)], settings=SETTINGS).labels[0]
    assert score_segmentation(labels, truth(ball)).ious.min() > 0.7


def test_an_image_of_half_the_resolution_shows_the_same_objects() -> None:
    bodies = SCENES['box on box']
    image = frame(*bodies, noise=0.001)
    k = image.intrinsics
    small = type(k)(160, 120, k.fx / 2, k.fy / 2, k.cx / 2, k.cy / 2)
    coarse = type(image)(image.depth_m[::2, ::2], small, image.planning_T_camera)
    labels = segment([coarse], settings=SETTINGS).labels[0]
    assert score_segmentation(labels, truth(*bodies)[::2, ::2]).ious.min() > 0.75
