"""What a learned prediction reads of fingers: the same for the same grasp, whatever turned it."""

import dataclasses
import math

import numpy as np
import pytest
import torch
import trimesh

from dex1b_core.geometry.object_model import load_object
from dex1b_core.synthesis.finger_measures import FINGER_MEASURES
from dex1b_core.synthesis.ranking import details_size
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import seed_settings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

FLATNESS, FACING, DISTANCE = 6, 7, 8


@pytest.fixture(scope='module')
def synthesizer(hand):
    return SeedSynthesizer(hand, seed_settings(20, 5.0).with_excess(1.0))


def of_fingers(hand, seeds):
    count = FINGER_MEASURES * len(hand.finger_names)
    return seeds.details[:, -count:].view(len(seeds.score), -1, FINGER_MEASURES)


def test_size(hand, synthesizer):
    box = SeedObject.of_model(load_object('shape:box'))
    found = synthesizer.synthesize(box, 3, seed=0)
    assert found.details.shape == (3, details_size(len(hand.finger_names)))
    assert torch.isfinite(found.details).all()


def test_measured_again_it_is_the_same(synthesizer):
    can = SeedObject.of_model(load_object('shape:cylinder'))
    found = synthesizer.synthesize(can, 8, seed=0)
    again = synthesizer.measure(can, found.grasps, found.squeeze)
    torch.testing.assert_close(again.details, found.details, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(again.score, found.score, rtol=1e-3, atol=1e-4)


def test_hand_and_object_turned_together(hand, synthesizer):
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=0.035)
    mesh.apply_scale([1.0, 0.8, 1.3])
    upright = SeedObject.of_mesh('egg', np.asarray(mesh.vertices), np.asarray(mesh.faces))
    found = synthesizer.synthesize(upright, 8, seed=0)
    quarter = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = SeedObject.of_mesh(
        'egg', np.asarray(mesh.vertices) @ quarter.numpy().T, np.asarray(mesh.faces)
    )
    grasps = dataclasses.replace(
        found.grasps,
        rotation=quarter @ found.grasps.rotation,
        translation=found.grasps.translation @ quarter.T,
    )
    again = synthesizer.measure(turned, grasps, found.squeeze)
    torch.testing.assert_close(
        of_fingers(hand, again)[..., :9], of_fingers(hand, found)[..., :9], rtol=0.02, atol=0.05
    )


def test_a_ball_bends_away_and_a_slab_does_not(hand, synthesizer):
    """4 mm from a contact the normal of a ball of radius r has turned by 4 mm / r."""
    radius = 0.04
    ball = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    target = SeedObject.of_mesh('ball', np.asarray(ball.vertices), np.asarray(ball.faces))
    found = of_fingers(hand, synthesizer.synthesize(target, 8, seed=0))
    near = found[..., DISTANCE].abs() < 2.0
    assert found[near][:, FLATNESS].mean() == pytest.approx(
        math.cos(math.atan(0.004 / radius)), abs=0.003
    )
    slab = trimesh.creation.box([0.3, 0.3, 0.03])
    target = SeedObject.of_mesh('slab', np.asarray(slab.vertices), np.asarray(slab.faces))
    found = of_fingers(hand, synthesizer.synthesize(target, 8, seed=0))
    assert found[..., FLATNESS].median() > 0.999
