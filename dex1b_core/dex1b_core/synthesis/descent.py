"""Adam on wrist poses and postures of a batch of grasps at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis import energies
from dex1b_core.synthesis.batch import GraspBatch
from dex1b_core.synthesis.scene import SynthesisScene
from dex1b_core.synthesis.wrench import force_directions


@dataclass(frozen=True)
class EnergyWeights:
    """Weights of the energy terms; lengths in metres.

    Attributes:
        closure: Of the force-closure term.
        friction_aware: Whether that term is the friction-aware estimator or |G c|^2.
        distance: Of contact distance.
        penetration: Of spheres in object, support plane and surroundings.
        self_penetration: Of thumb and fingers in each other.
        joints: Of joint limits.
        friction: Coefficient for which closure is sought.
    """

    closure: float = 10.0
    friction_aware: bool = True
    distance: float = 100.0
    penetration: float = 300.0
    self_penetration: float = 1000.0
    joints: float = 100.0
    friction: float = 0.4


PAPER_WEIGHTS = EnergyWeights(
    closure=1.0,
    friction_aware=False,
    distance=100.0,
    penetration=100.0,
    self_penetration=10.0,
    joints=1.0,
)


@dataclass(frozen=True)
class DescentSettings:
    """How the energies are descended.

    Attributes:
        weights: Of the energies.
        steps: Adam steps; rates fall along a cosine to 5 %.
        rates: Learning rates of translation [m], rotation (6D) and joints [rad].
        contacts: Contact points, the thumb's and those of other fingers.
        redraw: Probability with which each contact is redrawn at every step, to the end.
        directions: Force directions of the closure term.
        table_margin: Spheres keep so far above the support plane [m].
        palm_margin: The palm keeps so far from the object [m], whose shape is uncertain.
    """

    weights: EnergyWeights = EnergyWeights()
    steps: int = 100
    rates: tuple[float, float, float] = (0.004, 0.02, 0.04)
    contacts: int = 3
    redraw: float = 0.5
    directions: int = 14
    table_margin: float = 0.004
    palm_margin: float = 0.005


def descend(
    hand: HandModel,
    scene: SynthesisScene,
    starts: GraspBatch,
    settings: DescentSettings,
    generator: torch.Generator,
) -> GraspBatch:
    """Optimised wrist poses and grasp postures; pregrasp and approach stay the starts'."""
    translation = starts.translation.clone().requires_grad_()
    rotation = starts.rotation[:, :, :2].clone().requires_grad_()
    posture = starts.grasp.clone().requires_grad_()
    optimiser = Adam([translation, rotation, posture], settings.rates)
    contacts = ContactDraw(hand, len(starts), settings.contacts, generator)
    directions = force_directions(settings.directions)
    for step in range(settings.steps):
        contacts.redraw(settings.redraw)
        energy = grasp_energy(
            hand, scene, translation, orthonormal(rotation), posture, contacts.chosen,
            settings, directions,
        )  # fmt: skip
        gradients = torch.autograd.grad(energy.sum(), [translation, rotation, posture])
        fall = 0.05 + 0.475 * (1.0 + math.cos(math.pi * step / settings.steps))
        optimiser.step(gradients, fall)
    limits = hand.kinematics.lower, hand.kinematics.upper
    return replace(
        starts,
        rotation=orthonormal(rotation.detach()),
        translation=translation.detach(),
        grasp=torch.minimum(torch.maximum(posture.detach(), limits[0]), limits[1]),
    )


def grasp_energy(
    hand: HandModel,
    scene: SynthesisScene,
    translation: torch.Tensor,
    rotation: torch.Tensor,
    posture: torch.Tensor,
    contacts: torch.Tensor,
    settings: DescentSettings,
    directions: torch.Tensor,
) -> torch.Tensor:
    """Weighted sum of all terms.

    Args:
        hand: Which hand.
        scene: What it grasps and must avoid.
        translation: (B, 3) of the hand's root link, planning frame [m].
        rotation: (B, 3, 3) of the hand's root link.
        posture: (B, J) [rad].
        contacts: (B, n) indices into the hand's contact candidates.
        settings: Weights and margins.
        directions: (M, 6) wanted wrenches.

    Returns:
        (B,) without unit.
    """
    weights = settings.weights
    planning_T_links = _link_poses(hand, translation, rotation, posture)
    rows = torch.arange(len(contacts))[:, None]
    points = _placed(
        planning_T_links[rows, hand.contacts.links[contacts]], hand.contacts.positions[contacts]
    )
    distance, normal = scene.sdf.query(points)
    if weights.friction_aware:
        closure = energies.friction_closure(
            points, -normal, scene.centre, directions, weights.friction
        )
    else:
        closure = energies.force_closure(points, -normal, scene.centre)
    spheres, radii = hand.spheres.place(planning_T_links), hand.spheres.radii
    owner = hand.link_fingers[hand.spheres.links]
    thumb, others = owner == 0, owner > 0
    height = scene.height(spheres) - settings.table_margin
    keep = torch.where(owner < 0, settings.palm_margin, 0.0)
    nearest = torch.minimum(scene.sdf.distance(spheres) - keep, height)
    total = (
        weights.closure * closure
        + weights.distance * energies.contact_distance(distance)
        + weights.penetration * energies.penetration(nearest, radii)
        + weights.self_penetration
        * energies.self_penetration(
            spheres[:, thumb], radii[thumb], spheres[:, others], radii[others]
        )
        + weights.joints
        * energies.joint_limits(posture, hand.kinematics.lower, hand.kinematics.upper)
    )
    if len(scene.obstacles):
        gaps = scene.obstacle_distance(spheres)
        total = total + weights.penetration * energies.penetration(gaps, radii)
    return total


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


class ContactDraw:
    """Which contact candidates a batch of grasps uses: one of the thumb, others of others."""

    def __init__(
        self, hand: HandModel, batch: int, contacts: int, generator: torch.Generator
    ) -> None:
        self._fingers = [
            (hand.contact_fingers == f).nonzero().flatten() for f in range(len(hand.finger_names))
        ]
        self._generator = generator
        self._shape = (batch, contacts)
        self.chosen = self._draw()

    def redraw(self, probability: float) -> None:
        """Draw each contact anew with this probability."""
        change = torch.rand(self._shape, generator=self._generator) < probability
        self.chosen = torch.where(change, self._draw(), self.chosen)

    def _draw(self) -> torch.Tensor:
        """(B, n) candidate indices; columns beside the first are of different fingers."""
        batch, contacts = self._shape
        count = min(len(finger) for finger in self._fingers)
        table = torch.stack([finger[:count] for finger in self._fingers])
        order = torch.rand((batch, len(self._fingers) - 1), generator=self._generator)
        fingers = torch.zeros(self._shape, dtype=torch.int64)
        fingers[:, 1:] = 1 + order.argsort(dim=1)[:, : contacts - 1]
        which = torch.randint(count, self._shape, generator=self._generator)
        return table[fingers, which]


def orthonormal(columns: torch.Tensor) -> torch.Tensor:
    """(B, 3, 3) rotations from their first two columns (B, 3, 2), by Gram-Schmidt."""
    first = torch.nn.functional.normalize(columns[..., 0], dim=-1)
    second = columns[..., 1] - (first * columns[..., 1]).sum(-1, keepdim=True) * first
    second = torch.nn.functional.normalize(second, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def _placed(poses: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """(B, n, 3) points moved by (B, n, 4, 4) poses."""
    return (poses[..., :3, :3] @ points[..., None])[..., 0] + poses[..., :3, 3]


def _link_poses(
    hand: HandModel, translation: torch.Tensor, rotation: torch.Tensor, posture: torch.Tensor
) -> torch.Tensor:
    top = torch.cat([rotation, translation[..., None]], dim=-1)
    bottom = torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(len(top), 1, 4)
    poses = torch.cat([top, bottom], dim=1)
    return poses[:, None] @ hand.kinematics.forward(posture)
