"""Noise of the simulated camera beside that of real captures, measured the same way on both.

Real are captures as `dex1b bench perception` reads them. Simulated are boxes on a table, seen from
where each capture was taken, with the noise of `config/cameras`. Measured are blocks of pixels on
planes (noise by depth and by angle, how alike neighbours are, steps of disparity), holes within the
table, and borders between an object and the table beside it in a row of the image.

usage: python -m benchmarks.camera_noise --data DIR [--cameras front_side] [--json R] [--picture P]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import trimesh

from dex1b_core.benchmark.captures import FIRST_OBJECT, INTRINSICS, read_captures
from dex1b_core.benchmark.perception_bench import CAPTURE_SETTINGS
from dex1b_core.geometry import from_rpy
from dex1b_core.perception import CameraIntrinsics
from dex1b_core.simulation.camera import DepthNoise, load_camera
from dex1b_core.simulation.raycast import Body, RaycastScene

TABLE = FIRST_OBJECT - 1
BOXES = 5
BLOCK = 16  # [px] side of what is taken for a plane
DEPTHS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)  # [m] limits of the bins
ANGLES = (20, 35, 50, 60, 70)  # [degrees] between ray and normal
BENT = 0.75  # a quadric may leave so much of a plane's variance, else the block is none
CLEAR = 25  # [px] from objects at which holes are the table's own
INSIDE, BESIDE = 5, 5  # [px] from a border to where the depths of its two sides are read
LONGEST_GAP = 40  # [px] without depth between an object and the table beside it
OFF = 0.01  # farther from both sides is between them [m]
COLOURS = ('black', 'tab:blue', 'tab:orange')  # of the curves
RISES = (0.05, 0.15, 0.25, 0.4)  # [1/m] limits of the bins of disparity across a border


@dataclass
class Sample:
    """What was measured, pooled over images.

    Attributes:
        blocks: Rows of depth [m], angle [rad], noise [m], correlation with the pixel to the right.
        holes: Pixels of table regions, and those without depth.
        borders: Rows of side (-1 table left of the object, 1 right), disparity across [1/m],
            pixels without depth between, pixels with depth within 2 of the border, and those of
            them that lie between the two surfaces.
    """

    blocks: list[tuple[float, ...]] = field(default_factory=list)
    holes: list[tuple[int, int]] = field(default_factory=list)
    borders: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, depth: np.ndarray, labels: np.ndarray, camera: CameraIntrinsics) -> None:
        """Measure one image.

        Args:
            depth: (H, W) [m], NaN where not measured.
            labels: (H, W) 0 none, 1 table, 2.. objects.
            camera: That took it.
        """
        self.blocks += plane_blocks(depth, labels, camera)
        self.holes.append(table_holes(depth, labels))
        self.borders += borders(depth, labels)


def plane_blocks(
    depth: np.ndarray, labels: np.ndarray, camera: CameraIntrinsics
) -> Iterable[tuple[float, ...]]:
    """A plane is linear in inverse depth over the image: noise is what a linear fit leaves."""
    height, width = depth.shape
    v, u = (np.mgrid[:BLOCK, :BLOCK] - (BLOCK - 1) / 2) / BLOCK
    flat = np.stack([np.ones_like(u), u, v], -1).reshape(-1, 3)
    bent = np.concatenate([flat, np.stack([u * u, u * v, v * v], -1).reshape(-1, 3)], axis=1)
    for top in range(0, height - BLOCK + 1, BLOCK):
        for left in range(0, width - BLOCK + 1, BLOCK):
            window = np.s_[top : top + BLOCK, left : left + BLOCK]
            z, label = depth[window], labels[window]
            if label[0, 0] == 0 or (label != label[0, 0]).any() or np.isnan(z).any():
                continue
            disparity = 1 / z.astype(float).ravel()
            linear, *_ = np.linalg.lstsq(flat, disparity, rcond=None)
            rest = disparity - flat @ linear
            curved = disparity - bent @ np.linalg.lstsq(bent, disparity, rcond=None)[0]
            if curved.var() < BENT * rest.var():
                continue
            image = rest.reshape(BLOCK, BLOCK)
            alike = np.corrcoef(image[:, :-1].ravel(), image[:, 1:].ravel())[0, 1]
            depth_m = float(1 / linear[0])
            angle = _angle(linear, (left + BLOCK / 2, top + BLOCK / 2), camera)
            yield depth_m, angle, float(rest.std()) * depth_m**2, float(alike)


def _angle(linear: np.ndarray, middle: tuple[float, float], camera: CameraIntrinsics) -> float:
    """Between the ray through the middle of a block and the normal of its plane [rad]."""
    u0, v0 = middle
    a, b = linear[1] / BLOCK, linear[2] / BLOCK
    # 1/z = a u + b v + c with u = fx x/z + cx gives the plane n . p = 1
    c = linear[0] - a * u0 - b * v0
    normal = np.array([a * camera.fx, b * camera.fy, a * camera.cx + b * camera.cy + c])
    ray = np.array([(u0 - camera.cx) / camera.fx, (v0 - camera.cy) / camera.fy, 1])
    cosine = normal @ ray / np.linalg.norm(normal) / np.linalg.norm(ray)
    return float(np.arccos(np.clip(abs(cosine), 0, 1)))


def table_holes(depth: np.ndarray, labels: np.ndarray) -> tuple[int, int]:
    """Pixels well inside the table and clear of objects, and how many of them have no depth."""
    table = cv2.morphologyEx((labels == TABLE).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9)))
    table = cv2.erode(table, np.ones((15, 15)), borderValue=0)
    objects = cv2.dilate((labels >= FIRST_OBJECT).astype(np.uint8), np.ones((2 * CLEAR + 1,) * 2))
    region = (table > 0) & (objects == 0)
    return int(region.sum()), int((region & np.isnan(depth)).sum())


def borders(depth: np.ndarray, labels: np.ndarray) -> Iterable[tuple[float, ...]]:
    """Where a row goes from an object to the table behind it, or back."""
    for side in (-1, 1):
        z, label = depth[:, ::side], labels[:, ::side]
        for row in range(0, len(z), 2):
            known = np.flatnonzero(label[row] > 0)
            follows = (label[row, known[:-1]] >= FIRST_OBJECT) & (label[row, known[1:]] == TABLE)
            for at in np.flatnonzero(follows):
                found = _border(z[row], label[row], known[at], known[at + 1])
                if found is not None:
                    yield (float(side), *found)


def _border(z: np.ndarray, label: np.ndarray, end: int, begin: int) -> tuple[float, ...] | None:
    inner, outer = end - INSIDE, begin + BESIDE
    if begin - end - 1 > LONGEST_GAP or inner < 0 or outer >= len(z):
        return None
    near, far = z[inner], z[outer]
    if label[inner] != label[end] or label[outer] != TABLE or not far > near:
        return None
    rise = 1 / near - 1 / far
    if rise < RISES[0]:
        return None
    between = seen = 0
    for at in (end - 1, end, begin, begin + 1):
        front, back = _extended(z, inner, -INSIDE, at), _extended(z, outer, BESIDE, at)
        if np.isfinite(z[at] + front + back):
            seen += 1
            between += bool(front + OFF < z[at] < back - OFF)
    return float(rise), float(begin - end - 1), seen, between


def _extended(z: np.ndarray, start: int, step: int, at: int) -> float:
    """Depth at a pixel of the plane through `start` and the pixel a step before it [m]."""
    before = start + step
    if not 0 <= before < len(z):
        return np.nan
    slope = (1 / z[start] - 1 / z[before]) / -step
    return float(1 / (1 / z[start] + slope * (at - start)))


def summary(sample: Sample) -> dict[str, Any]:
    """Medians and shares by bins."""
    blocks, edges = np.array(sample.blocks), np.array(sample.borders)
    region, lost = np.sum(sample.holes, axis=0)
    depth, angle, noise, alike = blocks.T
    level = noise / depth**2
    return {
        'blocks': len(blocks),
        'noise_mm_by_depth': _by(depth, 1e3 * noise, DEPTHS),
        'noise_per_m_by_angle': _by(np.degrees(angle), level, ANGLES),
        'neighbours_alike': float(np.nanmedian(alike)),
        'hole_share': float(lost / region),
        'borders': len(edges),
        'gap_px': {
            name: _by(edges[edges[:, 0] == side, 1], edges[edges[:, 0] == side, 2], RISES)
            for name, side in (('left', -1), ('right', 1))
        },
        'flying_share': float(edges[:, 4].sum() / edges[:, 3].sum()),
    }


def _by(key: np.ndarray, value: np.ndarray, limits: tuple[float, ...]) -> dict[str, float]:
    """Median of values by bins of a key; bins with fewer than 20 are left out."""
    found = {}
    for low, high in pairwise(limits):
        inside = (key >= low) & (key < high)
        if inside.sum() >= 20:
            found[f'{low:g}-{high:g}'] = float(np.median(value[inside]))
    return found


def measure_real(data: Path) -> tuple[Sample, list[np.ndarray]]:
    """Of a folder of captures, and where each was taken from."""
    sample, poses = Sample(), []
    for capture in read_captures(data, CAPTURE_SETTINGS):
        sample.add(capture.frame.depth_m, capture.truth, INTRINSICS)
        poses.append(capture.frame.planning_T_camera)
    return sample, poses


def measure_simulated(noise: DepthNoise, poses: Iterable[np.ndarray], *, seed: int) -> Sample:
    """Of boxes on a table, seen from these poses."""
    random = np.random.default_rng(seed)
    sample = Sample()
    for index, pose in enumerate(poses):
        scene = RaycastScene([_board(), *(_box(i, random) for i in range(BOXES))])
        rendering = scene.render(INTRINSICS, pose, colour=False)
        depth = noise.apply(rendering.depth, rendering.incidence, seed=seed + index)
        labels = np.where(np.isfinite(depth), rendering.ids + TABLE, 0)
        sample.add(depth, labels, INTRINSICS)
    return sample


def _board() -> Body:
    corners = np.array([[-1.2, -1.2, 0], [1.2, -1.2, 0], [1.2, 1.2, 0], [-1.2, 1.2, 0]])
    return Body('table', corners, np.array([[0, 1, 2], [0, 2, 3]]))


def _box(number: int, random: np.random.Generator) -> Body:
    size = random.uniform([0.05, 0.05, 0.04], [0.16, 0.16, 0.22])
    place = np.append(random.uniform(-0.3, 0.3, 2), size[2] / 2)
    mesh = trimesh.creation.box(size, from_rpy(place, [0, 0, random.uniform(0, np.pi)]))
    return Body(f'box{number}', np.asarray(mesh.vertices), np.asarray(mesh.faces))


def draw(path: Path, found: dict[str, Sample]) -> None:
    """Noise by depth and by angle, and shadows by step, of all samples."""
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout='constrained')
    for colour, (name, sample) in zip(
        ('black', 'tab:blue', 'tab:orange'), found.items(), strict=False
    ):
        depth, angle, noise, _ = np.array(sample.blocks).T
        edges = np.array(sample.borders)
        style = {'label': name, 'marker': 'o', 'markersize': 4, 'color': colour}
        axes[0].plot(*_curve(depth, 1e3 * noise, np.arange(0.6, 1.5, 0.1)), **style)
        level = 1e3 * noise / depth**2
        axes[1].plot(*_curve(np.degrees(angle), level, np.arange(20, 75, 5)), **style)
        for side, words in ((-1, 'left'), (1, 'right')):
            chosen = edges[edges[:, 0] == side]
            curve = _curve(chosen[:, 1], chosen[:, 2], np.arange(0.05, 0.55, 0.05))
            marker = {'marker': '<' if side < 0 else '>', 'linestyle': '-' if side < 0 else ':'}
            axes[2].plot(*curve, **style | marker | {'label': f'{name}, {words} of the object'})
    labels = (
        ('depth [m]', 'noise [mm]'),
        ('angle of incidence [degrees]', 'noise / depth² [mm/m²]'),
        ('step of inverse depth [1/m]', 'pixels without depth'),
    )
    for axis, (x, y) in zip(axes, labels, strict=True):
        axis.set(xlabel=x, ylabel=y, ylim=(0, None))
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)


def _curve(
    key: np.ndarray, value: np.ndarray, limits: np.ndarray
) -> tuple[list[float], list[float]]:
    """Middles of bins that hold 20 values or more, and the mean there."""
    points = [
        (float(low + high) / 2, float(value[inside].mean()))
        for low, high in pairwise(limits)
        if (inside := (key >= low) & (key < high)).sum() >= 20
    ]
    return [x for x, _ in points], [y for _, y in points]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--cameras', default='front_side', help='comma-separated')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--json', type=Path)
    parser.add_argument('--picture', type=Path)
    args = parser.parse_args()
    real, poses = measure_real(args.data)
    found = {'real': real}
    for name in args.cameras.split(','):
        found[name] = measure_simulated(load_camera(name).noise, poses, seed=args.seed)
    report = {name: summary(sample) for name, sample in found.items()} | {'seed': args.seed}
    print(json.dumps(report, indent=2))
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + '\n')
    if args.picture:
        draw(args.picture, found)


if __name__ == '__main__':
    main()
