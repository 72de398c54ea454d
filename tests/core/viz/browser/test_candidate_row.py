"""What lists say about candidates."""

from dataclasses import replace

from dex1b_core.planning import CheckResult, FailureReason, Reachability, ReachResult, SimCheck
from dex1b_core.viz.browser.candidate_row import details, rows
from dex1b_core.viz.verdict import BLUE, GREEN, ORANGE, RED


def test_rows_are_coloured_and_named_by_verdict(recording):
    held = recording.candidates[0]
    slipped = replace(
        held, sim_check=SimCheck(CheckResult.FAILED, FailureReason.SLIPPED, slip=0.0123, trials=2)
    )
    far = replace(held, reachability=Reachability(ReachResult.OUT_OF_WORKSPACE))
    found = rows((held, held), (slipped, far))
    assert [row.colour for row in found] == [BLUE, GREEN, RED, ORANGE]
    assert [row.label for row in found] == [
        '#0 · held 6/6 · 0.90', '#1 · held 6/6 · 0.90', 'rejected #0 · slipped · 0.90',
        'rejected #1 · out of workspace · 0.90',
    ]  # fmt: skip
    assert len({row.key for row in found}) == 4
    assert '| slip | 12.3 mm, 0.0° |' in details(found[2])
    assert '| arm | out of workspace |' in details(found[3])
    assert "generator's score" not in details(found[0])  # it gives none
