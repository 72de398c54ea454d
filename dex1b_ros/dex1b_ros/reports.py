"""What commands print and write about plans and picks."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from dex1b_core.errors import ErrorCode

console = Console()

JsonPath = typer.Option(None, '--json', help='Write the report here.')


class StagePrinter:
    """Prints each new stage of a running pick."""

    def __init__(self) -> None:
        self._last = ''

    def __call__(self, feedback: Any) -> None:
        """Print the stage of a feedback message, or a text, when it is new."""
        text = feedback if isinstance(feedback, str) else stage_name(feedback.stage)
        if text != self._last:
            self._last = text
            console.print(f'  [cyan]{text}[/]')


def stage_name(stage: int) -> str:
    """Name of an ExecutorStatus stage in lower case."""
    from dex1b_msgs.msg import ExecutorStatus

    names = [name for name in vars(type(ExecutorStatus)) if name[0] != '_' and name.isupper()]
    by_value = {getattr(ExecutorStatus, name): name.lower() for name in names}
    return by_value.get(stage, str(stage))


def outcome(reply: Any) -> dict[str, Any]:
    """What plans and picks report alike."""
    from dex1b_ros import conversions

    return {
        'error_code': int(reply.error_code),
        'error': ErrorCode(reply.error_code).name,
        'error_msg': reply.error_msg,
        'plan_id': getattr(reply, 'plan_id', ''),
        'seed': int(reply.seed),
        'rejections': [
            {
                'stage': r.stage,
                'code': int(r.code),
                'reason': ErrorCode(r.code).name,
                'count': int(r.count),
                'example': r.example,
            }
            for r in reply.rejections
        ],
        'stages': [
            {'stage': t.stage, 'seconds': round(conversions.seconds(t.duration), 3)}
            for t in reply.timings
        ],
    }


def plan_report(reply: Any) -> dict[str, Any]:
    """Report of a plan."""
    candidates = [
        {
            'id': c.id,
            'score': round(float(c.score), 4),
            'check': f'{c.sim_check.successes}/{c.sim_check.trials}',
        }
        for c in reply.candidates
    ]
    return outcome(reply) | {'candidates': candidates}


def pick_report(result: Any) -> dict[str, Any]:
    """Report of a pick."""
    return outcome(result) | {
        'candidates': int(result.candidates),
        'executed_id': result.executed_id,
        'object_held': bool(result.object_held),
    }


def articulation_report(result: Any) -> dict[str, Any]:
    """Report of an articulation; its displacement is what was commanded."""
    return outcome(result) | {
        'executed_id': result.executed_id,
        'commanded': round(float(result.displacement), 4),
    }


def print_outcome(report: dict[str, Any]) -> None:
    """Print a report as tables."""
    if report['error_code']:
        console.print(f'[red]{report["error_code"]} {report["error"]}[/]: {report["error_msg"]}')
    table = Table('stage', 'seconds', box=None)
    for stage in report['stages']:
        table.add_row(stage['stage'], f'{stage["seconds"]:.2f}')
    console.print(table)
    if report['rejections']:
        table = Table('rejected', 'count', 'stage', box=None)
        for r in report['rejections']:
            table.add_row(r['reason'], str(r['count']), r['stage'])
        console.print(table)
    keys = (
        'plan_id', 'seed', 'candidates', 'success', 'lift_height_m', 'hold_s', 'moved', 'goal',
        'unit', 'wall_s',
    )  # fmt: skip
    for key in keys:
        if key in report:
            console.print(f'{key}: {report[key]}')
