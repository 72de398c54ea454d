"""What the cameras know about one object and its surroundings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import OrientedBox, Plane
from dex1b_core.perception.visibility import Visibility

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ShapeHypothesis:
    """A closed mesh that the object might have.

    Attributes:
        name: How it was made, e.g. 'smooth', 'hull'.
        vertices: (V, 3) [m], planning frame.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
    """

    name: str
    vertices: Array
    faces: NDArray[np.int64]


@dataclass(frozen=True)
class ObjectObservation:
    """One object as seen, in the planning frame.

    Attributes:
        points: (N, 3) visible surface [m].
        normals: (N, 3) unit, towards the camera.
        obstacles: (M, 3) points of everything else but robot and support plane [m].
        support_plane: What the object stands on.
        box: Oriented box around the object, from the plane up.
        shapes: Hypotheses on the full shape, most trusted first.
        label: Instance label in the segmentation image.
        visibility: How much of the object is in view; None where nobody measured it.
    """

    points: Array
    normals: Array
    obstacles: Array
    support_plane: Plane
    box: OrientedBox
    shapes: tuple[ShapeHypothesis, ...] = ()
    label: int = 0
    visibility: Visibility | None = None
