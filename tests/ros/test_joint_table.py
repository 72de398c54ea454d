"""Joint states of arm and hand that come apart, and of publishers that contradict each other."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import JointState

from dex1b_ros.joint_state_buffer import joint_conflict
from dex1b_ros.joint_table import JointTable

ARM, HAND = ('shoulder', 'elbow'), ('thumb', 'index', 'middle')
EVERY = (*ARM, *HAND)


def message(names, positions, stamp, *, prefix='', **values) -> JointState:
    told = JointState(name=[prefix + name for name in names], position=list(positions), **values)
    told.header.stamp.sec, told.header.stamp.nanosec = int(stamp), round(stamp % 1 * 1e9)
    return told


def test_parts_are_merged_and_the_whole_is_as_old_as_its_oldest_joint():
    table = JointTable(EVERY, 'left_')
    table.add(message(ARM, [0.1, 0.2], 10.0, prefix='left_', velocity=[1.0, 2.0]), 5.0)
    assert table.seen
    assert not table.knows_all()
    assert table.read(EVERY).missing == list(HAND)
    table.add(message(reversed(HAND), [0.5, 0.4, 0.3], 10.5, prefix='left_'), 5.4)
    reading = table.read(EVERY)
    assert table.knows_all()
    np.testing.assert_allclose(reading.positions, [0.1, 0.2, 0.3, 0.4, 0.5])
    np.testing.assert_allclose(reading.velocities[:2], [1.0, 2.0])
    assert np.isnan(reading.velocities[2:]).all()
    assert (reading.stamps.min(), reading.received.min(), reading.oldest) == (10.0, 5.0, 'shoulder')
    assert table.read(HAND).received.min() == 5.4
    assert reading.contradicted == ()


def test_unknown_joints_are_ignored_and_broken_messages_leave_no_old_values():
    table = JointTable(ARM, '')
    table.add(message(('wheel',), [9.0], 1.0), 1.0)
    assert table.seen
    assert table.read(ARM).missing == list(ARM)
    table.add(message(('wheel', *ARM), [9.0, 0.1, 0.2], 1.0), 1.0)
    assert table.read(ARM).positions.tolist() == [0.1, 0.2]
    table.add(message(ARM, [0.1], 1.1), 1.1)  # fewer positions than names
    assert table.read(ARM).undefined == list(ARM)
    for k in range(100):  # what is remembered of senders is bounded
        table.add(message((f'other{k}',), [0.0], 2.0), 2.0)
    assert len(table._senders) <= 32


def play(positions, *, step=0.02, names=ARM) -> JointTable:
    table = JointTable(ARM, '')
    for k, value in enumerate(positions):
        table.add(message(names, [value, 0.0], 1.0 + k * step), 1.0 + k * step)
    return table


def test_two_publishers_that_disagree_are_named_and_motion_and_glitches_are_not():
    two = play([0.0, 0.6] * 4)
    assert two.read(ARM).contradicted == ('shoulder',)
    assert "['shoulder']" in joint_conflict(two.read(ARM), 'joint_states')
    assert play([0.0, 0.0, 0.6, 0.0, 0.0, 0.6, 0.0]).read(ARM).contradicted == ('shoulder',)
    fast = 0.1 * np.sin(np.linspace(0, 40, 200))  # 1 rad/s and more, to and fro
    assert play(fast).read(ARM).contradicted == ()
    assert play([0.0] * 5 + [0.6] * 5).read(ARM).contradicted == ()  # one jump
    assert play([0.0] * 5 + [0.6] + [0.0] * 5).read(ARM).contradicted == ()  # a glitch
    assert play([0.0, 0.6] * 4 + [0.6] * 80).read(ARM).contradicted == ()  # long ago
    assert joint_conflict(play([0.0]).read(ARM), 'joint_states') == ''


def test_publishers_of_different_messages_may_contradict_each_other_too():
    table = JointTable(ARM, '')
    for k in range(4):
        table.add(message(ARM, [0.0, 0.0], 1.0 + 0.1 * k), 1.0 + 0.1 * k)
        table.add(message(('elbow',), [1.5], 1.001 + 0.1 * k), 1.001 + 0.1 * k)
    assert table.read(ARM).contradicted == ('elbow',)
    assert table.read(('shoulder',)).contradicted == ()
