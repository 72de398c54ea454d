"""Grasps whose outcome is known: of a cube between two jaws, and of a real hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import trimesh

from dex1b_core.data import GraspSet
from dex1b_core.simulation.engine import EngineName
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.scene_description import Drive, ObjectDescription, SceneDescription
from dex1b_core.simulation.urdf_bodies import TreeSource, read_body_tree
from dex1b_core.simulation.verdicts import Verdicts

NO_PLANE = np.full(4, np.nan)
SIDE = 0.05  # [m] of the cube
CUBE = np.asarray(trimesh.creation.box([SIDE] * 3).vertices)
TABLE = np.array([0.0, 0.0, 1.0, SIDE / 2])
DRIVE = Drive(stiffness=1000.0, damping=10.0, effort_limit=20.0, armature=0.001)
JAWS = HoldProtocol(drive=DRIVE)

# Two jaws along x, 10 mm thick; `left` at q has its inner face at x = q, `right` mirrors it.
JAWS_URDF = """
<robot name="jaws">
  <link name="world"/>
  <link name="palm">
    <collision><origin xyz="0 0 -0.06"/><geometry><box size="0.2 0.04 0.02"/></geometry></collision>
  </link>
  <link name="left">
    <inertial><mass value="{mass}"/><inertia ixx="{i}" ixy="0" ixz="0" iyy="{i}" iyz="0" izz="{i}"/>
    </inertial>
    <collision><origin xyz="-0.005 0 0"/><geometry><box size="{jaw}"/></geometry>
    </collision>
  </link>
  <link name="right">
    <collision><origin xyz="0.005 0 0"/><geometry><box size="{jaw}"/></geometry>
    </collision>
  </link>
  <joint name="mount" type="fixed"><parent link="world"/><child link="palm"/></joint>
  <joint name="left_slide" type="prismatic"><parent link="palm"/><child link="left"/>
    <axis xyz="1 0 0"/><limit lower="-0.1" upper="0.02" effort="20" velocity="1"/></joint>
  <joint name="right_slide" type="prismatic"><parent link="palm"/><child link="right"/>
    <axis xyz="-1 0 0"/><limit lower="-0.1" upper="0.02" effort="20" velocity="1"/>
    <mimic joint="left_slide" multiplier="1" offset="{offset}"/></joint>
</robot>
"""


def jaws_source(
    folder: Path,
    *,
    mass: float = 0.02,
    inertia: float = 1e-5,
    jaw: str = '0.01 0.03 0.09',
    offset: float = 0.0,
    **changes: object,
) -> TreeSource:
    """A URDF of the jaws, written into a folder."""
    path = folder / 'jaws.urdf'
    path.write_text(JAWS_URDF.format(mass=mass, i=inertia, jaw=jaw, offset=offset))
    return dataclasses.replace(TreeSource(path, 'palm', ('left_slide',)), **changes)


def pinch(
    n: int = 1,
    *,
    pregrasp: float = -0.04,
    grasp: float = -0.025,
    squeeze: float = -0.01,
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0),
    **changes: object,
) -> GraspSet:
    """The jaws around the cube: faces at +-`grasp`, the object's centre between them."""
    pose = np.eye(4)
    pose[:3, 3] = shift
    made = GraspSet(
        hand='jaws',
        object='cube',
        joint_names=('left_slide',),
        object_T_hand=np.repeat(pose[None], n, axis=0),
        pregrasp=np.full((n, 1), pregrasp),
        grasp=np.full((n, 1), grasp),
        squeeze=np.full((n, 1), squeeze),
        object_parts=(CUBE,),
        support_plane=NO_PLANE,
    )
    return dataclasses.replace(made, **changes)


def wrapped(shift: tuple[float, float, float] = (0.0, 0.042, 0.10)) -> GraspSet:
    """The Ability hand closed around a cylinder, its axis across the fingers."""
    cylinder = trimesh.creation.cylinder(radius=0.028, height=0.12, sections=32)
    object_R_hand = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = object_R_hand, -object_R_hand @ np.array(shift)

    def posture(fingers: float, thumb: float) -> np.ndarray:
        return np.array([[fingers, fingers, fingers, fingers, -1.8, thumb]])

    return GraspSet(
        hand='ability_right',
        object='cylinder',
        joint_names=('index_q1', 'middle_q1', 'ring_q1', 'pinky_q1', 'thumb_q1', 'thumb_q2'),
        object_T_hand=pose[None],
        pregrasp=posture(0.15, 0.15),
        grasp=posture(1.0, 0.6),
        squeeze=posture(1.3, 0.9),
        object_parts=(np.asarray(cylinder.vertices),),
        support_plane=NO_PLANE,
    )


def judge(
    grasps: GraspSet,
    protocol: HoldProtocol | None = None,
    *,
    hand: TreeSource | None = None,
    engine: EngineName = 'mujoco',
) -> Verdicts:
    """Verdicts by the default protocol, of the hand that the grasps name, in this process."""
    with GraspJudge(hand or source_of(grasps)) as judge:
        return judge.judge(grasps, protocol or HoldProtocol(), engine)[0]


def scene_of(
    hand: TreeSource,
    grasps: GraspSet,
    drive: Drive = DRIVE,
    *,
    friction: float = 0.6,
    has_support: bool = False,
) -> SceneDescription:
    """The hand and 0.1 kg of what it grasps."""
    tree = read_body_tree(hand)
    target = ObjectDescription.of_parts(grasps.object_parts, 0.1)
    drives = dict.fromkeys(tree.joint_names, drive)
    return SceneDescription(tree, drives, target, friction, has_support=has_support)
