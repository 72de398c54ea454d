"""Every described hand: kinematics against pinocchio, spheres, contacts, self-collision."""

import itertools

import numpy as np
import pinocchio
import pytest
import torch

from dex1b_core.robots import hand_names
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.robots.kinematics import HandKinematics
from dex1b_core.robots.link_geometry import collision_hulls, union_depth
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.robots.self_collision import part_depths


@pytest.fixture(scope='module', params=hand_names())
def description(request, need_hand):
    return need_hand(request.param)


@pytest.fixture(scope='module')
def model(description):
    return HandModel(description)


def postures(kinematics, count):
    spread = torch.rand(count, len(kinematics.lower), generator=torch.Generator().manual_seed(0))
    return kinematics.lower + spread * (kinematics.upper - kinematics.lower)


def test_link_poses_equal_pinocchio(description):
    kinematics = HandKinematics(description)
    reference = pinocchio.buildModelFromUrdf(str(description.urdf_path))
    data = reference.createData()
    driven = postures(kinematics, 20)
    ours = kinematics.forward(driven).double().numpy()
    every = kinematics.all_joints(driven).double().numpy()
    worst = 0.0
    for row in range(len(driven)):
        q = pinocchio.neutral(reference)
        for name, value in zip(kinematics.all_joint_names, every[row], strict=True):
            q[reference.joints[reference.getJointId(name)].idx_q] = value
        pinocchio.framesForwardKinematics(reference, data, q)
        root = data.oMf[reference.getFrameId(description.root_link)]
        for index, link in enumerate(kinematics.link_names):
            expected = (root.inverse() * data.oMf[reference.getFrameId(link)]).homogeneous
            worst = max(worst, float(np.abs(ours[row, index] - expected).max()))
    assert worst < 1e-5


def test_postures_are_within_the_limits(model):
    lower, upper = model.kinematics.lower - 1e-6, model.kinematics.upper + 1e-6
    for posture in (model.open_posture, model.ready_posture):
        assert bool(((posture >= lower) & (posture <= upper)).all())


def test_closing_brings_every_finger_towards_the_thumb(model):
    def gaps(posture):
        tips = model.kinematics.forward(posture[None])[0, model.tip_links, :3, 3]
        return (tips[1:3].mean(dim=0) - tips[0]).norm()

    closed = model.ready_posture + 0.15 * model.closing
    assert gaps(closed) < gaps(model.ready_posture) - 0.005


def test_the_ready_thumb_faces_the_fingers(model):
    poses = model.kinematics.forward(model.ready_posture[None])
    points = model.contacts.place(poses)[0]
    normals = model.contacts.place_normals(poses)[0]
    thumb, near = model.contact_fingers == 0, model.contact_fingers == 1
    towards = points[near].mean(dim=0) - points[thumb].mean(dim=0)
    towards = towards / towards.norm()
    assert normals[thumb].mean(dim=0) @ towards > 0.2
    assert normals[near].mean(dim=0) @ -towards > 0.2


def test_every_finger_has_its_contact_candidates_on_its_surface(model, description):
    hulls = collision_hulls(description.urdf_path, model.kinematics.link_names)
    counts = torch.bincount(model.contact_fingers).tolist()
    assert counts == [description.contacts_per_finger] * len(description.fingers)
    for link, point in zip(
        model.contacts.links.tolist(), model.contacts.positions.double().numpy(), strict=True
    ):
        parts = hulls[model.kinematics.link_names[link]]
        assert abs(union_depth(parts, point[None])[0]) < 1e-5


def test_spheres_stand_for_the_links(model, description):
    report = model.sphere_report()
    assert sum(row.count for row in report) == len(model.spheres.radii)
    for row in report:
        assert row.overshoot_max < 0.0031, row
        assert row.uncovered_p95 < 0.013, row
    average = np.mean([row.uncovered_p95 for row in report])
    assert average < 0.006


def test_self_collision_pairs_are_those_that_can_meet(model):
    pairs = model.self_collision_pairs
    assert bool((pairs[:, 0] < pairs[:, 1]).all())
    assert len(torch.unique(pairs, dim=0)) == len(pairs)
    assert int(pairs.max()) < len(model.parts.links)
    owners = model.link_fingers[model.self_collision_links]
    with_thumb = (owners == 0).any(dim=1)
    assert bool((with_thumb & (owners > 0).any(dim=1)).any()), 'thumb against fingers'
    frames = model.kinematics.link_frames[model.self_collision_links]
    assert bool((frames[:, 0] != frames[:, 1]).all())
    depth = model.self_collision_depth(torch.stack([model.open_posture, model.ready_posture]))
    assert float(depth.max()) < 1e-6
    assert float(model.self_collision_depth(postures(model.kinematics, 200)).max()) > 2e-3


def joined_frames(model, description):
    """Pairs of frames that one joint connects."""
    frames = dict(
        zip(model.kinematics.link_names, model.kinematics.link_frames.tolist(), strict=True)
    )
    joints = LinkTree.from_urdf(description.urdf_path).joints
    ends = [(frames.get(joint.parent), frames.get(joint.child)) for joint in joints]
    return {frozenset(pair) for pair in ends if None not in pair}


def test_no_pair_that_collides_is_pruned(model, description):
    """Postures other than those that pruning looked at bring no other parts together."""
    links = model.parts.links
    frames = model.kinematics.link_frames[links].tolist()
    kept = set(map(tuple, model.self_collision_pairs.tolist()))
    built = joined_frames(model, description) | {frozenset([frame]) for frame in frames}
    pairs = torch.tensor([
        (first, second)
        for first, second in itertools.combinations(range(len(links)), 2)
        if frozenset((frames[first], frames[second])) not in built and (first, second) not in kept
    ])  # fmt: skip
    natural = torch.stack([model.open_posture, model.ready_posture])
    by_design = (part_depths(model.kinematics, natural, model.parts, pairs) > 0.0).any(dim=0)
    generator = torch.Generator().manual_seed(99)
    lower, upper = model.kinematics.lower, model.kinematics.upper
    fresh = lower + torch.rand(100, len(lower), generator=generator) * (upper - lower)
    depth = part_depths(model.kinematics, fresh, model.parts, pairs)
    always = (depth > 0.0).float().mean(dim=0) > 0.5
    assert float(depth[:, ~by_design & ~always].max()) < 2e-3


def test_moved_to_a_device_it_is_the_same_hand(model):
    moved = model.to('cpu')
    torch.testing.assert_close(moved.spheres.radii, model.spheres.radii)
    torch.testing.assert_close(moved.parts.planes, model.parts.planes)
    torch.testing.assert_close(
        moved.kinematics.forward(moved.ready_posture[None]),
        model.kinematics.forward(model.ready_posture[None]),
    )
    meta = model.to('meta')
    tensors = [value for value in vars(meta).values() if isinstance(value, torch.Tensor)]
    tensors += [meta.parts.points, meta.pads.positions, meta.contacts.positions]
    assert {tensor.device.type for tensor in tensors} == {'meta'}
