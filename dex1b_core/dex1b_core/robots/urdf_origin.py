"""Poses as a URDF writes them: <origin xyz rpy>."""

from __future__ import annotations

import warnings
import xml.etree.ElementTree as ElementTree

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import from_rpy

Array = NDArray[np.float64]


def read_origin(element: ElementTree.Element) -> Array:
    """(4, 4) pose [m] that the <origin> inside an element gives; identity without one."""
    origin = element.find('origin')
    if origin is None:
        return np.eye(4)
    xyz, rpy = (
        [float(word) for word in origin.get(key, '0 0 0').split()] for key in ('xyz', 'rpy')
    )
    return from_rpy(xyz, rpy)


def write_origin(pose: Array) -> ElementTree.Element:
    """The <origin> of a (4, 4) pose [m], in full precision."""
    from scipy.spatial.transform import Rotation

    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # at gimbal lock any of the solutions is right
        angles = Rotation.from_matrix(pose[:3, :3]).as_euler('xyz')
    xyz, rpy = (' '.join(repr(float(v)) for v in values) for values in (pose[:3, 3], angles))
    return ElementTree.Element('origin', xyz=xyz, rpy=rpy)
