"""Bodies that overlap by design."""

from known_grasps import jaws_source

from dex1b_core.simulation.self_contact import overlapping_by_design
from dex1b_core.simulation.urdf_bodies import TreeSource, read_body_tree


def test_neighbours_never_collide_and_jaws_that_may_part_do(jaws):
    assert overlapping_by_design(read_body_tree(jaws)) == {(0, 1), (0, 2)}


def test_jaws_too_thick_for_their_joint_never_collide(tmp_path):
    """At joint position 0 they overlap by 20 mm."""
    thick = read_body_tree(jaws_source(tmp_path, jaw='0.03 0.03 0.09'))
    assert overlapping_by_design(thick) == {(0, 1), (0, 2), (1, 2)}


def test_slides_change_nothing_but_the_numbers(need_hand):
    tree = read_body_tree(TreeSource.of_hand(need_hand('ability_right')))
    pairs = overlapping_by_design(tree)
    assert pairs >= tree.neighbours()
    assert all(one < other for one, other in pairs)
    fingers = tree.fingers()
    assert all(-1 in fingers[[one, other]] or fingers[one] == fingers[other]
               for one, other in pairs)  # fmt: skip
    sliding = tree.on_slides()
    moved = {(one + 3, other + 3) for one, other in pairs}
    assert overlapping_by_design(sliding) == moved | sliding.neighbours()
