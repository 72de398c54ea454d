"""Seeds on disk: one .npz that holds everything a simulator needs to judge them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.geometry.object_model import ObjectModel
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seeds import Seeds


def write_seeds(
    path: Path,
    hand: HandModel,
    hand_name: str,
    model: ObjectModel,
    target: SeedObject,
    seeds: Seeds,
    *,
    seed: int,
    stiffness: float,
) -> None:
    """Write seeds; the file appears in one step.

    Fields: hand, object, scale, seed, kp [N m/rad], joint_names (J,), object_T_hand (N, 4, 4) pose
    of the hand's root link [m], pregrasp, grasp and squeeze (N, J) [rad], score (N,), approach
    (N, 3), energies (N, K), energy_names (K,), object_vertices (V, 3) [m], object_faces (F, 3),
    object_parts (F,) convex part of each face, support_plane (4,), NaN where the object floats.
    """
    poses = torch.eye(4).repeat(len(seeds.score), 1, 1)
    poses[:, :3, :3], poses[:, :3, 3] = seeds.grasps.rotation, seeds.grasps.translation
    vertices, faces, parts = model.part_mesh()
    plane = torch.full((4,), torch.nan) if target.plane is None else target.plane
    fields: dict[str, NDArray[Any]] = {
        'hand': np.array(hand_name),
        'object': np.array(model.spec),
        'scale': np.array(model.scale),
        'seed': np.array(seed),
        'kp': np.array(stiffness),
        'joint_names': np.array(hand.kinematics.joint_names),
        'object_T_hand': poses.double().numpy(),
        'pregrasp': seeds.grasps.pregrasp.double().numpy(),
        'grasp': seeds.grasps.grasp.double().numpy(),
        'squeeze': seeds.squeeze.double().numpy(),
        'score': seeds.score.double().numpy(),
        'approach': seeds.grasps.approach.double().numpy(),
        'energies': seeds.energies.double().numpy(),
        'energy_names': np.array(seeds.energy_names),
        'measures': seeds.measures.double().numpy(),
        'object_vertices': vertices,
        'object_faces': faces,
        'object_parts': parts,
        'support_plane': plane.double().numpy(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.stem}.partial.npz')
    np.savez_compressed(partial, allow_pickle=False, **fields)
    partial.replace(path)
