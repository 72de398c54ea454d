from pathlib import Path

import numpy as np
import pytest

from dex1b_core.errors import ConfigurationError
from dex1b_core.geometry import make_transform
from dex1b_core.perception import RobotMask

URDF = """
<robot name="r">
  <link name="arm">
    <collision><origin xyz="0 0 0.1"/><geometry><box size="0.1 0.1 0.2"/></geometry></collision>
    <collision><geometry><sphere radius="0.08"/></geometry></collision>
  </link>
  <link name="tip">
    <collision><geometry><cylinder radius="0.02" length="0.1"/></geometry></collision>
  </link>
  <link name="frame"/>
</robot>
"""


@pytest.fixture
def mask(tmp_path: Path) -> RobotMask:
    (tmp_path / 'r.urdf').write_text(URDF)
    return RobotMask.from_urdf(tmp_path / 'r.urdf', padding=0.01)


def test_links_with_collision_are_needed(mask: RobotMask) -> None:
    assert mask.links == ('arm', 'tip')


def test_points_in_padded_links_are_robot(mask: RobotMask) -> None:
    turned = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    poses = {'arm': make_transform(turned, [1, 0, 0]), 'tip': make_transform(np.eye(3), [0, 0, 1])}
    points = np.array(
        [
            [1.0, 0.055, 0.15],  # in the padding of the box
            [1.0, 0.065, 0.15],  # outside
            [1.0, 0.07, 0.0],  # in the sphere
            [0.0, 0.0, 1.055],  # in the padding of the tip
            [0.0, 0.0, 1.065],
            [np.nan, 0.0, 0.0],
        ]
    )
    assert mask.contains(points, poses).tolist() == [True, False, True, True, False, False]


def test_links_without_pose_mask_nothing(mask: RobotMask) -> None:
    assert not mask.contains(np.zeros((5, 3)), {}).any()


def test_missing_mesh_is_named(tmp_path: Path) -> None:
    text = URDF.replace('<sphere radius="0.08"/>', '<mesh filename="gone.stl"/>')
    (tmp_path / 'r.urdf').write_text(text)
    with pytest.raises(ConfigurationError, match=r'gone\.stl'):
        RobotMask.from_urdf(tmp_path / 'r.urdf')


def test_missing_urdf_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'none\.urdf'):
        RobotMask.from_urdf(tmp_path / 'none.urdf')
