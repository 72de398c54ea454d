import numpy as np
import pytest

from dex1b_core.benchmark.segmentation_metrics import score_segmentation, summarise

TRUTH = np.zeros((10, 20), int)
TRUTH[:, 2:8] = 2  # 60 pixels
TRUTH[:, 10:14] = 5  # 40 pixels


def test_the_truth_itself_is_perfect() -> None:
    score = score_segmentation(TRUTH * 3, TRUTH)
    assert (score.precision, score.recall, score.f_score) == (1, 1, 1)
    assert score.ious.tolist() == [1, 1]
    assert (score.over_seg, score.under_seg) == (0, 0)


def test_merged_objects_are_under_segmented() -> None:
    score = score_segmentation((TRUTH > 0).astype(int), TRUTH)
    assert score.precision == pytest.approx(0.6)  # the larger one is the match
    assert score.recall == pytest.approx(0.6)
    assert score.ious.tolist() == [pytest.approx(0.6), 0]
    assert score.over_seg == 0
    assert score.under_seg == pytest.approx((40 + 60) / 100)


def test_a_split_object_is_over_segmented() -> None:
    predicted = TRUTH.copy()
    predicted[:5, 2:8] = 9
    predicted[:2, 2:8] = 2
    score = score_segmentation(predicted, TRUTH)  # 42 of 60 pixels are the match
    assert score.ious.tolist() == [pytest.approx(0.7), 1]
    assert score.precision == score.recall == pytest.approx(0.82)
    assert score.over_seg == pytest.approx(0.18)
    assert score.under_seg == 0


def test_false_objects_cost_precision_alone() -> None:
    predicted = TRUTH.copy()
    predicted[:, 16:] = 7
    score = score_segmentation(predicted, TRUTH)
    assert score.precision == pytest.approx(100 / 140)
    assert score.recall == 1
    assert score.found == 3


def test_nothing_found_scores_nothing() -> None:
    score = score_segmentation(np.zeros_like(TRUTH), TRUTH)
    assert (score.precision, score.recall, score.f_score, score.over_seg) == (0, 0, 0, 1)
    assert score.ious.tolist() == [0, 0]


def test_summary_averages_f_over_scenes_and_iou_over_objects() -> None:
    perfect, empty = score_segmentation(TRUTH, TRUTH), score_segmentation(0 * TRUTH, TRUTH == 2)
    summary = summarise([perfect, empty])
    assert summary['f_score'] == 0.5
    assert summary['iou_mean'] == pytest.approx(2 / 3)
    assert summary['share_iou_over_75'] == pytest.approx(2 / 3)
