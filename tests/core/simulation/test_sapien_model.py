"""Bodies as SAPIEN takes them: which of them collide, and what it cannot couple."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_grasps import pinch, scene_of

from dex1b_core.errors import ConfigurationError
from dex1b_core.simulation.body_tree import MARKER_INERTIA, Body, BodyTree, Joint
from dex1b_core.simulation.sapien_engine import SapienEngine
from dex1b_core.simulation.sapien_model import convex_collision, exclusion_masks
from dex1b_core.simulation.urdf_bodies import read_body_tree


def tree_of(parents):
    """Bodies without shapes, one joint each."""
    bodies = []
    for index, parent in enumerate(parents):
        joint = Joint(f'j{index}', False, np.eye(3)[0], (-1.0, 1.0), None)
        name = f'b{index}'
        bodies.append(Body(name, parent, np.eye(4), joint if index else None, (), MARKER_INERTIA))
    return BodyTree(tuple(bodies), tuple(f'j{i}' for i in range(1, len(parents))))


@st.composite
def trees_and_pairs(draw):
    count = draw(st.integers(2, 12))
    parents = [-1, *(draw(st.integers(0, index - 1)) for index in range(1, count))]
    pairs = draw(st.sets(st.sampled_from(list(combinations(range(count), 2))), max_size=25))
    return tree_of(parents), frozenset(pairs)


@settings(deadline=None, max_examples=200)
@given(trees_and_pairs())
def test_bodies_share_a_bit_if_and_only_if_they_never_collide(drawn):
    """Parents and children never collide anyway, so that for them either is right."""
    tree, pairs = drawn
    masks = exclusion_masks(tree, pairs)
    assert len(masks) == len(tree.bodies)
    assert all(0 <= mask < 2**32 for mask in masks)
    for one, other in combinations(range(len(tree.bodies)), 2):
        shared = bool(masks[one] & masks[other])
        if one == tree.bodies[other].parent:
            assert not shared or (one, other) in pairs
        else:
            assert shared == ((one, other) in pairs)


def test_too_many_groups_are_an_error():
    disjoint = frozenset((index, index + 1) for index in range(1, 67, 2))
    with pytest.raises(ConfigurationError, match='33 pairs of links never collide; SAPIEN can'):
        exclusion_masks(tree_of([-1, *[0] * 66]), disjoint)
    fits = frozenset(list(disjoint)[:32])
    assert len(set(exclusion_masks(tree_of([-1, *[0] * 66]), fits))) == 33


def test_followers_far_from_their_leader_are_an_error(jaws, tmp_path):
    """The right jaw on a link of its own: its leader moves neither its parent nor a sibling."""
    text = jaws.urdf_path.read_text()
    text = text.replace('<parent link="palm"/><child link="right"/>',
                        '<parent link="wrist"/><child link="right"/>')  # fmt: skip
    text = text.replace(
        '</robot>',
        """
      <link name="wrist"/>
      <joint name="turn" type="revolute"><parent link="palm"/><child link="wrist"/>
        <axis xyz="0 0 1"/><limit lower="-1" upper="1" effort="1" velocity="1"/></joint>
    </robot>""",
    )
    (tmp_path / 'far.urdf').write_text(text)
    source = type(jaws)(tmp_path / 'far.urdf', 'palm', ('left_slide', 'turn'))
    assert read_body_tree(source).joints['right_slide'].mimic is not None
    with pytest.raises(ConfigurationError, match=r"'right_slide' mimics 'left_slide'.*use mujoco"):
        SapienEngine(scene_of(source, pinch()))


def test_hulls_are_cooked_as_they_are():
    """As given in metres, PhysX would leave out vertices within 0.7 mm of the hull of others."""
    import sapien

    rng = np.random.default_rng(3)
    points = rng.normal(size=(60, 3))
    points *= 0.01 / np.linalg.norm(points, axis=1, keepdims=True)
    material = sapien.physx.PhysxMaterial(1.0, 1.0, 0.0)
    shape = convex_collision(points, material)
    cooked = np.asarray(shape.vertices) * np.asarray(shape.scale)
    assert len(cooked) == 60
    gaps = np.linalg.norm(cooked[:, None] - points[None], axis=2).min(axis=1)
    assert gaps.max() < 1e-6
    naive = sapien.physx.PhysxCollisionShapeConvexMesh(
        points.astype(np.float32), [1.0] * 3, material
    )
    assert len(naive.vertices) < 60
