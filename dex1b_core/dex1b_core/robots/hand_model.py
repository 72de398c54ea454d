"""What grasp synthesis knows about a hand: kinematics, spheres, surface, contact candidates."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.assets import cache_folder
from dex1b_core.geometry.device import moved
from dex1b_core.robots.contact_points import contact_points
from dex1b_core.robots.hand_description import HandDescription
from dex1b_core.robots.hand_parts import HandParts, joined_parts, part_arrays
from dex1b_core.robots.kinematics import HandKinematics
from dex1b_core.robots.link_geometry import (
    collision_hulls,
    farthest_points,
    mesh_sizes,
    sample_union,
    union_surface,
)
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.robots.self_collision import part_depths, self_collision_pairs
from dex1b_core.robots.spheres import SphereCoverage, coverage, fit_spheres

Array = NDArray[np.float64]
CACHE_VERSION = 13

SURFACE_POINTS_PER_LINK = 60
PAD_POINTS = 160  # on each link that is meant to touch
FRONT_COSINE = -0.2  # they face its contact candidates within acos of this
CLOSING_COSINE = 0.3  # a joint closes when it brings the tip towards the palm's front


@dataclass(frozen=True)
class HandPoints:
    """Points fixed to links.

    Attributes:
        links: (N,) index into `HandKinematics.link_names`.
        positions: (N, 3) [m], in the link's frame.
        normals: (N, 3) outward unit normals in the link's frame; zero for sphere centres.
        radii: (N,) [m]; zero for surface points.
    """

    links: torch.Tensor
    positions: torch.Tensor
    normals: torch.Tensor
    radii: torch.Tensor

    def place(self, target_T_links: torch.Tensor) -> torch.Tensor:
        """(B, N, 3) positions in a target frame from (B, L, 4, 4) link poses in it."""
        return self._per_link(
            lambda link, rows: torch.baddbmm(
                target_T_links[:, None, link, :3, 3],
                self.positions[rows].expand(len(target_T_links), -1, -1),
                target_T_links[:, link, :3, :3].transpose(1, 2),
            )
        )

    def place_normals(self, target_T_links: torch.Tensor) -> torch.Tensor:
        """(B, N, 3) normals in a target frame from (B, L, 4, 4) link poses in it."""
        return self._per_link(
            lambda link, rows: self.normals[rows] @ target_T_links[:, link, :3, :3].transpose(1, 2)
        )

    def _per_link(self, transform: Callable[[int, slice], torch.Tensor]) -> torch.Tensor:
        return torch.cat([transform(link, rows) for link, rows in self._runs], dim=1)

    @cached_property
    def _runs(self) -> list[tuple[int, slice]]:
        """Stretches of consecutive points of one link."""
        links, counts = torch.unique_consecutive(self.links, return_counts=True)
        ends = counts.cumsum(0).tolist()
        starts = [0, *ends[:-1]]
        return [
            (link, slice(start, end))
            for link, start, end in zip(links.tolist(), starts, ends, strict=True)
        ]

    def to(self, device: torch.device | str) -> HandPoints:
        """The same on another device."""
        return moved(self, device)

    def select(self, keep: torch.Tensor) -> HandPoints:
        """The points with these indices, or where a mask is true."""
        return HandPoints(
            self.links[keep], self.positions[keep], self.normals[keep], self.radii[keep]
        )


class HandModel:
    """A hand ready for synthesis.

    Attributes:
        hand: Its description.
        kinematics: Batched differentiable kinematics.
        spheres: Fill every link with collision geometry, the most useful of each link first.
        surface: Points on every link.
        pads: Denser points on the front of links that are meant to touch, well spread from the
            first on.
        contacts: Candidates on fingertips and distal pads, facing the closing motion.
        contact_fingers: (K,) finger index of each contact candidate.
        parts: Convex parts of all links, as simulators collide them.
        self_collision_pairs: (Q, 2) indices of parts that may meet, pruned.
        closing: (J,) +1, -1 or 0: the direction in which a driven joint closes its finger.
        finger_names: The thumb first.
        open_posture: (J,) posture before contact [rad].
        ready_posture: (J,) half-closed posture with opposed thumb [rad].
        link_fingers: (L,) finger index of each link, -1 for the palm and what carries it.
        joint_fingers: (J,) finger index of each driven joint, -1 where none owns it.
        tip_links: (F,) link index of each fingertip frame.
    """

    def __init__(self, hand: HandDescription) -> None:
        self.hand = hand
        self.kinematics = HandKinematics(hand)
        self.finger_names = tuple(hand.fingers)
        fingers = tuple(hand.fingers.values())
        names = self.kinematics.link_names
        self.open_posture = torch.tensor(hand.open, dtype=torch.float32)
        self.ready_posture = torch.tensor(hand.ready or hand.open, dtype=torch.float32)
        owners = {link: index for index, f in enumerate(fingers) for link in (*f.links, f.tip)} | {
            joint: index for index, f in enumerate(fingers) for joint in f.joints
        }
        self.link_fingers = torch.tensor([owners.get(name, -1) for name in names])
        self.joint_fingers = torch.tensor([owners.get(name, -1) for name in hand.joints])
        self.tip_links = torch.tensor([names.index(finger.tip) for finger in fingers])
        self.closing = _closing_signs(hand, self.kinematics)
        arrays = _cached_arrays(hand, self.kinematics, self.closing)
        self.spheres = _points(arrays, 'spheres')
        self.surface = _points(arrays, 'surface')
        self.pads = _points(arrays, 'pads')
        self.contacts = _points(arrays, 'contacts')
        self.contact_fingers = torch.as_tensor(arrays['contact_fingers'])
        self.parts = _parts(arrays)
        self.self_collision_pairs = torch.as_tensor(arrays['self_collision_pairs'])
        self._coverage = tuple(
            SphereCoverage(str(link), int(row[0]), *map(float, row[1:]))
            for link, row in zip(arrays['coverage_links'], arrays['coverage'], strict=True)
        )

    def to(self, device: torch.device | str) -> HandModel:
        """The same hand with all tensors on another device."""
        return moved(self, device)

    def sphere_report(self) -> tuple[SphereCoverage, ...]:
        """How well the spheres stand for each link with collision geometry."""
        return self._coverage

    @property
    def self_collision_links(self) -> torch.Tensor:
        """(Q, 2) pairs of links to which `self_collision_pairs` belong, the smaller first."""
        links = self.parts.links[self.self_collision_pairs].sort(dim=1).values
        unique: torch.Tensor = torch.unique(links, dim=0)
        return unique

    def self_collision_depth(self, posture: torch.Tensor) -> torch.Tensor:
        """(B,) depth of the deepest overlap of parts at (B, J) postures [m]; 0 if none."""
        if not len(self.self_collision_pairs):
            return torch.zeros(len(posture), device=posture.device)
        depths = part_depths(self.kinematics, posture, self.parts, self.self_collision_pairs)
        return depths.amax(dim=1)


def _points(arrays: dict[str, NDArray[Any]], name: str) -> HandPoints:
    return HandPoints(
        torch.as_tensor(arrays[f'{name}_links'], dtype=torch.int64),
        torch.as_tensor(arrays[f'{name}_positions'], dtype=torch.float32),
        torch.as_tensor(arrays[f'{name}_normals'], dtype=torch.float32),
        torch.as_tensor(arrays[f'{name}_radii'], dtype=torch.float32),
    )


def _parts(arrays: dict[str, NDArray[Any]]) -> HandParts:
    names = ('links', 'points', 'planes', 'centres', 'halves')
    kinds = (torch.int64, *[torch.float32] * 4)
    return HandParts(
        *(torch.as_tensor(arrays[f'part_{n}'], dtype=k) for n, k in zip(names, kinds, strict=True))
    )


def _closing_signs(hand: HandDescription, kinematics: HandKinematics) -> torch.Tensor:
    """The description's signs; of joints left out, how they move their fingertip.

    Such a joint closes its finger if it brings the tip towards the space in front of the palm: the
    middle between the thumb's tip and the other tips in the open posture.
    """
    posture = torch.tensor([hand.open])
    names = kinematics.link_names

    def tips(joints: torch.Tensor) -> torch.Tensor:
        poses = kinematics.forward(joints)[0]
        return torch.stack([poses[names.index(f.tip), :3, 3] for f in hand.fingers.values()])

    start = tips(posture)
    middle = 0.5 * (start[0] + start[1:].mean(dim=0)) if len(start) > 1 else start[0]
    signs = torch.zeros(len(hand.joints))
    for index, finger in enumerate(hand.fingers.values()):
        for joint in finger.joints:
            column = hand.joints.index(joint)
            if joint in hand.closing:
                signs[column] = hand.closing[joint]
                continue
            moved = posture.clone()
            moved[0, column] += 0.05
            motion = (tips(moved) - start)[index]
            towards = torch.nn.functional.cosine_similarity(motion, middle - start[index], dim=0)
            if towards.abs() > CLOSING_COSINE:
                signs[column] = towards.sign()
    return signs


def _sphere_counts(hulls: dict[str, list[Any]], average: int) -> dict[str, int]:
    """Spheres for each link: more where there is more surface, `average` where it is usual."""
    areas = {link: sum(hull.area for hull in parts) for link, parts in hulls.items() if parts}
    usual = float(np.median(list(areas.values())))
    lower, upper = 0.6 * average, 2.5 * average
    return {
        link: round(float(np.clip(average * (area / usual) ** 0.5, lower, upper)))
        for link, area in areas.items()
    }


def _cached_arrays(
    hand: HandDescription, kinematics: HandKinematics, closing: torch.Tensor
) -> dict[str, NDArray[Any]]:
    urdf = hand.urdf_path
    settings = (
        CACHE_VERSION,
        SURFACE_POINTS_PER_LINK,
        PAD_POINTS,
        hand.model_dump_json(),
        mesh_sizes(urdf),
    )
    digest = hashlib.sha256(repr(settings).encode() + urdf.read_bytes())
    path = cache_folder() / 'hands' / f'{hand.key}-{digest.hexdigest()[:16]}.npz'
    if path.is_file():
        with np.load(path) as data:
            return {name: data[name] for name in data.files}
    arrays = _compute_arrays(hand, kinematics, closing)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(f'{path.with_suffix("")}-{os.getpid()}.npz')
    np.savez(partial, allow_pickle=False, **arrays)
    partial.replace(path)
    return arrays


def _compute_arrays(
    hand: HandDescription, kinematics: HandKinematics, closing: torch.Tensor
) -> dict[str, NDArray[Any]]:
    hulls = collision_hulls(hand.urdf_path, kinematics.link_names)
    parts: dict[str, list[Array]] = {}
    covered: list[SphereCoverage] = []

    def add(kind: str, link: int, positions: Array, normals: Array, radii: Array) -> None:
        parts.setdefault(f'{kind}_links', []).append(np.full(len(positions), link))
        parts.setdefault(f'{kind}_positions', []).append(positions)
        parts.setdefault(f'{kind}_normals', []).append(normals)
        parts.setdefault(f'{kind}_radii', []).append(radii)

    counts = _sphere_counts(hulls, hand.spheres_per_link)
    for link, name in enumerate(kinematics.link_names):
        if hulls[name]:
            centres, radii = fit_spheres(hulls[name], count=counts[name])
            add('spheres', link, centres, np.zeros_like(centres), radii)
            covered.append(coverage(name, hulls[name], centres, radii))
            points, normals = union_surface(hulls[name], SURFACE_POINTS_PER_LINK, seed=0)
            add('surface', link, points, normals, np.zeros(len(points)))
    posture = torch.tensor(hand.ready or hand.open, dtype=torch.float32)
    for index, finger in enumerate(hand.fingers.values()):
        for found in contact_points(hand, kinematics, hulls, finger, posture, closing):
            count = len(found.positions)
            add('contacts', found.link, found.positions, found.normals, np.zeros(count))
            parts.setdefault('contact_fingers', []).append(np.full(count, index))
            points, normals = _pad(hulls[kinematics.link_names[found.link]], found.normals)
            add('pads', found.link, points, normals, np.zeros(len(points)))
    arrays: dict[str, NDArray[Any]] = {name: np.concatenate(rows) for name, rows in parts.items()}
    arrays |= _part_arrays(hulls, kinematics.link_names)
    natural = torch.tensor([hand.open, hand.ready or hand.open], dtype=torch.float32)
    tree = LinkTree.from_urdf(hand.urdf_path)
    pairs = self_collision_pairs(kinematics, tree, _parts(arrays), natural)
    arrays['self_collision_pairs'] = pairs.numpy()
    arrays['coverage_links'] = np.array([row.link for row in covered])
    arrays['coverage'] = np.array([
        (row.count, row.uncovered_p95, row.uncovered_max, row.overshoot_max) for row in covered
    ])  # fmt: skip
    return arrays


def _part_arrays(
    hulls: dict[str, list[Any]], link_names: tuple[str, ...]
) -> dict[str, NDArray[Any]]:
    names = ('points', 'planes', 'centres', 'halves')
    parts = [
        (index, part_arrays(hull))
        for index, name in enumerate(link_names)
        for hull in joined_parts(hulls[name])
    ]
    columns = zip(*(arrays for _, arrays in parts), strict=True)
    stacked = {f'part_{n}': np.stack(c) for n, c in zip(names, columns, strict=True)}
    return {'part_links': np.array([link for link, _ in parts]), **stacked}


def _pad(hulls: list[Any], contact_normals: Array) -> tuple[Array, Array]:
    """Points and normals on a link's surface that face as its contact candidates do on average."""
    points, normals, _ = sample_union(hulls, 8 * PAD_POINTS, seed=2)
    front = contact_normals.mean(axis=0)
    ahead = np.flatnonzero(normals @ front > FRONT_COSINE * np.linalg.norm(front))
    keep = ahead[farthest_points(points[ahead], PAD_POINTS)]
    return points[keep], normals[keep]
