"""The network behind the stack's generator; here one that has learned nothing."""

import dataclasses

import numpy as np
import pytest
import torch
import trimesh

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import OrientedBox, Plane, make_transform
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.checkpoint import ModelCard, load_checkpoint, save_checkpoint
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.dexsimple import DexSimple
from dex1b_core.model.generator import dexsimple_generator, shipped_checkpoint
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.learned_seeds import LearnedSettings, LearnedSynthesizer
from dex1b_core.model.settings import ModelSettings
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_core.robots import load_robot
from dex1b_core.synthesis.constraints import Box, Constraints
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import REFINEMENT, SeedSettings

SMALL = ModelSettings(cloud_points=64, encoder=(8, 16), hidden=(16,), latent=4)


@pytest.fixture(scope='module')
def network(hand):
    torch.manual_seed(0)
    return DexSimple(SMALL, GraspCode(hand.kinematics).size).eval()


@pytest.fixture(scope='module')
def observation():
    mesh = trimesh.creation.cylinder(0.03, 0.12)
    mesh.apply_translation([0.45, 0.0, 0.06])
    points, faces = trimesh.sample.sample_surface(mesh, 800, seed=0)
    return ObjectObservation(
        points=points,
        normals=mesh.face_normals[faces],
        obstacles=np.zeros((0, 3)),
        support_plane=Plane(np.array([0.0, 0.0, 1.0]), 0.0),
        box=OrientedBox(make_transform(np.eye(3), mesh.bounds.mean(axis=0)), mesh.extents),
        shapes=(ShapeHypothesis('true', np.asarray(mesh.vertices), np.asarray(mesh.faces)),),
    )


def test_candidates_repeat(tmp_path, hand, network, observation):
    joints = tuple(hand.kinematics.joint_names)
    path = tmp_path / 'network.safetensors'
    save_checkpoint(path, network, ModelCard('ability_right', joints, SMALL, {}, {}, 0))
    generator = dexsimple_generator(load_robot('xarm7_ability'), path)
    first, again = (generator.generate(observation, count=16, seed=3) for _ in range(2))
    assert first.backend == 'dexsimple'
    assert len(first.candidates) > 0
    for one, other in zip(first.candidates, again.candidates, strict=True):
        np.testing.assert_array_equal(one.planning_T_wrist, other.planning_T_wrist)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(Dex1bError, match='there is no such file') as caught:
        dexsimple_generator(load_robot('xarm7_ability'), tmp_path / 'none.safetensors')
    assert caught.value.error_code == ErrorCode.MODEL_NOT_LOADED


def test_seeds_from_a_cloud_repeat_and_are_ranked(hand, network):
    model = load_object('shape:cylinder')
    target = SeedObject.of_model(model)
    cloud = SurfaceSamples.of_model(model).full(200, np.random.default_rng(0))
    settings = LearnedSettings(
        refinement=dataclasses.replace(REFINEMENT, steps=10), seeds=SeedSettings().with_excess(2.0)
    )
    synthesizer = LearnedSynthesizer(hand, network, settings)
    first, again = (synthesizer.synthesize(target, cloud, 5, seed=1) for _ in range(2))
    assert (len(first.score), first.made) == (5, 10)
    assert first.score.diff().max() <= 0.0
    torch.testing.assert_close(first.squeeze, again.squeeze, rtol=0.0, atol=0.0)


def test_constraints_are_conditions(hand):
    """With the shipped network: the hand comes from above and holds the upper part alone."""
    model, _ = load_checkpoint(shipped_checkpoint('ability_right'), hand)
    loaded = load_object('shape:cylinder')
    target = SeedObject.of_model(loaded)
    low, high = target.hull_points.amin(dim=0), target.hull_points.amax(dim=0)
    low[2] = low[2] + 0.4 * (high[2] - low[2])
    region = Box(tuple((low - 0.01).tolist()), tuple((high + 0.01).tolist()))
    above = Constraints(approach=(0.0, 0.0, -1.0), contact_region=region)
    settings = LearnedSettings(
        draws=4, refinement=dataclasses.replace(REFINEMENT, steps=20),
        seeds=SeedSettings().with_excess(1.0),
    )  # fmt: skip
    cloud = SurfaceSamples.of_model(loaded).full(512, np.random.default_rng(0))

    def approach(constraints):
        maker = LearnedSynthesizer(hand, model, settings, constraints)
        return maker.synthesize(target, cloud, 16, seed=0)

    free, told = approach(None), approach(above)
    assert told.grasps.approach[:, 2].mean() < free.grasps.approach[:, 2].mean() - 0.3
    assert region.contains(told.contacts)[told.touches].all()
