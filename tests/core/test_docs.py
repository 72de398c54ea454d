"""The documentation keeps up with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dex1b_core.errors import ErrorCode

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob('*.md'), *(ROOT / 'docs').glob('*.md')])


def test_every_error_code_is_explained_with_cause_and_mend() -> None:
    rows = [
        [cell.strip() for cell in line.strip('|').split('|')]
        for line in (ROOT / 'docs' / 'error-codes.md').read_text().splitlines()
        if re.match(r'\| \d+ [A-Z]', line)
    ]
    explained = {row[0]: row[1:] for row in rows}
    assert set(explained) == {f'{code.value} {code.name}' for code in ErrorCode}
    for name, (cause, mend) in explained.items():
        assert cause, name
        assert mend or '*candidate*' in cause or name.split()[0] in {'0', '900', '901'}, name


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r'\]\((?!https?:|#|mailto:)([^)#]+)', page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_the_readme_is_short() -> None:
    assert len((ROOT / 'README.md').read_text().splitlines()) < 120
