"""Seeds on disk: one .npz that holds everything a simulator needs to judge them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from dex1b_core.data.grasp_set import GraspSet, write_grasps
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
    """Write seeds as `write_grasps` does, with the fields scale, seed, score (N,), energies (N, K),
    energy_names (K,) and measures (N, M) besides.
    """
    grasps = grasp_set_of(hand, hand_name, model, target, seeds, stiffness=stiffness)
    extra = {
        'scale': np.array(model.scale),
        'seed': np.array(seed),
        'score': seeds.score.double().numpy(),
        'energies': seeds.energies.double().numpy(),
        'energy_names': np.array(seeds.energy_names),
        'measures': seeds.measures.double().numpy(),
    }
    write_grasps(path, grasps, extra)


def grasp_set_of(
    hand: HandModel,
    hand_name: str,
    model: ObjectModel,
    target: SeedObject,
    seeds: Seeds,
    *,
    stiffness: float,
) -> GraspSet:
    """Seeds as a set of grasps; `stiffness` is the gain that the squeeze is for [N m/rad]."""
    poses = torch.eye(4).repeat(len(seeds.score), 1, 1)
    poses[:, :3, :3], poses[:, :3, 3] = seeds.grasps.rotation, seeds.grasps.translation
    plane = torch.full((4,), torch.nan) if target.plane is None else target.plane
    return GraspSet(
        hand=hand_name,
        object=model.spec,
        joint_names=tuple(hand.kinematics.joint_names),
        object_T_hand=poses.double().numpy(),
        pregrasp=seeds.grasps.pregrasp.double().numpy(),
        grasp=seeds.grasps.grasp.double().numpy(),
        squeeze=seeds.squeeze.double().numpy(),
        object_parts=tuple(part.vertices for part in model.parts),
        support_plane=plane.double().numpy(),
        approach=seeds.grasps.approach.double().numpy(),
        kp=stiffness,
    )
