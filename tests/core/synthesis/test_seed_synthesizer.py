"""Seeds of a hand at shapes: what each must satisfy, seeds, workers, constraints, files."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from dex1b_core.commands.synth import register
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.object_model import load_object
from dex1b_core.synthesis.batch import concatenate, place
from dex1b_core.synthesis.constraints import Box, Constraints, HalfSpace
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import seed_settings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

SETTINGS = dataclasses.replace(seed_settings(60, 5.0), chunk=24).with_excess(2.0)


@pytest.fixture(scope='module')
def cylinder():
    return SeedObject.of_model(load_object('shape:cylinder'))


@pytest.fixture(scope='module')
def seeds(hand, cylinder):
    return SeedSynthesizer(hand, SETTINGS).synthesize(cylinder, 24, seed=3)


def test_best_first_finite_and_within_limits(hand, seeds):
    assert seeds.made == 48
    assert len(seeds.score) == 24
    assert (seeds.score.diff() <= 0.0).all()
    identity = torch.eye(3).expand(24, 3, 3)
    turned = seeds.grasps.rotation @ seeds.grasps.rotation.transpose(1, 2)
    torch.testing.assert_close(turned, identity, atol=1e-5, rtol=0.0)
    for posture in (seeds.grasps.grasp, seeds.grasps.pregrasp, seeds.squeeze):
        assert (posture >= hand.kinematics.lower - 1e-5).all()
        assert (posture <= hand.kinematics.upper + 1e-5).all()


def test_fingertips_touch_and_the_pregrasp_is_clearer(hand, cylinder, seeds):
    def gap(posture):
        points = place(hand, hand.surface, posture, seeds.grasps.rotation, seeds.grasps.translation)
        return cylinder.sdf.distance(points).amin(dim=1)

    grasp, pregrasp = gap(seeds.grasps.grasp), gap(seeds.grasps.pregrasp)
    assert grasp.abs().median() < 0.003
    assert (pregrasp >= grasp - 0.002).float().mean() > 0.9


def test_same_seed_same_grasps_whatever_the_workers(hand, cylinder, seeds):
    again = SeedSynthesizer(hand, SETTINGS).synthesize(cylinder, 24, seed=3, workers=2)
    torch.testing.assert_close(again.grasps.translation, seeds.grasps.translation)
    other = SeedSynthesizer(hand, SETTINGS).synthesize(cylinder, 24, seed=4)
    assert not torch.equal(other.grasps.translation, seeds.grasps.translation)


def test_on_a_table_no_part_of_the_hand_is_below_it(hand):
    target = SeedObject.of_model(load_object('shape:cylinder'), on_table=True)
    made = SeedSynthesizer(hand, SETTINGS).synthesize(target, 12, seed=0)
    assert len(made.score) >= 8  # starts and energies see to it, the rest is dropped
    for posture in (made.grasps.grasp, made.grasps.pregrasp):
        points = place(hand, hand.surface, posture, made.grasps.rotation, made.grasps.translation)
        height = points @ target.plane[:3] + target.plane[3]
        assert height.amin() > -0.001


def test_constraints_are_kept(hand, cylinder):
    constraints = Constraints(
        approach=(0.0, 0.0, -1.0),
        approach_cone=math.radians(30.0),
        half_spaces=(HalfSpace((0.0, 0.0, 1.0), -0.10),),
        wrist_lower=(-1.0, -1.0, 0.0),
    )
    made = SeedSynthesizer(hand, SETTINGS, constraints).synthesize(cylinder, 12, seed=0)
    assert (made.grasps.translation[:, 2] >= 0.0).all()
    points = place(
        hand, hand.surface, made.grasps.grasp, made.grasps.rotation, made.grasps.translation
    )
    assert (points[..., 2] >= -0.10 - 1e-6).all()


def test_contacts_stay_in_the_region_and_enough_fingers_touch(hand, cylinder):
    upper_half = Box((-0.2, -0.2, 0.0), (0.2, 0.2, 0.2))
    constraints = Constraints(contact_region=upper_half, min_fingers=3)
    made = SeedSynthesizer(hand, SETTINGS, constraints).synthesize(cylinder, 8, seed=0)
    assert (made.contacts[made.touches][:, 2] > 0.0).all()
    assert (made.touches.sum(dim=1) >= 3).all()


def test_proposed_grasps_are_refined_in_their_order(hand, cylinder, seeds):
    synthesizer = SeedSynthesizer(hand, SETTINGS)
    shifted = dataclasses.replace(seeds.grasps, translation=seeds.grasps.translation + 0.01)
    refined = synthesizer.refine(cylinder, shifted, seed=0)
    assert len(refined.score) == len(seeds.score)
    moved = (refined.grasps.translation - shifted.translation).norm(dim=1)
    assert (moved < 0.06).all()
    depth = refined.energies[:, refined.energy_names.index('penetration')]
    assert depth.median() < 0.003
    again = synthesizer.refine(cylinder, shifted, seed=0)
    torch.testing.assert_close(again.grasps.translation, refined.grasps.translation)


def test_starts_that_are_explored_are_better_than_the_first_ones(hand, cylinder):
    few = dataclasses.replace(SETTINGS.with_excess(1.0), draws=1.0, draws_underactuated=1.0)
    many = dataclasses.replace(few, draws=6.0, draws_underactuated=6.0)
    scores = [
        SeedSynthesizer(hand, settings).synthesize(cylinder, 48, seed=0).score.mean()
        for settings in (few, many)
    ]
    assert scores[1] > scores[0]


def test_other_shapes_count_as_much_as_the_first(hand, cylinder):
    """A grasp of a cylinder holds nothing where there might be a cube half as large."""
    maker = SeedSynthesizer(hand, SETTINGS.with_excess(1.0))
    made = maker.optimise(cylinder, 12, torch.Generator().manual_seed(2))
    small = SeedObject.of_model(load_object('shape:cube', scale=0.5))
    found = maker.best(cylinder, made, 12, [small])
    again = maker.measure(small, found.grasps, found.squeeze)
    own = maker.measure(cylinder, found.grasps, found.squeeze)
    expected = 0.5 * (own.score + again.score)
    torch.testing.assert_close(found.score, expected, rtol=1e-3, atol=1e-3)
    assert (found.score.diff() <= 0.0).all()
    assert found.score.mean() < made.score.mean()


def test_a_prediction_of_ones_own_ranks(hand, cylinder):
    maker = SeedSynthesizer(hand, SETTINGS, predict=lambda measures: -measures.net_force)
    found = maker.synthesize(cylinder, 4, seed=0)
    torch.testing.assert_close(found.score, -found.measures[:, 2])


def test_impossible_constraints_and_counts_are_refused(hand, cylinder):
    nowhere = Constraints(wrist_lower=(5.0, 5.0, 5.0))
    with pytest.raises(Dex1bError, match='loosen') as caught:
        SeedSynthesizer(hand, SETTINGS, nowhere).synthesize(cylinder, 4, seed=0)
    assert caught.value.error_code == ErrorCode.NO_CANDIDATES
    with pytest.raises(Dex1bError, match='expected 1'):
        SeedSynthesizer(hand, SETTINGS).synthesize(cylinder, 0, seed=0)


def test_command_writes_grasps_and_report(tmp_path):
    app = typer.Typer()
    register(app)
    out, report = tmp_path / 'f.npz', tmp_path / 'r.json'
    arguments = ['--hand', 'ability_right', '--object', 'shape:box', '--n', '8',
                 '--steps', '20', '--out', str(out), '--json', str(report)]  # fmt: skip
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    written = json.loads(report.read_text())
    keys = {'hand', 'object', 'n', 'seed', 'wall_s', 'raw_per_s', 'energies', 'penetration_mm'}
    assert keys <= set(written)
    assert set(written['penetration_mm']) == {'p50', 'p95', 'max'}
    with np.load(out) as data:
        assert data['object_T_hand'].shape == (8, 4, 4)
        assert data['squeeze'].shape == data['grasp'].shape == (8, 6)
        assert np.isnan(data['support_plane']).all()
    assert 'there already' in CliRunner().invoke(app, arguments).output


def test_objects_in_one_batch_keep_to_their_own_surface(hand, cylinder):
    """As good as one after the other, and the same energies for the same grasps."""
    other = SeedObject.of_model(load_object('shape:cube'))
    synthesizer = SeedSynthesizer(hand, SETTINGS)
    made = synthesizer.optimise_many([cylinder, other], 12, seed=5)
    again = synthesizer.optimise_many([cylinder, other], 12, seed=5)
    unranked = SeedSynthesizer(hand, SETTINGS.with_excess(1.0))
    alone = [unranked.synthesize(t, 12, seed=5) for t in (cylinder, other)]
    for target, seeds, repeated in zip((cylinder, other), made, again, strict=True):
        torch.testing.assert_close(seeds.squeeze, repeated.squeeze, rtol=0.0, atol=0.0)
        assert len(seeds.score) == 12
        posture, grasps = seeds.grasps.grasp, seeds.grasps
        points = place(hand, hand.surface, posture, grasps.rotation, grasps.translation)
        assert target.sdf.distance(points).amin(dim=1).abs().median() < 0.003
    score, single = (torch.cat([s.score for s in found]).mean() for found in (made, alone))
    assert score > 0.7 * single


def test_a_joint_scene_reads_each_grasp_its_own_object(hand, cylinder):
    other = SeedObject.of_model(load_object('shape:torus'))
    synthesizer = SeedSynthesizer(hand, SETTINGS)
    points = 0.1 * torch.randn((7, 3, 6), generator=torch.Generator().manual_seed(0))
    joint = synthesizer._joint_scene([cylinder, other], 3).sdf.distance(points)
    for number, target in enumerate((cylinder, other)):
        rows = slice(3 * number, 3 * number + 3)
        own = target.scene(3).sdf.distance(points[:, :, rows].contiguous())
        torch.testing.assert_close(joint[:, rows], own, rtol=0.0, atol=0.0)


def test_floating_and_resting_objects_are_not_mixed(hand, cylinder):
    resting = SeedObject.of_model(load_object('shape:cube'), on_table=True)
    with pytest.raises(Dex1bError, match='some objects float and others rest'):
        SeedSynthesizer(hand, SETTINGS).optimise_many([cylinder, resting], 4, seed=0)


def test_least_energy_takes_one_of_each_place(hand, cylinder, seeds):
    """Good grasps and the same ones 8 cm away: the good one of each pair, the best first."""
    synthesizer = SeedSynthesizer(hand, SETTINGS)
    good = seeds.grasps.select(torch.arange(6))
    away = dataclasses.replace(good, translation=good.translation + 0.08)
    pairs = concatenate([good, away]).select(torch.arange(12).view(2, 6).T.flatten())
    chosen = synthesizer.least_energy(cylinder, pairs, 4, seed=0, each=2)
    assert len(chosen) == 4
    gaps = torch.cdist(chosen.translation, good.translation)
    assert gaps.amin(dim=1).max() < 1e-6
    assert len(set(gaps.argmin(dim=1).tolist())) == 4
    again = synthesizer.least_energy(cylinder, pairs, 4, seed=0, each=2)
    torch.testing.assert_close(again.translation, chosen.translation, rtol=0.0, atol=0.0)
