"""An object as seeds need it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import trimesh

from dex1b_core.geometry.object_model import ObjectModel
from dex1b_core.geometry.sdf import VoxelSdf, build_sdf
from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.geometry.solids import Array, Faces
from dex1b_core.robots.link_geometry import corners_and_more
from dex1b_core.synthesis.objective import SceneBatch

HULL_POINTS = 1024
SURFACE_POINTS = 256
SAMPLES = 2048  # among which they are chosen


@dataclass(frozen=True)
class SeedObject:
    """An object to make seeds for, in its own frame.

    Attributes:
        name: Short.
        sdf: Signed distance to it.
        hull_points: (P, 3) on its convex hull [m].
        hull_normals: (P, 3) outward there.
        surface_points: (N, 3) on its surface, the outermost corners first [m].
        plane: (4,) support plane below it, unit normal and offset; None when it floats.
    """

    name: str
    sdf: VoxelSdf
    hull_points: torch.Tensor
    hull_normals: torch.Tensor
    surface_points: torch.Tensor
    plane: torch.Tensor | None = None

    @classmethod
    def of_model(cls, model: ObjectModel, *, on_table: bool = False) -> SeedObject:
        """Prepare an object; `on_table` rests it on the plane below its lowest point (along z)."""
        plane = torch.tensor([0.0, 0.0, 1.0, -float(model.vertices[:, 2].min())])
        return cls.of_mesh(model.name, model.vertices, model.faces, plane if on_table else None)

    @classmethod
    def of_mesh(
        cls, name: str, vertices: Array, faces: Faces, plane: torch.Tensor | None = None
    ) -> SeedObject:
        """Prepare a closed mesh, (V, 3) [m] and (F, 3), and a plane (4,) on which it rests."""
        hull = trimesh.convex.convex_hull(vertices)
        points, triangles = trimesh.sample.sample_surface(hull, HULL_POINTS, seed=0)
        surface = trimesh.Trimesh(vertices, faces, process=False)
        sampled, _ = trimesh.sample.sample_surface(surface, SAMPLES, seed=1)
        chosen = corners_and_more(hull, np.asarray(sampled), SURFACE_POINTS)
        return cls(
            name,
            build_sdf(vertices, faces),
            torch.as_tensor(np.asarray(points), dtype=torch.float32),
            torch.as_tensor(np.asarray(hull.face_normals[triangles]), dtype=torch.float32),
            torch.as_tensor(chosen, dtype=torch.float32),
            plane,
        )

    def scene(
        self, count: int, region: tuple[torch.Tensor, torch.Tensor] | None = None
    ) -> SceneBatch:
        """The object for each of a number of grasps, and the box that contacts should lie in."""
        return SceneBatch(
            SdfBatch.build([self.sdf], torch.zeros(count, dtype=torch.int64)),
            torch.zeros(3, count),
            None if self.plane is None else self.plane[:, None].expand(4, count),
            region=region,
        )
