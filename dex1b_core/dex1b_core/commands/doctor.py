"""`dex1b doctor`: is everything there that the stack needs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from dex1b_core.doctor import DoctorOptions, Finding, Status, examine

COLOURS = {Status.OK: 'green', Status.WARN: 'yellow', Status.FAIL: 'red', Status.SKIPPED: 'dim'}


def register(app: typer.Typer) -> None:
    """Add the command to `dex1b`."""
    app.command()(doctor)


def doctor(
    namespace: Annotated[str, typer.Option(help='Namespace of a running stack.')] = '',
    robot: Annotated[
        str, typer.Option(help='Robot of a running stack: a name or a file.')
    ] = 'xarm7_ability',
    tf_prefix: Annotated[str, typer.Option(help='Before its links and joints.')] = '',
    discovery: Annotated[float, typer.Option(help='[s] to look for running nodes.')] = 3.0,
    json_path: Annotated[
        Path | None, typer.Option('--json', help='Write the report to this file.')
    ] = None,
) -> None:
    """Check the environment and, when it is running, the stack: one line each with the mend."""
    console = Console(highlight=False, soft_wrap=True)
    findings = []
    options = DoctorOptions(
        namespace=namespace, robot=robot, discovery_s=discovery, tf_prefix=tf_prefix
    )
    for finding in examine(options):
        findings.append(finding)
        _print(console, finding)
    counts = Counter(finding.status for finding in findings)
    summary = {status.value: counts[status] for status in Status}
    console.print(', '.join(f'{number} {status}' for status, number in summary.items()))
    if json_path is not None:
        report = {'summary': summary, 'findings': [asdict(finding) for finding in findings]}
        json_path.write_text(json.dumps(report, indent=2) + '\n')
    raise typer.Exit(int(counts[Status.FAIL] > 0))


def _print(console: Console, finding: Finding) -> None:
    colour = COLOURS[finding.status]
    mend = f'  [bold]mend:[/] {escape(finding.mend)}' if finding.mend else ''
    console.print(
        f'[{colour}]{finding.status.value:>7}[/]  {finding.check}: {escape(finding.detail)}{mend}'
    )
