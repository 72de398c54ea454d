"""A short run of the fuzzer on everything, and proof that it finds what is broken."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from benchmarks.fuzz import Target, fuzz, targets
from dex1b_core.errors import Dex1bError, ErrorCode

pytest.importorskip('rclpy')


@pytest.fixture(scope='module')
def everything(tmp_path_factory):
    return targets(tmp_path_factory.mktemp('fuzz'))


@pytest.mark.parametrize('name', [
    'execute_grasp', 'execute_articulation', 'scene', 'candidate', 'target', 'image',
    'robot file', 'hand file', 'camera file', 'URDF', 'mesh', 'network', 'predictor',
])  # fmt: skip
def test_malformed_input_is_taken_or_refused_with_a_code(everything, name):
    report = fuzz(everything[name], 60)
    assert not report['fault'], report['fault']
    assert report['n'] >= 60
    assert report['refused'], 'nothing was malformed enough to be refused'


def test_every_target_is_tested(everything):
    (mark,) = test_malformed_input_is_taken_or_refused_with_a_code.pytestmark
    assert set(mark.args[1]) == set(everything)


def test_the_fuzzer_finds_a_crash_and_counts_refusals():
    def feed(number):
        if number > 900:
            raise IndexError(number)
        if number % 2:
            raise Dex1bError(ErrorCode.INVALID_REQUEST, 'odd')

    report = fuzz(Target(st.integers(0, 1000), feed), 200)
    assert 'IndexError: 901' in report['fault']
    assert report['refused']['INVALID_REQUEST'] > 3
