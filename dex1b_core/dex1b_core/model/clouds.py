"""Clouds of known objects, as cameras or scanners might give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.geometry.object_model import ObjectModel
from dex1b_core.geometry.solids import Solid
from dex1b_core.geometry.surface import sample_surface

Array = NDArray[np.float64]

SAMPLES = 4096
_PIXEL = 0.004  # [m] of the depth image that hides what is behind
_BEHIND = 0.008  # [m] so far behind the nearest point of its pixel a point is hidden
_NOISE = 0.0015  # [m] along the ray, standard deviation


@dataclass(frozen=True)
class SurfaceSamples:
    """Points on an object to draw clouds from.

    Attributes:
        points: (S, 3) [m], object frame.
        normals: (S, 3) outward.
    """

    points: Array
    normals: Array

    @classmethod
    def of_model(cls, model: ObjectModel) -> Self:
        """Spread evenly."""
        return cls.of_solid(Solid(model.vertices, model.faces))

    @classmethod
    def of_solid(cls, solid: Solid) -> Self:
        """Spread evenly."""
        found = sample_surface(solid, SAMPLES, seed=0)
        return cls(found.points, found.normals)

    def full(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """(count, 3) from all sides, without noise [m]."""
        rows = rng.choice(len(self.points), count, replace=count > len(self.points))
        return torch.as_tensor(self.points[rows], dtype=torch.float32)

    def seen(self, count: int, rng: np.random.Generator, view: Array | None = None) -> torch.Tensor:
        """(count, 3) from one side, with noise along the rays [m].

        Args:
            count: Points.
            rng: Of all draws.
            view: (3,) unit direction towards the camera, which is far; any by default.
        """
        if view is None:
            view = rng.normal(size=3)
            view /= np.linalg.norm(view)
        facing = np.flatnonzero(self.normals @ view > 0.1)
        side = np.cross(view, np.eye(3)[np.abs(view).argmin()])
        side /= np.linalg.norm(side)
        points = self.points[facing]
        pixels = np.floor(points @ np.stack([side, np.cross(view, side)], axis=1) / _PIXEL)
        _, pixel = np.unique(pixels, axis=0, return_inverse=True)
        depth = -points @ view
        nearest = np.full(pixel.max(initial=-1) + 1, np.inf)
        np.minimum.at(nearest, pixel, depth)
        visible = points[depth < nearest[pixel] + _BEHIND]
        if not len(visible):  # thin as a sheet seen from its edge
            return self.full(count, rng)
        rows = rng.choice(len(visible), count, replace=count > len(visible))
        noise = rng.normal(0.0, _NOISE, count)[:, None] * view
        return torch.as_tensor(visible[rows] + noise, dtype=torch.float32)
