"""What is said about a candidate in lists."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dex1b_core.planning import CheckResult, GraspCandidate, ReachResult
from dex1b_core.viz.page import words
from dex1b_core.viz.verdict import BLUE, Colour, verdict


@dataclass(frozen=True)
class CandidateRow:
    """One line of the list.

    Attributes:
        candidate: The grasp.
        rank: Among those kept, or among those rejected; 0 is the best.
        rejected: Whether planning dropped it.
    """

    candidate: GraspCandidate
    rank: int
    rejected: bool

    @property
    def key(self) -> str:
        """Unique in a plan."""
        return f'{"rejected" if self.rejected else "grasp"}-{self.rank}'

    @property
    def colour(self) -> Colour:
        """Of its verdict; blue is the grasp that would be executed."""
        return BLUE if self.is_best else verdict(self.candidate)[0]

    @property
    def is_best(self) -> bool:
        """Whether a pick would begin with it."""
        return self.rank == 0 and not self.rejected

    @property
    def label(self) -> str:
        """Rank, reason and score."""
        name = f'{"rejected " if self.rejected else ""}#{self.rank}'
        return f'{name} · {verdict(self.candidate)[1]} · {self.candidate.score:.2f}'


def rows(
    kept: tuple[GraspCandidate, ...], rejected: tuple[GraspCandidate, ...]
) -> tuple[CandidateRow, ...]:
    """Those kept, then those rejected."""
    return (
        *(CandidateRow(candidate, rank, False) for rank, candidate in enumerate(kept)),
        *(CandidateRow(candidate, rank, True) for rank, candidate in enumerate(rejected)),
    )


def details(row: CandidateRow) -> str:
    """All that is known about it, as Markdown."""
    candidate = row.candidate
    x, y, z = candidate.planning_T_wrist[:3, 3]
    lines: list[tuple[str, str]] = [('score', f'{candidate.score:.3f}')]
    if math.isfinite(candidate.generator_score):
        lines.append(("generator's score", f'{candidate.generator_score:.3f}'))
    lines += _check_lines(candidate) + _reach_lines(candidate)
    lines += [
        ('hand', candidate.hand),
        ('wrist', f'{x:.3f}, {y:.3f}, {z:.3f} m'),
        ('approach', f'{100 * candidate.approach_distance:.0f} cm'),
    ]
    return f'**{row.label}**\n\n' + markdown_table(('', ''), lines)


def _check_lines(candidate: GraspCandidate) -> list[tuple[str, str]]:
    check = candidate.sim_check
    if check.result == CheckResult.NOT_RUN:
        return [('physics', 'not checked')]
    outcome = 'held' if check.result == CheckResult.PASSED else words(check.reason.name)
    return [
        ('physics', f'{outcome}, {check.successes} of {check.trials} trials'),
        ('rose', f'{1e3 * check.lift_height:.0f} mm'),
        ('slip', f'{1e3 * check.slip:.1f} mm, {np.degrees(check.rotation):.1f}°'),
        ('penetration', f'{1e3 * check.max_penetration:.1f} mm'),
        ('fingers touching', str(check.fingers_in_contact)),
    ]


def _reach_lines(candidate: GraspCandidate) -> list[tuple[str, str]]:
    reach = candidate.reachability
    if reach.result == ReachResult.NOT_RUN:
        return [('arm', 'not checked')]
    if reach.result != ReachResult.REACHABLE:
        return [('arm', words(reach.result.name))]
    margin = np.degrees(reach.min_joint_margin)
    return [
        ('arm', f'reaches it, {margin:.0f}° from joint limits'),
        ('manipulability', f'{reach.manipulability:.3f}'),
    ]


def markdown_table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of texts."""
    text = [' | '.join(heads), ' | '.join('---' for _ in heads)]
    text += [' | '.join(cell.replace('|', '/') for cell in line) for line in lines]
    return '\n'.join(f'| {line} |' for line in text)
