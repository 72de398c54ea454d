import numpy as np
import pytest

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots import load_robot
from dex1b_core.robots.link_tree import LinkTree


@pytest.fixture(scope='module')
def tree():
    return LinkTree.from_urdf(load_robot('xarm7_ability').urdf_path)


def test_every_joint_comes_once_after_its_parent(tree):
    known = {tree.root}
    for joint in tree.joints:
        assert joint.parent in known
        assert joint.child not in known
        known.add(joint.child)
    assert tree.root == 'link_base'
    assert len(tree.joints) == 24
    assert len(tree.movable) == 17


def test_poses_equal_pinocchio(tree):
    pin = pytest.importorskip('pinocchio')
    model = pin.buildModelFromUrdf(str(load_robot('xarm7_ability').urdf_path))
    data = model.createData()
    generator = np.random.default_rng(3)
    positions = {name: generator.uniform(-1, 1) for name in tree.movable}
    q = np.array([positions[name] for name in list(model.names)[1:]])
    pin.framesForwardKinematics(model, data, q)
    for link, pose in tree.link_poses(positions).items():
        expected = data.oMf[model.getFrameId(link, pin.BODY)].homogeneous
        np.testing.assert_allclose(pose, expected, atol=1e-9)


def test_mimic_joints_follow_their_leaders(tree):
    full = tree.complete({'index_q1': 0.5})
    assert full['index_q2'] == pytest.approx(1.05851325 * 0.5 + 0.72349796)
    assert full['middle_q2'] == pytest.approx(0.72349796)


@pytest.mark.parametrize(
    'text',
    [
        'no xml',
        '<robot><joint name="a" type="planar"><parent link="x"/><child link="y"/></joint></robot>',
        '<robot><joint name="a" type="fixed"><parent link="x"/><child link="y"/></joint>'
        '<joint name="b" type="fixed"><parent link="z"/><child link="w"/></joint></robot>',
        '<robot><joint name="a" type="fixed"><parent link="x"/></joint></robot>',
    ],
)
def test_what_is_no_tree_is_refused(tmp_path, text):
    path = tmp_path / 'robot.urdf'
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r'robot\.urdf'):
        LinkTree.from_urdf(path)
