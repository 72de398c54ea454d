"""The URDF that an MJCF model stands for, as far as a URDF can say it."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.urdf_origin import write_origin

Array = NDArray[np.float64]
Element = ElementTree.Element


def urdf_of_mjcf(mujoco: Element, source: Path) -> Element:
    """Translate bodies, hinge and slide joints, geoms, masses and linear joint couplings.

    A body becomes a link; a body with several joints becomes several. Free joints, tendons,
    actuators, sites and contact filters have no counterpart and are left out.

    Raises:
        ConfigurationError: the model uses what is not supported (ball joints, includes).
    """
    if mujoco.find('.//include') is not None:
        raise ConfigurationError(f'{source}: <include> in MJCF is not supported; give one file')
    return _Translation(mujoco, source).robot


@dataclass
class _Translation:
    mujoco: Element
    source: Path
    robot: Element = field(init=False)

    def __post_init__(self) -> None:
        self.robot = ElementTree.Element('robot', name=self.mujoco.get('model', self.source.stem))
        compiler = self.mujoco.find('compiler')
        settings = {} if compiler is None else compiler.attrib
        self._angle = 1.0 if settings.get('angle') == 'radian' else math.pi / 180.0
        self._folder = self.source.parent / settings.get('meshdir', settings.get('assetdir', ''))
        self._defaults: dict[str, dict[str, dict[str, str]]] = {'': {}}
        for default in self.mujoco.findall('default'):
            self._read_defaults(default, {})
        self._meshes = {
            mesh.get('name', Path(mesh.get('file', '')).stem): mesh
            for mesh in self.mujoco.findall('asset/mesh')
        }
        bodies = self.mujoco.findall('worldbody/body')
        if len(bodies) != 1:
            raise ConfigurationError(
                f'{self.source}: {len(bodies)} bodies stand in the world; expected one robot'
            )
        self._add_body(bodies[0], None, '')
        self._add_couplings()

    def _read_defaults(self, default: Element, inherited: dict[str, dict[str, str]]) -> None:
        own = {tag: dict(values) for tag, values in inherited.items()}
        for element in default:
            if element.tag != 'default':
                own.setdefault(element.tag, {}).update(element.attrib)
        name = default.get('class')
        for key in {name or '', *([''] if name in {None, 'main'} else [])}:
            self._defaults[key] = own
        for child in default.findall('default'):
            self._read_defaults(child, own)

    def _values(self, element: Element, class_name: str) -> dict[str, str]:
        """An element's attributes with the defaults of its class."""
        chosen = element.get('class', class_name)
        defaults = self._defaults.get(chosen, self._defaults['']).get(element.tag, {})
        return {**defaults, **element.attrib}

    def _add_body(self, body: Element, parent: str | None, class_name: str) -> None:
        name = body.get('name') or f'body_{len(self.robot)}'
        class_name = body.get('childclass', class_name)
        pose = _pose(body.attrib)
        moving = []
        for joint in body.findall('joint'):
            values = self._values(joint, class_name)
            if values.get('type', 'hinge') in {'hinge', 'slide'}:
                moving.append(values)
            elif values['type'] != 'free':
                raise ConfigurationError(
                    f"{self.source}: joint '{values.get('name')}' of type '{values['type']}' is "
                    'not supported; expected hinge or slide'
                )
        anchor = np.zeros(3)  # of the link's frame in the body's
        for number, values in enumerate(moving if parent is not None else []):
            at = _vector(values.get('pos', '0 0 0'))
            last = number == len(moving) - 1
            link = name if last else f'{name}_{number}'
            self._add_joint(values, str(parent), link, pose @ _shift(at - anchor))
            pose, anchor, parent = np.eye(4), at, link
            if not last:
                ElementTree.SubElement(self.robot, 'link', name=link)
        if parent is not None and not moving:
            self._joint(f'{name}_mount', 'fixed', parent, name, pose)
        link_element = ElementTree.SubElement(self.robot, 'link', name=name)
        link_T_body = _shift(-anchor)
        self._add_inertial(link_element, body.find('inertial'), link_T_body)
        for geom in body.findall('geom'):
            self._add_geom(link_element, self._values(geom, class_name), link_T_body)
        for child in body.findall('body'):
            if anchor.any():
                child.set('pos', _text(_vector(child.get('pos', '0 0 0')) - anchor))
            self._add_body(child, name, class_name)

    def _joint(self, name: str, kind: str, parent: str, child: str, pose: Array) -> Element:
        joint = ElementTree.SubElement(self.robot, 'joint', name=name, type=kind)
        ElementTree.SubElement(joint, 'parent', link=parent)
        ElementTree.SubElement(joint, 'child', link=child)
        joint.append(write_origin(pose))
        return joint

    def _add_joint(self, values: dict[str, str], parent: str, child: str, pose: Array) -> None:
        is_hinge = values.get('type', 'hinge') == 'hinge'
        name = values.get('name') or f'{child}_joint'
        kind = 'revolute' if is_hinge else 'prismatic'
        limited = values.get('limited', 'auto') != 'false' and 'range' in values
        joint = self._joint(name, kind if limited else 'continuous', parent, child, pose)
        ElementTree.SubElement(joint, 'axis', xyz=values.get('axis', '0 0 1'))
        if limited:
            unit = self._angle if is_hinge else 1.0
            lower, upper = unit * _vector(values['range'])
            force = _vector(values.get('actuatorfrcrange', '-10 10'))
            ElementTree.SubElement(
                joint, 'limit', lower=repr(float(lower)), upper=repr(float(upper)),
                effort=repr(float(abs(force).max())), velocity='6.0',
            )  # fmt: skip

    def _add_inertial(self, link: Element, inertial: Element | None, link_T_body: Array) -> None:
        if inertial is None:
            return
        element = ElementTree.SubElement(link, 'inertial')
        element.append(write_origin(link_T_body @ _pose(inertial.attrib)))
        ElementTree.SubElement(element, 'mass', value=inertial.get('mass', '0'))
        diagonal = (*inertial.get('diaginertia', '0 0 0').split(), '0', '0', '0')
        full = inertial.get('fullinertia', ' '.join(diagonal)).split()
        names = ('ixx', 'iyy', 'izz', 'ixy', 'ixz', 'iyz')
        ElementTree.SubElement(element, 'inertia', dict(zip(names, full, strict=True)))

    def _add_geom(self, link: Element, values: dict[str, str], link_T_body: Array) -> None:
        passive = values.get('contype') == '0' and values.get('conaffinity') == '0'
        kind = values.get('type', 'mesh' if 'mesh' in values else 'sphere')
        size = _vector(values.get('size', '0'))
        pose = _pose(values)
        if 'fromto' in values:
            ends = _vector(values['fromto']).reshape(2, 3)
            pose = _along(ends)
            size = np.array([size[0], 0.5 * np.linalg.norm(ends[1] - ends[0])])
        body = ElementTree.SubElement(link, 'visual' if passive else 'collision')
        body.append(write_origin(link_T_body @ pose))
        geometry = ElementTree.SubElement(body, 'geometry')
        if kind == 'mesh':
            mesh = self._meshes[values['mesh']]
            path = self._folder / mesh.get('file', '')
            ElementTree.SubElement(
                geometry, 'mesh', filename=str(path), scale=mesh.get('scale', '1 1 1')
            )
        elif kind == 'box':
            ElementTree.SubElement(geometry, 'box', size=_text(2.0 * size[:3]))
        elif kind == 'sphere':
            ElementTree.SubElement(geometry, 'sphere', radius=repr(float(size[0])))
        elif kind in {'cylinder', 'capsule'}:
            length = 2.0 * size[1]
            ElementTree.SubElement(
                geometry, 'cylinder', radius=repr(float(size[0])), length=repr(float(length))
            )
            if kind == 'capsule':
                for side in (-1.0, 1.0):
                    cap = ElementTree.SubElement(link, body.tag)
                    cap.append(
                        write_origin(link_T_body @ pose @ _shift([0.0, 0.0, side * size[1]]))
                    )
                    shape = ElementTree.SubElement(cap, 'geometry')
                    ElementTree.SubElement(shape, 'sphere', radius=repr(float(size[0])))
        else:
            link.remove(body)

    def _add_couplings(self) -> None:
        joints = {joint.get('name'): joint for joint in self.robot.findall('joint')}
        for coupling in self.mujoco.findall('equality/joint'):
            follower, leader = joints.get(coupling.get('joint1')), coupling.get('joint2')
            coefficients = _vector(coupling.get('polycoef', '0 1 0 0 0'))
            if follower is not None and leader in joints:
                ElementTree.SubElement(
                    follower, 'mimic', joint=str(leader), multiplier=repr(float(coefficients[1])),
                    offset=repr(float(coefficients[0])),
                )  # fmt: skip


def _vector(text: str) -> Array:
    return np.array([float(word) for word in text.split()])


def _text(values: Array) -> str:
    return ' '.join(repr(float(value)) for value in values)


def _shift(offset: Array | list[float]) -> Array:
    pose = np.eye(4)
    pose[:3, 3] = offset
    return pose


def _pose(values: dict[str, str]) -> Array:
    """(4, 4) of an element's pos and quat (w first)."""
    pose = _shift(_vector(values.get('pos', '0 0 0')))
    quaternion = _vector(values.get('quat', '1 0 0 0'))
    pose[:3, :3] = Rotation.from_quat(quaternion, scalar_first=True).as_matrix()
    return pose


def _along(ends: Array) -> Array:
    """(4, 4) in the middle of two points (2, 3), z from one to the other."""
    pose = _shift(ends.mean(axis=0))
    pose[:3, :3] = Rotation.align_vectors([ends[1] - ends[0]], [[0.0, 0.0, 1.0]])[0].as_matrix()
    return pose
