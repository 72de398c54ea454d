"""Segmentation step by step, as one picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.perception import DepthFrame, PerceptionSettings, segment
from dex1b_core.perception.instances import grid_surface, join_patches
from dex1b_core.perception.patches import find_contacts, label_patches
from dex1b_core.perception.surface import heights_above
from dex1b_core.viz.canvas import Headline, Image, Tile, sheet

_WIDTH = 300  # of a tile [px]
_SHADES = np.array(
    [
        [236, 238, 241], [31, 120, 181], [240, 130, 30], [41, 158, 89], [200, 60, 60],
        [145, 100, 190], [140, 90, 75], [225, 120, 190], [190, 185, 40], [40, 185, 205],
    ],
    np.uint8,
)  # fmt: skip


def draw_stages(
    path: Path, frame: DepthFrame, settings: PerceptionSettings, *, title: str = 'Segmentation'
) -> None:
    """Draw depth, crop, plane, normals, faces, objects by contact, and the label image.

    Raises:
        Dex1bError: As `segment`.
    """
    found = segment([frame], settings=settings)
    cloud, labels = found.clouds[0], found.labels[0]
    window, _, surface = grid_surface(cloud.frame, cloud.points, cloud.above)
    gap, concave = settings.edge_gap, settings.concave_angle
    faces = label_patches(surface, gap=gap, concave=concave)
    groups = join_patches(faces, find_contacts(faces, surface, gap=gap, concave=concave))
    height = heights_above(cloud.points, found.plane)
    kept = np.where(cloud.usable, np.clip(height / 0.2, 0, 1), np.nan)
    removed = int(np.isfinite(frame.depth_m).sum() - np.isfinite(cloud.frame.depth_m).sum())
    share = surface.mask.shape
    stages = [
        (depth_picture(frame.depth_m), '1 depth', 'near is warm, not measured is black'),
        (depth_picture(cloud.frame.depth_m), '2 cleaned', f'{removed} flying pixels removed'),
        (_ramp(kept), '3 crop and plane', 'height above the support plane'),
        (_normals(surface.normals), '4 normals', f'on a grid of {share[1]}x{share[0]}'),
        (label_picture(faces), '5 faces', f'{int(faces.max())}, cut at creases and jumps'),
        (label_picture(groups), '6 joined', 'where they do not bend in'),
        (label_picture(labels[window]), '7 objects', f'{int(labels.max())}, at full resolution'),
    ]
    tiles = [
        Tile(_fit(picture if number < 3 else _as_seen(picture, window)), words, detail)
        for number, (picture, words, detail) in enumerate(stages)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet(Headline(title), tiles, columns=4).save(path)


def depth_picture(depth_m: NDArray[np.float32]) -> Image:
    """Depth (H, W) as (H, W, 3): near is warm, not measured is black."""
    near, far = np.nanpercentile(depth_m, [1, 99])
    return _ramp((far - depth_m) / max(far - near, 1e-6))


def label_picture(labels: NDArray[np.integer]) -> Image:
    """Labels (H, W) as colours (H, W, 3), background light."""
    shade = np.where(labels > 0, (labels - 1) % (len(_SHADES) - 1) + 1, 0)
    return np.asarray(_SHADES[shade])


def _ramp(level: NDArray[np.floating]) -> Image:
    grey = np.nan_to_num(np.clip(level, 0, 1) * 255).astype(np.uint8)
    picture = cv2.applyColorMap(grey, cv2.COLORMAP_TURBO)[..., ::-1].copy()
    picture[np.isnan(level)] = 0
    return np.asarray(picture)


def _normals(normals: NDArray[np.float32]) -> Image:
    return np.asarray(np.nan_to_num((normals + 1) * 127.5, nan=236).astype(np.uint8))


def _as_seen(picture: Image, window: tuple[slice, slice]) -> Image:
    """A picture of a part of the image, on light ground of the proportions of 4 to 3."""
    rows, columns = (part.stop - part.start for part in window)
    picture = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_NEAREST)
    height = max(rows, -(-columns * 3 // 4))
    width = max(columns, -(-height * 4 // 3))
    down, right = height - rows, width - columns
    border = (down // 2, down - down // 2, right // 2, right - right // 2)
    return np.asarray(
        cv2.copyMakeBorder(picture, *border, cv2.BORDER_CONSTANT, value=_SHADES[0].tolist())
    )


def _fit(picture: Image) -> Image:
    size = (_WIDTH, _WIDTH * 3 // 4)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
