"""The table of seeds, from files that an earlier run left."""

import dataclasses
import json
import os
import sys

import numpy as np
import pytest
from known_grasps import wrapped

from benchmarks import seeds
from dex1b_core.data import write_grasps


@pytest.fixture
def folder(tmp_path):
    """One held and one lost grasp of the Ability hand, as `dex1b synth` would leave them."""
    held, lost = wrapped(), wrapped(shift=(0.0, 0.242, 0.10))
    both = dataclasses.replace(
        held,
        **{
            name: np.concatenate([getattr(held, name), getattr(lost, name)])
            for name in ('object_T_hand', 'pregrasp', 'grasp', 'squeeze')
        },
    )
    for name in ('shape-random-0', 'shape-random-1'):
        stem = f'ability_right.{name}.n2.s0'
        write_grasps(tmp_path / f'{stem}.npz', both)
        (tmp_path / f'{stem}.json').write_text(json.dumps({'wall_s': 0.5, 'raw_per_s': 4.0}))
    return tmp_path


def run(folder, monkeypatch, *more):
    arguments = ['--hands', 'ability_right', '--objects', 'shape:random-0,shape:random-1']
    arguments += ['--n', '2', '--jobs', '1', '--out', str(folder), *more]
    monkeypatch.setattr(sys, 'argv', ['seeds', *arguments])
    seeds.main()


def test_table_counts_hands_and_objects(folder, monkeypatch, capsys):
    run(folder, monkeypatch)
    report = json.loads((folder / 'seeds.json').read_text())['ability_right']
    assert report['raw_per_s'] == 4.0
    assert (report['objects'], report['objects_held']) == (2, 2)
    assert report['usual']['n'] == 4
    assert report['usual']['success_percent'] == 50.0
    assert set(report['by_object']) == {'shape:random-0', 'shape:random-1'}
    shown = capsys.readouterr().out
    assert '| ability_right | 4 | 50.0 |' in shown
    assert '| 2 of 2 |' in shown


def test_what_is_there_is_not_judged_again_unless_it_is_older(folder, monkeypatch):
    run(folder, monkeypatch)

    def unexpected(*_, **__):
        raise AssertionError('judged again')

    monkeypatch.setattr(seeds, 'judge', unexpected)
    run(folder, monkeypatch)
    newer = folder / 'ability_right.shape-random-1.n2.s0.npz'
    os.utime(newer, (newer.stat().st_mtime + 10,) * 2)
    with pytest.raises(AssertionError, match='judged again'):
        run(folder, monkeypatch)


def test_failed_synthesis_is_reported_and_left_out(folder, monkeypatch, capsys):
    (folder / 'ability_right.shape-random-0.n2.s0.npz').unlink()
    fails = folder / 'dex1b'
    fails.write_text('#!/bin/sh\necho no such hand >&2\nexit 1\n')
    fails.chmod(0o755)
    monkeypatch.setattr(sys, 'executable', str(folder / 'python'))
    run(folder, monkeypatch)
    assert 'shape:random-0: no such hand' in capsys.readouterr().err
    report = json.loads((folder / 'seeds.json').read_text())['ability_right']
    assert set(report['by_object']) == {'shape:random-1'}


def test_quick_verdicts_have_files_of_their_own(folder, monkeypatch):
    run(folder, monkeypatch, '--quick')
    stem = 'ability_right.shape-random-0.n2.s0'
    for friction in ('0.6', '0.3'):
        assert (folder / f'{stem}.friction{friction}.quick.npz').is_file()
        assert not (folder / f'{stem}.friction{friction}.npz').exists()
