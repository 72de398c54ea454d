"""A demo's report as one web page that needs no other file."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import Any

from dex1b_core.viz.pictures import DemoPictures, Outcome
from dex1b_core.viz.recording import DemoRecording

_TITLES = {
    'pick_animation': 'The pick, faster than it was',
    'pick': 'Key frames and the height of the object',
    'candidates': 'Grasps that survived planning',
    'perception': 'What the camera saw',
}

_STYLE = """
:root { --ink: #1a1f29; --muted: #667080; --line: #e3e6ea; --good: #299e59; --bad: #cc3333; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 32px 20px 64px; max-width: 1080px; color: var(--ink);
       font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; background: #fff; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 6px 16px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 16px; margin: 36px 0 10px; }
.verdict { padding: 4px 14px; border-radius: 99px; color: #fff; font-weight: 600; }
.good { background: var(--good); } .bad { background: var(--bad); }
.muted, dt, th { color: var(--muted); }
dl { display: flex; flex-wrap: wrap; gap: 12px 34px; margin: 20px 0 0; }
dt { font-size: 13px; } dd { margin: 0; font-size: 19px; font-weight: 600; }
figure { margin: 26px 0 0; } figcaption { margin: 0 0 8px; font-weight: 600; }
img { display: block; max-width: 100%; height: auto; border: 1px solid var(--line);
      border-radius: 8px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); }
th { font-weight: 500; font-size: 13px; } td.n { text-align: right; width: 1%;
     font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { height: 9px; border-radius: 3px; background: #1f78b5; min-width: 2px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr));
           gap: 0 44px; }
code { background: #f3f5f7; padding: 2px 7px; border-radius: 5px; font-size: 13px; }
.error { border-left: 4px solid var(--bad); padding: 8px 14px; background: #fcf3f3;
         margin: 20px 0 0; }
"""


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
    page = folder / 'report.html'
    page.write_text(demo_page(report, outcome, paths), encoding='utf-8')
    return {**paths, 'report': page}


def demo_page(report: dict[str, Any], outcome: Outcome, pictures: dict[str, Path]) -> str:
    """The page as text, pictures embedded."""
    title = f'{report["object"]}, seed {report["seed"]}'
    kind = 'good' if outcome.success else 'bad'
    parts = [
        f'<header><h1>{escape(title)}</h1>'
        f'<span class="verdict {kind}">{escape(outcome.words())}</span></header>',
        _error(report),
        _facts(report),
        *(_figure(name, pictures[name]) for name in _TITLES if name in pictures),
        f'<div class="columns"><section>{_stages(report)}</section>'
        f'<section>{_rejections(report)}</section></div>',
        _versions(report),
        f'<h2>Again</h2><p><code>{escape(command(report))}</code></p>',
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n'
        + '\n'.join(part for part in parts if part)
        + '\n</body></html>\n'
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
    facts = {
        'robot': report['robot'],
        'lifted': f'{report["lift_height_m"]:.3f} m',
        'held': f'{report["hold_s"]:.1f} s',
        'candidates proposed': report.get('candidates'),
        'executed': report.get('executed_id'),
        'wall clock': f'{report["wall_s"]:.0f} s' if 'wall_s' in report else None,
    }
    items = ''.join(
        f'<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>'
        for name, value in facts.items()
        if value not in (None, '')
    )
    return f'<dl>{items}</dl>'


def _figure(name: str, path: Path) -> str:
    kind = {'.png': 'image/png', '.gif': 'image/gif'}[path.suffix]
    data = base64.b64encode(path.read_bytes()).decode('ascii')
    words = escape(_TITLES[name])
    return (
        f'<figure><figcaption>{words}</figcaption>'
        f'<img alt="{words}" src="data:{kind};base64,{data}"></figure>'
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
