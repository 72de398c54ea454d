"""Spheres, surface points and contact candidates found from a robot's URDF."""

import numpy as np
import pytest
import torch
import trimesh

from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.robots.link_geometry import collision_hulls, union_depth, union_surface
from dex1b_core.robots.spheres import fit_spheres


@pytest.fixture(scope='module')
def description():
    return load_hand('ability_right')


@pytest.fixture(scope='module')
def hand(description):
    return HandModel(description)


def test_closing_signs(hand):
    signs = dict(zip(hand.kinematics.joint_names, hand.closing.tolist(), strict=True))
    assert signs == {
        'index_q1': 1.0, 'middle_q1': 1.0, 'ring_q1': 1.0, 'pinky_q1': 1.0,
        'thumb_q1': 0.0, 'thumb_q2': 1.0,
    }  # fmt: skip


def test_closing_brings_thumb_and_fingers_together(hand):
    def gap(posture):
        tips = hand.kinematics.forward(posture[None])[0, hand.tip_links, :3, 3]
        return (tips[0] - tips[1:].mean(dim=0)).norm().item()

    assert gap(hand.open_posture + 0.5 * hand.closing) < gap(hand.open_posture) - 0.03


def test_spheres_fill_each_link_and_stay_in_it(description, hand):
    hulls = collision_hulls(description.urdf_path, hand.kinematics.link_names)
    for link in hand.spheres.links.unique().tolist():
        parts = hulls[hand.kinematics.link_names[link]]
        mine = hand.spheres.links == link
        centres, radii = hand.spheres.positions[mine].numpy(), hand.spheres.radii[mine].numpy()
        assert 4 <= len(radii) <= 25
        assert (union_depth(parts, centres) > radii - 0.0031).all()


def test_surface_points_lie_on_the_union(description, hand):
    hulls = collision_hulls(description.urdf_path, hand.kinematics.link_names)
    for link in hand.surface.links.unique().tolist():
        parts = hulls[hand.kinematics.link_names[link]]
        points = hand.surface.positions[hand.surface.links == link].numpy()
        assert np.abs(union_depth(parts, points)).max() < 1e-5


def test_contact_candidates_face_the_other_side(hand):
    poses = hand.kinematics.forward(hand.open_posture[None])
    points, normals = hand.contacts.place(poses)[0], hand.contacts.place_normals(poses)[0]
    middles = torch.stack([points[hand.contact_fingers == f].mean(dim=0) for f in range(5)])
    faces = torch.stack([normals[hand.contact_fingers == f].mean(dim=0) for f in range(5)])
    towards_thumb = torch.nn.functional.normalize(middles[0] - middles[1:], dim=-1)
    assert ((faces[1:] * towards_thumb).sum(dim=-1) > 0.3).all()
    assert (faces[0] * -towards_thumb.mean(dim=0)).sum() > 0.2
    links = {hand.kinematics.link_names[link] for link in hand.contacts.links.tolist()}
    assert links == {f'{finger}_L2' for finger in hand.finger_names}


def test_points_are_the_same_from_the_cache(description, hand, tmp_path, monkeypatch):
    again = HandModel(description)
    torch.testing.assert_close(again.spheres.positions, hand.spheres.positions)
    torch.testing.assert_close(again.contacts.normals, hand.contacts.normals)


def test_spheres_of_a_box_cover_most_of_it():
    box = trimesh.creation.box([0.02, 0.02, 0.08])
    centres, radii = fit_spheres([box], count=12)
    inside = np.random.default_rng(0).uniform([-0.01, -0.01, -0.04], [0.01, 0.01, 0.04], (2000, 3))
    nearest = np.linalg.norm(inside[:, None] - centres, axis=-1) - radii
    assert (nearest.min(axis=1) < 0.0).mean() > 0.75


def test_union_surface_skips_what_lies_inside():
    parts = [trimesh.creation.box([0.04, 0.02, 0.02]), trimesh.creation.icosphere(radius=0.015)]
    points, normals = union_surface(parts, 100, seed=0)
    assert union_depth(parts, points).max() < 1e-6
    assert union_depth(parts, points + 1e-4 * normals).max() < 0.0
