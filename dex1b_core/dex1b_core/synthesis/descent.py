"""Adam on wrist poses and postures of a batch of grasps at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import torch

from dex1b_core.geometry.batch_last import orthonormal
from dex1b_core.synthesis.batch import GraspBatch
from dex1b_core.synthesis.contacts import ContactDraw
from dex1b_core.synthesis.objective import EnergyWeights, GraspObjective, SceneBatch
from dex1b_core.synthesis.wrench import force_directions


@dataclass(frozen=True)
class DescentSettings:
    """How the energies are descended.

    Attributes:
        weights: Of the energies.
        steps: Adam steps.
        final: Part to which rates fall along a cosine.
        rates: Learning rates of translation [m], rotation (6D) and joints [rad].
        contacts: Contact points, the thumb's and those of other fingers.
        redraw: Probability with which each contact is redrawn at every step, to the end.
        directions: Force directions of the closure term.
        directions_per_step: So many of them, drawn at random, count in a step.
        near_every: Steps between searches for what is near: parts of the hand, closest contacts.
        near_margin: What counts as near [m].
    """

    weights: EnergyWeights = field(default_factory=EnergyWeights)
    steps: int = 100
    final: float = 0.05
    rates: tuple[float, float, float] = (0.004, 0.02, 0.04)
    contacts: int = 3
    redraw: float = 0.5
    directions: int = 14
    directions_per_step: int = 7
    near_every: int = 5
    near_margin: float = 0.004


@dataclass(frozen=True)
class Descent:
    """Where B grasps arrived.

    Attributes:
        grasps: Optimised wrist poses and grasp postures; pregrasp and approach are the starts'.
        energy: (B,) mean over the last `AVERAGED` steps, each with other contact points.
    """

    grasps: GraspBatch
    energy: torch.Tensor


AVERAGED = 10


def descend(
    objective: GraspObjective,
    scene: SceneBatch,
    starts: GraspBatch,
    settings: DescentSettings,
    generator: torch.Generator,
) -> Descent:
    """Move a batch of grasps to lower energies."""
    translation = starts.translation.T.contiguous().requires_grad_()
    rotation = starts.rotation[:, :, :2].permute(1, 2, 0).contiguous().requires_grad_()
    posture = starts.grasp.T.contiguous().requires_grad_()
    variables = [translation, rotation, posture]
    optimiser = Adam(variables, settings.rates)
    contacts = ContactDraw(objective.hand, len(starts), settings.contacts, generator)
    directions = force_directions(settings.directions).to(translation.device)
    kinematics = objective.hand.kinematics
    sums = torch.zeros(len(starts), device=translation.device)
    for step in range(settings.steps):
        contacts.redraw(settings.redraw)
        columns = kinematics.frame_columns(posture, orthonormal(rotation), translation)
        if step % settings.near_every == 0:
            near = objective.look(scene, columns.detach(), settings.near_margin, settings.weights)
        drawn = torch.randperm(len(directions), generator=generator)[: settings.directions_per_step]
        terms = objective.terms(
            scene, columns, posture, contacts.place(columns), near, directions[drawn]
        )
        energy = settings.weights.total(terms)
        gradients = torch.autograd.grad(energy.sum(), variables)
        if step >= settings.steps - AVERAGED:
            sums += energy.detach()
        along = 0.5 * (1.0 + math.cos(math.pi * step / settings.steps))
        fall = settings.final + (1.0 - settings.final) * along
        optimiser.step(gradients, fall)
    grasps = replace(
        starts,
        rotation=orthonormal(rotation.detach()).permute(2, 0, 1).contiguous(),
        translation=translation.detach().T.contiguous(),
        grasp=posture.detach().T.clamp(kinematics.lower, kinematics.upper),
    )
    return Descent(grasps, sums / min(AVERAGED, settings.steps))


@torch.no_grad()
def energies(
    objective: GraspObjective,
    scene: SceneBatch,
    grasps: GraspBatch,
    settings: DescentSettings,
    generator: torch.Generator,
) -> torch.Tensor:
    """(B,) of grasps where they are, with contact points and directions drawn once."""
    kinematics = objective.hand.kinematics
    posture = grasps.grasp.T.contiguous()
    rotation = grasps.rotation.permute(1, 2, 0).contiguous()
    columns = kinematics.frame_columns(posture, rotation, grasps.translation.T.contiguous())
    contacts = ContactDraw(objective.hand, len(grasps), settings.contacts, generator)
    directions = force_directions(settings.directions).to(posture.device)
    drawn = torch.randperm(len(directions), generator=generator)[: settings.directions_per_step]
    near = objective.look(scene, columns, settings.near_margin, settings.weights)
    terms = objective.terms(
        scene, columns, posture, contacts.place(columns), near, directions[drawn]
    )
    return settings.weights.total(terms)


class Adam:
    """Adam (.9, .99) on a few tensors in place.

    torch.optim would import the compiler, which takes seconds, at its first step.
    """

    def __init__(self, tensors: list[torch.Tensor], rates: tuple[float, ...]) -> None:
        self._tensors, self._rates = tensors, rates
        self._first = [torch.zeros_like(t) for t in tensors]
        self._second = [torch.zeros_like(t) for t in tensors]
        self._count = 0

    def step(self, gradients: tuple[torch.Tensor, ...], scale: float) -> None:
        """Move each tensor by its rate times the scale."""
        self._count += 1
        unbias = 1.0 - 0.9**self._count, 1.0 - 0.99**self._count
        for tensor, gradient, rate, first, second in zip(
            self._tensors, gradients, self._rates, self._first, self._second, strict=True
        ):
            first.mul_(0.9).add_(gradient, alpha=0.1)
            second.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
            size = (second / unbias[1]).sqrt_().add_(1e-8)
            with torch.no_grad():
                tensor.addcdiv_(first, size, value=-rate * scale / unbias[0])
