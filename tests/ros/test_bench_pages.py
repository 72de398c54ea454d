"""Pages of the benchmarks of the stack."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dex1b_ros import bench_pages

PICK = {
    'pick': 0, 'object': 'ycb:025_mug', 'seed': 5, 'lifted': True, 'lift_height_m': 0.15,
    'hold_s': 2.5, 'wall_s': 31.0, 'error': 'NONE', 'error_msg': '', 'object_held': True,
    'executed_id': 'plan/0', 'stages': [{'stage': 'generate', 'seconds': 4.0}],
    'rejections': [{'stage': 'check', 'reason': 'CHECK_SLIPPED', 'count': 3, 'example': ''}],
}  # fmt: skip
FAILED = PICK | {'lifted': False, 'error': 'NOT_HELD', 'error_msg': '<empty> & open'}
REPORTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    'demos_page': (
        {'robot': 'xarm7_ability', 'seed': 1, 'n': 2, 'lifted': 1,
         'rows': [PICK | {'success': True},
                  {'object': 'no_such', 'success': False, 'error': 'UNKNOWN_OBJECT'}]},
        ('lifted 1 of 2', 'unknown object', 'generate, median'),
    ),
    'picks_page': (
        {'n': 2, 'lifted': 1, 'rows': [PICK, FAILED], 'per_object': {'mug': {'lifted': 1, 'n': 2}},
         'stages': {'generate': 4.0}, 'memory_mb': {'executor': {'first': 90.0, 'last': 91.0}},
         'handles': {'executor': {'first': 40, 'last': 40}}, 'orphans': [], 'resets': 1,
         'robot': 'xarm7_ability', 'generator': 'as configured', 'seed': 0,
         'versions': {'numpy': '2.4.6'}},
        ('lifted 1 of 2', 'not held', 'check slipped', 'numpy 2.4.6'),
    ),
    'faults_page': (
        {'n': 2, 'unsafe': 0, 'unjudged': 1, 'unexpected': 0, 'unrecovered': 0,
         'rows': [
             {'fault': 'emergency stop pressed', 'stage': 'LIFT', 'unsafe_motion': False,
              'unsafe': [], 'error_code': 'SAFETY_STOP', 'error_msg': '', 'expected': True,
              'recovered': True, 'seconds': 0.14},
             {'fault': 'executor hangs', 'stage': 'HOLD', 'unsafe_motion': None,
              'unsafe': ['not judged'], 'error_code': 'DEADLINE', 'error_msg': '',
              'expected': True, 'recovered': True, 'seconds': None}]},
        ('emergency stop pressed', 'not judged', '<span class="verdict bad">1 unjudged</span>'),
    ),
    'stops_page': (
        {'n': 1, 'held': 1, 'seed': 0, 'robot': 'xarm7_ability',
         'rows': [{'object': 'mug', 'seconds': 0.1234567, 'held': True}]},
        ('held 1 of 1', '0.1235', 'yes'),
    ),
    'idle_page': (
        {'seconds': 20.0,
         'rows': [{'node': 'executor', 'start_s': 0.9, 'idle_percent': 1.2, 'libraries': [],
                   'start_alone_s': None}]},
        ('executor', 'idle percent'),
    ),
    'stream_page': (
        {'rate': 250.0, 'seconds': 60.0, 'load': False, 'realtime': True, 'cores': 2,
         'load_average': 0.5,
         **{name: {'n': 100, 'rate': 250.0, 'missed': 0, 'cpu_percent': 9.0,
                   'period_ms': {'p50': 4.0, 'p99': 4.1}} for name in ('streamer', 'timer')}},
        ('streamed at 250 Hz', 'p99 ms', 'real-time'),
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', REPORTS)
def test_a_page_says_what_the_report_says(name: str) -> None:
    report, expected = REPORTS[name]
    page = getattr(bench_pages, name)(report, 'dex1b bench again --seed 1').html()
    for words in (*expected, 'dex1b bench again --seed 1', '<h2>Versions</h2>', '<dt>seed</dt>'):
        assert words in page, words
    assert not re.search(r'(src|href)="(?!data:)', page)  # stands alone
    assert '<empty>' not in page
