"""What grasp synthesis knows about a hand: kinematics, spheres, surface, contact candidates."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.assets import cache_folder
from dex1b_core.robots.hand_description import HandDescription
from dex1b_core.robots.kinematics import HandKinematics
from dex1b_core.robots.link_geometry import collision_hulls, farthest_points, union_surface
from dex1b_core.robots.spheres import fit_spheres

Array = NDArray[np.float64]
CACHE_VERSION = 1

SPHERES_PER_LINK = 12
SURFACE_POINTS_PER_LINK = 60
CONTACTS_PER_FINGER = 24
PAD_COSINE = 0.3  # contact candidates face the closing motion within acos of this
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
        spheres: Fill every link with collision geometry.
        surface: Points on every link.
        contacts: Candidates on fingertips and distal pads, facing the closing motion.
        contact_fingers: (K,) finger index of each contact candidate.
        closing: (J,) +1, -1 or 0: the direction in which a driven joint closes its finger.
        finger_names: The thumb first.
    """

    def __init__(self, hand: HandDescription) -> None:
        self.hand = hand
        self.kinematics = HandKinematics(hand)
        self.finger_names = tuple(hand.fingers)
        self.closing = _closing_signs(hand, self.kinematics)
        arrays = _cached_points(hand, self.kinematics, self.closing)
        self.spheres = _points(arrays, 'spheres')
        self.surface = _points(arrays, 'surface')
        self.contacts = _points(arrays, 'contacts')
        self.contact_fingers = torch.as_tensor(arrays['contact_fingers'])

    @cached_property
    def link_fingers(self) -> torch.Tensor:
        """(L,) finger index of each link, -1 for the palm and what carries it."""
        owner = {
            link: index
            for index, finger in enumerate(self.hand.fingers.values())
            for link in (*finger.links, finger.tip)
        }
        return torch.tensor([owner.get(name, -1) for name in self.kinematics.link_names])

    @cached_property
    def joint_fingers(self) -> torch.Tensor:
        """(J,) finger index of each driven joint."""
        owner = {
            joint: index
            for index, finger in enumerate(self.hand.fingers.values())
            for joint in finger.joints
        }
        return torch.tensor([owner.get(name, -1) for name in self.hand.joints])

    @cached_property
    def tip_links(self) -> torch.Tensor:
        """(F,) link index of each fingertip frame."""
        names = self.kinematics.link_names
        return torch.tensor([names.index(f.tip) for f in self.hand.fingers.values()])

    @cached_property
    def open_posture(self) -> torch.Tensor:
        """(J,) open posture [rad]."""
        return torch.tensor(self.hand.open, dtype=torch.float32)


def _points(arrays: dict[str, NDArray[np.float64]], name: str) -> HandPoints:
    return HandPoints(
        torch.as_tensor(arrays[f'{name}_links'], dtype=torch.int64),
        torch.as_tensor(arrays[f'{name}_positions'], dtype=torch.float32),
        torch.as_tensor(arrays[f'{name}_normals'], dtype=torch.float32),
        torch.as_tensor(arrays[f'{name}_radii'], dtype=torch.float32),
    )


def _closing_signs(hand: HandDescription, kinematics: HandKinematics) -> torch.Tensor:
    """Signs with which joints bring their fingertip towards the space in front of the palm.

    That space is the middle between the thumb's tip and the other tips in the open posture.
    """
    posture = torch.tensor([hand.open])
    names = kinematics.link_names

    def tips(joints: torch.Tensor) -> torch.Tensor:
        poses = kinematics.forward(joints)[0]
        return torch.stack([poses[names.index(f.tip), :3, 3] for f in hand.fingers.values()])

    start = tips(posture)
    middle = 0.5 * (start[0] + start[1:].mean(dim=0))
    signs = torch.zeros(len(hand.joints))
    for index, finger in enumerate(hand.fingers.values()):
        for joint in finger.joints:
            column = hand.joints.index(joint)
            moved = posture.clone()
            moved[0, column] += 0.05
            motion = (tips(moved) - start)[index]
            towards = torch.nn.functional.cosine_similarity(motion, middle - start[index], dim=0)
            if towards.abs() > CLOSING_COSINE:
                signs[column] = towards.sign()
    return signs


def _cached_points(
    hand: HandDescription, kinematics: HandKinematics, closing: torch.Tensor
) -> dict[str, Array]:
    settings = (CACHE_VERSION, SPHERES_PER_LINK, SURFACE_POINTS_PER_LINK, CONTACTS_PER_FINGER,
                PAD_COSINE, hand.model_dump_json())  # fmt: skip
    digest = hashlib.sha256(repr(settings).encode() + hand.urdf_path.read_bytes())
    path = cache_folder() / 'hands' / f'{hand.key}-{digest.hexdigest()[:16]}.npz'
    if path.is_file():
        with np.load(path) as data:
            return {name: data[name] for name in data.files}
    arrays = _compute_points(hand, kinematics, closing)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(f'{path.with_suffix("")}-{os.getpid()}.npz')
    np.savez(partial, allow_pickle=False, **arrays)
    partial.replace(path)
    return arrays


def _compute_points(
    hand: HandDescription, kinematics: HandKinematics, closing: torch.Tensor
) -> dict[str, Array]:
    hulls = collision_hulls(hand.urdf_path, kinematics.link_names)
    parts: dict[str, list[Array]] = {}

    def add(kind: str, link: int, positions: Array, normals: Array, radii: Array) -> None:
        parts.setdefault(f'{kind}_links', []).append(np.full(len(positions), link))
        parts.setdefault(f'{kind}_positions', []).append(positions)
        parts.setdefault(f'{kind}_normals', []).append(normals)
        parts.setdefault(f'{kind}_radii', []).append(radii)

    for link, name in enumerate(kinematics.link_names):
        if hulls[name]:
            centres, radii = fit_spheres(hulls[name], count=SPHERES_PER_LINK)
            add('spheres', link, centres, np.zeros_like(centres), radii)
            points, normals = union_surface(hulls[name], SURFACE_POINTS_PER_LINK, seed=0)
            add('surface', link, points, normals, np.zeros(len(points)))
    for index, finger in enumerate(hand.fingers.values()):
        link = kinematics.link_names.index(finger.links[-1])
        points, normals = union_surface(hulls[finger.links[-1]], 400, seed=1)
        keep = _facing(hand, kinematics, closing, index, points, normals)
        points, normals = points[keep], normals[keep]
        chosen = farthest_points(points, CONTACTS_PER_FINGER)
        add('contacts', link, points[chosen], normals[chosen], np.zeros(len(chosen)))
        parts.setdefault('contact_fingers', []).append(np.full(len(chosen), index))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _facing(
    hand: HandDescription,
    kinematics: HandKinematics,
    closing: torch.Tensor,
    finger: int,
    points: Array,
    normals: Array,
) -> NDArray[np.bool_]:
    """Which points of the distal link lie on its outer half and move forward on closing."""
    description = tuple(hand.fingers.values())[finger]
    link = kinematics.link_names.index(description.links[-1])
    tip = kinematics.link_names.index(description.tip)
    columns = [hand.joints.index(joint) for joint in description.joints]
    joint = [c for c in columns if closing[c] != 0.0][-1]
    posture = torch.tensor([hand.open])
    ahead = posture.clone()
    ahead[0, joint] += 0.02 * float(closing[joint])
    before, after = (kinematics.forward(p)[0, link].double().numpy() for p in (posture, ahead))
    motion = points @ (after - before)[:3, :3].T + (after - before)[:3, 3]
    motion /= np.linalg.norm(motion, axis=1, keepdims=True) + 1e-12
    facing = ((normals @ before[:3, :3].T) * motion).sum(axis=1) > PAD_COSINE
    poses = kinematics.forward(posture)[0].double().numpy()
    outwards = (np.linalg.inv(poses[link]) @ poses[tip])[:3, 3]
    length = np.linalg.norm(outwards)
    return np.asarray(facing & (points @ (outwards / length) > 0.4 * length))
