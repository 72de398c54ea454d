"""The benchmark on a gripper and a box, whose grasps hold or miss for sure."""

import dataclasses
import functools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from dex1b_core.benchmark import generators
from dex1b_core.benchmark.bench_page import write_bench_page
from dex1b_core.benchmark.generators import generator_key
from dex1b_core.benchmark.grasp_bench import BenchSettings, bench_grasps
from dex1b_core.benchmark.protocols import PROTOCOLS
from dex1b_core.errors import Dex1bError, ErrorCode, UnknownNameError
from dex1b_core.model.checkpoint import ModelCard, save_checkpoint
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.settings import ModelSettings
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel


class Maker:
    """Two firm grasps, and one that never closes; `broken` cannot be loaded."""

    def __init__(self, gripper, touching):
        closed = np.full(2, touching)
        self.grasps = replace(
            gripper([closed, closed, 0 * closed]),
            squeeze=np.array([closed + 0.02, closed + 0.02, 0 * closed]),
        )
        self.calls = []

    def __call__(self, target, count, seed):
        self.calls.append((target, count, seed))
        if target == 'broken':
            raise Dex1bError(ErrorCode.SHAPE_INVALID, 'it is flat')
        return self.grasps


@pytest.fixture
def maker(gripper):
    return Maker(gripper, 0.03)


@pytest.fixture
def settings(tmp_path, gripper_folder, plain):
    return BenchSettings(
        hand=str(gripper_folder / 'gripper.yaml'),
        generator='maker',
        objects=('one', 'broken', 'shape:two'),
        protocols=('plain',),
        count=3,
        seed=7,
        folder=tmp_path / 'bench',
        workers=0,
    )


def test_report_counts_and_goes_on_where_it_stopped(settings, maker):
    report, results = bench_grasps(settings, maker)
    assert [call[0] for call in maker.calls] == ['one', 'broken', 'shape:two']
    assert (report['n'], report['objects'], report['seed']) == (6, 2, 7)
    assert report['failed_objects'] == {'broken': 'it is flat'}
    section = report['protocols']['plain']
    assert section['grasp_success'] == pytest.approx(2 / 3)
    assert section['object_success'] == 1.0
    assert section['reasons'] == {'missed': 2}
    assert report['by_object']['one'] == {'plain': pytest.approx(2 / 3, abs=1e-4)}
    assert set(report['penetration_mm']) == {'p50', 'p95', 'max'}
    assert report['valid_per_s'] > 0
    json.dumps(report)
    again, _ = bench_grasps(settings, maker)
    assert [call[0] for call in maker.calls[3:]] == ['broken']  # the others are there
    assert again == report
    assert [result.name for result in results] == ['one', 'shape:two']


def test_a_protocol_that_changed_is_judged_anew(settings, maker, monkeypatch):
    first, _ = bench_grasps(settings, maker)
    harder = dataclasses.replace(PROTOCOLS['plain'], max_penetration_sum=0.0)
    monkeypatch.setitem(PROTOCOLS, 'plain', harder)
    again, _ = bench_grasps(settings, maker)
    assert again['protocols']['plain']['grasp_success'] == 0.0
    assert first['protocols']['plain']['grasp_success'] > 0.0


def test_generators_of_other_settings_or_hands_have_other_keys(gripper_folder, monkeypatch):
    hand = str(gripper_folder / 'gripper.yaml')
    first = generator_key('optimizer', hand)
    assert generator_key('optimizer', hand) == first
    assert generator_key('optimizer', 'allegro_right') != first
    other = functools.partial(generators.SeedSettings, excess=9.0)
    monkeypatch.setattr(generators, 'SeedSettings', other)
    assert generator_key('optimizer', hand) != first


def test_a_network_that_is_not_shipped_is_named(gripper_folder):
    hand = str(gripper_folder / 'gripper.yaml')
    with pytest.raises(Dex1bError, match=r'gripper\.safetensors: there is no such file'):
        generators.generator_named('dexsimple', hand, on_table=False, workers=1)


def test_a_shipped_network_makes_grasps(tmp_path, monkeypatch):
    hand = HandModel(load_hand('allegro_right'))
    torch.manual_seed(0)
    settings = ModelSettings(cloud_points=64, encoder=(8, 16), hidden=(16,), latent=4)
    network = DexSimple(settings, GraspCode(hand.kinematics).size)
    joints = tuple(hand.kinematics.joint_names)
    path = tmp_path / 'network.safetensors'
    save_checkpoint(path, network, ModelCard('allegro_right', joints, settings, {}, {}, 0))
    monkeypatch.setattr(generators, 'shipped_checkpoint', lambda hand: path)
    make = generators.generator_named('dexsimple', 'allegro_right', on_table=False, workers=1)
    first, again = (make('shape:cube', 3, seed=1) for _ in range(2))
    assert (len(first), first.object) == (3, 'shape:cube')
    assert first.squeeze == pytest.approx(again.squeeze)


def test_page_shows_table_failures_and_pictures(settings, maker, tmp_path):
    report, results = bench_grasps(settings, maker)
    path = tmp_path / 'bench.html'
    write_bench_page(path, report, results, 'dex1b bench grasp --n 3')
    text = path.read_text()
    for words in ('66.7 %', '2 missed', 'it is flat', 'dex1b bench grasp --n 3', 'Best', 'Worst'):
        assert words in text
    assert text.count('data:image/png;base64') == 2


def test_grasps_of_another_hand_are_not_taken_for_ours(settings, maker):
    bench_grasps(settings, maker)
    with pytest.raises(Dex1bError, match='choose another folder'):
        bench_grasps(replace(settings, hand='ability_right', objects=('one',)), maker)


def test_nothing_made_is_an_error_that_says_why(settings, maker):
    with pytest.raises(Dex1bError, match='no grasps for any object; broken: it is flat'):
        bench_grasps(replace(settings, objects=('broken',)), maker)


def test_unknown_protocol_is_found_before_any_work(settings, maker):
    with pytest.raises(UnknownNameError, match='strictest'):
        bench_grasps(replace(settings, protocols=('strictest',)), maker)
    assert not maker.calls
