from __future__ import annotations

import numpy as np
import pytest

from benchmarks.trajectories import examine, excess, limits_of
from dex1b_core.motion.timing import rest_to_rest


def test_random_trajectories_keep_the_limits_and_our_validation_agrees():
    report = examine(60, 1, ['xarm7_ability'])
    assert report['out'] == []
    assert sum(report['taken'].values()) + report['rightly_refused'] == 60


def test_the_referee_measures_what_a_quintic_needs():
    limits = limits_of('xarm7_ability')['arm']
    start, change = np.zeros(7), np.zeros(7)
    start[3], change[0] = 1.0, 0.8
    motion = rest_to_rest(limits.names, start, start + change, 1.0)
    found = excess(motion, limits, 1.0)
    assert found['velocity'] == pytest.approx(1.875 * 0.8 / limits.velocity[0], rel=0.01)
    assert found['acceleration'] == pytest.approx(5.7735 * 0.8 / limits.acceleration[0], rel=0.01)
    assert found['jerk'] == pytest.approx(60 * 0.8 / limits.jerk[0], rel=0.03)
