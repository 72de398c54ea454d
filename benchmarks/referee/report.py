"""Verdicts as tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.referee.verdicts import Verdicts

COLUMNS = ('n', 'all six %', '95 %', 'clean %', 'pen mm p50/p95/max', 'self mm p50/p95/max',
           'below mm max', 'ms each')  # fmt: skip


def print_table(found: dict[str, Verdicts], total: Verdicts, wall_s: float) -> None:
    """One row a file and the total, then rates by direction and failures by reason."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table('file', *COLUMNS, box=box.SIMPLE)
    for path, verdicts in found.items():
        table.add_row(Path(path).stem, *_cells(verdicts.summary()))
    table.add_section()
    summary = total.summary()
    table.add_row('total', *_cells(summary))
    console.print(table)
    rates = (f'{k} {_number(v)}' for k, v in summary['direction_percent'].items())
    console.print('held of those tried, %: ' + ', '.join(rates))
    reasons = (f'{name} {count}' for name, count in summary['failures'].items())
    console.print('failures: ' + (', '.join(reasons) or 'none'))
    console.print(f'{wall_s:.1f} s, {len(total) / wall_s:.1f} candidates/s')


def _cells(summary: dict[str, Any]) -> list[str]:
    interval = summary['success_interval_percent']
    below = [v['max'] for k, v in summary['below_support_mm'].items() if v and k != 'approach']
    return [
        str(summary['n']),
        _number(summary['success_percent']),
        '-' if interval is None else f'{interval[0]:.0f}-{interval[1]:.0f}',
        _number(summary['clean_percent']),
        _spread(summary['penetration_mm']),
        _spread(summary['self_penetration_mm']),
        _number(max(below, default=None)),
        '-' if summary['seconds_each'] is None else f'{1e3 * summary["seconds_each"]:.0f}',
    ]


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.1f}'


def _spread(quantiles: dict[str, float] | None) -> str:
    return '-' if quantiles is None else '/'.join(f'{v:.1f}' for v in quantiles.values())
