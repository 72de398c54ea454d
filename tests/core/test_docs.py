"""The documentation keeps up with the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dex1b_core.errors import ErrorCode

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob('*.md'), *(ROOT / 'docs').rglob('*.md'), *ROOT.glob('config/**/*.md')])


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


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    links = re.findall(r'\]\((?!https?:|mailto:)([^)\s]+)\)', page.read_text())
    for link in links:
        name, _, anchor = link.partition('#')
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


def headings(page: Path) -> set[str]:
    """Anchors that GitHub gives to a page's headings."""
    titles = re.findall(r'^#+ (.+)$', page.read_text(), re.MULTILINE)
    plain = (re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', title).lower() for title in titles)
    return {re.sub(r'[^\w\- ]', '', title).strip().replace(' ', '-') for title in plain}


@pytest.mark.parametrize('page', sorted((ROOT / 'docs').rglob('*.html')), ids=lambda p: p.name)
def test_commands_of_reports_are_for_any_machine(page: Path) -> None:
    assert not re.search(r'/(tmp|root|home)/', page.read_text())


def test_every_page_is_in_the_site() -> None:
    index = (ROOT / 'docs' / 'index.md').read_text()
    pages = [page.relative_to(ROOT / 'docs') for page in (ROOT / 'docs').rglob('*.md')]
    listed = set(re.findall(r'^([\w/-]+)$', index, re.MULTILINE))
    assert listed == {str(page.with_suffix('')) for page in pages} - {'index'}


def test_the_interface_page_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / 'tools' / 'interface_page.py'), '--check']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    pytest.importorskip('sphinx')
    pytest.importorskip('furo')
    command = [sys.executable, '-m', 'sphinx', '-W', '--keep-going', '-n', '-q']
    folders = ['-d', tmp_path / 'doctrees', ROOT / 'docs', tmp_path / 'site']
    done = subprocess.run([*command, *map(str, folders)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert '<math' in (tmp_path / 'site' / 'algorithms.html').read_text()


def test_the_readme_is_short() -> None:
    assert len((ROOT / 'README.md').read_text().splitlines()) < 120
