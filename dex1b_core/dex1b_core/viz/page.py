"""Web pages that need no other file: the common look of all reports."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

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
th { font-weight: 500; font-size: 13px; } td.n { text-align: right; width: 1%;
     font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { height: 9px; border-radius: 3px; background: #1f78b5; min-width: 2px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr));
           gap: 0 44px; }
code { background: #f3f5f7; padding: 2px 7px; border-radius: 5px; font-size: 13px; }
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
    """Cells as text; the first column reads, the others are numbers."""
    top = ''.join(f'<th>{escape(head)}</th>' for head in heads)
    lines = ''.join(
        '<tr>'
        + ''.join(
            f'<td{"" if column == 0 else " class=n"}>{escape(cell)}</td>'
            for column, cell in enumerate(row)
        )
        + '</tr>'
        for row in rows
    )
    return f'<table><tr>{top}</tr>{lines}</table>'


def again(command: str) -> str:
    """The command that repeats a report."""
    return f'<h2>Again</h2><p><code>{escape(command)}</code></p>'
