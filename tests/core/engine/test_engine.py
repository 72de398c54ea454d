"""The data engine for real, small: rounds, kills, resumption; and what it tells of itself."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from dex1b_core.commands.engine import app
from dex1b_core.data.shards import ShardFolder
from dex1b_core.engine.report import report_page, run_command
from dex1b_core.engine.rounds import checkpoint_path, round_tasks, run_rounds
from dex1b_core.engine.runners import LocalRunner, RayRunner
from dex1b_core.engine.scale import plan_scale
from dex1b_core.engine.settings import EngineSettings, read_settings
from dex1b_core.engine.status import RoundStatus, round_statuses
from dex1b_core.engine.training_launch import launch_training
from dex1b_core.errors import ConfigurationError, Dex1bError
from dex1b_core.model.checkpoint import read_card
from dex1b_core.model.training import TrainingCurve

SETTINGS = EngineSettings(
    hand='allegro_right', objects=('shape:cube', 'shape:cylinder'), rounds=2, proposals=16,
    per_object=8, per_task=8, training_steps=10, refine_steps=20,
)  # fmt: skip

SINGLE = {**os.environ, 'OMP_NUM_THREADS': '1'}


def run(folder, settings=SETTINGS):
    settings.remember(folder)
    shards = ShardFolder.at(folder / 'shards')
    run_rounds(settings, folder, shards, LocalRunner(settings, str(folder / 'shards'), 2))
    return shards


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    """As the workers have; several would get in each other's way."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp('whole')
    run(folder)
    return folder


def content(folder):
    """Rows by shard, as text: not a number equals itself."""
    shards = ShardFolder.at(folder / 'shards')
    return {name: repr(shards.read(name).table.to_pydict()) for name in shards.names()}


def test_rounds_follow_each_other(whole):
    rows = ShardFolder.at(whole / 'shards').read_all()
    first, second = (rows.select(rows.values('round') == number) for number in (0, 1))
    assert set(first.values('source')) == {'optimizer'}
    assert set(second.values('source')) == {'optimizer', 'dexsimple'}
    assert 0 < len(second) <= SETTINGS.proposals
    assert set(rows.values('object')) == set(SETTINGS.objects)
    assert rows.provenance.hand == 'allegro_right'
    assert set(rows.provenance.versions) == {'dex1b_core', 'torch', 'mujoco', 'sapien'}
    failed = ~rows.held
    assert all(rows.values('reason')[failed] != '')
    assert np.isfinite(rows.values('penetration')).all()
    card = read_card(checkpoint_path(whole, 1))
    assert card.data['grasps'] == int(rows.held.sum())


def test_a_run_that_is_killed_goes_on_to_the_same_rows(whole, tmp_path):
    """Killed at random, its workers end too; no row is lost, none comes twice, none differs."""
    script = (
        'import sys; from pathlib import Path\n'
        'from dex1b_core.engine.settings import read_settings\n'
        'from dex1b_core.engine.rounds import run_rounds\n'
        'from dex1b_core.engine.runners import LocalRunner\n'
        'from dex1b_core.data.shards import ShardFolder\n'
        "if __name__ == '__main__':\n"
        '    folder = Path(sys.argv[1]); own = read_settings(folder)\n'
        "    shards = str(folder / 'shards')\n"
        '    run_rounds(own, folder, ShardFolder.at(shards), LocalRunner(own, shards, 2))\n'
    )
    file = tmp_path / 'run.py'
    file.write_text(script)
    folder = tmp_path / 'run'
    SETTINGS.remember(folder)
    rng = np.random.default_rng(0)
    for _ in range(2):
        begun = subprocess.Popen([sys.executable, file, folder], env=SINGLE)
        time.sleep(rng.uniform(4.0, 10.0))
        workers = psutil.Process(begun.pid).children(recursive=True)
        begun.kill()
        begun.wait()
        assert psutil.wait_procs(workers, timeout=30.0)[1] == []
    subprocess.run([sys.executable, file, folder], check=True, env=SINGLE)
    assert list(content(folder)) == list(content(whole))
    assert content(folder) == content(whole)


def test_two_processes_train_one_network(whole, tmp_path):
    """torchrun for real, twice: the same network, and another than one process makes."""
    networks = []
    for name in ('first', 'again'):
        folder = tmp_path / name
        SETTINGS.remember(folder)
        launch_training(folder, str(whole / 'shards'), 0, 2)
        assert read_card(checkpoint_path(folder, 0)).training['processes'] == 2
        networks.append(load_file(checkpoint_path(folder, 0)))
    alone = load_file(checkpoint_path(whole, 0))
    for name in alone:
        torch.testing.assert_close(networks[0][name], networks[1][name], rtol=0.0, atol=0.0)
        assert torch.isfinite(networks[0][name]).all()
    assert not all(torch.equal(networks[0][name], alone[name]) for name in alone)


def test_a_training_that_fails_says_so(whole, tmp_path):
    with pytest.raises(Dex1bError, match='round 0 by 2 processes ended with status 1'):
        launch_training(tmp_path, str(whole / 'shards'), 0, 2)


def test_nothing_is_done_twice(whole):
    before = {path: path.stat().st_mtime_ns for path in (whole / 'shards').iterdir()}
    run(whole)
    assert {path: path.stat().st_mtime_ns for path in (whole / 'shards').iterdir()} == before


def test_a_worker_that_dies_costs_its_task_an_attempt(tmp_path):
    settings = SETTINGS.model_copy(update={'rounds': 1})
    shards = ShardFolder.at(tmp_path)
    tasks = round_tasks(settings, tmp_path, shards, 0)
    runner, done = LocalRunner(settings, str(tmp_path), 2), []
    found = subprocess.Popen(
        [sys.executable, '-c', KILLER, str(os.getpid())], stdout=subprocess.PIPE, text=True
    )
    for task, rows in runner.run(tasks):
        done.append((task.name, rows))
    assert int(found.communicate()[0]) == 1
    assert sorted(name for name, _ in done) == [task.name for task in tasks]
    assert len(shards.read_all()) == settings.proposals


KILLER = """
import sys, time, psutil
parent, me = psutil.Process(int(sys.argv[1])), psutil.Process()
for _ in range(600):
    time.sleep(0.1)
    own = [c for c in parent.children() if 'spawn_main' in ' '.join(c.cmdline()) and c != me]
    if own and max(sum(c.cpu_times()[:2]) for c in own) > 1.0:
        own[0].kill()
        print(1)
        break
"""


def test_another_run_in_the_same_folder_is_refused(tmp_path):
    SETTINGS.remember(tmp_path)
    SETTINGS.model_copy(update={'rounds': 5}).remember(tmp_path)
    assert read_settings(tmp_path).rounds == 5
    with pytest.raises(ConfigurationError, match=r'a run with other proposals, seed: go on with'):
        SETTINGS.model_copy(update={'seed': 3, 'proposals': 9}).remember(tmp_path)


def test_a_folder_of_something_else_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match='no folder of the data engine'):
        read_settings(tmp_path)
    (tmp_path / 'engine.json').write_text('{"hand": 3}')
    with pytest.raises(ConfigurationError, match=r'engine\.json'):
        read_settings(tmp_path)


def test_training_shapes_are_not_those_of_reports():
    names = EngineSettings(hand='any', shapes=50).object_names()
    assert len(set(names)) == 50
    assert min(int(name.removeprefix('shape:random-')) for name in names) == 1000


def test_status_counts_rows(whole, tmp_path):
    rows = ShardFolder.at(whole / 'shards').read_all()
    report = tmp_path / 'status.json'
    result = CliRunner().invoke(app, ['status', '--folder', str(whole), '--json', str(report)])
    assert result.exit_code == 0, result.output
    found = json.loads(report.read_text())
    assert found['hand'] == 'allegro_right'
    assert sum(row['proposed'] for row in found['rounds']) == len(rows)
    assert sum(row['valid'] for row in found['rounds']) == int(rows.held.sum())
    assert all(row['per_s'] > 0.0 and row['bytes'] > 0 for row in found['rounds'])
    assert set(found['rounds'][1]['seconds']) == {'optimizer', 'dexsimple', 'mujoco', 'sapien'}


def test_plan_scales_what_was_measured():
    status = RoundStatus(
        1, 2000, 1000, {'dexsimple': (2000, 1000)}, 10, {'optimizer': 360.0, 'mujoco': 3600.0},
        1_000_000,
    )  # fmt: skip
    plan = plan_scale([status], 1_000_000, cores=10, price=2.0)
    assert plan.proposals == 2_000_000
    assert plan.core_hours == pytest.approx({'optimizer': 100.0, 'mujoco': 1000.0})
    assert (plan.node_hours, plan.cost, plan.storage_gb) == (110.0, 220.0, 1.0)
    assert plan.bottleneck == 'mujoco'


def test_no_plan_from_a_handful(whole):
    with pytest.raises(Dex1bError, match='expected at least 100 to tell rates'):
        plan_scale(round_statuses(ShardFolder.at(whole / 'shards')), 10**9)


def test_ray_does_the_same_though_its_workers_are_killed(whole, tmp_path):
    """Actors on a cluster of this machine, one killed once it works."""
    ray = pytest.importorskip('ray', reason="needs the extra 'cluster'")
    settings = SETTINGS.model_copy(update={'rounds': 1})
    shards = ShardFolder.at(tmp_path)
    tasks = round_tasks(settings, tmp_path, shards, 0)
    runner = RayRunner(settings, str(tmp_path), address='local', workers=2)
    try:
        killer = subprocess.Popen([sys.executable, '-c', RAY_KILLER, str(os.getpid())])
        done = [task.name for task, _ in runner.run(tasks)]
        assert killer.wait(60.0) == 0
    finally:
        ray.shutdown()
    assert sorted(done) == [task.name for task in tasks]
    first = {name: rows for name, rows in content(whole).items() if name.startswith('round-00')}
    own = {name: repr(shards.read(name).table.to_pydict()) for name in shards.names()}
    assert own == first


RAY_KILLER = """
import sys, time, psutil
parent = psutil.Process(int(sys.argv[1]))
for _ in range(600):
    time.sleep(0.1)
    for child in parent.children(recursive=True):
        try:
            named = 'ray::TaskWorker' in ' '.join(child.cmdline())
            if named and sum(child.cpu_times()[:2]) > 1.0:
                child.kill()
                sys.exit(0)
        except psutil.NoSuchProcess:
            pass
sys.exit(1)
"""


def test_report_shows_rounds_and_curves(whole, tmp_path):
    out = tmp_path / 'pages' / 'report.html'
    result = CliRunner().invoke(app, ['report', '--folder', str(whole), '--html', str(out)])
    assert result.exit_code == 0, result.output
    bare = out.read_text()
    assert bare.count('<img') == 2  # ten steps of training are too few for a curve
    assert 'Failed for' in bare
    assert 'mujoco 4' in bare.split('Versions')[1]
    assert 'dex1b engine run --hand allegro_right --rounds 2' in bare
    rounds = round_statuses(ShardFolder.at(whole / 'shards'))
    assert f'{rounds[1].share:.1%}' in bare
    curve = TrainingCurve((50, 100), {'reconstruction': (0.5, 0.4), 'distance': (9.0, 3.0)})
    assert report_page(SETTINGS, rounds, {0: curve}).count('<img') == 2


def test_the_command_repeats_every_choice():
    settings = EngineSettings(hand='my hand.yaml', debias=False, random=0.5, table=0.0, seed=4)
    command = run_command(settings)
    assert "--hand 'my hand.yaml'" in command
    for part in ('--no-debias', '--random 0.5', '--table 0', '--shapes 200', '--seed 4'):
        assert part in command
    assert '--objects OBJECTS' in run_command(settings.model_copy(update={'objects': ('ycb:mug',)}))


def test_curves_survive_json():
    curve = TrainingCurve((50, 100), {'reconstruction': (0.5, 0.4)})
    assert TrainingCurve.from_json(curve.to_json()) == curve
