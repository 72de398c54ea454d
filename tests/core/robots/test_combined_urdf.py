"""Hands on arms, joined by a mount transform."""

import itertools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from dex1b_core.errors import ConfigurationError
from dex1b_core.motion import MotionSettings
from dex1b_core.motion.collision import CollisionChecker
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.robots import load_robot, robot_names
from dex1b_core.robots.combined_urdf import MountDescription, combined_urdf
from dex1b_core.robots.link_tree import LinkTree


@pytest.fixture(scope='module', params=robot_names())
def robot(request, need_model):
    description = load_robot(request.param)
    for model in (description.urdf, description.arm_urdf, description.hand.urdf):
        if model:
            need_model(model)
    return description


def test_every_robot_stands_free_at_home(robot):
    model = RobotModel(robot)
    assert len(model.arm_indices) == len(robot.arm.joints)
    assert {robot.hand.palm.link, *(f.tip for f in robot.hand.fingers.values())} <= model.hand_links
    home = np.array(robot.arm.home)
    assert ((home > model.lower) & (home < model.upper)).all()
    checker = CollisionChecker(model, {}, settings=MotionSettings())
    assert checker.first_collision(model.configuration(home)) is None


def test_the_hand_keeps_its_names_and_moves_the_same(robot):
    whole = LinkTree.from_urdf(robot.urdf_path)
    alone = LinkTree.from_urdf(robot.hand.urdf_path)
    posture = dict(zip(robot.hand.joints, robot.hand.ready or robot.hand.open, strict=True))
    placed = [tree.link_poses(tree.complete(posture)) for tree in (whole, alone)]
    for finger in robot.hand.fingers.values():
        for link in (*finger.links, finger.tip):
            ours, theirs = (
                np.linalg.inv(poses[robot.hand.root_link]) @ poses[link] for poses in placed
            )
            np.testing.assert_allclose(ours, theirs, atol=2e-3)  # published files differ by 1 mm


def small(folder, name, *links):
    """Links in a row, every two joined by a joint that turns."""
    robot = ElementTree.Element('robot', name=name)
    for link in links:
        ElementTree.SubElement(robot, 'link', name=link)
    for number, (parent, child) in enumerate(itertools.pairwise(links)):
        joint = ElementTree.SubElement(robot, 'joint', name=f'j{number}', type='revolute')
        ElementTree.SubElement(joint, 'parent', link=parent)
        ElementTree.SubElement(joint, 'child', link=child)
        ElementTree.SubElement(joint, 'origin', xyz='0 0 0.1')
        ElementTree.SubElement(joint, 'limit', lower='-1', upper='1', effort='1', velocity='1')
    path = folder / f'{name}.urdf'
    path.write_bytes(ElementTree.tostring(robot))
    return path


def test_names_used_twice_get_a_prefix_and_what_is_above_the_root_is_fixed(tmp_path, monkeypatch):
    monkeypatch.setenv('DEX1B_CACHE', str(tmp_path))
    arm = small(tmp_path, 'arm', 'base', 'palm', 'flange', 'gripper')
    hand = small(tmp_path, 'hand', 'wrist', 'palm', 'finger')
    mount = MountDescription(link='flange', xyz=(0.0, 0.0, 0.05), rpy=(0.0, 0.0, np.pi / 2))
    path = combined_urdf('both', arm, hand, 'palm', mount)
    assert path == combined_urdf('both', arm, hand, 'palm', mount)
    tree = LinkTree.from_urdf(path)
    assert set(tree.links) == {'base', 'arm_palm', 'flange', 'wrist', 'palm', 'finger'}
    assert set(tree.movable) == {'arm_j0', 'arm_j1', 'j1'}
    poses = tree.link_poses({})
    np.testing.assert_allclose(poses['palm'][:3, 3], [0.0, 0.0, 0.35], atol=1e-12)
    np.testing.assert_allclose(poses['palm'][:3, 0], [0.0, 1.0, 0.0], atol=1e-12)
    with pytest.raises(ConfigurationError, match=r"mount link 'tool' is not in .* base, palm"):
        combined_urdf('both', arm, hand, 'palm', MountDescription(link='tool'))
