"""Seeds: grasps of known objects from scratch, by the thousand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import torch

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.device import moved
from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch, concatenate
from dex1b_core.synthesis.constraints import Constraints
from dex1b_core.synthesis.descent import DescentSettings, descend
from dex1b_core.synthesis.frame_points import FramePoints
from dex1b_core.synthesis.grip import (
    FingerContactFinder,
    pregrasp_posture,
    settled_posture,
    squeeze_posture,
)
from dex1b_core.synthesis.measuring import GraspMeasurer
from dex1b_core.synthesis.objective import EnergyWeights, GraspObjective, SceneBatch
from dex1b_core.synthesis.pressing import can_press_anywhere
from dex1b_core.synthesis.ranking import predicted_success
from dex1b_core.synthesis.screening import least_energy
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import PRESSING, REFINEMENT, SeedSettings
from dex1b_core.synthesis.seed_starts import random_starts

SETTLING = 2  # least-squares steps that bring fingertips onto the surface


@dataclass(frozen=True)
class Seeds:
    """N grasps of one object, best first, in the object's frame.

    Attributes:
        grasps: Wrist poses, pregrasp and grasp postures, approach directions.
        squeeze: (N, J) commands that press [rad].
        score: (N,) predicted probability of holding.
        measures: (N, 14) features of the prediction.
        contacts: (N, F, 3) each finger's contact point on the hand [m].
        touches: (N, F) whether the finger touches the object there.
        energies: (N, K) at the end, without weights.
        energy_names: K names.
        made: Grasps optimised for them.
    """

    grasps: GraspBatch
    squeeze: torch.Tensor
    score: torch.Tensor
    measures: torch.Tensor
    contacts: torch.Tensor
    touches: torch.Tensor
    energies: torch.Tensor
    energy_names: tuple[str, ...]
    made: int

    def best(self, count: int) -> Seeds:
        """The first `count`, by score."""
        return self.select(torch.argsort(self.score, descending=True, stable=True)[:count])

    def select(self, keep: torch.Tensor) -> Seeds:
        """Those with these indices."""
        chosen: dict[str, Any] = {name: getattr(self, name)[keep] for name in _PER_GRASP}
        return replace(self, grasps=self.grasps.select(keep), **chosen)

    @classmethod
    def joined(cls, parts: list[Seeds]) -> Seeds:
        """One after the other."""
        tensors: dict[str, Any] = {
            name: torch.cat([getattr(part, name) for part in parts]) for name in _PER_GRASP
        }
        grasps = concatenate([part.grasps for part in parts])
        return replace(parts[0], grasps=grasps, made=sum(part.made for part in parts), **tensors)


_PER_GRASP = ('squeeze', 'score', 'measures', 'contacts', 'touches', 'energies')


class SeedSynthesizer:
    """Makes seeds for one hand; the same seed gives the same grasps on the same kind of device.

    What is given and returned lies on the CPU; `device` is where grasps are optimised.
    """

    def __init__(
        self,
        hand: HandModel,
        settings: SeedSettings | None = None,
        constraints: Constraints | None = None,
        device: torch.device | str = 'cpu',
    ) -> None:
        self.hand = hand
        self.device = torch.device(device)
        self.settings = settings or SeedSettings()
        self.constraints = constraints or Constraints()
        coarse = replace(self.settings.objective, pad_points=self.settings.explore_pad_points)
        self.objective = moved(GraspObjective(hand, self.settings.objective), device)
        self._coarse = moved(GraspObjective(hand, coarse), device)
        self._contacts = moved(FingerContactFinder(hand), device)
        able = can_press_anywhere(hand)
        self._draws = self.settings.draws if able else self.settings.draws_underactuated
        self._excess = self.settings.excess if able else self.settings.excess_underactuated
        self._surface = FramePoints.build(hand.kinematics, hand.surface)
        self._measurer = moved(GraspMeasurer(hand, self.settings.grip), device)

    def synthesize(
        self,
        target: SeedObject,
        count: int,
        *,
        seed: int,
        workers: int = 1,
        report: Callable[[int], None] = lambda made: None,
    ) -> Seeds:
        """Grasps of an object.

        Args:
            target: The object.
            count: How many to return.
            seed: Of every random draw.
            workers: Threads, each of which optimises a chunk; the result does not depend on it.
            report: Told the number of grasps that have been optimised since it was last called.

        Raises:
            Dex1bError: INVALID_REQUEST for a count below 1, NO_CANDIDATES when the constraints
                leave fewer than one grasp.
        """
        if count < 1:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST, f'{count} grasps wanted; expected 1 or more'
            )
        total = self.total(count)
        chunks = math.ceil(total / self.settings.chunk)
        chunks += chunks % 2 if chunks > 1 else 0  # two cores or more share them evenly
        sizes = [total // chunks + (index < total % chunks) for index in range(chunks)]

        def work(index: int) -> Seeds:
            generator = torch.Generator().manual_seed(seed * 1_000_003 + index)
            made = self.optimise(target, sizes[index], generator)
            report(sizes[index])
            return made

        with ThreadPoolExecutor(max(1, workers)) as pool:
            parts = list(pool.map(work, range(chunks)))
        made = Seeds.joined(parts)
        constraints = self.constraints.above(target.plane)
        allowed = constraints.allowed(self.hand, made.grasps, made.contacts, made.touches)
        if not bool(allowed.any()):
            raise Dex1bError(
                ErrorCode.NO_CANDIDATES,
                f'none of {total} grasps of {target.name} meets the constraints '
                f'{constraints}; loosen them or ask for more grasps',
            )
        return made.select(allowed.nonzero().flatten()).best(count)

    def total(self, count: int) -> int:
        """How many grasps are optimised when so many are wanted."""
        return math.ceil(self._excess * count)

    def optimise(self, target: SeedObject, count: int, generator: torch.Generator) -> Seeds:
        """One chunk, not ranked."""
        settings = self.settings
        with torch.no_grad():
            drawn = self._starts(target, round(self._draws * count), generator)
            starts = moved(drawn, self.device)
        if self._draws > 1.0:
            scene = moved(target.scene(len(starts), self.constraints.region), self.device)
            explored = descend(self._coarse, scene, starts, settings.explore, generator)
            starts = explored.grasps.select(explored.energy.argsort(stable=True)[:count])
        return self._descend(target, starts, settings.descent, generator)

    def optimise_many(self, targets: Sequence[SeedObject], count: int, *, seed: int) -> list[Seeds]:
        """`count` grasps of each of several objects in one batch, not ranked.

        A few grasps of many objects take a fraction of the time that one object after the other
        does. All objects float, or all rest on a plane.

        Raises:
            Dex1bError: INVALID_REQUEST when some float and others rest.
        """
        if len({target.plane is None for target in targets}) > 1:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                'some objects float and others rest on a plane; expected one kind in a batch',
            )
        generator = torch.Generator().manual_seed(seed)
        tries = max(1, round(self._draws * count))
        with torch.no_grad():
            starts = concatenate([self._starts(target, tries, generator) for target in targets])
        if self._draws > 1.0:
            scene = moved(self._joint_scene(targets, tries), self.device)
            begin = moved(starts, self.device)
            explored = descend(self._coarse, scene, begin, self.settings.explore, generator)
            ranks = explored.energy.view(len(targets), tries).argsort(dim=1, stable=True)
            first = tries * torch.arange(len(targets), device=ranks.device)[:, None]
            starts = explored.grasps.select((first + ranks[:, :count]).flatten())
        scene = moved(self._joint_scene(targets, count), self.device)
        begin = moved(starts, self.device)
        optimised = descend(self.objective, scene, begin, self.settings.descent, generator).grasps
        made = []
        for number, target in enumerate(targets):
            rows = torch.arange(number * count, (number + 1) * count, device=self.device)
            own = moved(target.scene(count, self.constraints.region), self.device)
            with torch.no_grad():
                made.append(moved(self._finish(own, target, optimised.select(rows)), 'cpu'))
        return made

    def _joint_scene(self, targets: Sequence[SeedObject], count: int) -> SceneBatch:
        """`count` grasps of each object, object after object."""
        sdf = SdfBatch.build([t.sdf for t in targets], torch.arange(len(targets)))
        each = torch.arange(len(targets)).repeat_interleave(count)
        planes = [target.plane for target in targets if target.plane is not None]
        return SceneBatch(
            sdf.select(each),
            torch.zeros(3, len(each)),
            torch.stack(planes, dim=1)[:, each] if planes else None,
            region=self.constraints.region,
        )

    def refine(
        self,
        target: SeedObject,
        grasps: GraspBatch,
        *,
        seed: int,
        descent: DescentSettings = REFINEMENT,
    ) -> Seeds:
        """Post-optimise grasps that were proposed elsewhere; in their order, not filtered.

        Args:
            target: The object.
            grasps: Poses and grasp postures to start from.
            seed: Of every random draw.
            descent: Weights and steps.
        """
        generator = torch.Generator().manual_seed(seed)
        return self._descend(target, moved(grasps, self.device), descent, generator)

    def least_energy(
        self,
        target: SeedObject,
        grasps: GraspBatch,
        count: int,
        *,
        seed: int,
        each: int = 1,
        weights: EnergyWeights = PRESSING,
    ) -> GraspBatch:
        """Those of least energy where they are, with few contact points.

        Args:
            target: The object.
            grasps: B proposals, the order of which says which belong together.
            count: How many to return at most; at most one of every `each` in a row.
            seed: Of the contacts that are drawn.
            each: A divisor of B.
            weights: Of the energies.
        """
        return least_energy(
            self._coarse,
            lambda size: moved(target.scene(size, self.constraints.region), self.device),
            moved(grasps, self.device),
            count,
            torch.Generator().manual_seed(seed),
            each=each,
            weights=weights,
        )

    def _descend(
        self,
        target: SeedObject,
        starts: GraspBatch,
        settings: DescentSettings,
        generator: torch.Generator,
    ) -> Seeds:
        scene = moved(target.scene(len(starts), self.constraints.region), self.device)
        optimised = descend(self.objective, scene, starts, settings, generator)
        with torch.no_grad():
            return moved(self._finish(scene, target, optimised.grasps), 'cpu')

    def _starts(self, target: SeedObject, count: int, generator: torch.Generator) -> GraspBatch:
        tries = 1 if target.plane is None else self.settings.starts.tries
        allowed = self.constraints.start_points(target.hull_points)
        drawn = allowed[torch.randint(len(allowed), (tries * count,), generator=generator)]
        points, normals = target.hull_points[drawn], target.hull_normals[drawn]
        approach = self.constraints.approach_within(-normals)
        starts = random_starts(self.hand, points, -approach, self.settings.starts, generator)
        if target.plane is None:
            return starts
        root = starts.rotation.permute(1, 2, 0), starts.translation.T
        columns = self.hand.kinematics.frame_columns(starts.grasp.T.contiguous(), *root)
        spheres = self._surface.place(columns)
        height = (spheres * target.plane[:3, None]).sum(dim=1) + target.plane[3]
        height[self._surface.source < 0] = torch.inf
        best = height.amin(dim=0).view(tries, count).argmax(dim=0)
        return starts.select(best * count + torch.arange(count))

    def _finish(self, scene: SceneBatch, target: SeedObject, optimised: GraspBatch) -> Seeds:
        """Settle the fingertips, add pregrasp and squeeze, and measure."""
        hand, grip = self.objective.hand, self.settings.grip
        kinematics = hand.kinematics
        root = optimised.rotation.permute(1, 2, 0), optimised.translation.T
        posture = optimised.grasp.T.contiguous()
        columns = kinematics.frame_columns(posture, *root)
        for _ in range(SETTLING):
            contacts = self._contacts.find(scene, columns)
            posture = settled_posture(hand, columns, posture, contacts, grip)
            columns = kinematics.frame_columns(posture, *root)
        contacts = self._contacts.find(scene, columns)
        pregrasp = pregrasp_posture(self.objective, scene, columns, posture, contacts, grip)
        squeeze = squeeze_posture(hand, columns, posture, contacts, scene.centre, grip)
        measures = self._measurer.measure(
            scene,
            target.surface_points.to(self.device),
            root,
            (pregrasp, posture, squeeze),
            contacts,
        )
        terms = {
            'force_balance': measures.residual,
            'contact_distance': contacts.distance.abs().amin(dim=0),
            'penetration': measures.penetration,
            'self_penetration': measures.self_penetration,
        }
        return Seeds(
            replace(optimised, grasp=posture.T.contiguous(), pregrasp=pregrasp.T.contiguous()),
            squeeze.T.contiguous(),
            predicted_success(measures),
            measures.features(),
            contacts.points.permute(2, 0, 1).contiguous(),
            contacts.takes_part(grip).T.contiguous(),
            torch.stack(list(terms.values()), dim=1),
            tuple(terms),
            len(optimised),
        )
