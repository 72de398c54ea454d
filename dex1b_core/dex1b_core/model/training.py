"""Fitting DexSimple to demonstrations."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torch import nn

from dex1b_core.geometry.device import moved
from dex1b_core.model.associated_point import associated_points, palm_and_heading
from dex1b_core.model.dataset import GraspBatchSample, GraspDataset, draw_batch
from dex1b_core.model.dexsimple import Conditions, DexSimple
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.losses import Geometry, GeometryLosses, LossWeights
from dex1b_core.model.settings import ModelSettings
from dex1b_core.model.training_process import TrainingProcess
from dex1b_core.robots.hand_model import HandModel

LOG_EVERY = 50


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained; `PAPER_TRAINING` is Dex1B's (Table VI).

    Attributes:
        steps: Batches.
        rate: Of Adam at first; it falls to a hundredth along a cosine.
        objects, each: Clouds of a batch, grasps of each.
        seen: Part of the clouds that show one side only.
        open_heading: Part of the grasps whose heading is not told.
        geometry: What penetration and distance are measured against.
        weights: Of the losses.
        clip: Largest norm of the gradient.
    """

    steps: int = 3000
    rate: float = 1e-3
    objects: int = 16
    each: int = 24
    seen: float = 0.5
    open_heading: float = 0.5
    geometry: Geometry = 'surface'
    weights: LossWeights = field(default_factory=LossWeights)
    clip: float = 1.0


PAPER_TRAINING = TrainingSettings(
    rate=1e-5,
    seen=0.0,
    geometry='points',
    weights=LossWeights(divergence=1e-4),
)


@dataclass(frozen=True)
class TrainingCurve:
    """Means over `LOG_EVERY` steps.

    Attributes:
        step: Of the last one.
        losses: By name, without weights.
    """

    step: tuple[int, ...]
    losses: dict[str, tuple[float, ...]]

    def to_json(self) -> str:
        """Both."""
        return json.dumps({'step': self.step, 'losses': self.losses})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """From `to_json`."""
        read = json.loads(text)
        losses = {name: tuple(values) for name, values in read['losses'].items()}
        return cls(tuple(read['step']), losses)


def train(
    data: GraspDataset,
    hand: HandModel,
    model: DexSimple,
    settings: TrainingSettings,
    *,
    seed: int,
    process: TrainingProcess | None = None,
    report: Callable[[int, dict[str, float]], None] = lambda step, losses: None,
) -> TrainingCurve:
    """Train in place; the same seed and number of processes give the same weights.

    Each of several processes draws its share of the batch's clouds; gradients are means over all.
    Afterwards the model is on the CPU again.

    Args:
        data: To draw batches from.
        hand: Whose grasps they are.
        model: The same in every process.
        settings: How.
        seed: Of all draws.
        process: This one, of several; alone on the best device without.
        report: Told step and mean losses, by each process.

    Raises:
        Dex1bError: INVALID_REQUEST for more processes than objects in a batch.
    """
    process = process or TrainingProcess()
    objects = process.share(settings.objects)
    # the first draws as a lone one does
    own = np.random.SeedSequence(seed, spawn_key=(process.rank,) if process.rank else ())
    rng = np.random.default_rng(own)
    generator = torch.Generator().manual_seed(seed + process.rank)
    model.to(process.device).train()
    losses: nn.Module = TrainingLosses(model, hand, settings)
    if process.count > 1:
        losses = nn.parallel.DistributedDataParallel(losses)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.505 + 0.495 * math.cos(math.pi * step / settings.steps)
    )
    log = _Log(process, report)
    for step in range(1, settings.steps + 1):
        batch = draw_batch(
            data, rng, objects=objects, each=settings.each,
            points=model.settings.cloud_points, seen=settings.seen,
        )  # fmt: skip
        found = losses(moved(batch, process.device), generator)
        total = sum(getattr(settings.weights, name) * value for name, value in found.items())
        optimizer.zero_grad()
        torch.as_tensor(total).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        optimizer.step()
        schedule.step()
        log.add(step, found)
    model.cpu().eval()
    return log.curve()


class _Log:
    """Means of the losses over `LOG_EVERY` steps and all processes."""

    def __init__(
        self, process: TrainingProcess, report: Callable[[int, dict[str, float]], None]
    ) -> None:
        self._process, self._report = process, report
        self._sums: dict[str, float] = {}
        self._steps: list[int] = []
        self._means: dict[str, list[float]] = {}

    def add(self, step: int, losses: Mapping[str, torch.Tensor]) -> None:
        """Losses of one step, the first of which is 1."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach()) / LOG_EVERY
        if step % LOG_EVERY:
            return
        means = self._process.mean(self._sums)
        self._report(step, means)
        self._steps.append(step)
        for name, mean in means.items():
            self._means.setdefault(name, []).append(mean)
        self._sums = {}

    def curve(self) -> TrainingCurve:
        """Of whole `LOG_EVERY` steps."""
        losses = {name: tuple(values) for name, values in self._means.items()}
        return TrainingCurve(tuple(self._steps), losses)


def conditions_of(
    hand: HandModel, settings: ModelSettings, batch: GraspBatchSample, told: torch.Tensor
) -> Conditions:
    """Of known grasps; `told` (B,) says whose heading is given."""
    palm, heading = palm_and_heading(hand, batch.rotation, batch.translation, batch.posture)
    point = associated_points(batch.clouds[batch.cloud], palm, heading)
    shown = heading * told[:, None]
    joint = None
    if settings.joint and batch.joints is not None:
        joint = batch.joints.told(batch.cloud, batch.clouds[batch.cloud, point])
    return Conditions(batch.cloud, point, shown, batch.height[batch.cloud], joint)


class TrainingLosses(nn.Module):
    """Losses of a batch, without weights; a module, so that processes can share their gradients."""

    def __init__(self, model: DexSimple, hand: HandModel, settings: TrainingSettings) -> None:
        super().__init__()
        self.model, self._settings = model, settings
        device = next(model.parameters()).device
        self._hand = moved(hand, device)
        self._code = GraspCode(self._hand.kinematics)
        self._geometry = moved(GeometryLosses(hand, settings.geometry), device)

    def forward(
        self, batch: GraspBatchSample, generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        """Each a scalar; draws are made on the CPU, the same for every device."""
        model = self.model
        told = torch.rand(len(batch.cloud), generator=generator) >= self._settings.open_heading
        with torch.no_grad():
            conditions = conditions_of(
                self._hand, model.settings, batch, told.to(batch.clouds.device)
            )
        features = model.encoder(batch.clouds)
        condition = model.condition(features, conditions)
        centre = features.centre[batch.cloud]
        target = self._code.encode(batch.rotation, batch.translation, batch.posture, centre)
        fit = model.decoder.fit(target, condition, generator)
        found = dict(fit.losses)
        if self._settings.geometry != 'none':
            found['penetration'], found['distance'] = self._geometry(
                batch, *self._code.decode(fit.code, centre), fit.trust
            )
        return found
