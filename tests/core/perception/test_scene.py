import numpy as np
import pytest
from rendering import INTRINSICS, box, cylinder, frame, sphere

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import OrientedBox, invert, make_transform, transform_points
from dex1b_core.perception import (
    PerceptionSettings,
    RobotMask,
    Scene,
    Target,
    TargetMode,
    observe,
)
from dex1b_core.perception.robot_mask import LinkHull

SETTINGS = PerceptionSettings(reconstruct=False)
CAN = cylinder((0.45, 0.0), 0.035, 0.11)
BLOCK = box((0.40, 0.18, 0.0), (0.46, 0.26, 0.05))
NOISE = 0.0013


def two_objects(**options: object) -> Scene:
    return observe([frame(CAN, BLOCK, noise=NOISE)], settings=SETTINGS, **options)


def centre_y(scene: Scene) -> float:
    return float(scene.observation.box.planning_T_box[1, 3])


def test_objects_are_told_apart_and_measured() -> None:
    scene = two_objects()
    assert len(scene.instances) == 2
    block = next(i for i in scene.instances if i.box.planning_T_box[1, 3] > 0.1)
    assert block.box.planning_T_box[:3, 3] == pytest.approx([0.43, 0.22, 0.025], abs=0.005)
    assert block.box.size == pytest.approx([0.08, 0.06, 0.05], abs=0.008)
    assert scene.plane.normal == pytest.approx([0, 0, 1], abs=0.01)


def test_touching_boxes_are_two_objects() -> None:
    low = box((0.42, 0.0, 0.0), (0.50, 0.08, 0.04))
    high = box((0.40, -0.07, 0.0), (0.48, 0.0, 0.12))
    scene = observe([frame(low, high, noise=NOISE)], settings=SETTINGS)
    assert len(scene.instances) == 2


def test_cloud_lies_on_the_object_with_normals_to_the_camera() -> None:
    image = frame(sphere((0.45, 0, 0.04), 0.04), noise=0.0005)
    observation = observe([image], settings=SETTINGS).observation
    radial = observation.points - [0.45, 0, 0.04]
    assert np.linalg.norm(radial, axis=1) == pytest.approx(0.04, abs=0.004)
    towards = image.planning_T_camera[:3, 3] - observation.points
    assert (np.einsum('ij,ij->i', observation.normals, towards) > 0).all()
    agreement = np.einsum('ij,ij->i', observation.normals, radial / 0.04)
    assert np.median(agreement) > 0.97


def test_auto_prefers_what_a_hand_can_hold() -> None:
    slab = box((0.35, -0.15, 0.0), (0.55, 0.10, 0.15))
    cup = cylinder((0.5, 0.22), 0.03, 0.1)
    scene = observe([frame(slab, cup, noise=NOISE)], settings=SETTINGS)
    assert centre_y(scene) == pytest.approx(0.22, abs=0.02)


def test_every_way_to_name_the_block_finds_it() -> None:
    image = frame(CAN, BLOCK, noise=NOISE)
    seen = transform_points(invert(image.planning_T_camera), [[0.43, 0.22, 0.05]])
    columns, rows, _ = INTRINSICS.project(seen)
    scene = two_objects()
    block = next(i for i in scene.instances if i.box.planning_T_box[1, 3] > 0.1)
    around = OrientedBox(make_transform(np.eye(3), [0.43, 0.22, 0.05]), np.array([0.2, 0.2, 0.2]))
    targets = [
        Target(TargetMode.POINT, point=np.array([0.43, 0.22, 0.02])),
        Target(TargetMode.PIXEL, pixel=(int(columns[0]), int(rows[0]))),
        Target(TargetMode.LABEL, label=str(block.label)),
        Target(TargetMode.BOX, box=around),
        Target(TargetMode.MASK, mask=(scene.labels[0] == block.label).astype(np.uint8)),
        Target(TargetMode.CLOUD, cloud=block.points),
    ]
    for target in targets:
        found = two_objects(target=target)
        assert centre_y(found) == pytest.approx(0.22, abs=0.01), target.mode
        assert found.observation.label == block.label
        assert (found.observation.obstacles[:, 1] < 0.1).all()


@pytest.mark.parametrize(
    ('target', 'code'),
    [
        (Target(TargetMode.POINT, point=np.array([0.3, -0.3, 0.0])), ErrorCode.TARGET_NOT_FOUND),
        (Target(TargetMode.POINT, point=np.array([np.nan, 0, 0])), ErrorCode.INVALID_REQUEST),
        (Target(TargetMode.PIXEL, pixel=(0, 0)), ErrorCode.TARGET_NOT_FOUND),
        (Target(TargetMode.PIXEL, pixel=(400, 0)), ErrorCode.INVALID_REQUEST),
        (Target(TargetMode.PIXEL, camera='left'), ErrorCode.INVALID_REQUEST),
        (Target(TargetMode.LABEL, label='9'), ErrorCode.TARGET_NOT_FOUND),
        (Target(TargetMode.MASK, mask=np.ones((2, 2), np.uint8)), ErrorCode.INVALID_REQUEST),
        (Target(TargetMode.MASK, mask=np.zeros((240, 320), np.uint8)), ErrorCode.TARGET_NOT_FOUND),
        (Target(TargetMode.CLOUD), ErrorCode.INVALID_REQUEST),
        (Target(TargetMode.BOX), ErrorCode.INVALID_REQUEST),
    ],
)
def test_target_that_names_nothing_has_its_code(target: Target, code: ErrorCode) -> None:
    with pytest.raises(Dex1bError) as caught:
        two_objects(target=target)
    assert caught.value.error_code == code
    assert 'objects seen are: 1 at (' in caught.value.message or 'camera' in caught.value.message


def _hull(low: list[float], high: list[float]) -> LinkHull:
    equations = np.vstack(
        [np.column_stack([np.eye(3), -np.array(high)]), np.column_stack([-np.eye(3), low])]
    )
    return LinkHull('link', equations, np.add(low, high) / 2, 1.0)


def test_robot_points_are_no_object_and_cannot_be_chosen() -> None:
    mask = RobotMask((_hull([0.38, 0.16, 0.0], [0.48, 0.28, 0.07]),))
    options = {'robot_mask': mask, 'link_poses': {'link': np.eye(4)}}
    scene = two_objects(**options)
    assert len(scene.instances) == 1
    assert scene.robot_points_removed > 500
    rows, columns = np.nonzero(scene.robot[0])
    pixel = (int(columns[len(columns) // 2]), int(rows[len(rows) // 2]))
    with pytest.raises(Dex1bError) as caught:
        two_objects(target=Target(TargetMode.PIXEL, pixel=pixel), **options)
    assert caught.value.error_code == ErrorCode.ROBOT_OCCLUDES


def test_robot_before_everything_is_said() -> None:
    mask = RobotMask((_hull([-9, -9, -9], [9, 9, 9]),))
    with pytest.raises(Dex1bError) as caught:
        two_objects(robot_mask=mask, link_poses={'link': np.eye(4)})
    assert caught.value.error_code == ErrorCode.ROBOT_OCCLUDES


@pytest.mark.parametrize(
    ('image', 'code'),
    [
        (frame(noise=NOISE), ErrorCode.NO_OBJECT),
        (frame(box((0.6, -5, -5), (0.7, 5, 5))), ErrorCode.NO_PLANE),
        (frame(table=False), ErrorCode.NO_PLANE),
    ],
)
def test_scene_without_table_or_object_has_its_code(image: object, code: ErrorCode) -> None:
    with pytest.raises(Dex1bError) as caught:
        observe([image], settings=SETTINGS)
    assert caught.value.error_code == code


def test_two_cameras_see_one_object_from_both_sides() -> None:
    block = box((0.42, -0.04, 0.0), (0.48, 0.04, 0.10))
    front = frame(block, noise=NOISE, camera='front')
    back = frame(block, eye=(-0.05, 0.0, 0.5), noise=NOISE, seed=1, camera='back')
    one, both = (observe(views, settings=SETTINGS) for views in ([front], [front, back]))
    assert len(both.instances) == 1
    assert {int(image.max()) for image in both.labels} == {1}
    assert one.observation.points[:, 0].min() > 0.41
    sides = both.observation.points[both.observation.points[:, 2] < 0.08]
    assert (sides[:, 0] < 0.425).sum() > 100
    assert (sides[:, 0] > 0.475).sum() > 100


def test_the_same_input_gives_the_same_scene() -> None:
    first, second = two_objects(), two_objects()
    assert np.array_equal(first.labels[0], second.labels[0])
    assert np.array_equal(first.observation.points, second.observation.points)
