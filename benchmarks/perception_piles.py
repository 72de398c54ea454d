"""Segmentation of random piles: boxes and cylinders that stand apart, touch, or are stacked.

Drawn as a structured-light camera 1 m away would see them, with the noise of the simulated robot's
camera. Scored as `dex1b bench perception` scores captures; also, how well confidence tells objects
that were found from others.

usage: python benchmarks/perception_piles.py [--count 60] [--first 0]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from dex1b_core.benchmark.perception_bench import CAPTURE_SETTINGS
from dex1b_core.benchmark.segmentation_metrics import score_segmentation, summarise
from dex1b_core.geometry import look_at
from dex1b_core.perception import CameraIntrinsics, DepthFrame, Segmentation, segment
from dex1b_core.perception.visibility import measure_visibility
from dex1b_core.simulation.camera import load_camera

CAMERA = CameraIntrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)
TRIES = 60  # to place one body
CONFIDENCES = (0.0, 0.6, 0.8, 0.95, 1.01)  # limits of the bins
LEAST_PIXELS = 300  # of an object that counts


@dataclass(frozen=True)
class Body:
    """A box, or an upright cylinder with half = (radius, radius, half height)."""

    round: bool
    centre: np.ndarray
    half: np.ndarray
    yaw: float

    @property
    def base(self) -> float:
        return float(self.centre[2] - self.half[2])

    @property
    def top(self) -> float:
        return float(self.centre[2] + self.half[2])

    @property
    def rotation(self) -> np.ndarray:
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])

    def outline(self) -> np.ndarray:
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        square = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
        local = (circle if self.round else square) * self.half[:2]
        return (self.centre[:2] + local @ self.rotation[:2, :2].T).astype(np.float32)

    def overlaps(self, other: Body) -> bool:
        if self.base >= other.top - 1e-6 or other.base >= self.top - 1e-6:
            return False
        return cv2.intersectConvexConvex(self.outline(), other.outline())[0] > 1e-7

    def depth(self, eye: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """Along the optical axis, inf where missed."""
        o, d = (eye - self.centre) @ self.rotation, rays @ self.rotation
        with np.errstate(all='ignore'):
            if not self.round:
                a, b = (-self.half - o) / d, (self.half - o) / d
                enter, leave = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
                return np.where((enter < leave) & (enter > 0), enter, np.inf)
            a, b = (d[..., :2] ** 2).sum(axis=-1), 2 * d[..., :2] @ o[:2]
            root = b**2 - 4 * a * (o[:2] @ o[:2] - self.half[0] ** 2)
            side = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / (2 * a), np.inf)
            side[~(np.abs(o[2] + side * d[..., 2]) < self.half[2])] = np.inf
            top = (self.half[2] - o[2]) / d[..., 2]
            reach = np.linalg.norm(o[:2] + top[..., None] * d[..., :2], axis=-1)
            return np.minimum(side, np.where((reach < self.half[0]) & (top > 0), top, np.inf))


def propose(random: np.random.Generator, bodies: list[Body]) -> Body:
    """A body somewhere: free, near another, on top of one, or face to face with a box."""
    is_round = bool(random.random() < 1 / 3)
    half = random.permutation(random.uniform([0.02, 0.03, 0.05], [0.06, 0.09, 0.13]))
    if is_round:
        radius = random.uniform(0.03, 0.07)
        half = np.array([radius, radius, random.uniform(0.03, 0.12)])
    yaw, base = random.uniform(0, np.pi), 0.0
    how = random.choice(['free', 'near', 'stack', 'face']) if bodies else 'free'
    other = bodies[random.integers(len(bodies))] if bodies else None
    if other is None or how == 'free':
        place = random.uniform([-0.25, -0.3], [0.25, 0.3])
    elif how == 'stack':
        base, place = other.top, other.centre[:2] + random.normal(0, 0.03, 2)
    elif how == 'face' and not is_round and not other.round:
        yaw, axis = other.yaw, random.integers(2)
        shift = random.uniform(-0.03, 0.03, 2)
        shift[axis] = (other.half[axis] + half[axis] + 0.001) * random.choice([-1, 1])
        place, base = other.centre[:2] + other.rotation[:2, :2] @ shift, other.base
    else:
        angle = random.uniform(0, 2 * np.pi)
        away = random.uniform(0.1, 0.3) * np.array([np.cos(angle), np.sin(angle)])
        place = other.centre[:2] + away
    return Body(is_round, np.array([*place, base + half[2]]), half, yaw)


def pile(seed: int) -> tuple[DepthFrame, np.ndarray]:
    """Depth image and labels, 0 = none, 1.. objects."""
    random = np.random.default_rng(seed)
    bodies: list[Body] = []
    for _ in range(random.integers(2, 8)):
        for _ in range(TRIES):
            body = propose(random, bodies)
            inside = np.abs(body.centre[:2]).max() < 0.4
            hangs = body.base > 0 and not any(abs(body.base - b.top) < 1e-6 for b in bodies)
            if inside and not hangs and not any(body.overlaps(other) for other in bodies):
                bodies.append(body)
                break
    eye = np.array([-0.85, random.uniform(-0.15, 0.15), random.uniform(0.6, 0.85)])
    pose = look_at(eye, [0, 0, 0.05])
    rays = CAMERA.deproject(np.ones((480, 640))).astype(float) @ pose[:3, :3].T
    depths = np.stack([body.depth(eye, rays) for body in bodies])
    depth = np.where(rays[..., 2] < 0, -eye[2] / np.minimum(rays[..., 2], -1e-9), np.inf)
    depth[(np.abs(eye[:2] + depth[..., None] * rays[..., :2]) > [0.5, 0.6]).any(axis=-1)] = np.inf
    nearest = depths.argmin(axis=0)
    labels = np.where(depths.min(axis=0) < depth, nearest + 1, 0)
    depth = np.minimum(depth, depths.min(axis=0))
    depth = np.where(np.isfinite(depth), depth, np.nan).astype(np.float32)
    noise = load_camera('front_side').noise
    seen = noise.apply(depth, np.ones_like(depth), seed=int(random.integers(2**31)))
    labels[np.isnan(seen)] = 0
    small = np.bincount(labels.ravel()) < LEAST_PIXELS
    return DepthFrame(seen, CAMERA, pose), np.where(small[labels], 0, labels)


def trust(found: Segmentation, truth: np.ndarray) -> list[tuple[float, float]]:
    """Confidence of each object found, and its best IoU with a true one."""
    labels, cloud = found.labels[0], found.clouds[0]
    rows = []
    for label, seen in enumerate(
        measure_visibility([labels], [cloud.frame.depth_m], [cloud.robot]), start=1
    ):
        mask = labels == label
        common = [mask & (truth == name) for name in np.unique(truth[mask]) if name > 0]
        ious = [both.sum() / (mask | (truth == truth[both][0])).sum() for both in common]
        rows.append((seen.confidence, max(ious, default=0.0)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--count', type=int, default=60)
    parser.add_argument('--first', type=int, default=0, help='seed of the first pile')
    args = parser.parse_args()
    scores, times, trusted = [], [], []
    for seed in range(args.first, args.first + args.count):
        frame, truth = pile(seed)
        started = time.process_time()
        found = segment([frame], settings=CAPTURE_SETTINGS)
        times.append((time.process_time() - started) * 1e3)
        scores.append(score_segmentation(found.labels[0], truth))
        trusted += trust(found, truth)
        score = scores[-1]
        print(f'{seed:5} F {score.f_score:.3f}  {score.found}/{len(score.ious)} objects')
    print('  '.join(f'{name} {value:.3f}' for name, value in summarise(scores).items()))
    confidence, iou = np.array(trusted).T
    for low, high in pairwise(CONFIDENCES):
        within = (confidence >= low) & (confidence < high)
        print(
            f'confidence {low:.2f} to {high:.2f}: {within.sum()} objects, mean IoU '
            f'{iou[within].mean():.3f}, {(iou[within] > 0.75).mean():.1%} over 0.75'
        )
    print(f'ms p50 {np.median(times):.1f}  p99 {np.percentile(times, 99):.1f}')


if __name__ == '__main__':
    main()
