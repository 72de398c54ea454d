"""What the benchmarks share."""

import numpy as np
from known_grasps import wrapped

from benchmarks.judging import judge
from dex1b_core.data import write_grasps
from dex1b_core.simulation.hold_protocol import HoldProtocol


def test_files_and_processes_make_no_difference(tmp_path):
    quick = HoldProtocol(extrapolates=True)
    write_grasps(tmp_path / 'w.npz', wrapped())
    here = judge(wrapped(), quick)
    there = judge(tmp_path / 'w.npz', quick, jobs=2)
    assert here.success.all()
    np.testing.assert_array_equal(here.directions, there.directions)
    np.testing.assert_array_equal(here.contacts, there.contacts)
