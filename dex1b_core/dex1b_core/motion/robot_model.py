"""Kinematics and collision geometry of arm and hand; joints by name, mimic joints honoured."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Any

import coal
import numpy as np
import pinocchio as pin
from numpy.typing import ArrayLike, NDArray

from dex1b_core.errors import ConfigurationError, Dex1bError, ErrorCode
from dex1b_core.geometry import transform_points
from dex1b_core.robots import RobotDescription

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mimic:
    """position[joint] = multiplier * position[driver] + offset, as configuration indices."""

    joint: int
    driver: int
    multiplier: float
    offset: float


class RobotModel:
    """A robot's URDF as pinocchio sees it.

    Configurations q are (nq,) in pinocchio's own (alphabetical) order and never leave this
    package; arm vectors are (A,) in the order of `description.arm.joints`, hand vectors (J,) in
    that of `description.hand.joints`.

    Attributes:
        lower, upper: (A,) arm position limits [rad].
        hand_links: Names of the links that the hand consists of.
    """

    def __init__(self, description: RobotDescription) -> None:
        self.description = description
        path = description.urdf_path
        self.model: Any = pin.buildModelFromUrdf(str(path))
        self.geometry: Any = _convex_geometry(self.model, path)
        self.data: Any = self.model.createData()
        self._index = self._joint_indices()
        self.arm_indices = self._indices(description.arm.joints, 'arm')
        self.hand_indices = self._indices(description.hand.joints, 'hand')
        self.mimics = self._read_mimics(ElementTree.parse(path).getroot())
        self.root_frame = self._frame(description.hand.root_link)
        self._base_frame = self._frame(description.base_link)
        self.lower = self.model.lowerPositionLimit[self.arm_indices].copy()
        self.upper = self.model.upperPositionLimit[self.arm_indices].copy()
        self.hand_lower = self.model.lowerPositionLimit[self.hand_indices].copy()
        self.hand_upper = self.model.upperPositionLimit[self.hand_indices].copy()
        self.hand_links = self._subtree_links(ElementTree.parse(path).getroot())
        self._neutral = np.clip(
            np.zeros(self.model.nq), self.model.lowerPositionLimit, self.model.upperPositionLimit
        )

    def _joint_indices(self) -> dict[str, int]:
        indices = {}
        for number, name in enumerate(self.model.names):
            joint = self.model.joints[number]
            if number and joint.nq != 1:
                raise ConfigurationError(
                    f"joint '{name}' of {self.description.urdf_path} has {joint.nq} coordinates; "
                    'only revolute and prismatic joints with limits are supported'
                )
            indices[str(name)] = joint.idx_q
        indices.pop('universe')
        return indices

    def _indices(self, names: tuple[str, ...], group: str) -> NDArray[np.int64]:
        missing = [name for name in names if name not in self._index]
        if missing:
            raise ConfigurationError(
                f"{group} joints {missing} of robot '{self.description.name}' are not in its "
                f'URDF; it has {sorted(self._index)}'
            )
        return np.array([self._index[name] for name in names])

    def _frame(self, link: str) -> int:
        if not self.model.existFrame(link):
            raise ConfigurationError(
                f"link '{link}' of robot '{self.description.name}' is not in its URDF"
            )
        return int(self.model.getFrameId(link))

    def _read_mimics(self, urdf: ElementTree.Element) -> tuple[Mimic, ...]:
        mimics = []
        for joint in urdf.iter('joint'):
            mimic = joint.find('mimic')
            if mimic is not None and joint.get('name') in self._index:
                mimics.append(
                    Mimic(
                        self._index[str(joint.get('name'))],
                        self._index[str(mimic.get('joint'))],
                        float(mimic.get('multiplier', '1')),
                        float(mimic.get('offset', '0')),
                    )
                )
        return tuple(mimics)

    def _subtree_links(self, urdf: ElementTree.Element) -> frozenset[str]:
        links = {self.description.hand.root_link}
        edges = [
            (str(parent.get('link')), str(child.get('link')))
            for joint in urdf.iter('joint')
            if (parent := joint.find('parent')) is not None
            and (child := joint.find('child')) is not None
        ]
        for _ in edges:
            links |= {child for parent, child in edges if parent in links}
        return frozenset(links)

    def configuration(self, arm: ArrayLike, hand: ArrayLike | None = None) -> Array:
        """Full configuration of an (A,) arm and a (J,) hand vector (default: open)."""
        q = self._neutral.copy()
        q[self.arm_indices] = arm
        q[self.hand_indices] = self.description.hand.open if hand is None else hand
        for mimic in self.mimics:
            q[mimic.joint] = mimic.multiplier * q[mimic.driver] + mimic.offset
        return q

    def hand_vector(self, names: tuple[str, ...], values: ArrayLike) -> Array:
        """Put a named posture into the order of the description.

        Raises:
            Dex1bError: INVALID_REQUEST when names are missing or unknown.
        """
        expected = self.description.hand.joints
        given = dict(zip(names, np.asarray(values, dtype=float).tolist(), strict=True))
        missing, extra = sorted(set(expected) - set(given)), sorted(set(given) - set(expected))
        if missing or extra:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"hand posture for '{self.description.hand.key}' lacks joints {missing} and has "
                f'unknown joints {extra}; expected exactly {list(expected)}',
            )
        return np.array([given[name] for name in expected])

    def wrist_pose(self, arm: ArrayLike) -> Array:
        """`base_T_root` (4, 4) of the hand's root link in the planning frame."""
        pin.forwardKinematics(self.model, self.data, self.configuration(arm))
        base = pin.updateFramePlacement(self.model, self.data, self._base_frame)
        root = pin.updateFramePlacement(self.model, self.data, self.root_frame)
        pose: Array = base.actInv(root).homogeneous
        return pose

    def base_pose(self) -> Array:
        """`root_T_base` (4, 4): the planning frame in the URDF's root frame."""
        pin.forwardKinematics(self.model, self.data, self._neutral)
        pose: Array = pin.updateFramePlacement(self.model, self.data, self._base_frame).homogeneous
        return pose


def _convex_geometry(model: Any, path: Any) -> Any:
    """Collision geometry of a URDF: one convex hull for each link that has any."""
    parsed = pin.buildGeomFromUrdf(
        model, str(path), pin.GeometryType.COLLISION, package_dirs=[str(path.parent)]
    )
    points: dict[str, list[Array]] = {}
    parents: dict[str, int] = {}
    for item in parsed.geometryObjects:
        link = str(model.frames[item.parentFrame].name)
        vertices = _vertices(item.geometry, link) * np.asarray(item.meshScale)
        points.setdefault(link, []).append(transform_points(item.placement.homogeneous, vertices))
        parents[link] = int(item.parentJoint)
    geometry = pin.GeometryModel()
    for link, parts in points.items():
        geometry.addGeometryObject(
            pin.GeometryObject(link, parents[link], pin.SE3.Identity(), hull(np.vstack(parts)))
        )
    return geometry


def hull(points: Array) -> Any:
    """Convex hull of (N, 3) points as a coal shape."""
    vertices = coal.StdVec_Vec3s()
    vertices.extend(np.asarray(points, dtype=float))
    return coal.Convex.convexHull(vertices, True, 'Qt')


def _vertices(shape: Any, link: str) -> Array:
    """Points (N, 3) whose convex hull covers a collision shape, in the shape's frame."""
    if isinstance(shape, coal.BVHModelBase):
        return np.array(shape.vertices(), dtype=np.float64)
    if isinstance(shape, coal.Box):
        corners: Array = _CUBE * np.asarray(shape.halfSide)
        return corners
    if isinstance(shape, coal.Sphere):
        return _BALL * float(shape.radius)
    if isinstance(shape, (coal.Cylinder, coal.Capsule)):
        ends = np.array([[0, 0, shape.halfLength], [0, 0, -shape.halfLength]])
        rim = _BALL if isinstance(shape, coal.Capsule) else _RING
        return np.vstack([rim * shape.radius + end for end in ends])
    raise ConfigurationError(
        f"link '{link}' has a collision shape {type(shape).__name__}; expected a mesh, box, "
        'sphere, cylinder or capsule'
    )


_CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
_TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
_RING = np.stack([np.cos(_TURN), np.sin(_TURN), np.zeros(24)], axis=1)
_BALL = np.vstack(
    [_RING * [np.cos(a), np.cos(a), 0] + [0, 0, np.sin(a)] for a in np.linspace(-1.5, 1.5, 11)]
)
