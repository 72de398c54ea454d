"""The benchmark on a gripper and a box, whose grasps hold or miss for sure."""

import functools
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from dex1b_core.benchmark import generators, grasp_bench
from dex1b_core.benchmark.bench_page import write_bench_page
from dex1b_core.benchmark.evaluation import evaluate
from dex1b_core.benchmark.generators import generator_named
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
    """Two firm grasps, and one that never closes; `shape:broken` cannot be loaded."""

    key = 'first settings'

    def __init__(self, gripper, touching):
        closed = np.full(2, touching)
        self.grasps = replace(
            gripper([closed, closed, 0 * closed]),
            squeeze=np.array([closed + 0.02, closed + 0.02, 0 * closed]),
        )
        self.calls = []

    def __call__(self, target, count, seed):
        self.calls.append((target, count, seed))
        if target == 'shape:broken':
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
        objects=('shape:one', 'shape:broken', 'shape:two'),
        protocols=('plain',),
        count=3,
        seed=7,
        folder=tmp_path / 'bench',
        workers=0,
    )


def test_report_counts_and_goes_on_where_it_stopped(settings, maker):
    report, results = bench_grasps(settings, maker)
    assert [call[0] for call in maker.calls] == ['shape:one', 'shape:broken', 'shape:two']
    assert (report['n'], report['objects'], report['seed']) == (6, 2, 7)
    assert report['failed_objects'] == {'shape:broken': 'it is flat'}
    section = report['protocols']['plain']
    assert section['grasp_success'] == pytest.approx(2 / 3)
    assert section['object_success'] == 1.0
    assert section['reasons'] == {'missed': 2}
    assert report['by_object']['shape:one'] == {'plain': pytest.approx(2 / 3, abs=1e-4)}
    assert set(report['penetration_mm']) == {'p50', 'p95', 'max'}
    assert report['valid_per_s'] > 0
    json.dumps(report)
    again, _ = bench_grasps(settings, maker)
    assert [call[0] for call in maker.calls[3:]] == ['shape:broken']  # the others are there
    assert again == report
    assert [result.name for result in results] == ['shape:one', 'shape:two']


@pytest.fixture
def judged(monkeypatch):
    """Names of the protocols that were simulated, once for each object."""
    names = []

    def noted(judge, grasps, protocol, **options):
        names.append(protocol.name)
        return evaluate(judge, grasps, protocol, **options)

    monkeypatch.setattr(grasp_bench, 'evaluate', noted)
    return names


def test_only_a_protocol_that_changed_is_judged_anew(settings, maker, judged, monkeypatch):
    settings = replace(settings, objects=('shape:one',), protocols=('plain', 'dex1b'))
    first, _ = bench_grasps(settings, maker)
    bench_grasps(settings, maker)
    assert judged == ['plain', 'dex1b']  # the second time they are read back
    harder = replace(PROTOCOLS['plain'], max_penetration_sum=0.0)
    monkeypatch.setitem(PROTOCOLS, 'plain', harder)
    again, _ = bench_grasps(settings, maker)
    assert judged == ['plain', 'dex1b', 'plain']
    assert len(maker.calls) == 1
    assert again['protocols']['plain']['grasp_success'] == 0.0
    assert first['protocols']['plain']['grasp_success'] > 0.0


def test_other_engines_are_judged_anew(settings, maker, judged):
    settings = replace(settings, objects=('shape:one',))
    bench_grasps(settings, maker)
    bench_grasps(replace(settings, engines=('mujoco',)), maker)
    assert judged == ['plain', 'plain']
    assert len(maker.calls) == 1


def test_a_generator_of_other_settings_makes_and_is_judged_anew(settings, maker, judged):
    settings = replace(settings, objects=('shape:one',))
    bench_grasps(settings, maker)
    maker.key = 'other settings'
    bench_grasps(settings, maker)
    maker.key = 'first settings'
    bench_grasps(settings, maker)
    assert len(maker.calls) == len(judged) == 2
    assert len(list(settings.folder.glob('shape-one.n3.s7.*.plain.*.npz'))) == 2


def test_a_mesh_file_that_changed_is_another_object(settings, maker, tmp_path):
    mesh = tmp_path / 'own.stl'
    settings = replace(settings, objects=(str(mesh),))
    for content in ('first', 'first', 'second'):
        mesh.write_text(content)
        bench_grasps(settings, maker)
    assert len(maker.calls) == 2


def test_generators_of_other_settings_or_hands_have_other_keys(
    gripper_folder, gripper, tmp_path, monkeypatch
):
    def key(hand, **options):
        options = {'on_table': False, 'workers': 1} | options
        return generator_named('optimizer', str(hand), **options).key

    hand = gripper_folder / 'gripper.yaml'
    first = key(hand)
    assert key(hand, workers=2) == first
    assert key(hand, on_table=True) != first
    urdf = tmp_path / 'gripper.urdf'
    urdf.write_text((gripper_folder / 'gripper.urdf').read_text())
    copied = tmp_path / 'gripper.yaml'
    copied.write_text(hand.read_text().replace(str(gripper_folder), str(tmp_path)))
    own = key(copied)
    urdf.write_text(urdf.read_text().replace('effort="10"', 'effort="9"'))
    os.utime(urdf, (1e9, 1e9))  # a description is read again when its time has changed
    assert key(copied) != own
    other = functools.partial(generators.SeedSettings, excess=9.0)
    monkeypatch.setattr(generators, 'SeedSettings', other)
    assert key(hand) != first


def test_a_network_that_is_not_shipped_is_named(gripper_folder, gripper):
    hand = str(gripper_folder / 'gripper.yaml')
    with pytest.raises(Dex1bError, match=r'gripper\.safetensors: there is no such file'):
        generator_named('dexsimple', hand, on_table=False, workers=1)


def test_a_shipped_network_makes_grasps(tmp_path, monkeypatch):
    hand = HandModel(load_hand('allegro_right'))
    torch.manual_seed(0)
    settings = ModelSettings(cloud_points=64, encoder=(8, 16), hidden=(16,), latent=4)
    network = DexSimple(settings, GraspCode(hand.kinematics).size)
    joints = tuple(hand.kinematics.joint_names)
    path = tmp_path / 'network.safetensors'
    save_checkpoint(path, network, ModelCard('allegro_right', joints, settings, {}, {}, 0))
    monkeypatch.setattr(generators, 'shipped_checkpoint', lambda hand: path)
    make = generator_named('dexsimple', 'allegro_right', on_table=False, workers=1)
    first, again = (make('shape:cube', 3, seed=1) for _ in range(2))
    assert (len(first), first.object) == (3, 'shape:cube')
    assert first.squeeze == pytest.approx(again.squeeze)
    torch.manual_seed(1)
    network = DexSimple(settings, GraspCode(hand.kinematics).size)
    save_checkpoint(path, network, ModelCard('allegro_right', joints, settings, {}, {}, 0))
    trained = generator_named('dexsimple', 'allegro_right', on_table=False, workers=1)
    assert trained.key != make.key


def test_page_shows_table_failures_and_pictures(settings, maker, tmp_path):
    report, results = bench_grasps(settings, maker)
    path = tmp_path / 'bench.html'
    write_bench_page(path, report, results, 'dex1b bench grasp --n 3')
    text = path.read_text()
    for words in ('66.7 %', '2 missed', 'it is flat', 'dex1b bench grasp --n 3', 'Best', 'Worst'):
        assert words in text
    assert text.count('data:image/png;base64') == 2


def test_nothing_made_is_an_error_that_says_why(settings, maker):
    with pytest.raises(Dex1bError, match='no grasps for any object; shape:broken: it is flat'):
        bench_grasps(replace(settings, objects=('shape:broken',)), maker)


def test_unknown_protocol_is_found_before_any_work(settings, maker):
    with pytest.raises(UnknownNameError, match='strictest'):
        bench_grasps(replace(settings, protocols=('strictest',)), maker)
    assert not maker.calls
