"""The executor opens a drawer with a mock robot: in stages, stopped on the way, and not at all."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bench import ROBOT, Bench, assert_ramped_to_rest
from std_msgs.msg import Bool, Header

from dex1b_core.errors import ErrorCode
from dex1b_core.motion.part_motion import BACK, PartMotion
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_msgs.action import ExecuteArticulation
from dex1b_msgs.msg import ArticulationModel, ExecutorStatus
from dex1b_ros import conversions
from dex1b_ros.articulation_conversions import model_msg
from dex1b_ros.faults.mock_bench import OBJECT_AT

pytestmark = pytest.mark.ros

NAN = float('nan')
PULL = 0.2  # [m]
JOINT = ObjectJoint('prismatic', np.array([0.0, 1.0, 0.0]), np.zeros(3), 0.0, 1.0)
OPEN = np.array(ROBOT.hand.open)
SLOW = 0.05  # [rad/s] faster than this while it pulls


class DrawerBench(Bench):
    """Fingers that close on the handle meet it; the arm meets no resistance."""

    Action = ExecuteArticulation
    action = 'execute_articulation'

    def goal(self, **fields: Any) -> ExecuteArticulation.Goal:
        """Pull a handle, grasped from above, to the left."""
        pick = super().goal()
        whole, header = conversions.observation(pick.scene), pick.scene.header
        foot = whole.points[:, 2] < 0.01  # or no goal may begin where a stopped one left the hand
        part = replace(whole, points=whole.points[foot], normals=whole.normals[foot])
        model = model_msg(JOINT, Header(frame_id=header.frame_id, stamp=header.stamp))
        goal = ExecuteArticulation.Goal(
            scene=conversions.snapshot_msg(part, header), candidates=pick.candidates, model=model,
            displacement=PULL, velocity_scaling=0.8,
        )  # fmt: skip
        for name, value in fields.items():
            setattr(goal, name, value)
        return goal


@pytest.fixture(scope='module')
def bench(ros_domain):
    with DrawerBench(object_at=OBJECT_AT) as instance:
        yield instance


@pytest.fixture(autouse=True)
def ready(bench):
    bench.make_ready()


@pytest.fixture(scope='module')
def model():
    return PartMotion(ROBOT).model


def stages(result) -> list[str]:
    return [timing.stage for timing in result.timings]


def test_dry_run_plans_and_moves_nothing(bench) -> None:
    begin = time.monotonic()
    result = bench.run(dry_run=True)
    assert (result.error_code, result.executed_id) == (ErrorCode.NONE, 'plan-1/0')
    assert (stages(result), result.displacement) == ([], 0.0)
    assert np.abs(bench.history(begin)[2]).max() == 0


@pytest.mark.parametrize(
    ('change', 'code', 'text'),
    [
        (lambda g: setattr(g, 'displacement', NAN), ErrorCode.INVALID_REQUEST, 'displacement nan'),
        (lambda g: setattr(g, 'displacement', 0.0), ErrorCode.INVALID_REQUEST, 'more than 0'),
        (lambda g: setattr(g, 'displacement', 1.1), ErrorCode.INVALID_REQUEST, 'has left'),
        (lambda g: setattr(g, 'displacement', 0.9), ErrorCode.NO_PATH, 'of 0.900 m; ask for less'),
        (lambda g: setattr(g, 'max_force', NAN), ErrorCode.INVALID_REQUEST, 'max_force is nan'),
        (lambda g: setattr(g, 'max_force', 501.0), ErrorCode.INVALID_REQUEST, 'max_force is 501'),
        (
            lambda g: setattr(g, 'velocity_scaling', NAN),
            ErrorCode.INVALID_REQUEST,
            'velocity_scaling is nan',
        ),
        (lambda g: setattr(g.model.axis, 'x', NAN), ErrorCode.INVALID_REQUEST, 'unit vector'),
        (lambda g: setattr(g.model.origin, 'x', NAN), ErrorCode.INVALID_REQUEST, 'origin'),
        (
            lambda g: setattr(g.model, 'type', ArticulationModel.UNKNOWN),
            ErrorCode.INVALID_REQUEST,
            'PRISMATIC=2',
        ),
        (
            lambda g: setattr(g.model.header, 'frame_id', 'world'),
            ErrorCode.INVALID_REQUEST,
            "the model is in frame 'world'",
        ),
        (
            lambda g: g.candidates[0].grasp_positions.__setitem__(0, NAN),
            ErrorCode.INVALID_REQUEST,
            'all finite',
        ),
        (
            lambda g: g.candidates[0].pregrasp_positions.__setitem__(0, -0.5),
            ErrorCode.LIMITS,
            'index_q1',
        ),
        (
            lambda g: setattr(g.candidates[0].wrist_pose.position, 'x', 3.0),
            ErrorCode.OUT_OF_WORKSPACE,
            'none of 1 candidates',
        ),
    ],
)
def test_bad_goals_say_what_is_wrong_and_move_nothing(bench, change, code, text) -> None:
    goal = bench.goal()
    change(goal)
    begin = time.monotonic()
    result = bench.finish(bench.start(goal))
    assert (result.error_code, text in result.error_msg) == (code, True), result.error_msg
    time.sleep(0.3)  # a refusal is faster than the next joint states
    assert np.abs(bench.history(begin)[2]).max() < 0.01
    np.testing.assert_allclose(bench.hand(), OPEN, atol=1e-3)


def test_a_drawer_is_pulled_out_in_stages(bench, model) -> None:
    handle = bench.start(bench.goal(), until=ExecutorStatus.ARTICULATE, speed=0.0)
    since = time.monotonic()
    result = bench.finish(handle)
    assert result.error_code == ErrorCode.NONE, result.error_msg
    assert stages(result) == [
        'pregrasp', 'approach', 'close', 'squeeze', 'articulate', 'retreat', 'retreat',
    ]  # fmt: skip
    assert result.displacement == pytest.approx(PULL)
    assert result.max_force == 0.0  # measured, and nothing
    grasp = np.array([0.35, 0.0, 0.2])
    places = np.array([model.wrist_pose(q)[:3, 3] for q in bench.history(since)[1]])
    led = places[(places[:, 1] > 0.02) & (places[:, 1] < PULL - 0.02)]
    assert len(led) > 20
    np.testing.assert_allclose(led[:, [0, 2]], np.tile(grasp[[0, 2]], (len(led), 1)), atol=1e-3)
    time.sleep(0.3)  # or the last joint states are still under way
    end = model.wrist_pose(bench.arm())[:3, 3]
    np.testing.assert_allclose(end, grasp + np.array([0.0, PULL, BACK[0]]), atol=2e-3)
    np.testing.assert_allclose(bench.hand(), OPEN, atol=1e-2)


def test_cancel_while_pulling_rests_and_keeps_hold(bench) -> None:
    handle = bench.start(bench.goal(), until=ExecutorStatus.ARTICULATE, speed=SLOW)
    since, held = time.monotonic(), bench.hand()
    bench.client.result(handle.cancel_goal_async())
    result = bench.finish(handle)
    assert result.error_code == ErrorCode.CANCELED
    assert stages(result)[-1] == 'articulate'
    assert 0.0 < result.displacement < PULL
    assert_ramped_to_rest(bench, since, within_s=1.5)
    np.testing.assert_allclose(bench.hand(), held, atol=1e-3)
    assert np.abs(held - OPEN).max() == pytest.approx(OBJECT_AT, abs=1e-3)


def test_estop_while_pulling_rests_and_must_be_reset(bench) -> None:
    publisher = bench.client.node.create_publisher(Bool, bench.name('estop'), 1)
    handle = bench.start(bench.goal(), until=ExecutorStatus.ARTICULATE, speed=SLOW)
    since = time.monotonic()
    publisher.publish(Bool(data=True))
    result = bench.finish(handle)
    assert result.error_code == ErrorCode.SAFETY_STOP
    assert 'estop' in result.error_msg
    assert 0.0 < result.displacement < PULL
    assert_ramped_to_rest(bench, since, within_s=2.0)
    publisher.publish(Bool(data=False))
    time.sleep(0.3)
    assert bench.run().error_code == ErrorCode.SAFETY_STOP  # latched
    assert bench.trigger('safety_monitor/reset').success


def test_a_handle_that_is_not_there_is_let_go(bench) -> None:
    goal = bench.goal()
    for name, closed in (('grasp_positions', 0.3), ('squeeze_positions', 0.5)):  # < OBJECT_AT
        setattr(goal.candidates[0], name, (OPEN + closed * (np.arange(len(OPEN)) != 4)).tolist())
    result = bench.finish(bench.start(goal))
    assert result.error_code == ErrorCode.NOT_HELD
    assert 'the part was let go' in result.error_msg
    assert stages(result)[-2:] == ['articulate', 'retreat']
    time.sleep(0.3)  # or the last joint states are still under way
    np.testing.assert_allclose(bench.hand(), OPEN, atol=1e-2)
    assert np.abs(bench.arm('velocity')).max() < 0.01
