"""Signed distance to a closed mesh, sampled once on a voxel grid and read by batches in torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d as o3d
import torch
import trimesh
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode

BORDER = 0.03  # [m] free space kept around the mesh
RESOLUTION = 64  # voxels along each side of the box


@dataclass(frozen=True)
class VoxelSdf:
    """Signed distance and its gradient on a grid, interpolated trilinearly.

    Attributes:
        values: (1, 4, D, H, W) distance [m] (negative inside) and gradient (x, y, z); the axes
            D, H, W run along z, y, x, as `grid_sample` wants them.
        lower: (3,) first voxel centre [m].
        upper: (3,) last voxel centre [m].
    """

    values: torch.Tensor
    lower: torch.Tensor
    upper: torch.Tensor

    def query(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Distances and unit outward normals.

        Args:
            points: (..., 3) [m].

        Returns:
            (...) signed distance [m], differentiable, and (..., 3) unit normal of the nearest
            surface. Outside the grid the distance grows with the distance to the grid.
        """
        sampled, beyond = self._sample(points, self.values)
        gradient = sampled[1:].movedim(0, -1)
        length = torch.sqrt((gradient**2).sum(-1, keepdim=True) + 1e-12)
        return sampled[0] + beyond, gradient / length

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        """Signed distance [m] of (..., 3) points, shape (...), differentiable.

        Its derivative is the interpolated gradient, which is smoother and cheaper than the
        derivative of the interpolation; it cannot be differentiated again.
        """
        if points.requires_grad and torch.is_grad_enabled():
            return _Distance.apply(points, self)  # type: ignore[no-untyped-call, no-any-return]
        sampled, beyond = self._sample(points, self.values[:, :1])
        return sampled[0] + beyond

    def _sample(
        self, points: torch.Tensor, grid: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        inside = torch.minimum(torch.maximum(points, self.lower), self.upper)
        normalised = (inside - self.lower) * (2.0 / (self.upper - self.lower)) - 1.0
        sampled = torch.nn.functional.grid_sample(
            grid,
            normalised.reshape(1, 1, 1, -1, 3),
            mode='bilinear',
            padding_mode='border',
            align_corners=True,
        ).reshape(grid.shape[1], *points.shape[:-1])
        beyond = torch.sqrt(((points - inside) ** 2).sum(-1) + 1e-18) - 1e-9
        return sampled, beyond


class _Distance(torch.autograd.Function):
    """Interpolated distance whose derivative is the interpolated gradient."""

    @staticmethod
    def forward(ctx: Any, points: torch.Tensor, sdf: VoxelSdf) -> torch.Tensor:
        sampled, beyond = sdf._sample(points, sdf.values)
        outside = points - torch.minimum(torch.maximum(points, sdf.lower), sdf.upper)
        away = outside / beyond.clamp_min(1e-6)[..., None]
        ctx.save_for_backward(torch.where(outside == 0.0, sampled[1:].movedim(0, -1), 0.0) + away)
        return sampled[0] + beyond

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (slope,) = ctx.saved_tensors
        return gradients[0][..., None] * slope, None


def build_sdf(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], *, resolution: int = RESOLUTION
) -> VoxelSdf:
    """Sample the signed distance of a closed mesh.

    Overlapping closed components count as their union.

    Args:
        vertices: (V, 3) [m].
        faces: (F, 3) vertex indices.
        resolution: Voxels along each side of the box with its border of 3 cm.

    Raises:
        Dex1bError: SHAPE_INVALID when the mesh is empty, not finite, not closed or has no volume.
    """
    components = _closed_components(vertices, faces)
    lower = vertices[faces.ravel()].min(axis=0) - BORDER
    upper = vertices[faces.ravel()].max(axis=0) + BORDER
    axes = [np.linspace(lower[i], upper[i], resolution) for i in range(3)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing='ij')
    points = np.stack([x, y, z], axis=-1).astype(np.float32)
    distance = np.min([_signed_distance(part, points) for part in components], axis=0)
    if not (distance < 0.0).any():
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'shape of {len(faces)} faces encloses no volume; expected a closed solid body',
        )
    spacing = (upper - lower) / (resolution - 1)
    dz, dy, dx = np.gradient(distance, spacing[2], spacing[1], spacing[0])
    values = torch.from_numpy(np.stack([distance, dx, dy, dz])[None].astype(np.float32))
    return VoxelSdf(
        values,
        torch.as_tensor(lower, dtype=torch.float32),
        torch.as_tensor(upper, dtype=torch.float32),
    )


Mesh = tuple[NDArray[np.float64], NDArray[np.int64]]


def _closed_components(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> list[Mesh]:
    if len(vertices) < 4 or len(faces) < 4 or not np.isfinite(vertices).all():
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'shape has {len(vertices)} vertices and {len(faces)} faces; expected a closed mesh '
            'with finite vertices: give the shapes that perception reconstructs',
        )
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise Dex1bError(
            ErrorCode.SHAPE_INVALID,
            f'shape has face indices {faces.min()} to {faces.max()} for {len(vertices)} vertices',
        )
    for mesh in (trimesh.Trimesh(vertices, faces, process=False), trimesh.Trimesh(vertices, faces)):
        if mesh.is_watertight:
            parts = mesh.split(only_watertight=True) if mesh.body_count > 1 else [mesh]
            return [(np.asarray(p.vertices), np.asarray(p.faces)) for p in parts]
        if _edges_join_pairs(mesh):
            return [(np.asarray(mesh.vertices), np.asarray(mesh.faces))]
    raise Dex1bError(
        ErrorCode.SHAPE_INVALID,
        f'shape of {len(faces)} faces is not closed; expected every edge to join two faces: '
        'use its convex decomposition or hull',
    )


def _edges_join_pairs(mesh: Any) -> bool:
    """Whether every edge has an even number of faces: closed, though edges may touch edges."""
    _, counts = np.unique(np.sort(mesh.edges, axis=1), axis=0, return_counts=True)
    return bool((counts % 2 == 0).all())


def _signed_distance(mesh: Mesh, points: NDArray[np.float32]) -> NDArray[np.float32]:
    scene = o3d.t.geometry.RaycastingScene()
    vertices = np.ascontiguousarray(mesh[0], dtype=np.float32)
    faces = np.ascontiguousarray(mesh[1], dtype=np.uint32)
    scene.add_triangles(o3d.core.Tensor.from_numpy(vertices), o3d.core.Tensor.from_numpy(faces))
    queries = o3d.core.Tensor.from_numpy(points)
    distance = scene.compute_signed_distance(queries, nthreads=2, nsamples=3)
    return np.asarray(distance.numpy(), dtype=np.float32)
