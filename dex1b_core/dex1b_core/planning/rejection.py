"""Why candidates were dropped, counted by stage and reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dex1b_core.errors import ErrorCode


@dataclass(frozen=True)
class Rejection:
    """Candidates dropped for one reason.

    Attributes:
        stage: 'generate', 'reach', 'check', 'motion' or 'execute'.
        count: How many.
        example: One case in words.
    """

    code: ErrorCode
    stage: str
    count: int
    example: str


def merge_rejections(rejections: Iterable[Rejection]) -> tuple[Rejection, ...]:
    """Add up the counts of equal (stage, code), keeping the first example; largest count first."""
    merged: dict[tuple[str, ErrorCode], Rejection] = {}
    for item in rejections:
        key = (item.stage, item.code)
        count = item.count + (merged[key].count if key in merged else 0)
        example = merged[key].example if key in merged else item.example
        merged[key] = Rejection(item.code, item.stage, count, example)
    return tuple(sorted(merged.values(), key=lambda item: -item.count))
