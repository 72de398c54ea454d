"""Robots described from two models and a mount."""

import coal
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from dex1b_core.assets import asset_path
from dex1b_core.commands import robot as commands
from dex1b_core.errors import ConfigurationError, Dex1bError
from dex1b_core.motion.collision import TABLE, CollisionChecker
from dex1b_core.motion.robot_draft import draft_robot
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.robots import load_robot
from dex1b_core.robots.robot_yaml import robot_yaml

XARM7 = 'mani_skill-3.0.1/robots/xarm7/xarm7.urdf'


@pytest.fixture(scope='module')
def drafted():
    return draft_robot('mine', arm=XARM7, hand='allegro_right', link='link7', xyz=(0, 0, 0.1))


def test_joints_and_velocities_are_those_of_the_urdf(drafted):
    arm, known = drafted.robot.arm, load_robot('xarm7_allegro').arm
    assert arm.joints == known.joints
    assert arm.velocity_limits == (3.14,) * 7
    assert arm.acceleration_limits == (9.42,) * 7
    assert any('accelerations are 3 times' in note for note in drafted.notes)
    assert drafted.robot.simulation.arm.effort_limits[0] > 0


def test_home_is_free_above_the_table_with_the_palm_down(drafted):
    model = RobotModel(drafted.robot)
    home = np.array(drafted.robot.arm.home)
    table = {TABLE: coal.Halfspace(np.array([0.0, 0.0, 1.0]), 0.0)}
    checker = CollisionChecker(model, table, settings=MotionSettings())
    assert checker.first_collision(model.configuration(home)) is None
    margin = drafted.robot.arm.joint_margin
    assert ((home > model.lower + margin) & (home < model.upper - margin)).all()
    normal = model.wrist_pose(home)[:3, :3] @ np.array(drafted.robot.hand.palm.normal)
    np.testing.assert_allclose(normal, [0, 0, -1], atol=1e-3)


def test_its_own_poses_are_found_again_and_the_seed_decides(drafted):
    assert drafted.ik_share >= 0.9
    again = draft_robot('mine', arm=XARM7, hand='allegro_right', link='link7', xyz=(0, 0, 0.1))
    assert again == drafted


def test_the_file_reads_back_to_the_same_description(drafted, tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text(robot_yaml(drafted.robot, 'allegro_right', drafted.notes))
    assert load_robot(str(path)) == drafted.robot


def test_interfaces_are_written_too(drafted, tmp_path):
    arm = yaml.safe_load(robot_yaml(drafted.robot, 'allegro_right'))['arm']
    assert 'interface' not in arm
    streamed = {'interface': 'position_stream', 'rate': 125.0,
                'command_joints': drafted.robot.arm.joints[::-1]}  # fmt: skip
    changed = type(drafted.robot.arm).model_validate(drafted.robot.arm.model_dump() | streamed)
    robot = drafted.robot.model_copy(update={'arm': changed})
    path = tmp_path / 'streamed.yaml'
    path.write_text(robot_yaml(robot, 'allegro_right'))
    assert load_robot(str(path)) == robot


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'link': 'nowhere'}, "mount link 'nowhere' is not in"),
        ({'hand': 'claw'}, "unknown hand 'claw'"),
        ({'link': 'link_base'}, 'no driven joint'),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    arguments = {'arm': XARM7, 'hand': 'allegro_right', 'link': 'link7'} | change
    with pytest.raises(Dex1bError, match=message):
        draft_robot('mine', **arguments)


def test_a_hand_that_is_mounted_into_the_arm_is_pointed_out():
    drafted = draft_robot(
        'mine', arm=XARM7, hand='allegro_right', link='link7', xyz=(0.0, 0.0, -0.15)
    )
    assert any('right mount?' in note and 'link6' in note for note in drafted.notes)


def test_an_arm_that_ends_in_several_links_needs_one_named():
    panda = 'mani_skill-3.0.1/robots/panda/panda_v2.urdf'
    with pytest.raises(Dex1bError, match='say which carries the hand'):
        draft_robot('mine', arm=panda, hand='allegro_right')


def run(*arguments):
    return CliRunner().invoke(commands.app, [str(a) for a in arguments], catch_exceptions=False)


def test_the_command_writes_the_file_and_shows_it(tmp_path):
    path = tmp_path / 'mine.yaml'
    options = ['new', '--arm', XARM7, '--hand', 'allegro_right', '--link', 'link7', '--mount',
               0, 0, 0.1, 0, 0, 0, '--name', 'mine', '--output', path]  # fmt: skip
    answer = run(*options)
    assert answer.exit_code == 0, answer.output
    assert 'inverse kinematics found' in answer.output
    assert load_robot(str(path)).mount.xyz == (0.0, 0.0, 0.1)
    with pytest.raises(Dex1bError, match='exists already'):
        run(*options)
    assert 'mine_arm_controller/follow_joint_trajectory' in run('show', path).output.replace(
        '\n', ''
    )


def test_a_hand_that_is_a_model_is_imported_beside_the_robot(tmp_path):
    path = tmp_path / 'mine.yaml'
    ability = asset_path('mani_skill-3.0.1/robots/ability_hand/ability_hand_right.urdf')
    answer = run('new', '--arm', XARM7, '--hand', ability, '--link', 'link7', '--mount',
                 0, 0, 0.03, 0, 0, 0, '--name', 'mine', '--output', path)  # fmt: skip
    assert answer.exit_code == 0, answer.output
    robot = load_robot(str(path))
    assert len(robot.hand.joints) == 6
    assert (tmp_path / 'ability_hand_right.hand.yaml').is_file()


def test_list_names_every_robot():
    output = run('list').output
    assert all(name in output for name in ('xarm7_ability', 'ur5_shadow'))


def test_a_malformed_file_is_named(tmp_path):
    path = tmp_path / 'bad.yaml'
    path.write_text('name: bad\n')
    with pytest.raises(ConfigurationError, match=r'bad\.yaml'):
        load_robot(str(path))
