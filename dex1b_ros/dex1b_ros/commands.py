"""Commands that dex1b_ros adds to `dex1b`: up, plan, pick, demo."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from dex1b_core.commands.bench import bench_app
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.node_list import GRASP_ARGUMENTS, StackOptions

console = Console()

JsonPath = typer.Option(None, '--json', help='Write the report here.')
Namespace = typer.Option('', help='Namespace of the stack.')
SimTime = typer.Option(True, help='Whether the stack runs on simulated time.')


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(context_settings={'allow_extra_args': True})(up)
    app.command()(plan)
    app.command()(pick)
    app.command()(demo)
    bench_app.command('demo')(bench_demo)
    bench_app.command('picks')(bench_picks)
    bench_app.command('faults')(bench_faults)
    bench_app.command('stop')(bench_stop)
    bench_app.command('idle')(bench_idle)


def up(
    context: typer.Context,
    stack: str = typer.Argument('grasp', help='grasp'),
    log_folder: Path = typer.Option(None, help='Write NAME.log of each node here.'),
) -> None:
    """Start the nodes; arguments as of the launch file: dex1b up grasp object:=mug execute:=true.

    Ctrl-C stops them all.
    """
    from dex1b_ros.bringup import Stack

    if stack != 'grasp':
        raise Dex1bError(ErrorCode.INVALID_REQUEST, f"unknown stack '{stack}'; known are: grasp")
    options = StackOptions.from_strings(parse_arguments(context.args))
    with Stack(options, log_folder=log_folder) as nodes:
        console.print(f'started {", ".join(nodes.pids)}; Ctrl-C stops them')
        try:
            while True:
                nodes.require_alive()
                time.sleep(0.5)
        except KeyboardInterrupt:
            console.print('stopping')


def parse_arguments(texts: list[str]) -> dict[str, str]:
    """Launch arguments 'name:=value' to a dictionary.

    Raises:
        Dex1bError: INVALID_REQUEST for an unknown name or a value that is not among the choices.
    """
    values: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition(':=')
        if not separator or name not in GRASP_ARGUMENTS:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"argument '{text}' not understood; expected NAME:=VALUE with NAME one of "
                f'{", ".join(GRASP_ARGUMENTS)}',
            )
        choices = GRASP_ARGUMENTS[name].choices
        if choices and value not in choices:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"argument {name}:='{value}'; expected one of {', '.join(choices)}",
            )
        values[name] = value
    return values


def plan(
    seed: int = typer.Option(0, help='0 = drawn and reported.'),
    max_candidates: int = typer.Option(0, help="0 = the server's parameter."),
    time_budget: float = typer.Option(0.0, help="[s] 0 = the server's parameter."),
    skip_sim_check: bool = typer.Option(False, help='Plan without the physics check.'),
    namespace: str = Namespace,
    sim_time: bool = SimTime,
    json_path: Path = JsonPath,
) -> None:
    """Plan a grasp for the most graspable object in view; nothing moves."""
    from dex1b_ros.commander import Commander

    with Commander(namespace=namespace, use_sim_time=sim_time) as commander:
        reply = commander.plan(
            seed=seed,
            max_candidates=max_candidates,
            time_budget_s=time_budget,
            skip_sim_check=skip_sim_check,
        )
    report = plan_report(reply)
    print_outcome(report)
    write_json(report, json_path)
    raise typer.Exit(int(reply.error_code != ErrorCode.NONE))


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


def bench_demo(
    objects: str = typer.Option('', help='Comma-separated; default ten graspable YCB objects.'),
    seed: int = typer.Option(1, help='Of every demo.'),
    robot: str = typer.Option('xarm7_ability', help='Name under config/robots.'),
    out: Path = typer.Option(Path('out/bench/demo'), help='Folder for reports and pictures.'),
    resume: bool = typer.Option(False, help='Take reports that are there already.'),
    json_path: Path = JsonPath,
) -> None:
    """Run the demo on several objects and count the lifts."""
    from dex1b_ros.bench import GRASPABLE_OBJECTS, bench_demos

    def show(name: str, report: dict[str, Any]) -> None:
        verdict = '[green]lifted[/]' if report['success'] else '[red]not lifted[/]'
        console.print(
            f'{name}: {verdict} {report.get("lift_height_m", 0.0)} m, '
            f'{report.get("hold_s", 0.0)} s, {report.get("wall_s", 0.0)} s wall, '
            f'{report.get("error", "")} {report.get("error_msg", "")}'
        )

    names = [name for name in objects.split(',') if name] or list(GRASPABLE_OBJECTS)
    report = bench_demos(names, seed=seed, robot=robot, folder=out, resume=resume, on_report=show)
    console.print(f'lifted {report["lifted"]} of {report["n"]}')
    write_json(report, json_path or out / 'report.json')


def bench_picks(
    count: int = typer.Option(50, '--n', min=1, help='Picks.'),
    seed: int = typer.Option(0, help='Of objects, places and plans.'),
    objects: str = typer.Option(
        '', help="'ycb', a .txt list, a folder of meshes, or names; default ten graspable ones."
    ),
    robot: str = typer.Option('xarm7_ability', help='Name under config/robots.'),
    generator: str = typer.Option('', help="optimizer or dexsimple; else the parameter file's."),
    out: Path = typer.Option(Path('out/bench/picks'), help="Folder for report and nodes' logs."),
    json_path: Path = JsonPath,
) -> None:
    """Pick random objects at random places in a row, the stack never restarted."""
    from dex1b_ros.bench_picks import PickBenchSettings
    from dex1b_ros.bench_picks import bench_picks as run

    settings = PickBenchSettings(_objects(objects), count, seed, robot, generator, out)

    def show(row: dict[str, Any]) -> None:
        verdict = '[green]lifted[/]' if row['lifted'] else '[red]not lifted[/]'
        console.print(
            f'{row["pick"]} {row["object"]} (seed {row["seed"]}): {verdict} '
            f'{row["lift_height_m"]} m, {row["wall_s"]} s {row["error"]} {row["error_msg"]}'
        )

    report = run(settings, show)
    console.print(f'lifted {report["lifted"]} of {report["n"]}')
    write_json(report, json_path or out / 'report.json')


def bench_faults(
    only: str = typer.Option('', help="Part of the faults' names; all of them else."),
    out: Path = typer.Option(Path('out/bench/faults'), help="Folder for report and nodes' logs."),
    json_path: Path = JsonPath,
) -> None:
    """Inject faults into executor, monitor and mock robot, and see what the robot does.

    Exit status 0 only if no motion was unsafe, every answer expected, and all recovered.
    """
    from dex1b_ros.faults.run import bench_faults as run

    def show(row: dict[str, Any]) -> None:
        colour = 'red' if row['unsafe_motion'] else 'green'
        verdict = '; '.join(row['unsafe']) or 'safe'
        oddities = [] if row['expected'] else ['unexpected']
        oddities += [] if row['recovered'] else ['not recovered']
        console.print(
            f'{row["fault"]} in {row["stage"]}: [{colour}]{verdict}[/] {row["error_code"]} '
            f'{row["seconds"]} s {" ".join(oddities)}'
        )
        if oddities:
            console.print(f'    {row["error_msg"]} {row.get("recovery_msg", "")}')

    report = run(folder=out, only=only, on_row=show)
    console.print(
        f'{report["n"]} faults: {report["unsafe"]} unsafe, {report["unexpected"]} unexpected '
        f'answers, {report["unrecovered"]} not recovered'
    )
    write_json(report, json_path or out / 'report.json')
    failed = report['unsafe'] or report['unexpected'] or report['unrecovered']
    raise typer.Exit(int(bool(failed)))


def bench_stop(
    objects: str = typer.Option('', help='As for picks; default the ten graspable ones.'),
    seed: int = typer.Option(0, help='Of places and plans.'),
    robot: str = typer.Option('xarm7_ability', help='Name under config/robots.'),
    out: Path = typer.Option(Path('out/bench/stop'), help="Folder for report and nodes' logs."),
    json_path: Path = JsonPath,
) -> None:
    """Cancel picks while the object is lifted: how long until the arm rests, is it still held."""
    from dex1b_ros.bench_stop import bench_stop as run

    def show(row: dict[str, Any]) -> None:
        console.print(', '.join(f'{key} {value}' for key, value in row.items()))

    report = run(_objects(objects), seed=seed, robot=robot, folder=out, on_row=show)
    console.print(f'held {report["held"]} of {report["n"]}')
    write_json(report, json_path or out / 'report.json')


def _objects(listed: str) -> list[str]:
    from dex1b_core.benchmark.object_list import object_list
    from dex1b_ros.bench import GRASPABLE_OBJECTS

    return object_list(listed) if listed else [f'ycb:{name}' for name in GRASPABLE_OBJECTS]


def bench_idle(
    seconds: float = typer.Option(20.0, help='Length of the measurement.'),
    out: Path = typer.Option(Path('out/bench/idle'), help="Folder for report and nodes' logs."),
    json_path: Path = JsonPath,
) -> None:
    """Measure each node's start time, idle load and heavy libraries."""
    from dex1b_ros import bench_idle as idle

    alone = {
        name: idle.start_alone(name, executable, folder=out)
        for name, executable in (
            ('executor', 'executor_node'),
            ('safety_monitor', 'safety_monitor'),
            ('perception', 'perception_node'),
        )
    }
    report = idle.bench_idle(folder=out, seconds=seconds)
    table = Table(
        'node', 'start alone [s]', 'start together [s]', 'idle [%]', 'libraries', box=None
    )
    for row in report['rows']:
        row['start_alone_s'] = alone.get(row['node'])
        table.add_row(
            row['node'],
            '' if row['start_alone_s'] is None else f'{row["start_alone_s"]:.2f}',
            f'{row["start_s"]:.2f}',
            f'{row["idle_percent"]:.1f}',
            ' '.join(row['libraries']),
        )
    console.print(table)
    write_json(report, json_path or out / 'report.json')


class StagePrinter:
    """Prints each new stage of a running pick."""

    def __init__(self) -> None:
        self._last = ''

    def __call__(self, feedback: Any) -> None:
        """Print the stage of a feedback message, or a text, when it is new."""
        text = feedback if isinstance(feedback, str) else stage_name(feedback.stage)
        if text != self._last:
            self._last = text
            console.print(f'  [cyan]{text}[/]')


def stage_name(stage: int) -> str:
    """Name of an ExecutorStatus stage in lower case."""
    from dex1b_msgs.msg import ExecutorStatus

    names = [name for name in vars(type(ExecutorStatus)) if name[0] != '_' and name.isupper()]
    by_value = {getattr(ExecutorStatus, name): name.lower() for name in names}
    return by_value.get(stage, str(stage))


def outcome(reply: Any) -> dict[str, Any]:
    """What plans and picks report alike."""
    from dex1b_ros import conversions

    return {
        'error_code': int(reply.error_code),
        'error': ErrorCode(reply.error_code).name,
        'error_msg': reply.error_msg,
        'plan_id': reply.plan_id,
        'seed': int(reply.seed),
        'rejections': [
            {
                'stage': r.stage,
                'code': int(r.code),
                'reason': ErrorCode(r.code).name,
                'count': int(r.count),
                'example': r.example,
            }
            for r in reply.rejections
        ],
        'stages': [
            {'stage': t.stage, 'seconds': round(conversions.seconds(t.duration), 3)}
            for t in reply.timings
        ],
    }


def plan_report(reply: Any) -> dict[str, Any]:
    """Report of a plan."""
    candidates = [
        {
            'id': c.id,
            'score': round(float(c.score), 4),
            'check': f'{c.sim_check.successes}/{c.sim_check.trials}',
        }
        for c in reply.candidates
    ]
    return outcome(reply) | {'candidates': candidates}


def pick_report(result: Any) -> dict[str, Any]:
    """Report of a pick."""
    return outcome(result) | {
        'candidates': int(result.candidates),
        'executed_id': result.executed_id,
        'object_held': bool(result.object_held),
    }


def print_outcome(report: dict[str, Any]) -> None:
    """Print a report as tables."""
    if report['error_code']:
        console.print(f'[red]{report["error_code"]} {report["error"]}[/]: {report["error_msg"]}')
    table = Table('stage', 'seconds', box=None)
    for stage in report['stages']:
        table.add_row(stage['stage'], f'{stage["seconds"]:.2f}')
    console.print(table)
    if report['rejections']:
        table = Table('rejected', 'count', 'stage', box=None)
        for r in report['rejections']:
            table.add_row(r['reason'], str(r['count']), r['stage'])
        console.print(table)
    for key in ('plan_id', 'seed', 'candidates', 'success', 'lift_height_m', 'hold_s', 'wall_s'):
        if key in report:
            console.print(f'{key}: {report[key]}')


def write_json(report: dict[str, Any], path: Path | None) -> None:
    """Write a report where asked."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2) + '\n')
