"""Points that belong to the robot: convex hulls of its links' collision geometry, grown."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import ConfigurationError
from dex1b_core.geometry import from_rpy, invert, transform_points

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LinkHull:
    """Convex hull of one collision body of a link.

    Attributes:
        link: Link name in the URDF.
        equations: (F, 4) a point p of the link frame is inside where n . p + d <= 0.
        centre: (3,) of the bounding sphere, link frame.
        radius: Of the bounding sphere [m].
    """

    link: str
    equations: Array
    centre: Array
    radius: float


class RobotMask:
    """Tells robot points from others, given the poses of the links."""

    def __init__(self, hulls: tuple[LinkHull, ...], *, padding: float = 0.015) -> None:
        self.hulls = hulls
        self.padding = padding

    @classmethod
    def from_urdf(cls, path: Path, *, padding: float = 0.015) -> RobotMask:
        """Read the collision geometry of a URDF.

        Raises:
            ConfigurationError: the file or one of its meshes cannot be read.
        """
        try:
            root = ElementTree.parse(path).getroot()
        except (OSError, ElementTree.ParseError) as error:
            raise ConfigurationError(f'{path}: not a readable URDF: {error}') from error
        hulls = [
            _hull(str(link.get('name')), _vertices(collision, path))
            for link in root.iter('link')
            for collision in link.iter('collision')
        ]
        return cls(tuple(hulls), padding=padding)

    @property
    def links(self) -> tuple[str, ...]:
        """Links whose poses are needed."""
        return tuple(dict.fromkeys(hull.link for hull in self.hulls))

    def contains(
        self, points: NDArray[np.floating], link_poses: Mapping[str, Array]
    ) -> NDArray[np.bool_]:
        """Whether (N, 3) points of the planning frame lie on the robot, shape (N,).

        Args:
            points: Planning frame; NaN is outside.
            link_poses: planning_T_link (4, 4) by link; links without a pose mask nothing.
        """
        inside = np.zeros(len(points), dtype=bool)
        for hull in self.hulls:
            if hull.link not in link_poses:
                continue
            pose = link_poses[hull.link]
            centre = transform_points(pose, hull.centre[None])[0].astype(points.dtype)
            reach = hull.radius + self.padding
            near = np.flatnonzero((np.abs(points - centre) < reach).all(axis=1))
            near = near[~inside[near]]
            if len(near) == 0:
                continue
            local = transform_points(invert(pose), points[near].astype(float))
            distance = (local @ hull.equations[:, :3].T + hull.equations[:, 3]).max(axis=1)
            inside[near[distance < self.padding]] = True
        return inside


def _hull(link: str, vertices: Array) -> LinkHull:
    from scipy.spatial import ConvexHull

    hull = ConvexHull(vertices)
    corners = vertices[hull.vertices]
    centre = (corners.min(axis=0) + corners.max(axis=0)) / 2
    radius = float(np.linalg.norm(corners - centre, axis=1).max())
    equations = np.unique(hull.equations.round(5), axis=0)
    return LinkHull(link, equations, centre, radius)


def _vertices(collision: ElementTree.Element, urdf: Path) -> Array:
    origin = collision.find('origin')
    values = {} if origin is None else origin.attrib
    link_T_body = from_rpy(
        _numbers(values.get('xyz', '0 0 0')), _numbers(values.get('rpy', '0 0 0'))
    )
    geometry = collision.find('geometry')
    body = None if geometry is None else next(iter(geometry), None)
    if body is None:
        raise ConfigurationError(f'{urdf}: a <collision> has no geometry')
    return transform_points(link_T_body, _body_vertices(body, urdf))


def _body_vertices(body: ElementTree.Element, urdf: Path) -> Array:
    import trimesh

    mesh: Any
    if body.tag == 'box':
        mesh = trimesh.creation.box(_numbers(body.attrib['size']))
    elif body.tag == 'sphere':
        mesh = trimesh.creation.icosphere(1, float(body.attrib['radius']))
    elif body.tag == 'cylinder':
        mesh = trimesh.creation.cylinder(
            float(body.attrib['radius']), float(body.attrib['length']), sections=16
        )
    elif body.tag == 'mesh':
        mesh = _load_mesh(body.attrib['filename'], urdf)
        mesh.apply_scale(_numbers(body.attrib.get('scale', '1 1 1')))
    else:
        raise ConfigurationError(f'{urdf}: collision geometry <{body.tag}> is not supported')
    return np.asarray(mesh.vertices, dtype=float)


def _load_mesh(name: str, urdf: Path) -> Any:
    import trimesh

    path = urdf.parent / name.removeprefix('file://').split('package://')[-1]
    try:
        return trimesh.load(path, force='mesh')
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{urdf}: mesh '{path}' cannot be read: {error}") from error


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split()]
