from __future__ import annotations

from dataclasses import replace

import pytest

from dex1b_core.planning import CheckResult, FailureReason, Reachability, ReachResult, SimCheck
from dex1b_core.viz.recording import DemoRecording
from dex1b_core.viz.verdict import GREEN, GREY, ORANGE, RED, verdict

NOT_RUN = SimCheck()
PASSED = SimCheck(CheckResult.PASSED, FailureReason.NONE, trials=6, successes=5)
SLIPPED = SimCheck(CheckResult.FAILED, FailureReason.SLIPPED)


@pytest.mark.parametrize(
    ('check', 'reach', 'expected'),
    [
        (PASSED, ReachResult.REACHABLE, (GREEN, 'held 5/6')),
        (SLIPPED, ReachResult.REACHABLE, (RED, 'slipped')),
        (NOT_RUN, ReachResult.NO_IK, (ORANGE, 'no ik')),
        (PASSED, ReachResult.NO_PATH, (ORANGE, 'no path')),
        (NOT_RUN, ReachResult.REACHABLE, (GREY, 'not checked')),
    ],
)
def test_verdicts(
    recording: DemoRecording, check: SimCheck, reach: ReachResult, expected: tuple[object, str]
) -> None:
    candidate = replace(
        recording.candidates[0], sim_check=check, reachability=Reachability(result=reach)
    )
    assert verdict(candidate) == expected
