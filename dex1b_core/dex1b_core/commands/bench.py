"""`dex1b bench ...`: measure; other packages add to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dex1b_core.commands.report_file import command_line, write_json
from dex1b_core.errors import Dex1bError, ErrorCode

if TYPE_CHECKING:
    from dex1b_core.benchmark.perception_bench import Pipeline
    from dex1b_core.perception import PerceptionSettings

bench_app = typer.Typer(help='Measure grasps and the stack.', no_args_is_help=True)

# What `--through-node` measures: dex1b_ros puts its node here, in a context that ends it.
node_pipelines: list[Callable[[PerceptionSettings], AbstractContextManager[Pipeline]]] = []


def register(main_app: typer.Typer) -> None:
    """Add the commands to `dex1b`."""
    main_app.add_typer(bench_app, name='bench')


@bench_app.command('grasp')
def bench_grasp(
    hand: Annotated[str, typer.Option(help="Hand by name, or its description's .yaml file.")],
    generator: Annotated[
        str, typer.Option(help='What makes the grasps: optimizer or dexsimple.')
    ] = 'optimizer',
    objects: Annotated[
        str,
        typer.Option(help="'ycb', 'procedural', a .txt list, a folder of meshes, or names."),
    ] = 'procedural',
    protocols: Annotated[
        list[str],
        typer.Option(
            '--protocol',
            help='dexgraspbench, dexgraspnet, dex1b, lift or strict; may be given several times.',
        ),
    ] = ['dexgraspbench'],  # noqa: B006  (typer copies it)
    count: Annotated[int, typer.Option('--n', min=1, help='Grasps of each object.')] = 16,
    seed: Annotated[int, typer.Option(help='Of every random draw.')] = 0,
    on_table: Annotated[bool, typer.Option('--table', help='Rest objects on a plane.')] = False,
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 2,
    folder: Annotated[
        Path, typer.Option(help='Where grasps and verdicts are kept; what is there is kept.')
    ] = Path('out/bench/grasp'),
    json_path: Annotated[
        Path | None, typer.Option('--json', help='Write the report to this file.')
    ] = None,
    page_path: Annotated[
        Path | None, typer.Option('--html', help='Write a page with pictures to this file.')
    ] = None,
) -> None:
    """Make grasps of many objects, judge them by protocols and measure them."""
    from dex1b_core.benchmark.generators import generator_named
    from dex1b_core.benchmark.grasp_bench import BenchSettings, ObjectResult, bench_grasps
    from dex1b_core.benchmark.object_list import object_list
    from dex1b_core.benchmark.protocols import protocol_named
    from dex1b_core.simulation.lift_protocol import LiftProtocol

    for name in protocols:
        if isinstance(protocol_named(name).check, LiftProtocol) and not on_table:
            raise typer.BadParameter(f'protocol {name} lifts from a support; add --table')
    maker = generator_named(generator, hand, on_table=on_table, workers=workers)
    kind = f'{generator}{".table" if on_table else ""}'
    settings = BenchSettings(
        hand=hand,
        generator=generator,
        objects=tuple(object_list(objects)),
        protocols=tuple(protocols),
        count=count,
        seed=seed,
        folder=folder / f'{Path(hand).stem}.{kind}',
        workers=workers,
    )

    def show(name: str, result: ObjectResult | str) -> None:
        if isinstance(result, str):
            typer.echo(f'{name}: left out: {result}')
            return
        rates = ', '.join(
            f'{protocol} {evaluation.success.mean():.0%}'
            for protocol, evaluation in result.evaluations.items()
        )
        typer.echo(f'{name}: {rates}')

    report, results = bench_grasps(settings, maker, show)
    for name, section in report['protocols'].items():
        rate = section['grasp_success']
        typer.echo(f'{name}: {"-" if rate is None else f"{rate:.1%}"} of {section["n"]} grasps')
    write_json(report, json_path)
    if page_path is not None:
        from dex1b_core.benchmark.bench_page import write_bench_page

        command = command_line()
        write_bench_page(page_path, report, results, command)


@bench_app.command('perception')
def bench_perception(
    data: Annotated[
        Path, typer.Option(help='A folder for each scene: depth.png, label.png, color.jpg.')
    ],
    repeats: Annotated[int, typer.Option(min=1, help='Timed runs of each scene.')] = 3,
    plain: Annotated[bool, typer.Option(help='Measure a plain Open3D pipeline beside it.')] = True,
    through_node: Annotated[
        bool,
        typer.Option('--through-node', help='Replay captures as topics to the perception node.'),
    ] = False,
    json_path: Annotated[
        Path | None, typer.Option('--json', help='Write the report to this file.')
    ] = None,
    page_path: Annotated[
        Path | None,
        typer.Option('--html', help='Write a page to this file, or to index.html in this folder.'),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help='Draw every scene, and its stages, here.')
    ] = None,
) -> None:
    """Segment real depth captures with ground truth; score and time it on one core."""
    for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
        os.environ[name] = '1'  # read when numpy is imported, which is below
    from dex1b_core.benchmark.perception_bench import (
        PerceptionBenchSettings,
        SceneResult,
        bench_perception,
    )

    def show(result: SceneResult) -> None:
        score = result.ours.score
        typer.echo(
            f'{result.capture.name:12} F {score.f_score:.3f}  {score.found}/{len(score.ious)} '
            f'objects  {", ".join(f"{timing.ms:.0f} ms" for timing in result.ours.timings[-1:])}'
            f'{result.ours.error}'
        )

    settings = PerceptionBenchSettings(data, repeats=repeats, plain=plain)
    with _node_pipeline(settings.perception) if through_node else nullcontext() as pipeline:
        report, results = bench_perception(settings, show, pipeline)
    for name, figures in (('dex1b', report), ('plain', report['plain'])):
        if figures is not None:
            typer.echo(
                f'{name}: F {figures["f_score"]:.3f}, IoU {figures["iou_mean"]:.3f}, '
                f'{figures["share_iou_over_75"]:.1%} over 0.75, '
                f'p50 {figures["ms"]["p50"]:.1f} ms, p99 {figures["ms"]["p99"]:.1f} ms'
            )
    write_json(report, json_path)
    from dex1b_core.benchmark.perception_page import draw_scene, write_perception_page

    if pictures is not None:
        from dex1b_core.viz.perception_stages import draw_stages

        for result in results:
            name, frame = result.capture.name, result.capture.frame
            draw_scene(pictures / f'{name}.png', result)
            draw_stages(pictures / f'{name}.stages.png', frame, settings.perception, title=name)
    if page_path is not None:
        page_path = page_path if page_path.suffix == '.html' else page_path / 'index.html'
        write_perception_page(page_path, report, results, command_line())


def _node_pipeline(settings: PerceptionSettings) -> AbstractContextManager[Pipeline]:
    if not node_pipelines:
        raise Dex1bError(
            ErrorCode.NODE_UNAVAILABLE,
            'there is no perception node: dex1b_ros is not installed; install it, or leave out '
            '--through-node',
        )
    return node_pipelines[-1](settings)


@bench_app.command('articulation')
def bench_articulation(
    hand: Annotated[str, typer.Option(help="Hand by name, or its description's .yaml file.")],
    objects: Annotated[
        str,
        typer.Option(help="'split' (held out for reports), a .txt list, or names and .urdf files."),
    ] = 'split',
    count: Annotated[int, typer.Option('--n', min=1, help='Grasps of each object.')] = 4,
    seed: Annotated[int, typer.Option(help='Of every random draw.')] = 0,
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 2,
    generator: Annotated[
        Literal['optimizer', 'dexsimple'], typer.Option(help='What proposes grasps.')
    ] = 'optimizer',
    checkpoint: Annotated[
        Path | None, typer.Option(help="Of dexsimple; the hand's own by default.")
    ] = None,
    json_path: Annotated[
        Path | None, typer.Option('--json', help='Write the report to this file.')
    ] = None,
    page_path: Annotated[
        Path | None, typer.Option('--html', help='Write a page with pictures to this file.')
    ] = None,
) -> None:
    """Make grasps that open doors, drawers and lids, and judge them by three criteria."""
    from dex1b_core.articulation.learned import shipped_articulation_checkpoint
    from dex1b_core.articulation.protocol import Reason
    from dex1b_core.benchmark.articulation_bench import (
        CRITERIA,
        ArticulationBenchSettings,
        ObjectResult,
        articulated_names,
        criterion_reasons,
    )
    from dex1b_core.benchmark.articulation_bench import bench_articulation as run_bench

    network = None
    if generator == 'dexsimple':
        network = checkpoint or shipped_articulation_checkpoint(Path(hand).stem)
    settings = ArticulationBenchSettings(
        hand, tuple(articulated_names(objects)), count, seed, workers, network
    )

    def show(name: str, result: ObjectResult | str) -> None:
        if isinstance(result, str):
            typer.echo(f'{name}: left out: {result}')
            return
        found = {criterion: criterion_reasons([result], criterion) for criterion in CRITERIA}
        words = [
            f'{name} {own.count(Reason.NONE)}/{len(own)}' for name, own in found.items() if own
        ]
        typer.echo(f'{result.name}: {", ".join(words)}')

    report, results = run_bench(settings, show)
    for name, section in report['criteria'].items():
        typer.echo(f'{name}: {section["success"]:.1%} of {section["n"]} grasps')
    write_json(report, json_path)
    if page_path is not None:
        from dex1b_core.benchmark.articulation_page import write_articulation_page

        command = command_line()
        write_articulation_page(page_path, report, results, command)


@bench_app.command('guess')
def bench_guess(
    objects: Annotated[
        str,
        typer.Option(help="'split' (held out for reports), a .txt list, or names and .urdf files."),
    ] = 'split',
    camera: Annotated[str, typer.Option(help='Name under config/cameras.')] = 'robot_side',
    seed: Annotated[int, typer.Option(help='Of the first place; then one higher each.')] = 0,
    json_path: Annotated[
        Path | None, typer.Option('--json', help='Write the report to this file.')
    ] = None,
) -> None:
    """Guess joints from one noisy depth image by handle and panel, and count what is right."""
    from dex1b_core.benchmark.articulation_bench import articulated_names
    from dex1b_core.benchmark.guess_bench import bench_guess as run_bench

    report = run_bench(articulated_names(objects), seed=seed, camera=camera)
    typer.echo(
        f'{report["guessed"]} of {report["n"]} guessed, {report["right"]} of them right; with a '
        f'confidence of 0.5 or more {report["confident_right"]} of {report["confident"]}'
    )
    write_json(report, json_path)


@bench_app.command('axis')
def bench_axis(
    objects: Annotated[
        str,
        typer.Option(help="'split' (held out for reports), a .txt list, or names and .urdf files."),
    ] = 'split',
    count: Annotated[int, typer.Option('--n', min=1, help='Pairs of views of each object.')] = 2,
    noise: Annotated[
        float, typer.Option(min=0.0, help='Standard deviation of points [m].')
    ] = 0.002,
    points: Annotated[int, typer.Option(min=100, help='In each cloud.')] = 3000,
    seed: Annotated[int, typer.Option(help='Of every random draw.')] = 0,
    json_path: Annotated[
        Path | None, typer.Option('--json', help='Write the report to this file.')
    ] = None,
    page_path: Annotated[
        Path | None, typer.Option('--html', help='Write a page to this file.')
    ] = None,
) -> None:
    """Estimate joints from two noisy clouds of the moving part, and measure the error."""
    from dex1b_core.benchmark.articulation_bench import articulated_names
    from dex1b_core.benchmark.axis_bench import bench_axis as run_bench

    report = run_bench(articulated_names(objects), count, seed=seed, noise=noise, points=points)
    for name, own in {**report['by_category'], 'all': report}.items():
        position = '' if own['position_cm'] is None else f', {own["position_cm"]["p50"]:.1f} cm'
        axis = '-' if own['axis_deg'] is None else f'{own["axis_deg"]["p50"]:.1f} degrees'
        typer.echo(f'{name}: median {axis}{position}; kind right {own["kind_right"]:.0%}')
    write_json(report, json_path)
    if page_path is not None:
        from dex1b_core.benchmark.axis_page import axis_page

        axis_page(report, command_line()).write(page_path)
