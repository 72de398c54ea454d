"""Commands that dex1b_ros adds to `dex1b`: up, view, plan, pick, demo."""

from __future__ import annotations

import os
import signal
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dex1b_core.commands.bench import bench_app, node_pipelines
from dex1b_core.commands.camera import camera_app
from dex1b_core.commands.report_file import command_line, write_json
from dex1b_core.errors import Dex1bError, ErrorCode, UnknownNameError
from dex1b_ros import bench_commands
from dex1b_ros.node_list import (
    ARTICULATE_ARGUMENTS,
    GRASP_ARGUMENTS,
    STACKS,
    LaunchArgument,
    StackOptions,
)
from dex1b_ros.reports import (
    JsonPath,
    StagePrinter,
    console,
    pick_report,
    plan_report,
    print_outcome,
)

if TYPE_CHECKING:
    from dex1b_core.benchmark.perception_bench import Pipeline
    from dex1b_core.perception import PerceptionSettings

Namespace = typer.Option('', help='Namespace of the stack.')
SimTime = typer.Option(True, help='Whether the stack runs on simulated time.')
_BRAKING_S = 5.0  # the monitor notices a dead executor after heartbeat_max_wall_age


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(context_settings={'allow_extra_args': True})(up)
    app.command()(view)
    app.command()(plan)
    app.command()(pick)
    app.command()(demo)
    app.command('demo-articulate')(demo_articulate)
    app.command('security-policy')(security_policy)
    camera_app.command('check')(camera_check)
    bench_commands.register(bench_app)
    node_pipelines.append(_node_pipeline)


def _node_pipeline(settings: PerceptionSettings) -> AbstractContextManager[Pipeline]:
    from dex1b_ros.perception_replay import node_pipeline

    return node_pipeline(settings)


def up(
    context: typer.Context,
    stack: str = typer.Argument('grasp', help=' or '.join(STACKS)),
    log_folder: Path = typer.Option(None, help='Write NAME.log of each node here.'),
) -> None:
    """Start the nodes; arguments as of the launch file: dex1b up grasp object:=mug execute:=true.

    Says when they are ready. Ctrl-C or a termination signal stops them all. Nodes that only plan
    are started again when they die; when another one does, the rest is stopped 5 s later, so that
    whoever is left can bring the arm to rest.
    """
    from dex1b_ros.bringup import Stack

    if stack not in STACKS:
        raise UnknownNameError(ErrorCode.INVALID_REQUEST, 'stack', stack, STACKS)
    values = parse_arguments(context.args, STACKS[stack][0])
    if stack == 'articulate':
        values = {'object': ARTICULATE_ARGUMENTS['object'].default} | values
    options = StackOptions.from_strings(values)
    # both, also where a shell started this in the background and had it ignore Ctrl-C
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with Stack(options, log_folder=log_folder, name=stack) as nodes:
        console.print(f'started {", ".join(nodes.pids)}; Ctrl-C stops them')
        if not options.viewer:
            console.print('to see it in a browser: viewer:=true here, or dex1b view beside it')
        try:
            if options.autostart and os.environ.get('ROS_SECURITY_ENABLE') != 'true':
                from dex1b_ros.readiness import wait_until_active

                seconds = wait_until_active(nodes)
                console.print(f"ready after {seconds:.0f} s: 'dex1b plan' in another terminal")
            while True:
                for name in nodes.mend():
                    console.print(f'[yellow]{name} died and was started again[/]')
                time.sleep(0.5)
        except KeyboardInterrupt:
            console.print('stopping')
        except Dex1bError:
            console.print('[red]a node died[/]; the rest is stopped in a moment')
            time.sleep(_BRAKING_S)
            raise


def parse_arguments(
    texts: list[str], known: dict[str, LaunchArgument] = GRASP_ARGUMENTS
) -> dict[str, str]:
    """Launch arguments 'name:=value' to a dictionary.

    Raises:
        Dex1bError: INVALID_REQUEST for an unknown name or a value that is not among the choices.
    """
    values: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition(':=')
        if not separator or name not in known:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"argument '{text}' not understood; expected NAME:=VALUE with NAME one of "
                f'{", ".join(known)}',
            )
        choices = known[name].choices
        if choices and value not in choices:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"argument {name}:='{value}'; expected one of {', '.join(choices)}",
            )
        values[name] = value
    return values


def view(
    port: int = typer.Option(8090, min=0, max=65535, help='On 127.0.0.1; 0 = any that is free.'),
    data: Path = typer.Option(Path('out'), help='Shards, grasps and reports that can be opened.'),
    namespace: str = Namespace,
) -> None:
    """Show a running stack in a web browser on this machine. Ctrl-C ends it, not the stack."""
    from dex1b_ros.viewer_command import run_viewer

    run_viewer(port=port, data_folder=data, namespace=namespace)


def plan(
    seed: int = typer.Option(0, help='0 = drawn and reported.'),
    max_candidates: int = typer.Option(0, help="0 = the server's parameter."),
    time_budget: float = typer.Option(0.0, help="[s] 0 = the server's parameter."),
    skip_sim_check: bool = typer.Option(False, help='Plan without the physics check.'),
    namespace: str = Namespace,
    sim_time: bool = SimTime,
    json_path: Path = JsonPath,
    page_path: Path = typer.Option(None, '--html', help='Write a page with pictures here.'),
) -> None:
    """Plan a grasp for the most graspable object in view; nothing moves."""
    from dex1b_ros.commander import Commander

    robot = '' if page_path is None else _robot_of(namespace)
    with Commander(namespace=namespace, use_sim_time=sim_time) as commander:
        recorder = None if page_path is None else _plan_recorder(commander)
        reply = commander.plan(
            seed=seed,
            max_candidates=max_candidates,
            time_budget_s=time_budget,
            skip_sim_check=skip_sim_check,
        )
        outputs = None if recorder is None else recorder.outputs(reply)
    report = plan_report(reply)
    print_outcome(report)
    write_json(report, json_path)
    if outputs is not None:
        from dex1b_core.viz.plan_page import write_plan_page

        command = command_line(**{'--seed': reply.seed})
        write_plan_page(page_path, report, outputs, robot=robot, command=command)
    raise typer.Exit(int(reply.error_code != ErrorCode.NONE))


def _robot_of(namespace: str) -> str:
    from dex1b_ros.stack_parameters import stack_parameters

    return str(stack_parameters(namespace)['robot'])


def _plan_recorder(commander: Any) -> Any:
    from dex1b_ros.plan_recorder import PlanRecorder

    return PlanRecorder(commander.node)


def pick(
    seed: int = typer.Option(0, help='0 = drawn and reported.'),
    dry_run: bool = typer.Option(False, help='Plan and validate; nothing moves.'),
    velocity_scaling: float = typer.Option(0.0, help="0 = the executor's parameter."),
    lift_height: float = typer.Option(0.0, help="[m] 0 = the executor's parameter."),
    hold_duration: float = typer.Option(0.0, help="[s] 0 = the executor's parameter."),
    namespace: str = Namespace,
    sim_time: bool = SimTime,
    json_path: Path = JsonPath,
) -> None:
    """Look, plan, check and pick. Ctrl-C cancels: the arm stops, the hand keeps its grip."""
    from dex1b_ros.commander import Commander

    with Commander(namespace=namespace, use_sim_time=sim_time) as commander:
        result = commander.pick(
            seed=seed,
            dry_run=dry_run,
            velocity_scaling=velocity_scaling,
            lift_height=lift_height,
            hold_duration=hold_duration,
            on_feedback=StagePrinter(),
        )
    report = pick_report(result)
    print_outcome(report)
    write_json(report, json_path)
    raise typer.Exit(int(result.error_code != ErrorCode.NONE))


def demo(
    object_name: str = typer.Option(
        'mustard_bottle', '--object', help='YCB object, with or without number, or a mesh file.'
    ),
    seed: int = typer.Option(1, help='Of the scene, the camera noise and the plan.'),
    robot: str = typer.Option('xarm7_ability', help='Name under config/robots.'),
    out: Path = typer.Option(Path('out/demo'), help='Folder for report and pictures.'),
    json_path: Path = JsonPath,
) -> None:
    """Start a simulated robot, look at an object, plan, pick, hold; write report and pictures.

    Exit status 0 only if ground truth says that the object was lifted by 0.10 m and held for 2 s.
    """
    from dex1b_ros.demo import run_demo

    report = run_demo(object_name, seed=seed, robot=robot, folder=out, on_stage=StagePrinter())
    print_outcome(report)
    write_json(report, json_path)
    raise typer.Exit(int(not report['success']))


def demo_articulate(
    object_name: str = typer.Option(
        ARTICULATE_ARGUMENTS['object'].default, '--object', help='articulated:CATEGORY-N or a URDF.'
    ),
    seed: int = typer.Option(1, help='Of the scene, the camera noise and the plan.'),
    robot: str = typer.Option('xarm7_ability', help='Name under config/robots.'),
    guess: bool = typer.Option(False, help='Guess the joint from the view instead of giving it.'),
    out: Path = typer.Option(Path('out/demo-articulate'), help='Folder for report and pictures.'),
    json_path: Path = JsonPath,
) -> None:
    """Start a simulated robot, look at a cabinet, plan, open it; write report and pictures.

    Exit status 0 only if ground truth says that the joint moved by 0.5 rad or 0.15 m, or by 75 %
    of what it had left.
    """
    from dex1b_ros.demo_articulate import run_articulate_demo

    report = run_articulate_demo(
        object_name, seed=seed, robot=robot, folder=out, given_model=not guess,
        on_stage=StagePrinter(),
    )  # fmt: skip
    print_outcome(report)
    write_json(report, json_path)
    raise typer.Exit(int(not report['success']))


def security_policy(
    output: Path = typer.Argument(help='The policy file to write.'),
    robot: str = typer.Option('xarm7_ability', help='Name under config/robots, or a file.'),
    namespace: str = typer.Option('/', help='Of the stack.'),
) -> None:
    """Write an SROS 2 policy: only the executor may command the robot's controllers."""
    from dex1b_core.robots import load_robot
    from dex1b_ros.security import policy_xml

    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(policy_xml(load_robot(robot), namespace))
    console.print(f'wrote {output}; docs/security.md says what to do with it')


def camera_check(
    depth_topic: str = typer.Option('/camera/depth/image_raw', help='16UC1 or 32FC1.'),
    info_topic: str = typer.Option('/camera/depth/camera_info', help='Its camera_info.'),
    seconds: float = typer.Option(5.0, min=1.0, help='How long to watch.'),
    depth_unit: float = typer.Option(0.001, help='Step of a 16UC1 image [m].'),
    json_path: Path = JsonPath,
) -> None:
    """Measure a running depth camera that looks at a flat surface: rate, skew, noise, holes."""
    from dex1b_ros.camera_check import check_camera, describe

    report = check_camera(depth_topic, info_topic, seconds=seconds, depth_unit=depth_unit)
    for line in describe(report):
        console.print(line, highlight=False)
    write_json(report, json_path)
