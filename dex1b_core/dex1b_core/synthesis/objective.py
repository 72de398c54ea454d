"""What is minimised: the energies of a hand at objects, in a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dex1b_core.geometry.batch_last import cross
from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.robots.hand_model import HandModel, HandPoints
from dex1b_core.synthesis import energies
from dex1b_core.synthesis.frame_points import FramePoints
from dex1b_core.synthesis.pressing import FingerPressing, Press, can_press_anywhere
from dex1b_core.synthesis.scene import SynthesisScene
from dex1b_core.synthesis.self_penetration import NearPoints, SelfPenetration


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
        region: Of contacts in the wanted region, where there is one.
        task: Of contacts that push along the motion of the object's joint, where it has one.
        balance, lean, touch: Of the closest contacts of hands whose fingers can press in any
            direction, see `FingerPressing`.
    """

    closure: float = 10.0
    distance: float = 100.0
    alignment: float = 1.0
    penetration: float = 300.0
    self_penetration: float = 300.0
    joints: float = 100.0
    region: float = 300.0
    task: float = 0.0
    balance: float = 0.0
    lean: float = 0.0
    touch: float = 0.0

    def total(self, terms: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B,) weighted sum of the terms that `GraspObjective.terms` gives, without unit."""
        parts = [getattr(self, name) * value for name, value in terms.items()]
        return torch.stack(parts).sum(dim=0)

    @property
    def uses_pressing(self) -> bool:
        """Whether the closest contacts count."""
        return self.balance > 0.0 or self.lean > 0.0 or self.touch > 0.0


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
        pad_points: On each link meant to touch, tested for penetration beside spheres.
    """

    friction_aware: bool = True
    friction: float = 0.4
    table_margin: float = 0.0
    palm_margin: float = 0.0
    self_margin: float = 0.0
    pad_points: int = 40


@dataclass(frozen=True)
class JointTask:
    """The joint that grasps are to move, in the frame of the scene.

    Attributes:
        axis: (3,) unit; positive motion is wanted.
        origin: (3,) a point of the axis [m].
        slides: Prismatic rather than revolute.
    """

    axis: torch.Tensor
    origin: torch.Tensor
    slides: bool

    def tangents(self, points: torch.Tensor) -> torch.Tensor:
        """(N, 3, B) unit directions in which the joint moves points (N, 3, B)."""
        axis = self.axis[:, None].expand_as(points)
        if self.slides:
            return axis
        return torch.nn.functional.normalize(cross(axis, points - self.origin[:, None]), dim=1)


@dataclass(frozen=True)
class SceneBatch:
    """What B grasps reach for and must avoid, in the frame of their object or of planning.

    Attributes:
        sdf: Each grasp's object.
        centre: (3, B) centre of its volume [m].
        plane: (4, B) support plane, unit normal and offset; None without a support.
        obstacles: (M, 3) points of the surroundings [m]; None without any.
        region: (3,) lower and (3,) upper corner of the box that contacts should lie in [m].
        base: What the object hangs on by a joint; the hand must avoid it.
        task: That joint.
    """

    sdf: SdfBatch
    centre: torch.Tensor
    plane: torch.Tensor | None = None
    obstacles: torch.Tensor | None = None
    region: tuple[torch.Tensor, torch.Tensor] | None = None
    base: SdfBatch | None = None
    task: JointTask | None = None

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


@dataclass(frozen=True)
class Nearby:
    """What changes little over a few steps and is costly to find.

    Attributes:
        points: Of the hand that may lie in another part of it.
        press: Closest contacts; None where they do not count.
    """

    points: NearPoints
    press: Press | None


class GraspObjective:
    """The energies of one hand."""

    def __init__(self, hand: HandModel, settings: ObjectiveSettings | None = None) -> None:
        self.hand = hand
        self.settings = settings or ObjectiveSettings()
        probes = penetration_probes(hand, self.settings.pad_points)
        self._spheres = FramePoints.build(hand.kinematics, probes)
        links = probes.links[self._spheres.source.clamp_min(0)]
        is_palm = (hand.link_fingers[links] < 0) & (self._spheres.source >= 0)
        is_pad = probes.radii[self._spheres.source.clamp_min(0)] == 0.0
        self._probe_weights = torch.where(is_pad, PAD_WEIGHT / self.settings.pad_points, 1.0)
        self._object_radii = self._spheres.radii + self.settings.palm_margin * is_palm
        self._self_penetration = SelfPenetration(hand)
        self._pressing = FingerPressing(hand) if can_press_anywhere(hand) else None

    def terms(
        self,
        scene: SceneBatch,
        columns: torch.Tensor,
        posture: torch.Tensor,
        contacts: tuple[torch.Tensor, torch.Tensor],
        near: Nearby,
        directions: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Every energy (B,) by name, without weights.

        Args:
            scene: What the grasps reach for.
            columns: (F, 4, 3, B) poses of the hand's frames, see `HandKinematics.frame_columns`.
            posture: (J, B) driven joints [rad].
            contacts: (n, 3, B) contact points [m] and the hand's outward normals there.
            near: From `look`.
            directions: (M, 6) wrenches wanted of the friction-aware closure.
        """
        points, facing = contacts
        distance, normal = scene.sdf.surface(points)
        spheres = self._spheres.place(columns)
        limits = self.hand.kinematics.lower, self.hand.kinematics.upper
        terms = {
            'closure': self._closure(scene, points, -normal, directions),
            'distance': energies.contact_distance(distance),
            'alignment': energies.contact_alignment(facing, -normal),
            'penetration': self._penetration(scene, spheres),
            'self_penetration': self._self_penetration.energy(
                columns, near.points, self.settings.self_margin
            ),
            'joints': energies.joint_limits(posture, *limits),
        }
        if scene.region is not None:
            terms['region'] = energies.contact_region(points, *scene.region)
        if scene.task is not None:
            tangents = scene.task.tangents(points)
            terms['task'] = energies.joint_motion(-normal, tangents, self.settings.friction)
        if self._pressing is not None and near.press is not None:
            terms |= self._pressing.terms(scene.sdf, scene.centre, columns, near.press)
        return terms

    def clearance(self, scene: SceneBatch, columns: torch.Tensor) -> torch.Tensor:
        """(B,) smallest gap between hand and object, base or support [m]; negative inside."""
        points = self._spheres.place(columns)
        gap = torch.minimum(scene.sdf.distance(points), scene.height(points))
        if scene.base is not None:
            gap = torch.minimum(gap, scene.base.distance(points))
        gap = gap - self._spheres.radii[:, None]
        return gap.amin(dim=0)

    def self_depth(self, columns: torch.Tensor) -> torch.Tensor:
        """(B,) deepest overlap [m] of the hand with itself, 0 if none."""
        return self._self_penetration.deepest(columns)

    def look(
        self, scene: SceneBatch, columns: torch.Tensor, margin: float, weights: EnergyWeights
    ) -> Nearby:
        """Find what `terms` needs: parts of the hand less than a margin [m] apart, contacts."""
        press = None
        if self._pressing is not None and weights.uses_pressing:
            press = self._pressing.look(scene.sdf, scene.centre, columns)
        return Nearby(self._self_penetration.near(columns, margin), press)

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
        radii, weights = self._spheres.radii, self._probe_weights
        total = energies.penetration(scene.sdf.distance(spheres), self._object_radii, weights)
        if scene.plane is not None:
            height = scene.height(spheres) - self.settings.table_margin
            total = total + energies.penetration(height, radii, weights)
        if scene.base is not None:
            gap = scene.base.distance(spheres)
            total = total + energies.penetration(gap, self._object_radii, weights)
        if scene.obstacles is not None:
            total = total + energies.penetration(scene.obstacle_distance(spheres), radii, weights)
        return total


SPHERES_PER_LINK = 10
SPHERES_PER_CONTACT_LINK = 3
PAD_WEIGHT = 40.0  # of all pad points of a link together; a sphere's is 1


def penetration_probes(hand: HandModel, pad_points: int) -> HandPoints:
    """Spheres of every link, and points on the front of links that are meant to touch.

    Spheres leave the edges of a link uncovered; where it touches that is where it penetrates.
    """
    touches = torch.zeros(len(hand.kinematics.link_names), dtype=torch.bool)
    touches[hand.pads.links] = True
    count = torch.where(touches, SPHERES_PER_CONTACT_LINK, SPHERES_PER_LINK)
    spheres = hand.spheres.select(rank_in_link(hand.spheres) < count[hand.spheres.links])
    return joined(spheres, hand.pads.select(rank_in_link(hand.pads) < pad_points))


def joined(first: HandPoints, second: HandPoints) -> HandPoints:
    """Points of both."""
    names = ('links', 'positions', 'normals', 'radii')
    return HandPoints(*(torch.cat([getattr(first, name), getattr(second, name)]) for name in names))


def rank_in_link(points: HandPoints) -> torch.Tensor:
    """(N,) number of each point among those of its link, which follow each other."""
    _, counts = torch.unique_consecutive(points.links, return_counts=True)
    return torch.cat([torch.arange(count) for count in counts.tolist()])
