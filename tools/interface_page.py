"""docs/interface-files.md from the .msg, .srv and .action files of dex1b_msgs.

    python tools/interface_page.py            # write it
    python tools/interface_page.py --check    # exit status 1 when it is not up to date

A test runs the check, so that the page never differs from what is built.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / 'docs' / 'interface-files.md'
MESSAGES = ROOT / 'dex1b_msgs'
KINDS = {'srv': 'Services', 'action': 'Actions', 'msg': 'Messages'}
PARTS = {'srv': ('Request', 'Response'), 'action': ('Goal', 'Result', 'Feedback'), 'msg': ('',)}
FIELD = re.compile(r'(?P<type>[\w/]+(?:\[[^\]]*\])?)\s+(?P<name>\w+)(?P<value>\s*=\s*\S+|\s+\S+)?$')
Row = tuple[str, str, str]


def page() -> str:
    """The whole page."""
    lines = [
        '# Interface files',
        '',
        'Made by `tools/interface_page.py` from `dex1b_msgs/`; [interfaces](interfaces.md) says',
        'who serves what. Frames and units are those of the comments; without one, a pose is in',
        'the planning frame, lengths are metres, angles radians, times seconds.',
    ]
    for kind, title in KINDS.items():
        lines += ['', f'## {title}']
        for file in sorted((MESSAGES / kind).glob(f'*.{kind}')):
            lines += ['', f'### {file.stem}', *_file(file.read_text(), PARTS[kind])]
    return '\n'.join(lines) + '\n'


def _file(text: str, parts: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    sections = re.split(r'^---\s*$', text, flags=re.MULTILINE)
    for title, section in zip(parts, sections, strict=True):
        remarks, rows = _section(section)
        if title:
            lines += ['', f'**{title}**']
        if remarks:
            lines += ['', *remarks]
        if rows:
            lines += ['', '| type | name | |', '|---|---|---|']
            lines += [f'| {_linked(kind)} | `{name}` | {words} |' for kind, name, words in rows]
    return lines


def _section(text: str) -> tuple[list[str], list[Row]]:
    """Comments before the first field, and the fields with theirs."""
    remarks: list[str] = []
    rows: list[Row] = []
    above: list[str] = []
    for line in text.splitlines():
        code, _, comment = (part.strip() for part in line.partition('#'))
        if not code:
            if comment:
                above.append(comment)
            elif not rows:
                remarks, above = remarks + above, []
            continue
        match = FIELD.match(code)
        if match is None:
            raise SystemExit(f"not understood: '{line}'")
        if not rows and above and not comment and not remarks:
            remarks, above = above, []
        name = match['name'] + (match['value'] or '').replace(' ', '')
        rows.append((match['type'], name, _escaped(' '.join([*above, comment]).strip())))
        above = []
    return [_escaped(line) for line in remarks + (above if not rows else [])], rows


def _escaped(words: str) -> str:
    return words.replace('|', '\\|').replace('<', '&lt;').replace('*', '\\*')


def _linked(kind: str) -> str:
    """A type; ours lead to their own place."""
    base, _, array = kind.partition('[')
    suffix = f'[{array}' if array else ''
    if (MESSAGES / 'msg' / f'{base}.msg').is_file():
        return f'[`{base}{suffix}`](#{base.lower()})'
    return f'`{kind}`'


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true')
    options = parser.parse_args()
    made = page()
    if not options.check:
        PAGE.write_text(made)
        return 0
    if PAGE.is_file() and PAGE.read_text() == made:
        return 0
    print(f"{PAGE} is not up to date; run 'python tools/interface_page.py'", file=sys.stderr)
    return 1


if __name__ == '__main__':
    sys.exit(main())
