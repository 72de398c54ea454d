"""Worlds that differ a little from the one that was planned for."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dex1b_core.simulation.perturbation import (
    UNPERTURBED,
    PerturbationRanges,
    draw_perturbations,
)

RANGES = PerturbationRanges(
    friction=(0.7, 0.9), mass=(0.25, 4.0), position=0.002, angle=0.05, joints=0.03
)


def values(perturbation):
    moved = perturbation.hand_T_moved
    return perturbation.friction, perturbation.mass, moved.tolist(), perturbation.seed


def test_first_is_the_world_as_planned_for():
    for count in (1, 4):
        made = draw_perturbations(count, seed=3)
        assert len(made) == count
        assert made[0] is UNPERTURBED
    assert (UNPERTURBED.friction, UNPERTURBED.mass, UNPERTURBED.hand_T_moved) == (1.0, 1.0, None)
    np.testing.assert_array_equal(UNPERTURBED.joint_noise(5), np.zeros(5))


def test_ranges_are_respected_and_filled():
    made = draw_perturbations(300, 0, RANGES)[1:]
    friction = np.array([p.friction for p in made])
    mass = np.array([p.mass for p in made])
    moved = np.array([p.hand_T_moved for p in made])
    angles = Rotation.from_matrix(moved[:, :3, :3]).magnitude()
    noise = np.array([p.joint_noise(6) for p in made])
    for drawn, low, high in (
        (friction, 0.7, 0.9),
        (np.log(mass), -np.log(4.0), np.log(4.0)),
        (moved[:, :3, 3], -0.002, 0.002),
        (noise, -0.03, 0.03),
    ):
        assert (drawn >= low).all()
        assert (drawn <= high).all()
        assert drawn.mean() == pytest.approx((low + high) / 2, abs=0.05 * (high - low))
        assert np.ptp(drawn) > 0.95 * (high - low)
    assert angles.max() <= 0.05
    assert angles.max() > 0.045


def test_same_seed_same_worlds():
    one, other = (draw_perturbations(5, 7) for _ in range(2))
    assert [values(p) for p in one[1:]] == [values(p) for p in other[1:]]
    assert [values(p) for p in one[1:]] != [values(p) for p in draw_perturbations(5, 8)[1:]]
    shorter = draw_perturbations(3, 7)
    assert [values(p) for p in shorter[1:]] == [values(p) for p in one[1:3]]


def test_equal_grasps_get_equal_noise_and_worlds_differ():
    one, other = draw_perturbations(3, 1)[1:]
    np.testing.assert_array_equal(one.joint_noise(4), one.joint_noise(4))
    assert not np.array_equal(one.joint_noise(4), other.joint_noise(4))
    np.testing.assert_array_equal(replace(one, joints=0.0).joint_noise(4), np.zeros(4))
