"""The summary of a row, by hand."""

import pytest

from benchmarks.learned import known_from_one_view, summary
from dex1b_core.geometry.object_model import load_object


def test_summary_counts_grasps_not_objects():
    first = {'seconds': 1.0, 'held': [1, 1, 0, 0], 'clean': [1, 0, 0, 0], 'passed': [1, 1, 1, 0],
             'distinct': 2, 'joint_spread': None}  # fmt: skip
    second = {'seconds': 0.5, 'held': [1, 1], 'clean': [1, 1], 'passed': [1, 0],
              'distinct': 1, 'joint_spread': 0.2}  # fmt: skip
    row = summary([first, second, {'error': 'nothing seen'}])
    assert (row['objects'], row['n']) == (2, 6)
    assert row['raw'] == pytest.approx(4 / 6)
    assert row['clean'] == pytest.approx(3 / 6)
    assert row['passed'] == pytest.approx(4 / 6)
    assert row['filtered'] == pytest.approx(3 / 4)
    assert row['held_per_s'] == pytest.approx(4 / 1.5)
    assert row['distinct_of_held'] == pytest.approx(3 / 4)
    assert row['joint_spread'] == pytest.approx(0.2)


def test_what_one_view_shows_lies_on_the_object():
    """The hypothesis and the cloud come back to the object's own frame."""
    model = load_object('shape:cylinder')
    known = known_from_one_view(model, 0)
    low, high = model.vertices.min(axis=0), model.vertices.max(axis=0)
    assert (known.cloud.numpy() > low - 0.01).all()
    assert (known.cloud.numpy() < high + 0.01).all()
    assert known.target.plane is not None
    assert float(known.target.plane[3]) == pytest.approx(-low[2], abs=0.004)
