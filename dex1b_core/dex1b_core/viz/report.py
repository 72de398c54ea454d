"""A demo's report as one web page that needs no other file."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from dex1b_core.viz.page import again, facts, figure, header, page
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
    path = folder / 'report.html'
    path.write_text(demo_page(report, outcome, paths), encoding='utf-8')
    return {**paths, 'report': path}


def demo_page(report: dict[str, Any], outcome: Outcome, pictures: dict[str, Path]) -> str:
    """The page as text, pictures embedded."""
    title = f'{report["object"]}, seed {report["seed"]}'
    kind = 'good' if outcome.success else 'bad'
    return page(
        title,
        [
            header(title, outcome.words(), kind),
            _error(report),
            _facts(report),
            *(figure(_TITLES[name], pictures[name]) for name in _TITLES if name in pictures),
            f'<div class="columns"><section>{_stages(report)}</section>'
            f'<section>{_rejections(report)}</section></div>',
            _versions(report),
            again(command(report)),
        ],
    )


def command(report: dict[str, Any]) -> str:
    """The command that repeats a demo."""
    return (
        f'dex1b demo --object {report["object"]} --seed {report["seed"]} --robot {report["robot"]}'
    )


def _error(report: dict[str, Any]) -> str:
    if not report.get('error_code'):
        return ''
    code = f'{report["error_code"]} {report.get("error", "")}'
    return f'<p class="error"><b>{escape(code)}</b><br>{escape(report.get("error_msg", ""))}</p>'


def _facts(report: dict[str, Any]) -> str:
    return facts(
        {
            'robot': report['robot'],
            'lifted': f'{report["lift_height_m"]:.3f} m',
            'held': f'{report["hold_s"]:.1f} s',
            'candidates proposed': report.get('candidates'),
            'executed': report.get('executed_id'),
            'wall clock': f'{report["wall_s"]:.0f} s' if 'wall_s' in report else None,
        }
    )


def _stages(report: dict[str, Any]) -> str:
    stages = report.get('stages', [])
    longest = max((stage['seconds'] for stage in stages), default=0.0) or 1.0
    rows = ''.join(
        f'<tr><td>{escape(stage["stage"])}</td><td class="n">{stage["seconds"]:.2f}</td>'
        f'<td><div class="bar" style="width:{100 * stage["seconds"] / longest:.1f}%"></div></td>'
        '</tr>'
        for stage in stages
    )
    return f'<h2>Stages [s]</h2><table>{rows}</table>'


def _rejections(report: dict[str, Any]) -> str:
    rejections = report.get('rejections', [])
    if not rejections:
        return '<h2>Rejected candidates</h2><p class="muted">none</p>'
    rows = ''.join(
        f'<tr title="{escape(item.get("example", ""))}"><td>{escape(item["reason"].lower())}</td>'
        f'<td>{escape(item["stage"])}</td><td class="n">{item["count"]}</td></tr>'
        for item in rejections
    )
    return (
        '<h2>Rejected candidates</h2><table><tr><th>reason</th><th>stage</th><th>count</th></tr>'
        f'{rows}</table>'
    )


def _versions(report: dict[str, Any]) -> str:
    versions = report.get('versions', {})
    words = ', '.join(f'{escape(name)} {escape(str(value))}' for name, value in versions.items())
    return f'<h2>Versions</h2><p class="muted">{words}</p>' if words else ''
