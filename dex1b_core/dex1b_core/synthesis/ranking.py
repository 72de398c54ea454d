"""Which optimised grasps will hold: a prediction from what can be measured without physics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from dex1b_core.geometry.batch_last import cross
from dex1b_core.synthesis.compliance import SqueezeResponse
from dex1b_core.synthesis.finger_measures import FINGER_MEASURES
from dex1b_core.synthesis.grip import FingerContacts
from dex1b_core.synthesis.wrench import TORQUE_LENGTH, force_directions, wrench_residual

FRICTION = 0.4
DIRECTIONS = 26
NEAR = 0.008  # [m] a finger closer than this carries load


@dataclass(frozen=True)
class GraspMeasures:
    """Of B grasps; the order is that of the weights.

    Attributes:
        residual: (B,) mean 1 - cos between forces wanted and those that the contacts can give.
        weakest: (B,) the same in the worst direction.
        net_force: (B,) length of the mean of the contacts' inward normals.
        net_torque: (B,) the same of their torques, in units of `TORQUE_LENGTH`.
        penetration: (B,) deepest overlap with object or support [m].
        self_penetration: (B,) deepest overlap of the hand with itself [m].
        pregrasp_penetration: (B,) deepest overlap with object or support in the pregrasp [m].
        response: How the object yields to the squeeze.
        fingers: (B, F, 13) see `finger_measures`.
    """

    residual: torch.Tensor
    weakest: torch.Tensor
    net_force: torch.Tensor
    net_torque: torch.Tensor
    penetration: torch.Tensor
    self_penetration: torch.Tensor
    pregrasp_penetration: torch.Tensor
    response: SqueezeResponse
    fingers: torch.Tensor

    def features(self) -> torch.Tensor:
        """(B, 14) what the prediction is made of: lengths in millimetres, forces in newtons."""
        lengths = (self.penetration, self.self_penetration, self.pregrasp_penetration)
        scaled = [(1e3 * length).clamp(0.0, 10.0) for length in lengths]
        rest = [self.residual, self.weakest, self.net_force, self.net_torque]
        moved = [torch.log(1e3 * self.response.shift + 0.1), torch.log(self.response.turn + 0.01)]
        normal = self.response.normal
        forces = [self.response.slack, self.response.pulled_slack, normal.amin(dim=0),
                  normal.mean(dim=0)]  # fmt: skip
        forces = [force.clamp(-5.0, 10.0) for force in forces]
        return torch.stack([*rest, *scaled, *moved, *forces, self.response.fingers], dim=1)

    def details(self) -> torch.Tensor:
        """(B, 18 + 13 F) `features`, how the object gives way to pulls, and each finger's."""
        pulled = []
        for motion, least in (
            (self.response.pulled_shift, 1e-4),
            (self.response.pulled_turn, 1e-2),
        ):
            pulled += [motion.amax(dim=0) + least, motion.mean(dim=0) + least]
        given_way = torch.log(torch.stack(pulled, dim=1))
        return torch.cat([self.features(), given_way, self.fingers.flatten(1)], dim=1)


def details_size(fingers: int) -> int:
    """Columns of `GraspMeasures.details`."""
    return len(WEIGHTS) + 4 + FINGER_MEASURES * fingers


Prediction = Callable[[GraspMeasures], torch.Tensor]
"""(B,) probability that each grasp holds."""


# Logistic regression on 2880 grasps over 24 procedural shapes with five hands, three verdicts each
# (benchmarks/fit_ranking.py prints them, and how well they rank shapes that were left out). Single
# weights mean little: measures are correlated. Order of `GraspMeasures.features`.
WEIGHTS = (
    2.583, -2.595, 1.533, -1.37, -0.239, -0.173, 0.218, -0.274, -0.052, 0.046, 0.213, 0.146, 0.289,
    4.263,
)  # fmt: skip
CONSTANT = -2.637


def predicted_success(measures: GraspMeasures) -> torch.Tensor:
    """(B,) probability of holding, cleanly and at little friction; comparable between hands."""
    features = measures.features()
    weights = torch.tensor(WEIGHTS, device=features.device)
    return torch.sigmoid(features @ weights + CONSTANT)


def balance_measures(
    contacts: FingerContacts, centre: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Residual, weakest direction, net force and net torque of (F, B) contacts; each (B,)."""
    weights = (contacts.distance < NEAR).float()
    inward = -contacts.normals
    each = torch.stack(
        [
            wrench_residual(contacts.points, inward, centre, wanted[None], FRICTION, weights)
            for wanted in force_directions(DIRECTIONS).to(centre.device)
        ]
    )
    count = weights.sum(dim=0).clamp_min(1.0)
    normals = inward * weights[:, None]
    torques = cross((contacts.points - centre) / TORQUE_LENGTH, normals)
    net = [(values.sum(dim=0) / count).norm(dim=0) for values in (normals, torques)]
    return each.mean(dim=0), each.amax(dim=0), net[0], net[1]
