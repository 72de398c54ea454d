"""Signed distance to a whole scene: objects at their poses and a support plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.plane import Plane
from dex1b_core.geometry.sdf_error import Distance
from dex1b_core.geometry.transforms import invert


@dataclass(frozen=True)
class PlacedBody:
    """A body with a distance field at a pose.

    Attributes:
        name: For reports.
        sdf: Distances in the body's frame.
        body_T_scene: (4, 4) tensor.
    """

    name: str
    sdf: Distance
    body_T_scene: torch.Tensor

    @classmethod
    def at(cls, name: str, sdf: Distance, scene_T_body: NDArray[np.float64]) -> PlacedBody:
        """From the body's pose in the scene.

        Raises:
            Dex1bError: INVALID_REQUEST when the pose is no rigid transform.
        """
        pose = np.asarray(scene_T_body, dtype=float)
        rotation = pose[:3, :3]
        if pose.shape != (4, 4) or not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"pose of '{name}' is no rigid transform; expected (4, 4) with a rotation matrix",
            )
        return cls(name, sdf, torch.as_tensor(invert(pose), dtype=torch.float32))

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        """(...) signed distance [m] of (..., 3) points of the scene."""
        pose = self.body_T_scene.to(points)
        return self.sdf.distance(points @ pose[:3, :3].T + pose[:3, 3])


@dataclass(frozen=True)
class SceneSdf:
    """The union of bodies and the half-space below a plane.

    A point inside several bodies is as deep as in the one where it is deepest: the deepest
    penetration counts. Outside, distances are exact; inside a union they bound the depth from
    below.

    Attributes:
        bodies: The object, its neighbours, in any order.
        plane: Of the support, scene frame; None when everything floats.
    """

    bodies: tuple[PlacedBody, ...]
    plane: Plane | None = None

    @classmethod
    def of(cls, bodies: Sequence[PlacedBody], plane: Plane | None = None) -> SceneSdf:
        """A scene that holds something.

        Raises:
            Dex1bError: INVALID_REQUEST for a scene without bodies and plane; NO_PLANE for a plane
                without a finite unit normal.
        """
        if not bodies and plane is None:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST, 'the scene is empty; expected a body or a support plane'
            )
        if plane is not None:
            values = np.array([*plane.normal, plane.offset])
            if not np.isfinite(values).all() or abs(np.linalg.norm(plane.normal) - 1.0) > 1e-3:
                raise Dex1bError(
                    ErrorCode.NO_PLANE, f'support plane {values.tolist()} has no unit normal'
                )
        return cls(tuple(bodies), plane)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the bodies, then 'support' if there is a plane: what `nearest` counts."""
        return (*(body.name for body in self.bodies), *(['support'] if self.plane else []))

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        """(...) signed distance [m] of (..., 3) points to the nearest of all, differentiable."""
        return self.distances(points).amin(dim=0)

    def distances(self, points: torch.Tensor) -> torch.Tensor:
        """(len(names), ...) signed distances [m] of (..., 3) points to each."""
        found = [body.distance(points) for body in self.bodies]
        if self.plane is not None:
            normal = torch.as_tensor(self.plane.normal).to(points)
            found.append(points @ normal + self.plane.offset)
        return torch.stack(found)

    def nearest(self, points: torch.Tensor) -> torch.Tensor:
        """(...) index into `names` of what (..., 3) points are nearest to, or deepest in."""
        return self.distances(points).argmin(dim=0)

    def distance_and_gradient(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(...) signed distance [m] and (..., 3) its gradient, detached."""
        with torch.enable_grad():
            tracked = points.detach().requires_grad_()
            distance = self.distance(tracked)
            (gradient,) = torch.autograd.grad(distance.sum(), tracked)
        return distance.detach(), gradient
