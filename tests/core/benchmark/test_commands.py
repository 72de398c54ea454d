"""`dex1b check`, `export` and `import` on a gripper whose grasps hold or miss for sure."""

import json
from dataclasses import replace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from dex1b_core.commands import check, exchange
from dex1b_core.data import read_grasps, write_grasps
from dex1b_core.errors import Dex1bError


@pytest.fixture
def app(plain):
    made = typer.Typer()
    check.register(made)
    exchange.register(made)
    return made


@pytest.fixture
def grasps_file(tmp_path, gripper):
    """One firm grasp, and one that never closes."""
    closed = np.full(2, 0.03)
    grasps = gripper([closed, 0 * closed])
    path = tmp_path / 'grasps.npz'
    write_grasps(path, replace(grasps, squeeze=np.array([closed + 0.02, 0 * closed])))
    return path


def run(app, *words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_check_writes_verdicts_and_film(app, grasps_file, tmp_path):
    report, film = tmp_path / 'report.json', tmp_path / 'film.png'
    result = run(app, 'check', '--grasps', grasps_file, '--protocol', 'plain',
                 '--workers', 1, '--json', report, '--film', film)  # fmt: skip
    assert result.exit_code == 0, result.output
    assert 'plain: 1 of 2 succeed; failed: 1 missed' in result.output
    content = json.loads(report.read_text())
    assert (content['n'], content['seed'], content['engine']) == (2, 0, 'protocol')
    section = content['protocols']['plain']
    assert (section['grasp_success'], section['n']) == (0.5, 2)
    assert section['reasons'] == {'missed': 1}
    assert [grasp['success'] for grasp in section['grasps']] == [True, False]
    assert section['grasps'][1]['engine'] == 'sapien'
    assert film.stat().st_size > 10_000


def test_check_takes_another_object(app, grasps_file, tmp_path):
    report = tmp_path / 'report.json'
    run(app, 'check', '--grasps', grasps_file, '--protocol', 'plain', '--workers', 1,
        '--object', 'shape:sphere', '--json', report)  # fmt: skip
    assert json.loads(report.read_text())['object'] == 'shape:sphere'


def test_check_refuses_what_is_not_there(app, grasps_file, tmp_path):
    with pytest.raises(Dex1bError, match='known are'):
        run(app, 'check', '--grasps', grasps_file, '--protocol', 'best')
    with pytest.raises(Dex1bError, match='not a readable file of grasps'):
        run(app, 'check', '--grasps', tmp_path / 'missing.npz', '--protocol', 'dex1b')
    result = run(app, 'check', '--grasps', grasps_file, '--film', 'f.png', '--film-row', 2)
    assert result.exit_code != 0
    assert '2 grasps' in result.output


def test_check_refuses_to_lift_what_floats_before_any_work(app, grasps_file):
    result = run(
        app, 'check', '--grasps', grasps_file, '--protocol', 'strict', '--protocol', 'lift'
    )
    assert result.exit_code != 0
    assert 'lifts from a support' in result.output


def test_export_and_import_are_inverse(app, grasps_file, tmp_path):
    result = run(app, 'export', grasps_file, '--out', tmp_path / 'bench')
    assert 'python src/main.py' in result.output
    assert run(app, 'import', tmp_path / 'bench', '--out', tmp_path / 'back').exit_code == 0
    before, after = read_grasps(grasps_file), read_grasps(tmp_path / 'back' / 'box.npz')
    for name in ('pregrasp', 'grasp', 'squeeze'):
        assert np.array_equal(getattr(before, name), getattr(after, name))
    assert np.allclose(before.object_T_hand, after.object_T_hand, atol=1e-12)
