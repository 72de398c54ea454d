"""How an open hand gets to a grasp: freely, from one side only, or not at all."""

import numpy as np
import torch
import trimesh

from dex1b_core.articulation.reach import CLEAR, ReachFinder
from dex1b_core.geometry.sdf import build_sdf
from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.synthesis.batch import place
from dex1b_core.synthesis.objective import SceneBatch

FAR = np.array([0.0, 0.0, 1.0])


def sdf(size, at):
    mesh = trimesh.creation.box(size)
    vertices = np.asarray(mesh.vertices) + at
    return SdfBatch.build([build_sdf(vertices, np.asarray(mesh.faces))], torch.zeros(1).long())


def found(hand, base):
    """A hand at the origin, what it holds far away, with a base."""
    scene = SceneBatch(sdf([0.02] * 3, FAR), torch.zeros(3, 1), base=base)
    root = torch.eye(3)[..., None], torch.zeros(3, 1)
    towards = torch.tensor([[1.0], [0.0], [0.0]])
    finder = ReachFinder(hand)
    return finder, scene, root, finder.find(scene, root, hand.ready_posture[:, None], towards)


def test_with_nothing_near_it_goes_back_where_it_came_from(hand):
    _, _, _, reach = found(hand, None)
    torch.testing.assert_close(reach.clearance, torch.tensor([CLEAR]))
    assert reach.retreat[:, 0].tolist() == [-1.0, 0.0, 0.0]


def test_a_wall_behind_it_makes_it_leave_another_way(hand):
    posture = torch.stack([hand.open_posture, hand.ready_posture])
    points = place(hand, hand.surface, posture, torch.eye(3).expand(2, 3, 3), torch.zeros(2, 3))
    behind = float(points[..., 0].min()) - 0.05  # less than the way back
    wall = sdf([0.02, 1.0, 1.0], np.array([behind - 0.01, 0.0, 0.0]))
    finder, scene, root, reach = found(hand, wall)
    torch.testing.assert_close(reach.clearance, torch.tensor([CLEAR]))
    assert reach.retreat[0, 0] > -0.6
    opened = finder.depth(scene, root, reach.pregrasp)
    assert opened.item() >= CLEAR


def test_where_it_is_stuck_it_says_how_deep(hand):
    block = sdf([0.5, 0.5, 0.5], np.zeros(3))
    finder, scene, root, reach = found(hand, block)
    assert reach.clearance.item() < -0.02
    assert finder.base_gap(scene, root, hand.ready_posture[:, None]).item() < -0.02
