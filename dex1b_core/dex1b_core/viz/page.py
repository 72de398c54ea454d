"""Web pages that need no other file: the common look of all reports."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

_NUMBER = re.compile(r'^(?:[-+]?\d[^a-zA-Z]*(?:ms|mm|s|m|of .*)?|-|)$')

STYLE = """
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
th { font-weight: 500; font-size: 13px; }
td.b { width: 55%; } .n { text-align: right; width: 1%;
     font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { height: 9px; border-radius: 3px; background: #1f78b5; min-width: 2px; }
.columns { display: grid; gap: 0 44px;
           grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); }
.wide { overflow-x: auto; }
code { background: #f3f5f7; padding: 2px 7px; border-radius: 5px; font-size: 13px;
       overflow-wrap: anywhere; }
.error { border-left: 4px solid var(--bad); padding: 8px 14px; background: #fcf3f3;
         margin: 20px 0 0; }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A page of parts, which are HTML; empty ones are left out."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n'
        + '\n'.join(part for part in parts if part)
        + '\n</body></html>\n'
    )


@dataclass(frozen=True)
class RunPage:
    """What the page of every run shows, whatever ran.

    Attributes:
        title: Of the page.
        command: That repeats it.
        versions: Of what made it, by package.
        verdict, good: A few words beside the title, on green or red.
        values: Figures under the title; the seed is among them.
        parts: HTML between the figures and the versions.
    """

    title: str
    command: str
    versions: Mapping[str, str]
    verdict: str = ''
    good: bool = True
    values: Mapping[str, object] = field(default_factory=dict)
    parts: Sequence[str] = ()

    def html(self) -> str:
        """The page as text."""
        words = ', '.join(f'{escape(name)} {escape(str(v))}' for name, v in self.versions.items())
        return page(
            self.title,
            [
                header(self.title, self.verdict, 'good' if self.good else 'bad'),
                facts(self.values),
                *self.parts,
                f'<h2>Versions</h2><p class="muted">{words}</p>' if words else '',
                again(self.command),
            ],
        )

    def write(self, path: Path) -> None:
        """Write the page; folders are made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.html(), encoding='utf-8')


def header(title: str, verdict: str = '', kind: str = 'good') -> str:
    """Headline, and a verdict of kind 'good' or 'bad'."""
    badge = f'<span class="verdict {kind}">{escape(verdict)}</span>' if verdict else ''
    return f'<header><h1>{escape(title)}</h1>{badge}</header>'


def facts(values: Mapping[str, object]) -> str:
    """Names and values in a row; those that are None or empty are left out."""
    items = ''.join(
        f'<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>'
        for name, value in values.items()
        if value not in (None, '')
    )
    return f'<dl>{items}</dl>'


def figure(words: str, path: Path) -> str:
    """A picture (.png or .gif) inside the page, under words."""
    kind = {'.png': 'image/png', '.gif': 'image/gif'}[path.suffix]
    data = base64.b64encode(path.read_bytes()).decode('ascii')
    words = escape(words)
    return (
        f'<figure><figcaption>{words}</figcaption>'
        f'<img alt="{words}" src="data:{kind};base64,{data}"></figure>'
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells as text; columns of numbers are set to the right."""
    lines = [list(row) for row in rows]
    kinds = [
        ' class="n"' if column and all(_NUMBER.match(line[column]) for line in lines) else ''
        for column in range(len(heads))
    ]
    top = ''.join(f'<th{kind}>{escape(h)}</th>' for h, kind in zip(heads, kinds, strict=True))
    body = ''.join(
        '<tr>'
        + ''.join(f'<td{kind}>{escape(c)}</td>' for c, kind in zip(line, kinds, strict=True))
        + '</tr>'
        for line in lines
    )
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'


def section(title: str, content: str) -> str:
    """Content under a headline; nothing without content."""
    return f'<h2>{escape(title)}</h2>{content}' if content else ''


def columns(*sections: str) -> str:
    """Sections side by side where there is room."""
    inside = ''.join(f'<section>{content}</section>' for content in sections if content)
    return f'<div class="columns">{inside}</div>' if inside else ''


def bars(title: str, values: Mapping[str, float], digits: int = 2) -> str:
    """Numbers under a headline, with a bar each."""
    longest = max(values.values(), default=0.0) or 1.0
    rows = ''.join(
        f'<tr><td>{escape(name)}</td><td class="n">{value:.{digits}f}</td>'
        f'<td class="b"><div class="bar" style="width:{max(0.0, 100 * value / longest):.1f}%">'
        '</div></td></tr>'
        for name, value in values.items()
    )
    return section(title, f'<table>{rows}</table>' if rows else '')


def stages(timings: Iterable[Mapping[str, Any]]) -> str:
    """Seconds of stages, rows of 'stage' and 'seconds'."""
    return bars('Stages [s]', {item['stage']: float(item['seconds']) for item in timings})


def rejections(found: Iterable[Mapping[str, Any]]) -> str:
    """Rejected candidates, rows of 'reason', 'stage', 'count' and 'example'."""
    rows = ''.join(
        f'<tr title="{escape(item.get("example", ""))}"><td>{escape(words(item["reason"]))}</td>'
        f'<td>{escape(item["stage"])}</td><td class="n">{item["count"]}</td></tr>'
        for item in found
    )
    heads = '<tr><th>reason</th><th>stage</th><th class="n">count</th></tr>'
    content = f'<table>{heads}{rows}</table>' if rows else '<p class="muted">none</p>'
    return section('Rejected candidates', content)


def reasons(title: str, counts: Mapping[str, int]) -> str:
    """Counts by reason, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return bars(title, {words(name): float(count) for name, count in ordered}, digits=0)


def error(report: Mapping[str, Any]) -> str:
    """Error of a report with 'error_code', 'error' and 'error_msg'; nothing without one."""
    if not report.get('error_code'):
        return ''
    code = f'{report["error_code"]} {report.get("error", "")}'
    return f'<p class="error"><b>{escape(code)}</b><br>{escape(report.get("error_msg", ""))}</p>'


def left_out(failed: Mapping[str, str]) -> str:
    """Objects of which there is nothing, and why."""
    lines = ''.join(f'<li>{escape(name)}: {escape(why)}</li>' for name, why in failed.items())
    return section('Objects left out', f'<ul>{lines}</ul>' if lines else '')


def words(constant: str) -> str:
    """A constant's name as words."""
    return constant.lower().replace('_', ' ')


def again(command: str) -> str:
    """The command that repeats a report."""
    return f'<h2>Again</h2><p><code>{escape(command)}</code></p>'
