"""What is minimised: the energies of a hand at objects, in a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.robots.hand_model import HandModel, HandPoints
from dex1b_core.synthesis import energies
from dex1b_core.synthesis.frame_points import FramePoints
from dex1b_core.synthesis.scene import SynthesisScene
from dex1b_core.synthesis.self_penetration import (
    NearPairs,
    SphereGroups,
    near_pairs,
    self_penetration,
)

SELF_SPHERES_PER_LINK = 4


@dataclass(frozen=True)
class EnergyWeights:
    """Weights of the energy terms; lengths in metres.

    Attributes:
        closure: Of force closure.
        distance: Of contact distance.
        alignment: Of contacts facing the surface.
        penetration: Of spheres in object, support plane and surroundings.
        self_penetration: Of fingers in each other and in the palm.
        joints: Of joint limits.
    """

    closure: float = 10.0
    distance: float = 100.0
    alignment: float = 1.0
    penetration: float = 300.0
    self_penetration: float = 300.0
    joints: float = 100.0

    def total(self, terms: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B,) weighted sum of the terms that `GraspObjective.terms` gives, without unit."""
        parts = [getattr(self, name) * value for name, value in terms.items()]
        return torch.stack(parts).sum(dim=0)


PAPER_WEIGHTS = EnergyWeights(
    closure=1.0, distance=100.0, alignment=0.0, penetration=100.0, self_penetration=10.0, joints=1.0
)


@dataclass(frozen=True)
class ObjectiveSettings:
    """How the energies are formed.

    Attributes:
        friction_aware: Whether closure is the friction-aware estimator or |G c|^2.
        friction: Coefficient for which closure is sought.
        table_margin: Spheres keep so far above the support plane [m].
        palm_margin: The palm keeps so far from the object [m].
        self_margin: Fingers keep so far from each other [m].
    """

    friction_aware: bool = True
    friction: float = 0.4
    table_margin: float = 0.0
    palm_margin: float = 0.0
    self_margin: float = 0.0


@dataclass(frozen=True)
class SceneBatch:
    """What B grasps reach for and must avoid, in the frame of their object or of planning.

    Attributes:
        sdf: Each grasp's object.
        centre: (3, B) centre of its volume [m].
        plane: (4, B) support plane, unit normal and offset; None without a support.
        obstacles: (M, 3) points of the surroundings [m]; None without any.
    """

    sdf: SdfBatch
    centre: torch.Tensor
    plane: torch.Tensor | None = None
    obstacles: torch.Tensor | None = None

    @classmethod
    def of_scene(cls, scene: SynthesisScene, batch: int) -> SceneBatch:
        """One scene for all grasps."""
        return cls(
            SdfBatch.build([scene.sdf], torch.zeros(batch, dtype=torch.int64)),
            scene.centre[:, None].expand(3, batch),
            scene.plane[:, None].expand(4, batch),
            scene.obstacles if len(scene.obstacles) else None,
        )

    def height(self, points: torch.Tensor) -> torch.Tensor:
        """(N, B) height [m] of points (N, 3, B) above the support plane; infinite without one."""
        if self.plane is None:
            return torch.full_like(points[:, 0], torch.inf)
        return (points * self.plane[:3]).sum(dim=1) + self.plane[3]

    def obstacle_distance(self, points: torch.Tensor) -> torch.Tensor:
        """(N, B) distance [m] of points (N, 3, B) to the nearest obstacle point.

        Differentiable through the nearest alone, which costs a hundredth of all pairs.
        """
        if self.obstacles is None:
            return torch.full_like(points[:, 0], torch.inf)
        with torch.no_grad():
            flat = points.permute(0, 2, 1).reshape(-1, 3)
            squares = (self.obstacles**2).sum(-1) - 2.0 * flat @ self.obstacles.T
            nearest = self.obstacles[squares.argmin(dim=-1)]
            nearest = nearest.view(len(points), -1, 3).permute(0, 2, 1)
        return torch.sqrt(((points - nearest) ** 2).sum(dim=1) + 1e-12)


class GraspObjective:
    """The energies of one hand."""

    def __init__(self, hand: HandModel, settings: ObjectiveSettings | None = None) -> None:
        self.hand = hand
        self.settings = settings or ObjectiveSettings()
        probes = penetration_probes(hand)
        self._spheres = FramePoints.build(hand.kinematics, probes)
        links = probes.links[self._spheres.source.clamp_min(0)]
        is_palm = (hand.link_fingers[links] < 0) & (self._spheres.source >= 0)
        self._object_radii = self._spheres.radii + self.settings.palm_margin * is_palm
        self._few, self._exact_groups = self_spheres(hand, SELF_SPHERES_PER_LINK, 0.0)
        self._groups = self_spheres(hand, SELF_SPHERES_PER_LINK, self.settings.self_margin)[1]

    def terms(
        self,
        scene: SceneBatch,
        columns: torch.Tensor,
        posture: torch.Tensor,
        contacts: tuple[torch.Tensor, torch.Tensor],
        near: NearPairs,
        directions: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Every energy (B,) by name, without weights.

        Args:
            scene: What the grasps reach for.
            columns: (F, 4, 3, B) poses of the hand's frames, see `HandKinematics.frame_columns`.
            posture: (J, B) driven joints [rad].
            contacts: (n, 3, B) contact points [m] and the hand's outward normals there.
            near: Parts of the hand that may overlap, from `near`.
            directions: (M, 6) wrenches wanted of the friction-aware closure.
        """
        points, facing = contacts
        distance, normal = scene.sdf.surface(points)
        spheres = self._spheres.place(columns)
        limits = self.hand.kinematics.lower, self.hand.kinematics.upper
        return {
            'closure': self._closure(scene, points, -normal, directions),
            'distance': energies.contact_distance(distance),
            'alignment': energies.contact_alignment(facing, -normal),
            'penetration': self._penetration(scene, spheres),
            'self_penetration': self_penetration(self._few.place(columns), near),
            'joints': energies.joint_limits(posture, *limits),
        }

    def clearance(self, scene: SceneBatch, columns: torch.Tensor) -> torch.Tensor:
        """(B,) smallest gap between hand and object or support [m]; negative inside."""
        points = self._spheres.place(columns)
        gap = torch.minimum(scene.sdf.distance(points), scene.height(points))
        gap = gap - self._spheres.radii[:, None]
        return gap.amin(dim=0)

    def self_spheres(self, columns: torch.Tensor) -> tuple[torch.Tensor, SphereGroups]:
        """Centres (S, 3, B) [m] of spheres that must not overlap, and which of them."""
        return self._few.place(columns), self._exact_groups

    def near(self, columns: torch.Tensor, margin: float) -> NearPairs:
        """Parts of the hand with a gap below a margin [m]."""
        return near_pairs(self._few.place(columns.detach()), self._groups, margin)

    def _closure(
        self,
        scene: SceneBatch,
        contacts: torch.Tensor,
        inward: torch.Tensor,
        directions: torch.Tensor,
    ) -> torch.Tensor:
        if not self.settings.friction_aware:
            return energies.force_closure(contacts, inward, scene.centre)
        return energies.friction_closure(
            contacts, inward, scene.centre, directions, self.settings.friction
        )

    def _penetration(self, scene: SceneBatch, spheres: torch.Tensor) -> torch.Tensor:
        radii = self._spheres.radii
        total = energies.penetration(scene.sdf.distance(spheres), self._object_radii)
        if scene.plane is not None:
            height = scene.height(spheres) - self.settings.table_margin
            total = total + energies.penetration(height, radii)
        if scene.obstacles is not None:
            total = total + energies.penetration(scene.obstacle_distance(spheres), radii)
        return total


SPHERES_PER_LINK = 10
SPHERES_PER_CONTACT_LINK = 3
FRONT_COSINE = -0.2  # surface points whose normal is within acos of this of a link's contacts


def penetration_probes(hand: HandModel) -> HandPoints:
    """Spheres of every link, and the front surface of links that are meant to touch.

    Spheres leave the edges of a link uncovered; where it touches that is where it penetrates.
    """
    links = len(hand.kinematics.link_names)
    front = torch.zeros(links, 3).index_add_(0, hand.contacts.links, hand.contacts.normals)
    touching = front.norm(dim=1) > 0.0
    count = torch.where(touching, SPHERES_PER_CONTACT_LINK, SPHERES_PER_LINK)
    rank = rank_in_link(hand.spheres)
    spheres = hand.spheres.select(rank < count[hand.spheres.links])
    facing = torch.nn.functional.normalize(front, dim=1)[hand.surface.links]
    ahead = (facing * hand.surface.normals).sum(dim=1) > FRONT_COSINE
    surface = hand.surface.select(touching[hand.surface.links] & ahead)
    return joined(spheres, surface)


def joined(first: HandPoints, second: HandPoints) -> HandPoints:
    """Points of both."""
    names = ('links', 'positions', 'normals', 'radii')
    return HandPoints(*(torch.cat([getattr(first, name), getattr(second, name)]) for name in names))


def rank_in_link(points: HandPoints) -> torch.Tensor:
    """(N,) number of each point among those of its link, which follow each other."""
    _, counts = torch.unique_consecutive(points.links, return_counts=True)
    return torch.cat([torch.arange(count) for count in counts.tolist()])


def self_spheres(hand: HandModel, per_link: int, margin: float) -> tuple[FramePoints, SphereGroups]:
    """The largest spheres of every link, and which of them may not overlap.

    Fingers are tested against each other, and against the palm but for their first link.
    """
    few = hand.spheres.select(rank_in_link(hand.spheres) < per_link)
    placed = FramePoints.build(hand.kinematics, few)
    names = hand.kinematics.link_names
    is_base = torch.zeros(len(names), dtype=torch.bool)
    is_base[[names.index(finger.links[0]) for finger in hand.hand.fingers.values()]] = True
    of_sphere = few.links[placed.source.clamp_min(0)]
    groups = torch.where(placed.source < 0, -1, hand.link_fingers[of_sphere] + 1)
    is_palm, is_base = groups == 0, is_base[of_sphere]
    exempt = (is_palm[:, None] & is_base) | (is_base[:, None] & is_palm)
    return placed, SphereGroups.build(placed.radii + 0.5 * margin, groups, exempt)
