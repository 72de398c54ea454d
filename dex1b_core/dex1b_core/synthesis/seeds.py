"""Seeds: grasps of known objects from scratch, by the thousand."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import trimesh
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.object_model import ObjectModel
from dex1b_core.geometry.sdf import VoxelSdf, build_sdf
from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch, concatenate
from dex1b_core.synthesis.constraints import Constraints
from dex1b_core.synthesis.descent import DescentSettings, descend
from dex1b_core.synthesis.frame_points import FramePoints
from dex1b_core.synthesis.grip import (
    FingerContactFinder,
    GripSettings,
    pregrasp_posture,
    settled_posture,
    squeeze_posture,
)
from dex1b_core.synthesis.objective import GraspObjective, ObjectiveSettings, SceneBatch
from dex1b_core.synthesis.ranking import GraspMeasures, balance_measures, predicted_success
from dex1b_core.synthesis.seed_starts import StartSettings, random_starts
from dex1b_core.synthesis.self_penetration import deepest_overlap

Array = NDArray[np.float64]
HULL_POINTS = 1024
SETTLING = 2  # least-squares steps that bring fingertips onto the surface


@dataclass(frozen=True)
class SeedObject:
    """An object to make seeds for, in its own frame.

    Attributes:
        name: Short.
        sdf: Signed distance to it.
        hull_points: (P, 3) on its convex hull [m].
        hull_normals: (P, 3) outward there.
        plane: (4,) support plane below it, unit normal and offset; None when it floats.
    """

    name: str
    sdf: VoxelSdf
    hull_points: torch.Tensor
    hull_normals: torch.Tensor
    plane: torch.Tensor | None = None

    @classmethod
    def of_model(cls, model: ObjectModel, *, on_table: bool = False) -> SeedObject:
        """Prepare an object; `on_table` rests it on the plane below its lowest point (along z)."""
        hull = trimesh.convex.convex_hull(model.vertices)
        points, faces = trimesh.sample.sample_surface(hull, HULL_POINTS, seed=0)
        plane = [0.0, 0.0, 1.0, -float(model.vertices[:, 2].min())]
        return cls(
            model.name,
            build_sdf(model.vertices, model.faces),
            torch.as_tensor(np.asarray(points), dtype=torch.float32),
            torch.as_tensor(np.asarray(hull.face_normals[faces]), dtype=torch.float32),
            torch.tensor(plane) if on_table else None,
        )


@dataclass(frozen=True)
class SeedSettings:
    """How seeds are made.

    Attributes:
        starts: Where they begin.
        objective: Energies.
        descent: Weights and steps.
        grip: Pregrasp and squeeze.
        excess: Grasps optimised for each one returned; the best by prediction are kept.
        chunk: Grasps optimised together.
    """

    starts: StartSettings = field(default_factory=StartSettings)
    objective: ObjectiveSettings = field(
        default_factory=lambda: ObjectiveSettings(self_margin=0.002, palm_margin=0.003)
    )
    descent: DescentSettings = field(
        default_factory=lambda: DescentSettings(steps=200, rates=(0.0026, 0.013, 0.026))
    )
    grip: GripSettings = field(default_factory=GripSettings)
    excess: float = 2.0
    chunk: int = 512


def seed_settings(steps: int, excess: float, stiffness: float) -> SeedSettings:
    """Settings for other numbers of steps: rates fall with steps^0.6, so that grasps arrive.

    Args:
        steps: Of the descent.
        excess: Grasps optimised for each one kept.
        stiffness: Position gain of the hand's controllers [N m/rad].
    """
    default = SeedSettings()
    faster = (default.descent.steps / steps) ** 0.6
    translation, rotation, joints = default.descent.rates
    rates = (faster * translation, faster * rotation, faster * joints)
    return replace(
        default,
        descent=replace(default.descent, steps=steps, rates=rates),
        grip=replace(default.grip, stiffness=stiffness),
        excess=excess,
    )


@dataclass(frozen=True)
class Seeds:
    """N grasps of one object, best first, in the object's frame.

    Attributes:
        grasps: Wrist poses, pregrasp and grasp postures, approach directions.
        squeeze: (N, J) commands that press [rad].
        score: (N,) predicted probability of holding.
        measures: (N, 7) features of the prediction.
        energies: (N, K) at the end, without weights.
        energy_names: K names.
        made: Grasps optimised for them.
    """

    grasps: GraspBatch
    squeeze: torch.Tensor
    score: torch.Tensor
    measures: torch.Tensor
    energies: torch.Tensor
    energy_names: tuple[str, ...]
    made: int

    def best(self, count: int) -> Seeds:
        """The first `count`, by score."""
        order = torch.argsort(self.score, descending=True, stable=True)[:count]
        return replace(
            self,
            grasps=self.grasps.select(order),
            squeeze=self.squeeze[order],
            score=self.score[order],
            measures=self.measures[order],
            energies=self.energies[order],
        )


class SeedSynthesizer:
    """Makes seeds for one hand; the same seed gives the same grasps."""

    def __init__(
        self,
        hand: HandModel,
        settings: SeedSettings | None = None,
        constraints: Constraints | None = None,
    ) -> None:
        self.hand = hand
        self.settings = settings or SeedSettings()
        self.constraints = constraints or Constraints()
        self.objective = GraspObjective(hand, self.settings.objective)
        self._contacts = FingerContactFinder(hand)
        self._surface = FramePoints.build(hand.kinematics, hand.surface)

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
        total = math.ceil(self.settings.excess * count)
        chunks = math.ceil(total / self.settings.chunk)
        sizes = [total // chunks + (index < total % chunks) for index in range(chunks)]

        def work(index: int) -> Seeds:
            generator = torch.Generator().manual_seed(seed * 1_000_003 + index)
            made = self.optimise(target, sizes[index], generator)
            report(sizes[index])
            return made

        with ThreadPoolExecutor(max(1, workers)) as pool:
            parts = list(pool.map(work, range(chunks)))
        merged = replace(
            parts[0],
            grasps=concatenate([part.grasps for part in parts]),
            squeeze=torch.cat([part.squeeze for part in parts]),
            score=torch.cat([part.score for part in parts]),
            measures=torch.cat([part.measures for part in parts]),
            energies=torch.cat([part.energies for part in parts]),
            made=total,
        )
        kept = merged.best(len(merged.score))
        allowed = self.constraints.allowed(self.hand, kept.grasps)
        if not bool(allowed.any()):
            raise Dex1bError(
                ErrorCode.NO_CANDIDATES,
                f'none of {total} grasps of {target.name} meets the constraints '
                f'{self.constraints}; loosen them or ask for more grasps',
            )
        score = torch.where(allowed, kept.score, -1.0)
        return replace(kept, score=score).best(min(count, int(allowed.sum())))

    def optimise(self, target: SeedObject, count: int, generator: torch.Generator) -> Seeds:
        """One chunk, not ranked."""
        with torch.no_grad():
            starts = self._starts(target, count, generator)
        scene = SceneBatch(
            SdfBatch.build([target.sdf], torch.zeros(count, dtype=torch.int64)),
            torch.zeros(3, count),
            None if target.plane is None else target.plane[:, None].expand(4, count),
        )
        optimised = descend(self.objective, scene, starts, self.settings.descent, generator)
        with torch.no_grad():
            return self._finish(scene, optimised)

    def _starts(self, target: SeedObject, count: int, generator: torch.Generator) -> GraspBatch:
        tries = 1 if target.plane is None else self.settings.starts.tries
        drawn = torch.randint(len(target.hull_points), (tries * count,), generator=generator)
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

    def _finish(self, scene: SceneBatch, optimised: GraspBatch) -> Seeds:
        """Settle the fingertips, add pregrasp and squeeze, and measure."""
        kinematics, grip = self.hand.kinematics, self.settings.grip
        root = optimised.rotation.permute(1, 2, 0), optimised.translation.T
        posture = optimised.grasp.T.contiguous()
        columns = kinematics.frame_columns(posture, *root)
        for _ in range(SETTLING):
            contacts = self._contacts.find(scene, columns)
            posture = settled_posture(self.hand, columns, posture, contacts, grip)
            columns = kinematics.frame_columns(posture, *root)
        contacts = self._contacts.find(scene, columns)
        pregrasp = pregrasp_posture(self.objective, scene, columns, posture, contacts, grip)
        squeeze = squeeze_posture(self.hand, columns, posture, contacts, scene.centre, grip)
        residual, weakest, net_force, net_torque = balance_measures(contacts, scene.centre)
        opened = kinematics.frame_columns(pregrasp, *root)
        measures = GraspMeasures(
            residual,
            weakest,
            net_force,
            net_torque,
            self._penetration(scene, columns),
            deepest_overlap(*self.objective.self_spheres(columns)),
            self._penetration(scene, opened),
        )
        terms = {
            'force_balance': residual,
            'contact_distance': contacts.distance.abs().amin(dim=0),
            'penetration': measures.penetration,
            'self_penetration': measures.self_penetration,
        }
        return Seeds(
            replace(optimised, grasp=posture.T.contiguous(), pregrasp=pregrasp.T.contiguous()),
            squeeze.T.contiguous(),
            predicted_success(measures),
            measures.features(),
            torch.stack(list(terms.values()), dim=1),
            tuple(terms),
            len(optimised),
        )

    def _penetration(self, scene: SceneBatch, columns: torch.Tensor) -> torch.Tensor:
        """(B,) deepest overlap [m] of the hand's surface points with object or support."""
        points = self._surface.place(columns)
        depth = -torch.minimum(scene.sdf.distance(points), scene.height(points))
        depth[self._surface.source < 0] = 0.0
        return depth.amax(dim=0).clamp_min(0.0)
