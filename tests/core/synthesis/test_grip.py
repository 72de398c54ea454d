"""Squeeze forces by hand; what a squeeze and a settled posture do to fingertips."""

import pytest
import torch

from dex1b_core.synthesis.grip import FingerContacts, GripSettings, balanced_forces


def contacts(points, normals, distance=None):
    points, normals = (torch.tensor(v)[..., None] for v in (points, normals))
    count = len(points)
    return FingerContacts(
        points,
        torch.zeros(count, 1, dtype=torch.int64),
        torch.ones(count, 1),
        normals,
        torch.zeros(count, 1) if distance is None else torch.tensor(distance)[:, None],
    )


def test_a_thumb_against_two_fingers_presses_twice_as_hard():
    found = balanced_forces(
        contacts(
            [[0.03, 0.0, 0.0], [-0.03, 0.01, 0.0], [-0.03, -0.01, 0.0]],
            [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]],
        ),
        torch.zeros(3, 1),
        GripSettings(balance_steps=200),
    )[:, 0]
    assert found.sum().item() == pytest.approx(15.0, rel=1e-5)
    assert found[0].item() == pytest.approx(7.5, rel=0.02)
    assert found[1].item() == pytest.approx(found[2].item(), rel=1e-4)


def test_fingers_that_do_not_touch_press_nothing():
    found = balanced_forces(
        contacts(
            [[0.03, 0.0, 0.0], [-0.03, 0.0, 0.0], [0.0, 0.03, 0.0]],
            [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
            [0.0, 0.0, 0.05],
        ),
        torch.zeros(3, 1),
        GripSettings(),
    )[:, 0]
    assert found[2].item() == 0.0
    assert found[:2].tolist() == pytest.approx([5.0, 5.0], rel=1e-4)
