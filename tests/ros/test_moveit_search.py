"""MoveIt as the one who finds the arm's way: what it is shown and asked, and what it may answer."""

from __future__ import annotations

import importlib.util
import json
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
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import String

from dex1b_core.doctor import Status
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.robot_model import hull
from dex1b_ros.moveit_errors import refusal
from dex1b_ros.moveit_search import ordered
from dex1b_ros.stack_doctor import check_motion_backend

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
        (99999, ErrorCode.NO_PATH, "see move_group's log"),
        (-1, ErrorCode.NO_PATH, 'PLANNING_FAILED'),
        (-6, ErrorCode.DEADLINE, 'planning_time'),
        (-10, ErrorCode.SCENE_COLLISION, 'START_STATE_IN_COLLISION'),
        (-15, ErrorCode.INVALID_CONFIGURATION, 'SRDF'),
        (-23, ErrorCode.PRECONDITION, 'use_sim_time'),
        (-29, ErrorCode.NODE_UNAVAILABLE, 'CRASH'),
        (-77, ErrorCode.NO_PATH, '(-77)'),
    ],
)
def test_each_refusal_has_a_code_and_says_what_to_do(code, kind, text):
    error = refusal(code, 'as it says itself')
    assert error.error_code is kind
    assert text in error.message
    assert 'as it says itself' in error.message
    assert "motion_backend to 'dex1b'" in error.message


@needs_moveit
def test_every_error_code_of_moveit_is_known_by_its_name():
    from moveit_msgs.msg import MoveItErrorCodes

    codes = {name: getattr(MoveItErrorCodes, name) for name in dir(MoveItErrorCodes)
             if name.isupper() and isinstance(getattr(MoveItErrorCodes, name), int)}  # fmt: skip
    assert codes.pop('SUCCESS') == 1
    assert len(codes) > 25
    for name, code in codes.items():
        assert f' {name} ({code})' in refusal(code).message


@needs_moveit
def test_contacts_are_allowed_for_these_links_alone():
    from moveit_msgs.msg import AllowedCollisionEntry, AllowedCollisionMatrix

    from dex1b_ros.moveit_contacts import allow_contacts

    matrix = AllowedCollisionMatrix(
        entry_names=['a', 'b'],
        entry_values=[AllowedCollisionEntry(enabled=row) for row in ([False, True], [True, False])],
        default_entry_names=['b'],
        default_entry_values=[True],
    )
    assert not allow_contacts(matrix, (), ('plane',))
    assert allow_contacts(matrix, ('base',), ('plane', 'object'))
    assert matrix.entry_names == ['a', 'b', 'base', 'plane', 'object']
    allowed = np.array([entry.enabled for entry in matrix.entry_values])
    expected = np.zeros((5, 5), dtype=bool)
    expected[0, 1] = True  # as before
    expected[1, 2:] = True  # b may touch all that is not named, by default
    expected[2, 3:] = True
    np.testing.assert_array_equal(allowed, expected | expected.T)
    assert not allow_contacts(matrix, ('base',), ('plane', 'object'))


@needs_moveit
@pytest.mark.parametrize('margin', [0.0, 0.01])
def test_shapes_become_collision_objects_of_our_own_names(margin):
    from dex1b_ros.moveit_scene import collision_objects, removals

    tilted = np.array([0.0, 0.6, 0.8])
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * 0.1
    bodies = {
        'support plane': coal.Halfspace(tilted, 0.2),
        'object': hull(corners),
        'obstacles': coal.makeOctree(np.array([[0.505, 0.105, 0.205], [0.605, 0.1, 0.2]]), 0.01),
    }
    objects = collision_objects(bodies, dict.fromkeys(bodies, margin), 'base')
    plane, mesh, boxes = objects
    assert [item.id for item in objects] == [f'dex1b/{name}' for name in bodies]
    assert plane.header.frame_id == 'base'
    centre = plane.primitive_poses[0].position
    upper = np.array([centre.x, centre.y, centre.z]) @ tilted + 0.05
    assert upper == pytest.approx(0.2 + margin)
    points = np.array([[p.x, p.y, p.z] for p in mesh.meshes[0].vertices])
    away = np.linalg.norm(points - np.clip(points, 0.0, 0.1), axis=1)
    assert away.max() <= 1.13 * margin + 1e-9
    faces = np.array([item.vertex_indices for item in mesh.meshes[0].triangles])
    assert set(faces.ravel()) <= set(range(len(points)))
    for corner in np.unique(corners, axis=0):
        ball = corner + margin * unit_vectors(500)
        assert inside(ball, points[faces]).all()
    assert len(boxes.primitives) == 2
    assert boxes.primitives[0].dimensions == pytest.approx([0.01 + 2 * margin] * 3)
    (gone,) = removals(['dex1b/object'], 'base')
    assert (gone.id, gone.operation) == ('dex1b/object', gone.REMOVE)


def unit_vectors(count: int) -> np.ndarray:
    drawn = np.random.default_rng(0).normal(size=(count, 3))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def inside(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Whether points lie within a convex surface, whichever way its triangles turn."""
    a, b, c = triangles.transpose(1, 0, 2)
    normals = np.cross(b - a, c - a)
    centre = triangles.reshape(-1, 3).mean(axis=0)
    normals *= -np.sign(((centre - a) * normals).sum(axis=1, keepdims=True))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return (((points[:, None] - a) * normals).sum(axis=2) < 1e-6).all(axis=1)


class MoveItBench(Bench):
    """With an executor that asks a stand-in for move_group."""

    def __init__(self) -> None:
        super().__init__()
        self.start_move_group()
        self.told: list[dict] = []
        self.client.node.create_subscription(
            String, self.name('told'), lambda m: self.told.append(json.loads(m.data)), 10
        )

    def start_move_group(self) -> None:
        here = Path(__file__).with_name('move_group.py')
        self.move_group = NodeProcess(
            [sys.executable, str(here), '--ros-args', '-r', f'__ns:={self.namespace}']
        )

    def _executor(self, **parameters):
        moveit = {'motion_backend': 'moveit', 'moveit__group': 'arm', 'motion__planning_time': 1.0}
        return super()._executor(**(moveit | parameters))

    def __exit__(self, *args) -> None:
        self.end_move_group()
        super().__exit__(*args)

    def end_move_group(self) -> None:
        if self.move_group.alive:
            self.move_group.process.kill()
        self.move_group.process.wait()

    def answers(self, how: str) -> None:
        """What the stand-in shall answer from now on."""
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=how)
        request = SetParameters.Request(parameters=[Parameter(name='answer', value=value)])
        name = self.name('move_group/set_parameters')
        for timeout_s in (3.0, 3.0, 3.0, 30.0):  # one that was killed may swallow a request
            try:
                reply = self.client.call(SetParameters, name, request, timeout_s)
            except AssertionError as error:
                missed = error
            else:
                assert reply.results[0].successful
                return
        raise missed

    def wait_until_asked(self) -> dict:
        """Block until the stand-in is asked for another path; what it knew then."""
        before, deadline = len(self.told), time.monotonic() + 20
        while len(self.told) == before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.told) > before, self.executor.output
        return self.told[-1]

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


@pytest.fixture
def another(moveit):
    """Ends its move_group, which the next test finds started again."""
    moveit.make_ready()
    yield moveit
    moveit.end_move_group()
    moveit.start_move_group()


@needs_moveit
def test_a_pick_goes_where_moveit_leads(ready):
    result = ready.run()
    assert result.error_code == ErrorCode.NOT_HELD, result.error_msg
    assert result.timings[0].stage == 'pregrasp'
    known = ready.told[-1]
    assert known['objects'] == ['cage', 'dex1b/object', 'dex1b/support plane']
    assert known['group'] == 'arm'
    assert known['joints'] == [*ROBOT.arm.joints, *ROBOT.hand.joints]
    assert known['diff']
    assert known['goals'] >= 1
    assert ['dex1b/support plane', ROBOT.base_link] in known['may touch']
    assert ['link1', 'link2'] in known['may touch']
    assert not any('dex1b' in a and b == 'link1' for a, b in known['may touch'])
    ready.wait_for_arm(ROBOT.arm.home)


@needs_moveit
def test_the_doctor_finds_move_group(ready):
    node, executor = Node('doctor', namespace=ready.namespace), SingleThreadedExecutor()
    executor.add_node(node)
    try:
        (finding,) = check_motion_backend(node, executor)
    finally:
        node.destroy_node()
    assert finding.status is Status.OK, finding


@needs_moveit
@pytest.mark.parametrize(
    ('answer', 'code', 'text'),
    [
        ('99999', ErrorCode.NO_PATH, 'FAILURE'),
        ('-1', ErrorCode.NO_PATH, 'MoveIt found no path'),
        ('-12', ErrorCode.SCENE_COLLISION, 'GOAL_IN_COLLISION'),
        ('-15', ErrorCode.INVALID_CONFIGURATION, 'INVALID_GROUP_NAME'),
        ('nan', ErrorCode.NO_PATH, 'no finite numbers'),
        ('elsewhere', ErrorCode.NO_PATH, 'from where the arm is'),
        ('not to the end', ErrorCode.NO_PATH, 'from every goal'),
        ('through the object', ErrorCode.NO_PATH, 'touches something'),
        ('other joints', ErrorCode.NO_PATH, 'missing are'),
        ('short rows', ErrorCode.NO_PATH, 'another length: 1'),
        ('nothing', ErrorCode.NO_PATH, 'has 0 points'),
        ('no scene', ErrorCode.INVALID_CONFIGURATION, 'does not take the scene'),
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
@pytest.mark.parametrize('how', ['cancel', 'stop'])
def test_a_goal_ends_at_once_while_moveit_searches(another, how):
    another.answers('hangs')
    handle = another.start(another.goal(candidates=2))
    another.wait_until_asked()
    since = time.monotonic()
    if how == 'cancel':
        another.client.result(handle.cancel_goal_async())
    else:
        another.trigger('executor/stop')
    result = another.finish(handle)
    assert time.monotonic() - since < 3.0
    expected = ErrorCode.CANCELED if how == 'cancel' else ErrorCode.SAFETY_STOP
    assert result.error_code == expected, result.error_msg
    assert 'candidates' not in result.error_msg


@needs_moveit
@pytest.mark.parametrize('answer', ['hangs', 'dies', 'is not there'])
def test_a_move_group_that_does_not_answer_is_named_in_time(another, answer):
    if answer == 'is not there':
        another.end_move_group()
    else:
        another.answers(answer)
    since = time.monotonic()
    result = another.run(candidates=2)
    assert result.error_code == ErrorCode.NODE_UNAVAILABLE, result.error_msg
    assert another.name('') in result.error_msg  # the service by its full name
    assert 'start move_group' in result.error_msg
    assert "motion_backend to 'dex1b'" in result.error_msg
    assert another.moved(since) < 0.01
    assert time.monotonic() - since < 30.0


@needs_moveit
def test_a_move_group_that_was_started_again_is_shown_everything(another):
    another.end_move_group()
    another.start_move_group()
    another.answers('good')
    for _ in range(4):
        result = another.run(dry_run=True)
        # the one that was killed may swallow a request until the middleware gives it up
        if result.error_code != ErrorCode.NODE_UNAVAILABLE:
            break
    assert result.error_code == ErrorCode.NONE, result.error_msg
    assert another.told[-1]['objects'] == ['cage', 'dex1b/object', 'dex1b/support plane']


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
