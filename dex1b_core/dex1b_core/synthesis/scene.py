"""An observed object and its surroundings as tensors that synthesis can query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.sdf import VoxelSdf, build_sdf
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_core.planning.rejection import Rejection

Array = NDArray[np.float64]
MAX_OBSTACLES = 400  # points of surroundings that matter to a hand near the object
OBSTACLE_REACH = 0.30  # [m] from the object's centre
MAX_VISIBLE = 300


@dataclass(frozen=True)
class SynthesisScene:
    """Everything in the planning frame [m].

    Attributes:
        sdf: Signed distance to the most trusted shape.
        vertices: (V, 3) vertices of that shape.
        centre: (3,) centre of its volume.
        plane: (4,) support plane: unit normal and offset.
        obstacles: (M, 3) points of everything else nearby.
        visible: (N, 3) observed points of the object.
        skipped: Hypotheses that came before the shape used and are no closed bodies.
    """

    sdf: VoxelSdf
    vertices: torch.Tensor
    centre: torch.Tensor
    plane: torch.Tensor
    obstacles: torch.Tensor
    visible: torch.Tensor
    skipped: tuple[Rejection, ...] = ()

    @property
    def up(self) -> torch.Tensor:
        """(3,) unit normal of the support plane."""
        return self.plane[:3]

    def height(self, points: torch.Tensor) -> torch.Tensor:
        """Height [m] of (..., 3) points above the support plane, shape (...)."""
        return points @ self.plane[:3] + self.plane[3]

    def clearance(self, points: torch.Tensor) -> torch.Tensor:
        """Signed distance [m] to the nearest of object and support plane, shape (...)."""
        return torch.minimum(self.sdf.distance(points), self.height(points))

    def obstacle_distance(self, points: torch.Tensor) -> torch.Tensor:
        """Distance [m] of (B, N, 3) points to the nearest obstacle point, shape (B, N).

        Differentiable through the nearest alone, which costs a hundredth of all pairs. There must
        be obstacles.
        """
        with torch.no_grad():
            squares = (self.obstacles**2).sum(-1) - 2.0 * points.reshape(-1, 3) @ self.obstacles.T
            nearest = self.obstacles[squares.argmin(dim=-1)].reshape(points.shape)
        return torch.sqrt(((points - nearest) ** 2).sum(-1) + 1e-12)


def build_scene(observation: ObjectObservation) -> SynthesisScene:
    """Prepare an observation for synthesis.

    Raises:
        Dex1bError: SHAPE_INVALID without shapes or when none is a closed body; NO_PLANE
            when the support plane is not finite.
    """
    if not observation.shapes:
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            'the scene holds no shape hypothesis; expected at least one closed mesh: capture the '
            'scene with shape reconstruction',
        )
    plane = np.array([*observation.support_plane.normal, observation.support_plane.offset])
    if not np.isfinite(plane).all() or abs(np.linalg.norm(plane[:3]) - 1.0) > 1e-3:
        raise Dex1bError(ErrorCode.NO_PLANE, f'support plane {plane.tolist()} has no unit normal')
    shape, sdf, skipped = _first_closed(observation.shapes)
    return SynthesisScene(
        sdf=sdf,
        vertices=_tensor(shape.vertices),
        centre=_volume_centre(sdf),
        plane=_tensor(plane),
        obstacles=_tensor(_nearby(observation)),
        visible=_tensor(_thin(observation.points, MAX_VISIBLE)),
        skipped=skipped,
    )


def _first_closed(
    shapes: tuple[ShapeHypothesis, ...],
) -> tuple[ShapeHypothesis, VoxelSdf, tuple[Rejection, ...]]:
    """The most trusted shape that is a closed body, and those before it."""
    skipped: list[Rejection] = []
    for shape in shapes:
        try:
            return shape, build_sdf(shape.vertices, shape.faces), tuple(skipped)
        except Dex1bError as error:
            text = f"hypothesis '{shape.name}': {error.message}"
            skipped.append(Rejection(error.error_code, 'generate', 1, text))
    reasons = '; '.join(item.example for item in skipped)
    raise Dex1bError(
        ErrorCode.SHAPE_INVALID, f'none of {len(shapes)} shapes is a closed body: {reasons}'
    )


def _nearby(observation: ObjectObservation) -> Array:
    points = np.asarray(observation.obstacles, dtype=float).reshape(-1, 3)
    centre = observation.box.planning_T_box[:3, 3]
    near = np.linalg.norm(points - centre, axis=1) < OBSTACLE_REACH
    return _thin(points[near], MAX_OBSTACLES)


def _thin(points: Array, count: int) -> Array:
    """Every k-th point, so that at most `count` stay."""
    return points[:: max(1, -(-len(points) // count))]


def _volume_centre(sdf: VoxelSdf) -> torch.Tensor:
    inside = (sdf.values[0, 0] < 0.0).nonzero().flip(-1).float()
    steps = torch.tensor(sdf.values.shape[:1:-1], dtype=torch.float32) - 1.0
    return sdf.lower + (sdf.upper - sdf.lower) * (inside.mean(dim=0) / steps)


def _tensor(values: Array) -> torch.Tensor:
    return torch.as_tensor(np.asarray(values), dtype=torch.float32)
