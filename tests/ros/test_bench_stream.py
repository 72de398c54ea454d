"""Figures of the streaming benchmark, and a short run of it with real processes."""

import numpy as np
import pytest

from dex1b_ros.bench_stream import bench_stream, periods

pytestmark = pytest.mark.ros


def test_periods_of_an_even_stream():
    row = periods(np.arange(1000) * 0.004, 250.0)
    assert row['period_ms'] == {'mean': 4.0, 'p50': 4.0, 'p99': 4.0, 'max': 4.0}
    assert (row['missed'], row['rate']) == (0, 250.0)


def test_a_gap_is_missed_once():
    times = np.concatenate([np.arange(500), 505 + np.arange(500)]) * 0.004
    row = periods(times, 250.0)
    assert row['missed'] == 1
    assert row['period_ms']['max'] == pytest.approx(24.0)


def test_streamer_and_timer_run_side_by_side(ros_domain, tmp_path):
    report = bench_stream(
        rate=100.0, seconds=4.0, robot='xarm7_ability', load=True, folder=tmp_path
    )
    for name in ('streamer', 'timer'):
        row = report[name]
        assert row['n'] > 100
        assert 2.0 < row['period_ms']['p50'] < 30.0
        assert row['period_ms']['max'] >= row['period_ms']['p99'] >= row['period_ms']['p50']
    assert 'failed' not in (tmp_path / 'stream_probe.log').read_text()
