"""How DexGraspNet closes a hand before its grasps are simulated: one gradient step."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.benchmark.placed_grasps import PlacedGrasps
from dex1b_core.benchmark.q1 import ContactCandidates

Array = NDArray[np.float64]

NEAR = 0.001  # [m] links this close to the object, or in it, press (thres_cont)
STEP = 1.0  # [rad^2/m] 2 * dis_move * grad_move of the published script


def gradient_closing(placed: PlacedGrasps) -> Array:
    """(N, J) postures [rad] in which fingers press, in the order of the set's joints.

    DexGraspNet, grasp_generation/scripts/validate_grasps.py: of each link the point that is deepest
    in the object, or nearest to it, gets a target 1 mm outwards; joints take one step of 500 up the
    gradient of the squared distance, away from the target: q + STEP * sum J^T n over links closer
    than `NEAR`, n into the object. The hand's root stays. Points are `HandModel.surface`, 60 a
    link; DexGraspNet has 2000, by area.
    """
    hand, grasps = placed.hand, placed.grasps
    surface = hand.surface
    found = ContactCandidates.of(placed, surface)
    links = surface.links.numpy()
    chosen = np.zeros(found.distance.shape, dtype=bool)
    for link in np.unique(links):
        own = np.flatnonzero(links == link)
        nearest = own[np.argmin(found.distance[:, own], axis=1)]
        rows = np.flatnonzero(found.distance[np.arange(len(placed)), nearest] < NEAR)
        chosen[rows, nearest[rows]] = True
    inward = torch.as_tensor(found.inward * chosen[..., None], dtype=torch.float32)
    order = [grasps.joint_names.index(joint) for joint in hand.kinematics.joint_names]
    posture = torch.as_tensor(grasps.grasp[:, order], dtype=torch.float32).requires_grad_()
    pose = torch.as_tensor(grasps.object_T_hand, dtype=torch.float32)
    points = surface.place(pose[:, None] @ hand.kinematics.forward(posture))
    (gradient,) = torch.autograd.grad((points * inward).sum(), posture)
    closed = np.array(grasps.grasp, dtype=float)
    closed[:, order] += STEP * gradient.double().numpy()
    return closed
