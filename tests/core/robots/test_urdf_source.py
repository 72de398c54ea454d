"""What is no URDF, and xacro files."""

import sys
from pathlib import Path

import pytest

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.robots.urdf_file import check_urdf

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import CHAIN, write

pytestmark = pytest.mark.usefixtures('own_cache')


@pytest.mark.parametrize(
    ('text', 'message'),
    [('no xml', 'not a readable URDF'), ('<sdf/>', "its top element is 'sdf'"),
     ('<robot/>', 'it has no links')],
)  # fmt: skip
def test_what_is_no_urdf_is_refused(tmp_path, text, message):
    path = tmp_path / 'hand.urdf'
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        check_urdf(path)
    with pytest.raises(ConfigurationError, match='No such file'):
        check_urdf(tmp_path / 'absent.urdf')


def test_a_xacro_file_without_the_tool_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    path = write(tmp_path, *CHAIN, name='hand.xacro')
    with pytest.raises(ConfigurationError, match="needs the tool 'xacro', which is not installed"):
        check_urdf(path)


def test_a_xacro_file_is_expanded_by_the_tool(tmp_path, monkeypatch):
    tool = tmp_path / 'bin' / 'xacro'
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\n/bin/cat "$1"\n')
    tool.chmod(0o755)
    monkeypatch.setenv('PATH', str(tool.parent))
    checked = check_urdf(write(tmp_path, *CHAIN, name='hand.xacro'))
    assert LinkTree.from_urdf(checked.path).movable == ('a', 'b')
    tool.write_text('#!/bin/sh\necho no such macro >&2\nexit 2\n')
    with pytest.raises(ConfigurationError, match='xacro failed: no such macro'):
        check_urdf(write(tmp_path, *CHAIN, name='other.xacro'))
