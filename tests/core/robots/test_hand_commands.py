"""`dex1b hand`: list, import, show."""

import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from dex1b_core.commands import hand as commands
from dex1b_core.errors import Dex1bError
from dex1b_core.robots import hand_names, load_hand

ABILITY = 'mani_skill-3.0.1/robots/ability_hand/ability_hand_right.urdf'


def run(*arguments):
    result = CliRunner().invoke(commands.app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_list_names_every_hand_with_joints_and_licence(tmp_path):
    report = tmp_path / 'hands.json'
    run('list', '--json', report)
    rows = {row['hand']: row for row in json.loads(report.read_text())}
    assert list(rows) == hand_names()
    ability = rows['ability_right']
    assert (ability['fingers'], ability['driven_joints'], ability['all_joints']) == (5, 6, 10)
    assert ability['fetched']
    assert all(row['licence'] and row['package'] for row in rows.values())


def test_import_writes_a_file_and_a_picture_and_show_draws_it_again(tmp_path):
    path, picture = tmp_path / 'mine.yaml', tmp_path / 'mine.png'
    output = run('import', ABILITY, '--name', 'mine', '--output', path)
    assert 'spheres' in output
    hand = load_hand(str(path))
    assert (hand.key, hand.root_link) == ('mine', 'base')
    first = Image.open(picture).size
    with pytest.raises(Dex1bError, match='exist already; --force replaces them'):
        run('import', ABILITY, '--name', 'mine', '--output', path)
    again, report = tmp_path / 'again.png', tmp_path / 'hand.json'
    run('show', path, '--picture', again, '--json', report)
    assert Image.open(again).size == first
    spheres = json.loads(report.read_text())['spheres']
    assert all(row['overshoot_max'] <= 0.0031 for row in spheres)
