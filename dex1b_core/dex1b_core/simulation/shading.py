"""Light, smooth normals and the wooden pattern of tables, for ray-cast pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

_SMOOTH_COSINE = np.float32(np.cos(np.deg2rad(40.0)))
_PLANK_WIDTH = 0.12  # [m]


@dataclass(frozen=True)
class Lighting:
    """A key light with shadows, a sky and a camera-side fill light.

    Attributes:
        key: Direction towards the key light, world frame, any length.
        key_strength: Of the key light.
        sky: Light from straight above.
        ground: Light from straight below.
        fill: Light from the camera.
        shadows: Whether the key light casts shadows (one more ray a pixel).
        sky_colours: RGB of the background below and above the horizon.
    """

    key: tuple[float, float, float] = (0.35, -0.55, 0.9)
    key_strength: float = 0.55
    sky: float = 0.40
    ground: float = 0.18
    fill: float = 0.16
    shadows: bool = True
    sky_colours: tuple[tuple[float, float, float], tuple[float, float, float]] = (
        (0.78, 0.80, 0.83),
        (0.93, 0.94, 0.96),
    )

    @property
    def key_direction(self) -> Image:
        """(3,) unit, towards the key light."""
        direction = np.asarray(self.key, dtype=np.float32)
        unit: Image = direction / np.linalg.norm(direction)
        return unit

    def background(self, directions: Image) -> Image:
        """(H, W, 3) colours where unit rays meet nothing."""
        low, high = np.asarray(self.sky_colours, dtype=np.float32)
        height = np.clip(directions[..., 2:] * 1.5 + 0.5, 0, 1)
        colours: Image = low + (high - low) * height
        return colours

    def shade(self, albedo: Image, normals: Image, directions: Image, lit: Image) -> Image:
        """(N, 3) RGB of points with unit normals, seen along unit directions."""
        key_direction = self.key_direction
        key = np.maximum(normals @ key_direction, 0) * lit
        seen_from = -np.einsum('ij,ij->i', normals, directions)
        half = normals @ key_direction + seen_from
        half /= np.sqrt(np.maximum(2.0 - 2.0 * (directions @ key_direction), 1e-6))
        gloss = np.float32(0.06) * np.maximum(half, 0) ** 32 * lit
        light = self.key_strength * key + self.fill * np.maximum(seen_from, 0)
        light += (self.sky + self.ground) / 2 + (self.sky - self.ground) / 2 * normals[:, 2]
        colour: Image = albedo * light[:, None] + gloss[:, None]
        return colour


def planks(points: Image) -> Image:
    """(N, 1) factor that draws wooden planks along world y over (N, 3) points."""
    across = points[:, 0] / _PLANK_WIDTH
    plank = np.floor(across)
    tone = 1.0 + 0.05 * np.sin(plank * 12.9898)
    wave = points[:, 1] * 3.0 + plank * 1.7
    grain = 0.018 * np.sin(across * 31.0 + 2.5 * np.sin(wave)) * np.sin(across * 7.0 + wave)
    seam = np.where(np.minimum(across - plank, plank + 1 - across) < 0.012, 0.82, 1.0)
    factor: Image = ((tone + grain) * seam).astype(np.float32)[:, None]
    return factor


def corner_normals(vertices: NDArray[Any], faces: NDArray[Any], *, smooth: bool = True) -> Image:
    """(F, 3, 3) unit normals at each face's corners.

    Args:
        vertices: (V, 3).
        faces: (F, 3) vertex indices.
        smooth: Average over neighbours that meet at less than 40 degrees.
    """
    triangles = np.asarray(vertices, dtype=np.float32)[faces]
    areas = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    unit = areas / np.maximum(np.linalg.norm(areas, axis=1, keepdims=True), 1e-20)
    if not smooth:
        return np.repeat(unit[:, None], 3, axis=1)
    _, welded = np.unique(np.round(vertices, 6), axis=0, return_inverse=True)
    corner_vertex = welded.ravel()[faces].ravel()
    corner_face = np.repeat(np.arange(len(faces)), 3)
    order = np.argsort(corner_vertex, kind='stable')
    counts = np.bincount(corner_vertex)
    # every pair of corners at the same vertex
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    sizes = np.repeat(counts, counts)
    first = np.repeat(order, sizes)
    offsets = np.arange(len(first)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    second = order[np.repeat(starts, sizes) + offsets]
    near = (unit[corner_face[first]] * unit[corner_face[second]]).sum(axis=1) > _SMOOTH_COSINE
    total: Any = np.stack(
        [
            np.bincount(first[near], areas[corner_face[second[near]], axis], len(corner_face))
            for axis in range(3)
        ],
        axis=1,
    )
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)
    corners: Image = total.reshape(-1, 3, 3).astype(np.float32)
    return corners
