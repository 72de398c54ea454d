"""Writes a hand as DexGraspBench reads it: an MJCF, its meshes and a configuration."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from dex1b_core.benchmark.dexgraspbench.hand import BenchHand
from dex1b_core.benchmark.dexgraspbench.obj_file import write_obj
from dex1b_core.simulation.body_tree import BodyTree
from dex1b_core.simulation.mujoco_model import MujocoSettings, robot_model, set_inertia
from dex1b_core.simulation.scene_description import Drive
from dex1b_core.simulation.self_contact import overlapping_by_design

_COLOUR = [0.05, 0.38, 0.91, 1.0]


def write_bench_hand(key: str, tree: BodyTree, drive: Drive, folder: Path) -> BenchHand:
    """Write hand/KEY/hand.xml with its meshes, and config/hand/KEY_dex1b.yaml.

    Their loader takes no mesh that stands in the XML itself, makes the first body move with a mocap
    body, and tells fingers by how the names of bodies begin (its config/hand/*.yaml and
    src/util/hand_util.py): bodies are called palm/LINK, finger0/LINK and so on here.

    Args:
        key: Name of the hand.
        tree: Its bodies.
        drive: Of every driven joint.
        folder: Of the whole export; what is there is replaced.
    """
    named = _renamed(tree)
    model_folder = folder / 'hand' / key
    path = model_folder / 'hand.xml'
    (model_folder / 'meshes').mkdir(parents=True, exist_ok=True)
    path.write_text(_mjcf(key, named, drive, model_folder), encoding='utf-8')
    hand = BenchHand.of_tree(key, f'{key}_dex1b', tree)
    owner = tree.fingers()
    solid = [(body.name, finger) for body, finger in zip(named.bodies, owner, strict=True)
             if body.shapes]  # fmt: skip
    config = {
        'xml_path': str(path.resolve()),
        'mocap': True,
        'exclude_table_contact': None,
        'color': _COLOUR,
        'finger_prefix': [f'finger{finger}/' for finger in range(owner.max() + 1)],
        'valid_body_name': [name for name, _ in solid],
        'tip_body_name': list({finger: name for name, finger in solid if finger >= 0}.values()),
    }
    config_path = folder / 'config' / 'hand' / f'{hand.config}.yaml'
    config_path.parent.mkdir(parents=True, exist_ok=True)
    config_path.write_text(yaml.safe_dump(config, sort_keys=False), encoding='utf-8')
    return hand


def _renamed(tree: BodyTree) -> BodyTree:
    """With the finger in front of the name of every body."""
    bodies = [
        replace(body, name=f'{"palm" if finger < 0 else f"finger{finger}"}/{body.name}')
        for body, finger in zip(tree.bodies, tree.fingers(), strict=True)
    ]
    return BodyTree(tuple(bodies), tree.joint_names)


def _mjcf(key: str, tree: BodyTree, drive: Drive, folder: Path) -> str:
    spec = robot_model(tree, MujocoSettings())
    spec.modelname = key
    root = spec.body(tree.bodies[0].name)
    root.mocap = False
    set_inertia(root, *tree.bodies[0].inertia)
    for one, other in sorted(overlapping_by_design(tree)):
        spec.add_exclude(bodyname1=tree.bodies[one].name, bodyname2=tree.bodies[other].name)
    for name in tree.joints:
        spec.joint(name).armature = drive.armature
    for mesh in spec.meshes:
        mesh.file = f'{mesh.name.replace("/", "_")}.obj'
        write_obj(folder / 'meshes' / mesh.file, np.reshape(mesh.uservert, (-1, 3)))
        mesh.uservert = []
    spec.modelfiledir, spec.meshdir = str(folder), 'meshes'
    spec.compile()
    model = ElementTree.fromstring(spec.to_xml())
    _add_drives(model, tree.joint_names, drive)
    ElementTree.indent(model)
    return ElementTree.tostring(model, encoding='unicode')


def _add_drives(model: ElementTree.Element, joint_names: Sequence[str], drive: Drive) -> None:
    """In words that MuJoCo 3.3.2 knows, too; what version 4 writes of actuators it refuses."""
    actuators = ElementTree.SubElement(model, 'actuator')
    for name in joint_names:
        ElementTree.SubElement(
            actuators,
            'position',
            name=name,
            joint=name,
            kp=repr(drive.stiffness),
            kv=repr(drive.damping),
            forcelimited='true',
            forcerange=f'{-drive.effort_limit!r} {drive.effort_limit!r}',
        )
