"""`dex1b robot`: describe a robot from arm, hand and mount; list and show those described."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dex1b_core.assets import AssetError
from dex1b_core.commands.report_file import write_json
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots.description import RobotDescription, load_robot, robot_names
from dex1b_core.robots.joint_group import JointGroup

app = typer.Typer(no_args_is_help=True, help='Robots: describe one, list, show, ros2_control.')

JsonOption = Annotated[Path | None, typer.Option('--json', help='Write the report to this file.')]
Six = tuple[float, float, float, float, float, float]


def register(main_app: typer.Typer) -> None:
    """Add the commands to `dex1b`."""
    main_app.add_typer(app, name='robot')


@app.command()
def new(
    arm: Annotated[str, typer.Option(help='.urdf, .xacro or MJCF .xml of the arm.')],
    hand: Annotated[str, typer.Option(help="A described hand, its .yaml, or a hand's model.")],
    name: Annotated[str, typer.Option(help='Of the robot.')],
    link: Annotated[
        str | None, typer.Option(help='Of the arm that carries the hand; its last by default.')
    ] = None,
    mount: Annotated[
        Six, typer.Option(help="The hand's first link in that link's frame: x y z r p y [m, rad].")
    ] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    controller: Annotated[str | None, typer.Option(help='Of the arm.')] = None,
    licence: Annotated[str, typer.Option(help='Of both models.')] = 'unknown',
    seed: Annotated[int, typer.Option(help='Of the postures looked at.')] = 0,
    output: Annotated[Path | None, typer.Option(help='NAME.yaml by default.')] = None,
    force: Annotated[bool, typer.Option('--force', help='Replace files that exist.')] = False,
) -> None:
    """Describe a robot: limits, home posture, workspace and links that touch by design.

    The file is read back and its inverse kinematics tried before the command succeeds.
    """
    from dex1b_core.motion.robot_draft import draft_robot
    from dex1b_core.robots.robot_yaml import robot_yaml

    path = output or Path(f'{name}.yaml')
    hand = _described_hand(hand, path, force)
    _require_free(path, force)
    drafted = draft_robot(
        name, arm=arm, hand=hand, link=link, xyz=mount[:3], rpy=mount[3:],
        controller=controller, licence=licence, seed=seed,
    )  # fmt: skip
    for note in drafted.notes:
        Console().print(f'[yellow]note[/] {escape(note)}', soft_wrap=True)
    remark = f"'dex1b robot new' wrote this (seed {seed}); correct what is wrong"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(robot_yaml(drafted.robot, hand, (remark, *drafted.notes)))
    _print(load_robot(str(path)))
    typer.echo(f'wrote {path}; next: dex1b up grasp robot:={path} mock_physics:=false')


@app.command('list')
def list_command(json_path: JsonOption = None) -> None:
    """Show the robots that come described."""
    rows = [_row(load_robot(name)) for name in robot_names()]
    table = Table('robot', 'arm joints', 'hand', 'models')
    for row in rows:
        fetched = '[green]fetched[/]' if row['fetched'] else 'on demand'
        table.add_row(str(row['robot']), str(row['arm_joints']), str(row['hand']), fetched)
    Console().print(table)
    typer.echo("your own: 'dex1b robot new --arm ARM.urdf --hand HAND --name NAME'")
    write_json(rows, json_path)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help='A described robot, or its YAML file.')],
    json_path: JsonOption = None,
) -> None:
    """Show a robot's joints, limits, controllers and workspace."""
    robot = load_robot(name)
    _print(robot)
    if json_path is not None:
        json_path.write_text(robot.model_dump_json(indent=2, exclude_none=True) + '\n')


@app.command('ros2-control')
def ros2_control(
    name: Annotated[str, typer.Argument(help='A described robot, or its YAML file.')],
    output: Annotated[Path, typer.Option(help='Folder for both files.')] = Path('.'),
    plugin: Annotated[
        str, typer.Option(help='Of the hardware interface; simulated by default.')
    ] = 'mock_components/GenericSystem',
    param: Annotated[
        list[str], typer.Option(help="Of the plugin: 'robot_ip=192.168.1.10'; repeatable.")
    ] = [],  # noqa: B006  (typer copies it)
) -> None:
    """Write a URDF with ros2_control tags and the controllers' parameters."""
    import yaml

    from dex1b_core.robots.ros2_control import controllers, ros2_control_urdf

    robot = load_robot(name)
    for text in param:
        if '=' not in text:
            raise Dex1bError(ErrorCode.INVALID_REQUEST, f"--param '{text}'; expected NAME=VALUE")
    parameters = dict(text.split('=', 1) for text in param)
    urdf, file = output / f'{robot.name}.urdf', output / f'{robot.name}.controllers.yaml'
    output.mkdir(parents=True, exist_ok=True)
    urdf.write_text(ros2_control_urdf(robot, plugin=plugin, parameters=parameters))
    file.write_text(yaml.safe_dump(controllers(robot), sort_keys=False))
    typer.echo(f'wrote {urdf} and {file}; with them:')
    typer.echo(f'  ros2 run robot_state_publisher robot_state_publisher {urdf}')
    typer.echo(f'  ros2 run controller_manager ros2_control_node --ros-args --params-file {file}')
    names = ' '.join(['joint_state_broadcaster', robot.arm.controller, robot.hand.controller])
    typer.echo(f'  ros2 run controller_manager spawner {names}')


def _described_hand(hand: str, robot_path: Path, force: bool) -> str:
    """The hand by name or .yaml file; a model is imported into a file beside the robot's."""
    if Path(hand).suffix not in {'.urdf', '.xacro', '.xml'}:
        is_file = Path(hand).suffix in {'.yaml', '.yml'}
        return str(Path(hand).absolute()) if is_file else hand
    from dex1b_core.robots.hand_import import import_hand
    from dex1b_core.robots.hand_yaml import hand_yaml

    imported = import_hand(hand)
    path = robot_path.with_name(f'{imported.hand.key}.hand.yaml')
    _require_free(path, force)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(hand_yaml(imported.hand, imported.notes))
    typer.echo(f"wrote {path}; 'dex1b hand show {path}' draws it: judge it by the picture")
    return str(path.absolute())


def _require_free(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{path} exists already; --force replaces it, --output names another',
        )


def _row(robot: RobotDescription) -> dict[str, object]:
    try:
        fetched = robot.urdf_path.is_file()
    except AssetError:
        fetched = False
    return {
        'robot': robot.name,
        'arm_joints': len(robot.arm.joints),
        'hand': robot.hand.key,
        'arm_controller': _controller(robot.arm),
        'hand_controller': _controller(robot.hand),
        'fetched': fetched,
        'licence': robot.licence,
    }


def _controller(group: JointGroup) -> str:
    rate = f' at {group.rate:g} Hz' if group.interface.streamed else ''
    return f'{group.command_name} ({group.interface}{rate})'


def _print(robot: RobotDescription) -> None:
    table = Table('joint', 'home', 'velocity', 'acceleration', title=f'{robot.name}: arm [rad, s]')
    arm = robot.arm
    for row in zip(arm.joints, arm.home, arm.velocity_limits, arm.acceleration_limits, strict=True):
        table.add_row(row[0], *(f'{value:g}' for value in row[1:]))
    console = Console()
    console.print(table)
    console.print(f'arm:  {_controller(arm)}', soft_wrap=True)
    console.print(f'hand: {robot.hand.key}, {_controller(robot.hand)}', soft_wrap=True)
    box = robot.workspace
    console.print(f'workspace {list(box.lower)} to {list(box.upper)} m in {robot.base_link}')
