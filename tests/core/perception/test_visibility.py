"""Completeness and confidence of objects that hide each other, touch, and leave the image."""

import numpy as np
from rendering import box, cylinder, frame

from dex1b_core.perception import DepthFrame, PerceptionSettings, Visibility, observe
from dex1b_core.perception.visibility import measure_visibility

SETTINGS = PerceptionSettings(reconstruct=False)


def seen(image: DepthFrame) -> list[Visibility]:
    """Of all objects, largest first."""
    return [i.visibility for i in observe([image], settings=SETTINGS).instances]


def test_an_object_alone_is_whole() -> None:
    (only,) = seen(frame(box((0.4, -0.05, 0), (0.5, 0.05, 0.08)), noise=0.001))
    assert only.completeness > 0.98
    assert only.confidence > 0.95


def test_what_stands_behind_is_cut_off_and_what_stands_before_is_not() -> None:
    behind, before = box((0.4, -0.1, 0), (0.47, 0.1, 0.12)), cylinder((0.55, 0.08), 0.03, 0.13)
    large, small = seen(frame(behind, before, noise=0.001))
    assert large.completeness < 0.9
    assert small.completeness > 0.95


def test_touching_objects_are_less_certain_but_whole() -> None:
    base, top = box((0.35, -0.1, 0), (0.5, 0.1, 0.06)), box((0.38, -0.06, 0.06), (0.46, 0.05, 0.13))
    for visibility in seen(frame(base, top, noise=0.001)):
        assert visibility.confidence < visibility.completeness - 0.02


def test_edge_of_the_image_robot_and_holes_count() -> None:
    depth = np.full((60, 80), 1.0, np.float32)
    labels = np.zeros(depth.shape, np.int32)
    labels[20:40, 60:] = 1
    depth[20:40, 60:] = 0.8
    robot = np.zeros(depth.shape, dtype=bool)
    (cut,) = measure_visibility([labels], [depth], [robot])
    assert cut.completeness == 60 / 80  # 20 of 20 + 20 + 20 + 20 pixels lie at the edge
    assert cut.confidence == cut.completeness
    robot[:20] = True
    (hidden,) = measure_visibility([labels], [depth], [robot])
    assert hidden.completeness == 40 / 80
    holed, empty = labels.copy(), depth.copy()
    holed[25:35, 65:75], empty[25:35, 65:75] = 0, np.nan
    (holes,) = measure_visibility([holed], [empty], [np.zeros_like(robot)])
    assert holes.confidence == holes.completeness * 300 / 400
