"""MoveIt as the one who finds the arm's way: what it is shown and asked, and what it may answer."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import coal
import numpy as np
import pytest
from bench import ROBOT, Bench
from harness import NodeProcess
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from std_msgs.msg import String

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.robot_model import hull
from dex1b_ros.moveit_search import ordered, refusal

pytestmark = pytest.mark.ros

needs_moveit = pytest.mark.skipif(
    importlib.util.find_spec('moveit_msgs') is None,
    reason='moveit_msgs is not installed; there are no wheels of it',
)
JOINTS = ('a', 'b')


def test_a_path_is_put_into_the_order_of_our_joints():
    path = ordered(['elevator', 'b', 'a'], [[9, 1, 2], [9, 3, 4]], JOINTS)
    np.testing.assert_array_equal(path, [[2, 1], [4, 3]])


@pytest.mark.parametrize(
    ('names', 'rows', 'text'),
    [
        (['a', 'c'], [[0, 0]], r"missing are \['b'\]"),
        (['a', 'b'], [[0, 0], [0]], 'another length: 1'),
        (['a', 'b'], [], 'has 0 points'),
    ],
)
def test_a_path_of_other_joints_is_refused(names, rows, text):
    with pytest.raises(Dex1bError, match=text) as caught:
        ordered(names, rows, JOINTS)
    assert caught.value.error_code is ErrorCode.NO_PATH


@pytest.mark.parametrize(
    ('code', 'kind', 'text'),
    [
        (-1, ErrorCode.NO_PATH, 'move_group'),
        (-6, ErrorCode.DEADLINE, 'planning_time'),
        (-10, ErrorCode.SCENE_COLLISION, 'START_STATE_IN_COLLISION'),
        (-15, ErrorCode.INVALID_CONFIGURATION, 'SRDF'),
        (99999, ErrorCode.NO_PATH, '99999'),
    ],
)
def test_each_refusal_has_a_code_and_says_what_to_do(code, kind, text):
    error = refusal(code, 'as it says itself')
    assert error.error_code is kind
    assert text in error.message
    assert 'as it says itself' in error.message


@needs_moveit
def test_shapes_become_collision_objects_of_our_own_names():
    from dex1b_ros.moveit_scene import collision_objects, removals

    tilted = np.array([0.0, 0.6, 0.8])
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * 0.1
    bodies = {
        'support plane': coal.Halfspace(tilted, 0.2),
        'object': hull(corners),
        'obstacles': coal.makeOctree(np.array([[0.505, 0.105, 0.205], [0.605, 0.1, 0.2]]), 0.01),
    }
    plane, mesh, boxes = collision_objects(bodies, 'base')
    assert [item.id for item in (plane, mesh, boxes)] == [f'dex1b/{name}' for name in bodies]
    assert plane.header.frame_id == 'base'
    centre = plane.primitive_poses[0].position
    upper = np.array([centre.x, centre.y, centre.z]) @ tilted + 0.05
    assert upper == pytest.approx(0.2 - 0.005)
    points = np.array([[p.x, p.y, p.z] for p in mesh.meshes[0].vertices])
    assert {tuple(p) for p in points.round(6)} == {tuple(p) for p in corners.round(6)}
    assert len(mesh.meshes[0].triangles) == 12
    assert len(boxes.primitives) == 2
    assert boxes.primitives[0].dimensions == pytest.approx([0.01] * 3)
    (gone,) = removals(['object'], 'base')
    assert (gone.id, gone.operation) == ('dex1b/object', gone.REMOVE)


class MoveItBench(Bench):
    """With an executor that asks a stand-in for move_group."""

    def __init__(self) -> None:
        here = Path(__file__).with_name('move_group.py')
        super().__init__()
        self.move_group = NodeProcess(
            [sys.executable, str(here), '--ros-args', '-r', f'__ns:={self.namespace}']
        )
        self.shown: list[str] = []
        self.client.node.create_subscription(
            String, self.name('asked'), lambda message: self.shown.append(message.data), 10
        )

    def _executor(self, **parameters):
        moveit = {'motion_backend': 'moveit', 'moveit__group': 'arm', 'motion__planning_time': 1.0}
        return super()._executor(**(moveit | parameters))

    def __exit__(self, *args) -> None:
        if self.move_group.alive:
            self.move_group.process.kill()
            self.move_group.process.wait()
        super().__exit__(*args)

    def answers(self, how: str) -> None:
        """What the stand-in shall answer from now on."""
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=how)
        request = SetParameters.Request(parameters=[Parameter(name='answer', value=value)])
        reply = self.client.call(SetParameters, self.name('move_group/set_parameters'), request)
        assert reply.results[0].successful

    def moved(self, since: float) -> float:
        """How fast the arm was at most [rad/s]."""
        return float(np.abs(self.history(since)[2]).max())


@pytest.fixture(scope='module')
def moveit(ros_domain):
    with MoveItBench() as bench:
        bench.executor.wait_for_output('ready', 60)
        yield bench


@pytest.fixture
def ready(moveit):
    moveit.make_ready()
    moveit.answers('good')
    return moveit


@needs_moveit
def test_a_pick_goes_where_moveit_leads(ready):
    result = ready.run()
    assert result.error_code == ErrorCode.NOT_HELD, result.error_msg
    assert result.timings[0].stage == 'pregrasp'
    assert ready.shown[-1] == 'dex1b/object,dex1b/support plane'
    ready.wait_for_arm(ROBOT.arm.home)


@needs_moveit
@pytest.mark.parametrize(
    ('answer', 'code', 'text'),
    [
        ('-1', ErrorCode.NO_PATH, 'MoveIt found no path'),
        ('-12', ErrorCode.SCENE_COLLISION, 'GOAL_IN_COLLISION'),
        ('-15', ErrorCode.INVALID_CONFIGURATION, 'INVALID_GROUP_NAME'),
        ('nan', ErrorCode.NO_PATH, 'no finite numbers'),
        ('elsewhere', ErrorCode.NO_PATH, 'from where the arm is'),
        ('other joints', ErrorCode.NO_PATH, 'missing are'),
        ('nothing', ErrorCode.NO_PATH, 'has 0 points'),
        ('no scene', ErrorCode.NO_PATH, 'does not take the scene'),
    ],
)
def test_what_moveit_may_not_answer_moves_nothing(ready, answer, code, text):
    ready.answers(answer)
    since = time.monotonic()
    result = ready.run()
    assert result.error_code == code, result.error_msg
    assert text in result.error_msg
    assert ready.moved(since) < 0.01


@needs_moveit
def test_a_move_group_that_hangs_and_one_that_is_gone_are_named_in_time(ready):
    ready.answers('hangs')
    since = time.monotonic()
    result = ready.run()
    assert result.error_code == ErrorCode.NODE_UNAVAILABLE, result.error_msg
    assert 'is move_group running' in result.error_msg
    assert "motion_backend to 'dex1b'" in result.error_msg
    ready.move_group.process.kill()
    ready.move_group.process.wait()
    result = ready.run()
    assert result.error_code == ErrorCode.NODE_UNAVAILABLE, result.error_msg
    assert ready.moved(since) < 0.01
    assert time.monotonic() - since < 60.0


@pytest.mark.parametrize(
    ('group', 'text'),
    [
        ('', 'moveit.group is empty'),
        pytest.param('arm', 'moveit-msgs', marks=pytest.mark.skipif(
            importlib.util.find_spec('moveit_msgs') is not None, reason='moveit_msgs is there')),
    ],
)  # fmt: skip
def test_an_executor_that_cannot_ask_moveit_says_why_and_stays_down(ros_domain, group, text):
    parameters = {'motion_backend': 'moveit'} | ({'moveit__group': group} if group else {})
    executor = NodeProcess('executor_node', robot=ROBOT.name, **parameters)
    try:
        executor.wait_for_output(text, 40.0)
        assert f'[{ErrorCode.INVALID_CONFIGURATION.value}]' in executor.output
    finally:
        executor.stop()
