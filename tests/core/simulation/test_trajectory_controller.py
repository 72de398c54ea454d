import numpy as np
import pytest

from dex1b_core.errors import ErrorCode
from dex1b_core.simulation.trajectory_controller import (
    GoalError,
    Outcome,
    Tolerances,
    TrajectoryController,
    Waypoints,
    checked_waypoints,
)

JOINTS = ('a', 'b')
REST = np.zeros(2)


def waypoints(*, velocities=((0.0, 0.0), (0.0, 0.0)), accelerations=((), ()), **changes):
    values = {
        'names': JOINTS,
        'times': [0.0, 2.0],
        'positions': [[0.0, 0.0], [1.0, -1.0]],
        'velocities': velocities,
        'accelerations': accelerations,
    }
    return checked_waypoints(JOINTS, **(values | changes))


def derivative(points, time, step=1e-5):
    return (points.sample(time + step)[0] - points.sample(time - step)[0]) / (2 * step)


# -- sampling ----------------------------------------------------------------------------------


def test_positions_alone_give_straight_lines():
    points = waypoints(velocities=((), ()))
    position, velocity = points.sample(0.5)
    np.testing.assert_allclose(position, [0.25, -0.25])
    np.testing.assert_allclose(velocity, [0.5, -0.5])


def test_velocities_give_cubics():
    position, velocity = waypoints().sample(0.5)
    np.testing.assert_allclose(position, np.array([1, -1]) * (3 * 0.25**2 - 2 * 0.25**3))
    np.testing.assert_allclose(waypoints().sample(1.0)[1], [0.75, -0.75])
    assert velocity[0] < 0.75


def test_accelerations_give_quintics():
    points = waypoints(accelerations=((0.0, 0.0), (0.0, 0.0)))
    u = 0.25
    expected = 10 * u**3 - 15 * u**4 + 6 * u**5
    np.testing.assert_allclose(points.sample(0.5)[0], [expected, -expected])


@pytest.mark.parametrize('order', [2, 3])
def test_splines_meet_every_point_with_its_velocity(order):
    generator = np.random.default_rng(order)
    times = np.array([0.0, 0.4, 1.0, 1.7])
    tables = [generator.normal(size=(4, 2)) for _ in range(3)]
    points = Waypoints(times, tables[0], tables[1], tables[2] if order == 3 else None)
    for i, time in enumerate(times[:-1]):
        position, velocity = points.sample(time)
        np.testing.assert_allclose(position, tables[0][i], atol=1e-12)
        np.testing.assert_allclose(velocity, tables[1][i], atol=1e-12)
    for time in (0.13, 0.71, 1.4):
        np.testing.assert_allclose(points.sample(time)[1], derivative(points, time), atol=1e-5)


def test_after_the_end_the_last_point_stays_at_rest():
    position, velocity = waypoints().sample(5.0)
    np.testing.assert_allclose(position, [1, -1])
    np.testing.assert_allclose(velocity, 0)


def test_a_later_first_point_is_reached_from_the_present_state():
    points = waypoints(times=[1.0, 2.0]).starting_from(np.array([0.5, 0.5]), REST)
    np.testing.assert_allclose(points.sample(0.0)[0], [0.5, 0.5])
    np.testing.assert_allclose(points.sample(1.0)[0], [0, 0], atol=1e-12)


# -- refusals ----------------------------------------------------------------------------------


def test_joints_may_come_in_any_order():
    points = waypoints(names=('b', 'a'))
    np.testing.assert_allclose(points.positions[-1], [-1, 1])


@pytest.mark.parametrize(
    ('changes', 'text'),
    [
        ({'names': ('a', 'x')}, r"missing: \['b'\], unknown: \['x'\]"),
        ({'names': ('a',)}, r"missing: \['b'\]"),
        ({'names': ()}, 'do not fit'),
        ({'names': ('a', 'a')}, 'once'),
        ({'times': [], 'positions': [], 'velocities': [], 'accelerations': []}, 'no points'),
        ({'times': [1.0, 1.0]}, 'strictly increasing'),
        ({'times': [1.0, 0.5]}, 'strictly increasing'),
        ({'times': [-1.0, 0.5]}, 'non-negative'),
        ({'times': [0.0, np.nan]}, 'strictly increasing'),
        ({'positions': [[], []]}, 'no positions'),
        ({'positions': [[0.0], [1.0]]}, r'\[1\] values; expected 2'),
        ({'positions': [[0.0, 0.0], [1.0]]}, r'\[1, 2\] values'),
        ({'positions': [[0.0, 0.0], [np.inf, 0.0]]}, 'not finite'),
        ({'velocities': [[0.0, 0.0], []]}, r'velocities .* \[0, 2\] values'),
        ({'velocities': [[0.0, 0.0], [0.0, 0.1]]}, 'expected zero'),
        ({'accelerations': [[0.0], [0.0]]}, 'accelerations'),
    ],
)
def test_bad_trajectories_are_refused_with_the_reason(changes, text):
    with pytest.raises(GoalError, match=text) as caught:
        waypoints(**changes)
    assert caught.value.error_code == ErrorCode.GOAL_REJECTED
    assert caught.value.is_about_joints == ('names' in changes)


# -- following ---------------------------------------------------------------------------------


def follow(controller, until, *, start=0.0, lag=0.0, step=0.01):
    """Run until an outcome or a time, measuring the target short by a share `lag`."""
    for time in np.arange(start, until, step):
        outcome = controller.update(time, (1 - lag) * controller.target)
        if outcome is not Outcome.RUNNING:
            return outcome, time
    return Outcome.RUNNING, until


def started(*, tolerances=None, own=None):
    controller = TrajectoryController(JOINTS, REST, tolerances)
    controller.start(waypoints(), 0.0, REST, REST, own)
    return controller


def test_it_succeeds_at_the_end_and_keeps_the_last_point():
    controller = started(tolerances=Tolerances(goal={'a': 0.01, 'b': 0.01}, goal_time=1.0))
    assert follow(controller, 3.0) == (Outcome.SUCCEEDED, pytest.approx(2.0, abs=0.02))
    assert not controller.running
    np.testing.assert_allclose(controller.target, [1, -1])
    np.testing.assert_allclose(controller.target_velocity, 0)


def test_a_path_violation_holds_the_measured_position_at_once():
    controller = started(tolerances=Tolerances(path={'b': 0.1}))
    outcome, time = follow(controller, 3.0, lag=0.5)
    assert outcome is Outcome.PATH_TOLERANCE_VIOLATED
    assert 0.2 < time < 1.0
    assert -0.15 < controller.target[1] < -0.05


def test_a_missed_goal_is_told_after_the_goal_time():
    controller = started(tolerances=Tolerances(goal={'a': 0.1}, goal_time=0.5))
    outcome, time = follow(controller, 4.0, lag=0.5)
    assert outcome is Outcome.GOAL_TOLERANCE_VIOLATED
    assert time == pytest.approx(2.5, abs=0.03)
    np.testing.assert_allclose(controller.target, [0.5, -0.5], atol=1e-6)


def test_a_goal_time_of_zero_waits_for_ever():
    controller = started(tolerances=Tolerances(goal={'a': 0.1}))
    assert follow(controller, 60.0, lag=0.5, step=0.5)[0] is Outcome.RUNNING


def test_without_tolerances_a_blocked_hand_succeeds_and_keeps_squeezing():
    controller = started()
    assert follow(controller, 3.0, lag=0.9)[0] is Outcome.SUCCEEDED
    np.testing.assert_allclose(controller.target, [1, -1])


def test_a_goal_overrides_tolerances_by_joint():
    defaults = Tolerances(path={'a': 0.1, 'b': 0.1}, goal={'a': 0.01}, goal_time=2.0)
    own = defaults.overridden({'a': -1.0, 'b': 0.0}, {'a': 0.3, 'b': 0.2}, 0.0)
    assert own.path == {'b': 0.1}
    assert own.goal == {'a': 0.3, 'b': 0.2}
    assert own.goal_time == 2.0
    assert defaults.overridden({}, {}, 0.7).goal_time == 0.7
    assert defaults.overridden({}, {}, -1.0).goal_time == 0.0


def test_a_start_in_the_future_waits():
    controller = TrajectoryController(JOINTS, REST)
    controller.start(waypoints(), 5.0, REST, REST)
    assert controller.update(4.9, REST) is Outcome.RUNNING
    np.testing.assert_allclose(controller.target, 0)
    controller.update(6.0, REST)
    np.testing.assert_allclose(controller.target, [0.5, -0.5])


def test_hold_stops_where_it_is():
    controller = started()
    controller.update(1.0, REST)
    controller.hold(np.array([0.2, -0.3]))
    assert not controller.running
    np.testing.assert_allclose(controller.target, [0.2, -0.3])
    np.testing.assert_allclose(controller.target_velocity, 0)
