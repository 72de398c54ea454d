"""Rows of the effects table, and what they change."""

import numpy as np
from known_grasps import wrapped

from benchmarks import effects
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.seed_settings import SeedSettings


def test_rows_differ_and_the_first_is_the_default():
    rows = effects.variants()
    assert rows[0].settings == SeedSettings().with_excess(1.0)
    assert len({row.name for row in rows}) == len(rows)
    described = {(repr(row.settings), row.change, repr(row.protocol)) for row in rows}
    # lambdas of rows without a change are one function, the default of the field
    assert len(described) == len(rows)


def test_squeezes_and_pregrasps_are_replaced():
    grasps, hand = wrapped(), HandModel(load_hand('ability_right'))
    assert np.array_equal(effects.no_squeeze(grasps, hand).squeeze, grasps.grasp)
    assert np.array_equal(effects.no_pregrasp(grasps, hand).pregrasp, grasps.grasp)
    closed = effects.closed_joints(grasps, hand).squeeze - grasps.grasp
    opened = effects.opened_joints(grasps, hand).pregrasp - grasps.grasp
    assert set(np.abs(closed).round(6).flatten()) <= {0.0, 0.2}
    assert (closed * opened <= 0.0).all()
    assert np.abs(opened).max().round(6) == 0.15


def test_a_row_shows_mean_and_spread_over_seeds():
    class Found:
        def __init__(self, *held):
            self.success = self.clean = np.array(held, dtype=bool)

        def __len__(self):
            return len(self.success)

    line = effects.line('a row', [Found(1, 1, 0, 0), Found(1, 1, 1, 1)])
    assert line == '| a row | 8 | 75.0 (50.0-100.0) | 75.0 (50.0-100.0) |'
