"""A demo's report as one web page that needs no other file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dex1b_core.viz.page import RunPage, columns, error, figure, rejections, stages
from dex1b_core.viz.pictures import DemoPictures, Outcome
from dex1b_core.viz.recording import DemoRecording

_TITLES = {
    'pick_animation': 'The pick, faster than it was',
    'pick': 'Key frames and the height of the object',
    'candidates': 'Grasps that survived planning',
    'perception': 'What the camera saw',
}


def write_demo_report(
    report: dict[str, Any], recording: DemoRecording, folder: Path
) -> dict[str, Path]:
    """Draw the pictures and write report.html beside them.

    Args:
        report: What report.json holds.
        recording: The same demo.
        folder: Where to write.

    Returns:
        Path by name: the pictures and 'report'.
    """
    outcome = Outcome(
        success=bool(report['success']),
        lift_height=float(report['lift_height_m']),
        hold=float(report['hold_s']),
        error=report.get('error', '') if report.get('error_code') else '',
    )
    paths = DemoPictures(recording, outcome).write(folder)
    known = {
        'robot': report['robot'],
        'lifted': f'{report["lift_height_m"]:.3f} m',
        'held': f'{report["hold_s"]:.1f} s',
        'candidates proposed': report.get('candidates'),
        'executed': report.get('executed_id'),
        'wall clock': f'{report["wall_s"]:.0f} s' if 'wall_s' in report else None,
    }
    path = folder / 'report.html'
    path.write_text(demo_page(report, outcome, paths, known, command(report)), encoding='utf-8')
    return {**paths, 'report': path}


def demo_page(
    report: dict[str, Any],
    outcome: Outcome,
    pictures: dict[str, Path],
    known: dict[str, Any],
    repeat: str,
    titles: Mapping[str, str] = _TITLES,
) -> str:
    """The page as text, pictures embedded.

    Args:
        report: What report.json holds.
        outcome: For the headline.
        pictures: By the names of `titles`.
        known: Facts by name; None = left out.
        repeat: The command that repeats the demo.
        titles: Of the pictures, in their order.
    """
    return RunPage(
        title=f'{report["object"]}, seed {report["seed"]}',
        command=repeat,
        versions=report.get('versions', {}),
        verdict=outcome.words(),
        good=outcome.success,
        values={'seed': report['seed']} | known,
        parts=[
            error(report),
            *(figure(titles[name], pictures[name]) for name in titles if name in pictures),
            columns(stages(report.get('stages', [])), rejections(report.get('rejections', []))),
        ],
    ).html()


def command(report: dict[str, Any]) -> str:
    """The command that repeats a demo."""
    return (
        f'dex1b demo --object {report["object"]} --seed {report["seed"]} --robot {report["robot"]}'
    )
