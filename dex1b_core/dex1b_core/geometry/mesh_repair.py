"""Closed bodies from meshes that are not quite, with a report of what was mended."""

from __future__ import annotations

from dataclasses import dataclass

from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.solids import Solid, union


@dataclass(frozen=True)
class Repaired:
    """A closed body and what was done to close it.

    Attributes:
        solid: Closed, wound outwards.
        repairs: One sentence each, empty when nothing was needed.
    """

    solid: Solid
    repairs: tuple[str, ...]


def repair(mesh: Solid) -> Repaired:
    """Close a mesh."""
    import trimesh

    merged = trimesh.Trimesh(mesh.vertices, mesh.faces)
    solid = Solid(merged.vertices, merged.faces)
    try:
        return Repaired(union([solid]), ())
    except Dex1bError:
        merged.update_faces(merged.nondegenerate_faces())
        trimesh.repair.fix_normals(merged)
        return Repaired(Solid(merged.vertices, merged.faces), ('not closed',))
