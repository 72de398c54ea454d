"""A gripper of boxes around a box: its distances are sums of lengths."""

import dataclasses

import numpy as np
import pytest
import torch

from dex1b_core.benchmark.protocols import PROTOCOLS, protocol_named
from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel

HALF = np.array([0.02, 0.03, 0.015])  # [m] of the object
OPENING = 0.05  # [m] of a finger's inner face from the middle, at joint position 0
TOUCHING = OPENING - HALF[0]  # [m] joint position of a finger that just touches

URDF = """<robot name="gripper">
<link name="palm"><collision><origin xyz="0 0 -0.01"/><geometry><box size="0.12 0.03 0.02"/>
</geometry></collision></link>
<link name="left"><collision><origin xyz="0.055 0 0.03"/><geometry><box size="0.01 0.02 0.06"/>
</geometry></collision></link>
<link name="right"><collision><origin xyz="-0.055 0 0.03"/><geometry><box size="0.01 0.02 0.06"/>
</geometry></collision></link>
<link name="left_tip"/><link name="right_tip"/>
<joint name="left_slide" type="prismatic"><parent link="palm"/><child link="left"/>
<axis xyz="-1 0 0"/><limit lower="0" upper="0.05" effort="10" velocity="1"/></joint>
<joint name="right_slide" type="prismatic"><parent link="palm"/><child link="right"/>
<axis xyz="1 0 0"/><limit lower="0" upper="0.05" effort="10" velocity="1"/></joint>
<joint name="left_end" type="fixed"><parent link="left"/><child link="left_tip"/>
<origin xyz="0.055 0 0.06"/></joint>
<joint name="right_end" type="fixed"><parent link="right"/><child link="right_tip"/>
<origin xyz="-0.055 0 0.06"/></joint>
</robot>"""

HAND = """key: gripper
urdf: {urdf}
licence: none
root_link: palm
joints: [left_slide, right_slide]
open: [0, 0]
closing: {{left_slide: 1, right_slide: 1}}
velocity_limits: [1, 1]
acceleration_limits: [1, 1]
effort_limits: [10, 10]
squeeze_offset: 0.01
controller: gripper
spheres_per_link: 4
contacts_per_finger: 12
palm: {{link: palm, normal: [0, 0, 1], fingers: [0, 0, 1]}}
fingers:
  left: {{links: [left], joints: [left_slide], tip: left_tip}}
  right: {{links: [right], joints: [right_slide], tip: right_tip}}
"""


@pytest.fixture(scope='session')
def gripper_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('gripper')
    (folder / 'gripper.urdf').write_text(URDF)
    (folder / 'gripper.yaml').write_text(HAND.format(urdf=folder / 'gripper.urdf'))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tiny tensors: more threads take up to ten times as long
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('DEX1B_CACHE', str(folder / 'cache'))
        HandModel(load_hand(str(folder / 'gripper.yaml')))  # into the cache
    torch.set_num_threads(threads)
    return folder


@pytest.fixture
def plain(monkeypatch):
    """A quick protocol: dexgraspnet with the grasps' own squeeze, however deep they are."""
    published = protocol_named('dexgraspnet')
    check = dataclasses.replace(published.check, squeezes=True, stages=1, stage_s=1 / 60)
    protocol = dataclasses.replace(
        published, name='plain', check=check, closes_by_gradient=False,
        max_penetration_sum=np.inf,
    )  # fmt: skip
    monkeypatch.setitem(PROTOCOLS, 'plain', protocol)


@pytest.fixture
def gripper(gripper_folder, monkeypatch):
    """Makes grasps of the box from overlaps (N, 2) of left and right finger with it [m]."""
    monkeypatch.setenv('DEX1B_CACHE', str(gripper_folder / 'cache'))
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, -1).T

    def grasps(overlaps, *, names=('left_slide', 'right_slide')):
        overlaps = np.asarray(overlaps, dtype=float).reshape(-1, 2)
        joints = TOUCHING + (overlaps if names[0] == 'left_slide' else overlaps[:, ::-1])
        pose = np.tile(np.eye(4), (len(joints), 1, 1))
        pose[:, 2, 3] = -0.04
        return GraspSet(
            hand=str(gripper_folder / 'gripper.yaml'),
            object='box',
            joint_names=names,
            object_T_hand=pose,
            pregrasp=0.0 * joints,
            grasp=joints,
            squeeze=joints,
            object_parts=(signs * HALF,),
            support_plane=np.full(4, np.nan),
        )

    return grasps
