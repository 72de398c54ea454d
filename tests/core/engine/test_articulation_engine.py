"""The data engine on joints, for real and small: rows, a network, rows of the network."""

import numpy as np
import pytest
import torch

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.learned import LearnedArticulationSynthesizer
from dex1b_core.data.shards import ShardFolder
from dex1b_core.engine.portions import Portion, Task
from dex1b_core.engine.rounds import checkpoint_path, predictor_path, run_rounds
from dex1b_core.engine.runners import LocalRunner
from dex1b_core.engine.settings import EngineSettings
from dex1b_core.engine.tasks import TaskWorker
from dex1b_core.model.checkpoint import load_checkpoint
from dex1b_core.robots.hand_model import HandModel

NAME = 'articulated:drawer-100'
SETTINGS = EngineSettings(
    hand='ability_right', task='articulation', objects=(NAME,), rounds=2, proposals=6,
    training_steps=2, excess=1.0,
)  # fmt: skip


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp('joints')
    SETTINGS.remember(folder)
    shards = str(folder / 'shards')
    run_rounds(SETTINGS, folder, ShardFolder.at(shards), LocalRunner(SETTINGS, shards, 1))
    return folder


def test_rounds_hold_what_the_strict_criterion_says(run):
    rows = ShardFolder.at(run / 'shards').read_all()
    assert set(rows.values('source')) == {'optimizer', 'dexsimple'}
    assert (rows.values('sapien') == -1).all()
    assert rows.held.any()
    assert ((rows.values('reason') == '') == rows.held).all()
    target = load_articulated(NAME)
    np.testing.assert_allclose(rows.vectors('plane')[0], [0, 0, 1, -target.height], atol=1e-6)
    solid = target.moving_solid(target.start)
    low, high = solid.vertices.min(axis=0) - 1e-3, solid.vertices.max(axis=0) + 1e-3
    assert (rows.vectors('point') > low).all()
    assert (rows.vectors('point') < high).all()
    assert 'worlds nominal, slippery' in rows.provenance.protocol


def test_its_network_is_told_of_joints_and_has_no_predictor(run, need_hand):
    hand = HandModel(need_hand('ability_right'))
    model, card = load_checkpoint(checkpoint_path(run, 1), hand)
    assert card.settings.joint
    assert not predictor_path(run, 1).exists()
    cloud = torch.from_numpy(load_articulated(NAME).moving_solid(0.0).vertices).float()
    made = LearnedArticulationSynthesizer(hand, model)
    first, again = (made.synthesize(load_articulated(NAME), cloud, 1, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.grasp, again.grasp)


def test_a_task_repeats(run, tmp_path):
    portion = Portion(NAME, True, 2, 0, np.zeros((0, 3), dtype=np.float32))
    task, found = Task('round-00-000000', 0, (portion,), None), []
    for name in ('one', 'other'):
        TaskWorker(SETTINGS, str(tmp_path / name)).run(task)
        table = ShardFolder.at(tmp_path / name).read(task.name).table
        found.append(repr(table.to_pydict()))  # as text: not a number equals itself
    assert found[0] == found[1]
