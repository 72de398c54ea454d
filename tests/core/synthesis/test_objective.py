"""Every energy of every described hand: its derivative against finite differences."""

from dataclasses import replace

import pytest
import torch

from dex1b_core.geometry.batch_last import orthonormal
from dex1b_core.geometry.object_model import load_object
from dex1b_core.robots import hand_names
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.contacts import ContactDraw
from dex1b_core.synthesis.objective import (
    EnergyWeights,
    GraspObjective,
    JointTask,
    ObjectiveSettings,
)
from dex1b_core.synthesis.pressing import can_press_anywhere
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_starts import StartSettings, random_starts
from dex1b_core.synthesis.wrench import force_directions

BATCH = 64
OWN = ('joints', 'self_penetration')
STEP = 2e-3  # of a unit step in metres, radians and columns of rotations
EVERYTHING = EnergyWeights(balance=1.0, lean=1.0, touch=1.0)


@pytest.fixture(scope='module', params=hand_names())
def model(request, need_hand):
    return HandModel(need_hand(request.param))


@pytest.fixture(scope='module')
def target():
    return SeedObject.of_model(load_object('shape:sphere'), on_table=True)


def energies_along(model, target):
    """A function from steps along one direction to energies by name, and its derivative at 0."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(len(target.hull_points), (BATCH,), generator=generator)
    points, normals = target.hull_points[drawn], target.hull_normals[drawn]
    starts = random_starts(model, points, normals, StartSettings(depth=(0.02, 0.04)), generator)
    objective = GraspObjective(model, ObjectiveSettings(self_margin=0.004))
    region = torch.full((3,), -0.01), torch.full((3,), 0.01)
    scene = target.scene(BATCH, region)
    hinge = JointTask(torch.tensor([0.0, 0.6, 0.8]), torch.tensor([0.2, 0.0, 0.0]), slides=False)
    scene = replace(scene, base=scene.sdf, task=hinge)
    contacts = ContactDraw(model, BATCH, 3, generator)
    lower, upper = model.kinematics.lower[:, None], model.kinematics.upper[:, None]
    # from near the start to far beyond the limits
    noise = torch.linspace(0.02, 0.5, BATCH) * torch.randn(len(lower), BATCH, generator=generator)
    beyond = starts.grasp.T + (upper - lower) * noise
    at = [starts.translation.T, starts.rotation[:, :, :2].permute(1, 2, 0), beyond]
    towards = [torch.randn(v.shape, generator=generator) for v in at]
    towards[0] = 0.05 * towards[0]

    def columns_at(step):
        translation, rotation, posture = (v + step * d for v, d in zip(at, towards, strict=True))
        frames = model.kinematics.frame_columns(posture, orthonormal(rotation), translation)
        return frames, posture

    with torch.no_grad():
        near = objective.look(scene, columns_at(torch.zeros(BATCH))[0], 0.02, EVERYTHING)

    def energies(step):
        columns, posture = columns_at(step)
        placed = contacts.place(columns)
        return objective.terms(scene, columns, posture, placed, near, force_directions(14))

    return energies


def test_each_term_has_the_derivative_of_finite_differences(model, target):
    energies = energies_along(model, target)
    step = torch.zeros(BATCH, requires_grad=True)
    terms = energies(step)
    expected = {'closure', 'distance', 'alignment', 'penetration', 'self_penetration', 'joints',
                'region', 'task'}  # fmt: skip
    if can_press_anywhere(model):
        expected |= {'balance', 'lean', 'touch'}
    assert set(terms) == expected
    with torch.no_grad():
        ahead, behind = (energies(torch.full((BATCH,), sign * STEP)) for sign in (1.0, -1.0))
    for name, value in terms.items():
        (slope,) = torch.autograd.grad(value.sum(), step, retain_graph=True)
        # far hands are for the hand's own terms: beyond the grid derivatives are approximate
        rows = slice(None if name in OWN else BATCH // 3)
        difference = ((ahead[name] - behind[name]) / (2.0 * STEP))[rows]
        size = difference.abs().mean()
        assert size > 1e-4, f'{name} does not change: the test would prove nothing'
        # sums of kinks and of grid cells: single grasps may be off, most may not
        error = (slope[rows] - difference).abs()
        assert error.median() < 0.08 * size, name
        correlation = torch.corrcoef(torch.stack([slope[rows], difference]))[0, 1]
        assert correlation > 0.95, f'{name}: {correlation:.3f}'
