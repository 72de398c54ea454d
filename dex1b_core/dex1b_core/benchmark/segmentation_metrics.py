"""How well a label image agrees with the truth, as UOIS and UCN report it.

Xie et al., Unseen Object Instance Segmentation (T-RO 2021); Xiang et al., Unseen Object
Clustering (CoRL 2020): predicted and true objects are matched one to one by the Hungarian method
on their F; precision, recall and F count pixels over the matched pairs. Over- and
under-segmentation are those of Richtsfeld et al. (IROS 2012), where an object's segment is the
one that covers most of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Labels = NDArray[np.integer]


@dataclass(frozen=True)
class SceneScore:
    """Agreement in one scene.

    Attributes:
        precision: Pixels that matched pairs share, over all predicted object pixels.
        recall: The same, over all true object pixels.
        f_score: 2 precision recall / (precision + recall).
        ious: (T,) intersection over union of each true object with its match, 0 without one.
        found: Number of predicted objects.
        over_seg: 1 - (pixels of each true object inside its own segment) / (true object pixels).
        under_seg: (pixels of these segments outside the object) / (true object pixels).
    """

    precision: float
    recall: float
    f_score: float
    ious: NDArray[np.float64]
    found: int
    over_seg: float
    under_seg: float


def score_segmentation(predicted: Labels, truth: Labels) -> SceneScore:
    """Compare label images (H, W), 0 = no object; every predicted pixel counts."""
    true_ids, columns = np.unique(truth, return_inverse=True)
    ids, rows = np.unique(predicted, return_inverse=True)
    common = np.zeros((len(ids), len(true_ids)))
    np.add.at(common, (rows.ravel(), columns.ravel()), 1)
    size, true_size = common.sum(axis=1)[ids > 0], common.sum(axis=0)[true_ids > 0]
    common = common[ids > 0][:, true_ids > 0]
    union = size[:, None] + true_size[None] - common
    pairs = linear_sum_assignment(-2 * common / np.maximum(size[:, None] + true_size[None], 1))
    matched = float(common[pairs].sum())
    precision = matched / max(float(size.sum()), 1.0)
    recall = matched / max(float(true_size.sum()), 1.0)
    ious = np.zeros(len(true_size))
    ious[pairs[1]] = common[pairs] / union[pairs]
    over, under = _split_and_merged(common, size, true_size)
    return SceneScore(
        precision=precision,
        recall=recall,
        f_score=2 * matched / max(float(size.sum() + true_size.sum()), 1.0),
        ious=ious,
        found=len(size),
        over_seg=over,
        under_seg=under,
    )


def _split_and_merged(
    common: NDArray[np.float64], size: NDArray[np.float64], true_size: NDArray[np.float64]
) -> tuple[float, float]:
    total = max(float(true_size.sum()), 1.0)
    if len(size) == 0:
        return 1.0, 0.0
    own, inside = common.argmax(axis=0), common.max(axis=0)
    return 1 - float(inside.sum()) / total, float((size[own] - inside)[inside > 0].sum()) / total


def summarise(scores: Sequence[SceneScore]) -> dict[str, float]:
    """Means over scenes of F, precision, recall, over_seg and under_seg; over objects of IoU.

    Keys: f_score, precision, recall, iou_mean, share_iou_over_75, over_seg, under_seg.
    """
    ious = np.concatenate([score.ious for score in scores])
    names = ('f_score', 'precision', 'recall', 'over_seg', 'under_seg')
    means = {name: float(np.mean([getattr(s, name) for s in scores])) for name in names}
    return means | {
        'iou_mean': float(ious.mean()),
        'share_iou_over_75': float((ious > 0.75).mean()),
    }
