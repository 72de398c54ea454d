"""`dex1b bench ...` of the running stack."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from dex1b_core.commands.report_file import command_line, write_json
from dex1b_core.viz.page import RunPage
from dex1b_ros.bench_pages import (
    demos_page,
    faults_page,
    idle_page,
    picks_page,
    stops_page,
    stream_page,
)
from dex1b_ros.reports import JsonPath, console


def register(app: typer.Typer) -> None:
    """Add the commands to `dex1b bench`."""
    app.command('demo')(bench_demo)
    app.command('picks')(bench_picks)
    app.command('articulate')(bench_articulate)
    app.command('faults')(bench_faults)
    app.command('stop')(bench_stop)
    app.command('idle')(bench_idle)
    app.command('stream')(bench_stream)


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
    _write(report, demos_page, out, json_path)


def bench_articulate(
    objects: str = typer.Option(
        '', help='Comma-separated articulated:CATEGORY-N; default ten that are held out.'
    ),
    seed: int = typer.Option(1, min=1, help='Of the first place, noise, plan; one higher each.'),
    robot: str = typer.Option('xarm7_ability', help='Name under config/robots.'),
    guess: bool = typer.Option(False, help='Guess joints from the view instead of giving them.'),
    base_mass: float = typer.Option(
        0.0, min=0, help='Of objects that stand free, but for their moving part [kg]; 0: screwed.'
    ),
    locked: bool = typer.Option(False, help='Joints do not move.'),
    axis_off: float = typer.Option(0.0, help='By which the axes that are given are wrong [deg].'),
    out: Path = typer.Option(Path('out/bench/articulate'), help='Folder for report and logs.'),
    json_path: Path = JsonPath,
) -> None:
    """Open several objects with the whole stack, one after the other; ground truth judges."""
    from dex1b_ros.bench_articulate import OBJECTS, ArticulateBenchSettings, bench_articulate

    def show(row: dict[str, Any]) -> None:
        verdict = '[green]opened[/]' if row['opened'] else '[red]not opened[/]'
        console.print(
            f'{row["object"]}: {verdict}, {row["moved"]} of {row["goal"]} {row["unit"]}, '
            f'base moved {1e3 * row["base_shift"]:.1f} mm, {row["wall_s"]} s wall, '
            f'{row["error"]} {row["error_msg"]}'
        )

    names = [name for name in objects.split(',') if name] or list(OBJECTS)
    settings = ArticulateBenchSettings(
        names, seed, robot, not guess, base_mass, locked, math.radians(axis_off), out / 'log'
    )
    report = bench_articulate(settings, on_row=show)
    console.print(f'opened {report["opened"]} of {report["n"]}')
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
    _write(report, picks_page, out, json_path)


def bench_faults(
    only: str = typer.Option('', help="Part of the faults' names; all of them else."),
    out: Path = typer.Option(Path('out/bench/faults'), help="Folder for report and nodes' logs."),
    json_path: Path = JsonPath,
) -> None:
    """Inject faults into executor, monitor and mock robot, kill planning nodes of the whole stack.

    Exit status 0 only if no motion was unsafe, every answer expected, and all recovered.
    """
    from dex1b_ros.faults.run import bench_faults as run

    def show(row: dict[str, Any]) -> None:
        colour = 'green' if row['unsafe_motion'] is False else 'red'
        verdict = '; '.join(row['unsafe']) or 'safe'
        oddities = [] if row['expected'] else ['unexpected']
        oddities += [] if row['recovered'] else ['not recovered']
        console.print(
            f'{row["fault"]} in {row["stage"]}: [{colour}]{verdict}[/] {row["error_code"]} '
            f'{row["seconds"]} s {" ".join(oddities)}'
        )
        if oddities:
            console.print(f'    {row["error_msg"]} {row["recovery_msg"]}')

    report = run(folder=out, only=only, on_row=show)
    console.print(
        f'{report["n"]} faults: {report["unsafe"]} unsafe, {report["unjudged"]} not judged, '
        f'{report["unexpected"]} unexpected '
        f'answers, {report["unrecovered"]} not recovered'
    )
    _write(report, faults_page, out, json_path)
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
    _write(report, stops_page, out, json_path)


def _write(
    report: dict[str, Any],
    page: Callable[[dict[str, Any], str], RunPage],
    folder: Path,
    json_path: Path | None,
) -> None:
    """report.json, where asked or in the folder, and report.html in the folder."""
    write_json(report, json_path or folder / 'report.json')
    page(report, command_line()).write(folder / 'report.html')


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
    _write(report, idle_page, out, json_path)


def bench_stream(
    rate: float = typer.Option(250.0, min=10.0, max=500.0, help='[Hz]'),
    seconds: float = typer.Option(60.0, min=4.0, help='Length of the measurement.'),
    robot: str = typer.Option('xarm7_ability', help='Name under config/robots.'),
    load: bool = typer.Option(False, '--load', help='Keep a processor busy with planning.'),
    realtime: bool = typer.Option(True, help='Whether the streamer asks for that scheduling.'),
    out: Path = typer.Option(Path('out/bench/stream'), help='Folder for report, logs and times.'),
    json_path: Path = JsonPath,
) -> None:
    """Measure how evenly positions are streamed, beside a bare rclpy timer at the same time."""
    from dex1b_ros.bench_stream import bench_stream as run

    report = run(rate=rate, seconds=seconds, robot=robot, load=load, folder=out, realtime=realtime)
    table = Table('', 'Hz', 'p50 [ms]', 'p99 [ms]', 'max [ms]', 'missed', 'CPU [%]', box=None)
    for name in ('streamer', 'timer'):
        row = report[name]
        cells = [f'{row["period_ms"][key]:.2f}' for key in ('p50', 'p99', 'max')]
        missed = f'{row["missed"]} of {row["n"]}'
        table.add_row(name, f'{row["rate"]:.1f}', *cells, missed, f'{row["cpu_percent"]:.0f}')
    console.print(table)
    scheduling = 'real-time' if report['realtime'] else 'normal'
    console.print(
        f'streamer scheduled as {scheduling}; load average {report["load_average"]} on '
        f'{report["cores"]} cores'
    )
    _write(report, stream_page, out, json_path)
