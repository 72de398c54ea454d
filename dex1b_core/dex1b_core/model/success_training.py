"""Fitting a `SuccessPredictor` to verdicts, and how well it does on objects it has not seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from dex1b_core.data.demonstrations import Demonstrations
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.ranking_metrics import auc, better_half, calibration_error
from dex1b_core.model.success import SuccessPredictor, SuccessSettings
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import seed_settings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

_RIDGE = 1e-3  # on the change of the slope by the calibration


@dataclass(frozen=True)
class JudgedGrasps:
    """N grasps that physics has judged, as a prediction sees them.

    Attributes:
        features: (N, D) `GraspMeasures.details`.
        held: (N,) 0 or 1.
        target: (N,) number of the object.
        linear: (N,) what `predicted_success` says.
    """

    features: torch.Tensor
    held: torch.Tensor
    target: torch.Tensor
    linear: torch.Tensor

    @classmethod
    def of(cls, rows: Demonstrations, hand: HandModel) -> JudgedGrasps:
        """Measure every row anew, whether it held or not.

        Raises:
            Dex1bError: INVALID_REQUEST when rows are of another hand, or there are none.
        """
        if not len(rows):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                'no grasp has been judged; expected some: propose more grasps in a round',
            )
        joints = tuple(hand.kinematics.joint_names)
        if rows.provenance.joints != joints:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"the data are of '{rows.provenance.hand}'; expected those of '{hand.hand.key}'",
            )
        held = rows.held
        synthesizer = SeedSynthesizer(hand, seed_settings(1, rows.provenance.stiffness))
        names, rests = rows.values('object'), ~np.isnan(rows.vectors('plane')[:, 0])
        columns = {
            name: torch.from_numpy(rows.vectors(name))
            for name in ('translation', 'rotation', 'pregrasp', 'grasp', 'squeeze', 'approach')
        }
        order, parts, targets = [], [], []
        for number, name in enumerate(dict.fromkeys(names.tolist())):
            model = load_object(name)
            for on_table in (False, True):
                own = np.flatnonzero((names == name) & (rests == on_table))
                if not len(own):
                    continue
                row = {key: values[own] for key, values in columns.items()}
                grasps = GraspBatch(
                    row['rotation'].view(-1, 3, 3), row['translation'], row['pregrasp'],
                    row['grasp'], row['approach'],
                )  # fmt: skip
                target = SeedObject.of_model(model, on_table=on_table)
                parts.append(synthesizer.measure(target, grasps, row['squeeze']))
                order.append(own)
                targets.append(np.full(len(own), number))
        return cls(
            torch.cat([part.details for part in parts]),
            torch.from_numpy(held[np.concatenate(order)].astype(np.float32)),
            torch.from_numpy(np.concatenate(targets)),
            torch.cat([part.score for part in parts]),
        )


@dataclass(frozen=True)
class SuccessReport:
    """On objects that the network at work had not seen.

    Attributes:
        grasps, objects: How many.
        held: Part that held.
        auc: Probability that a grasp that held is rated above one that did not; None when all or
            none held.
        auc_linear: The same of `predicted_success`.
        better_half, better_half_linear: Part that held of the better half of each object's grasps.
        calibration_error: Mean distance of predicted from observed shares, over tenths of the rows.
    """

    grasps: int
    objects: int
    held: float
    auc: float | None
    auc_linear: float | None
    better_half: float
    better_half_linear: float
    calibration_error: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def train_success(
    data: JudgedGrasps, settings: SuccessSettings, *, seed: int
) -> tuple[SuccessPredictor, SuccessReport]:
    """Fit on whole objects, calibrate on the others; the same seed gives the same weights."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = SuccessPredictor(settings, data.features.shape[1])
    model.lower[:], model.upper[:] = data.features.aminmax(dim=0)
    model.mean[:] = data.features.mean(dim=0)
    model.deviation[:] = data.features.std(dim=0).clamp_min(1e-3)
    objects = int(data.target.max()) + 1
    fold_of = torch.randperm(objects, generator=generator) % settings.folds
    unseen = fold_of[data.target]
    logits = torch.zeros(len(data.held))
    for fold in range(settings.folds):
        mine = unseen == fold
        rest = torch.ones_like(mine) if bool(mine.all()) else ~mine  # of a single object
        _fit(model, fold, data, rest.nonzero()[:, 0], generator)
        with torch.no_grad():
            logits[mine] = model.logit(fold, data.features[mine])
    model.calibration[:] = _calibration(logits, data.held)
    model.eval()
    with torch.no_grad():
        predicted = model.calibrated(logits).double().numpy()
    held, target = data.held.numpy() > 0.5, data.target.numpy()
    linear = data.linear.double().numpy()
    return model, SuccessReport(
        grasps=len(held),
        objects=objects,
        held=float(held.mean()),
        auc=auc(predicted, held),
        auc_linear=auc(linear, held),
        better_half=float(held[better_half(predicted, target)].mean()),
        better_half_linear=float(held[better_half(linear, target)].mean()),
        calibration_error=calibration_error(predicted, held),
    )


def _fit(
    model: SuccessPredictor,
    fold: int,
    data: JudgedGrasps,
    rows: torch.Tensor,
    generator: torch.Generator,
) -> None:
    settings = model.settings
    net = model.nets[fold]
    optimizer = torch.optim.AdamW(net.parameters(), settings.rate, weight_decay=settings.decay)
    steps = settings.epochs * -(-len(rows) // settings.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(settings.epochs):
        shuffled = rows[torch.randperm(len(rows), generator=generator)]
        for chosen in torch.split(shuffled, settings.batch):
            logit = model.logit(fold, data.features[chosen])
            loss = binary_cross_entropy_with_logits(logit, data.held[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def _calibration(logits: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
    """Slope and offset of the likeliest logistic curve, with Platt's softened targets (1999)."""
    good = held.sum()
    bad = len(held) - good
    wanted = torch.where(held > 0.5, (good + 1.0) / (good + 2.0), 1.0 / (bad + 2.0))
    values = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([values], max_iter=100, line_search_fn='strong_wolfe')

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scaled = values[0] * logits + values[1]
        found: torch.Tensor = binary_cross_entropy_with_logits(scaled, wanted)
        found = found + _RIDGE * (values[0] - 1.0) ** 2
        found.backward()  # type: ignore[no-untyped-call]
        return found

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return values.detach()
