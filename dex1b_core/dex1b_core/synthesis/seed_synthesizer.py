"""Seeds: grasps of known objects from scratch, by the thousand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

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
    FingerContacts,
    pregrasp_posture,
    settled_posture,
    squeeze_posture,
)
from dex1b_core.synthesis.measuring import GraspMeasurer
from dex1b_core.synthesis.objective import EnergyWeights, GraspObjective, SceneBatch
from dex1b_core.synthesis.pressing import can_press_anywhere
from dex1b_core.synthesis.ranking import Prediction, predicted_success
from dex1b_core.synthesis.screening import least_energy
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import PRESSING, REFINEMENT, SeedSettings
from dex1b_core.synthesis.seed_starts import random_starts
from dex1b_core.synthesis.seeds import Seeds

ENERGY_NAMES = ('force_balance', 'contact_distance', 'penetration', 'self_penetration')
SETTLING = 2  # least-squares steps that bring fingertips onto the surface


class SeedSynthesizer:
    """Makes seeds for one hand; the same seed gives the same grasps on the same kind of device.

    What is given and returned lies on the CPU; `device` is where grasps are optimised. `predict`
    says which grasps are best.
    """

    def __init__(
        self,
        hand: HandModel,
        settings: SeedSettings | None = None,
        constraints: Constraints | None = None,
        device: torch.device | str = 'cpu',
        predict: Prediction = predicted_success,
    ) -> None:
        self.hand = hand
        self._predict = predict
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
        others: Sequence[SeedObject] = (),
    ) -> Seeds:
        """Grasps of an object.

        Args:
            target: The object.
            count: How many to return.
            seed: Of every random draw.
            workers: Threads, each of which optimises a chunk; the result does not depend on it.
            report: Told the number of grasps that have been optimised since it was last called.
            others: What the object may be as well; a grasp counts by its mean over all.

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
        return self.best(target, Seeds.joined(parts), count, others)

    def best(
        self, target: SeedObject, made: Seeds, count: int, others: Sequence[SeedObject] = ()
    ) -> Seeds:
        """Up to `count` of those allowed, by their prediction or its mean over several shapes.

        Raises:
            Dex1bError: NO_CANDIDATES when none is allowed.
        """
        kept = self.allowed(target, made)
        if others:
            again = [self.measure(other, kept.grasps, kept.squeeze).score for other in others]
            kept = replace(kept, score=torch.stack([kept.score, *again]).mean(dim=0))
        return kept.best(count)

    def allowed(self, target: SeedObject, made: Seeds) -> Seeds:
        """Those that meet the constraints and stay above the target's support.

        Raises:
            Dex1bError: NO_CANDIDATES when there are none.
        """
        constraints = self.constraints.above(target.plane)
        allowed = constraints.allowed(self.hand, made.grasps, made.contacts, made.touches)
        if not bool(allowed.any()):
            raise Dex1bError(
                ErrorCode.NO_CANDIDATES,
                f'none of {len(made.score)} grasps of {target.name} meets the constraints '
                f'{constraints}; loosen them or ask for more grasps',
            )
        return made.select(allowed.nonzero().flatten())

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
            lambda rows: moved(target.scene(len(rows), self.constraints.region), self.device),
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
        finished = replace(
            optimised, grasp=posture.T.contiguous(), pregrasp=pregrasp.T.contiguous()
        )
        return self._measured(scene, target, finished, squeeze, contacts)

    def measure(self, target: SeedObject, grasps: GraspBatch, squeeze: torch.Tensor) -> Seeds:
        """Finished grasps and their commands (N, J) [rad] as they are, measured and predicted."""
        grasps, squeeze = moved((grasps, squeeze), self.device)
        scene = moved(target.scene(len(grasps), self.constraints.region), self.device)
        with torch.no_grad():
            root = grasps.rotation.permute(1, 2, 0), grasps.translation.T
            columns = self.hand.kinematics.frame_columns(grasps.grasp.T.contiguous(), *root)
            contacts = self._contacts.find(scene, columns)
            found = self._measured(scene, target, grasps, squeeze.T.contiguous(), contacts)
        return moved(found, 'cpu')

    def _measured(
        self,
        scene: SceneBatch,
        target: SeedObject,
        grasps: GraspBatch,
        squeeze: torch.Tensor,
        contacts: FingerContacts,
    ) -> Seeds:
        root = grasps.rotation.permute(1, 2, 0), grasps.translation.T
        measures = self._measurer.measure(
            scene,
            target.surface_points.to(self.device),
            root,
            (grasps.pregrasp.T.contiguous(), grasps.grasp.T.contiguous(), squeeze),
            contacts,
        )
        distance = contacts.distance.abs().amin(dim=0)
        energies = (
            measures.residual, distance, measures.penetration, measures.self_penetration
        )  # fmt: skip
        return Seeds(
            grasps,
            squeeze.T.contiguous(),
            self._predict(measures),
            measures.features(),
            measures.details(),
            contacts.points.permute(2, 0, 1).contiguous(),
            contacts.takes_part(self.settings.grip).T.contiguous(),
            torch.stack(energies, dim=1),
            ENERGY_NAMES,
            len(grasps),
        )
