"""`dex1b synth`: grasps of an object from scratch, in a file."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from dex1b_core.commands.report_file import write_json

if TYPE_CHECKING:
    from dex1b_core.synthesis.seed_object import SeedObject
    from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer
    from dex1b_core.synthesis.seeds import Seeds

JsonOption = Annotated[Path | None, typer.Option('--json', help='Write the report to this file.')]


def register(main_app: typer.Typer) -> None:
    """Add the command to `dex1b`."""
    main_app.command('synth')(synth)


def synth(
    hand: Annotated[str, typer.Option(help="Hand by name, or its description's .yaml file.")],
    target: Annotated[str, typer.Option('--object', help="Mesh file, 'ycb:NAME' or 'shape:NAME'.")],
    count: Annotated[int, typer.Option('--n', min=1, help='How many grasps.')] = 128,
    seed: Annotated[int, typer.Option(help='Of every random draw.')] = 0,
    out: Annotated[Path | None, typer.Option(help='Write the grasps to this .npz.')] = None,
    json_path: JsonOption = None,
    picture: Annotated[Path | None, typer.Option(help='Draw the best grasps here (.png).')] = None,
    on_table: Annotated[bool, typer.Option('--table', help='Rest the object on a plane.')] = False,
    scale: Annotated[float | None, typer.Option(help='Scale the object.')] = None,
    units: Annotated[str | None, typer.Option(help="Of the mesh file: 'm', 'cm', 'mm'.")] = None,
    excess: Annotated[
        float | None,
        typer.Option(
            min=1.0,
            help='Grasps optimised for each one kept; by default 1.5, or 5 for hands whose fingers '
            'have fewer than three joints.',
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help='Steps of the descent.')] = 150,
    stiffness: Annotated[
        float, typer.Option(help="Gain of the hand's controllers, for the squeeze [N m/rad].")
    ] = 5.0,
    workers: Annotated[int, typer.Option(min=1, help='Threads.')] = 2,
    device: Annotated[str, typer.Option(help="Where to optimise: 'cpu', 'cuda' or 'cuda:N'.")] = (
        'cpu'
    ),
    chunk: Annotated[int, typer.Option(min=1, help='Grasps optimised together.')] = 768,
    force: Annotated[bool, typer.Option('--force', help='Make what is there again.')] = False,
) -> None:
    """Grasp an object with a hand: optimise, rank and write grasps.

    Files that are there are left alone, so that an interrupted series goes on where it stopped.
    """
    wanted = [path for path in (out, json_path, picture) if path is not None]
    if wanted and not force and all(path.is_file() for path in wanted):
        typer.echo(f'{", ".join(map(str, wanted))}: there already; --force makes them again')
        return
    from dex1b_core.geometry.device import usable_device
    from dex1b_core.geometry.object_model import load_object
    from dex1b_core.model.success_file import prediction_for
    from dex1b_core.robots import load_hand
    from dex1b_core.robots.hand_model import HandModel
    from dex1b_core.synthesis.seed_file import write_seeds
    from dex1b_core.synthesis.seed_object import SeedObject
    from dex1b_core.synthesis.seed_settings import seed_settings
    from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

    model = load_object(target, scale=scale, units=units)
    for repair in model.repairs:
        typer.echo(f'{model.name}: {repair}')
    hand_model = HandModel(load_hand(hand))
    prepared = SeedObject.of_model(model, on_table=on_table)
    settings = replace(seed_settings(steps, stiffness), chunk=chunk)
    if excess is not None:
        settings = settings.with_excess(excess)
    synthesizer = SeedSynthesizer(
        hand_model, settings, device=usable_device(device), predict=prediction_for(hand_model)
    )
    seeds, wall = _make(synthesizer, prepared, count, seed, workers)
    report = _report(hand, target, count, seed, wall, seeds)
    report['device'] = device
    report['object_fit_mm'] = [round(1e3 * value, 2) for value in model.fit]
    report['repairs'] = list(model.repairs)
    if out is not None:
        write_seeds(out, hand_model, hand, model, prepared, seeds, seed=seed, stiffness=stiffness)
    write_json(report, json_path)
    if picture is not None:
        from dex1b_core.viz.grasp_gallery import draw_gallery

        draw_gallery(picture, hand_model, model, seeds)
    typer.echo(
        f'{len(seeds.score)} grasps of {model.name} in {wall:.1f} s: optimised '
        f'{report["raw_per_s"]}/s, kept {report["kept_per_s"]}/s; predicted to hold '
        f'{report["predicted"]["mean"]:.0%} on average; seed {seed}'
    )


def _make(
    synthesizer: SeedSynthesizer, prepared: SeedObject, count: int, seed: int, workers: int
) -> tuple[Seeds, float]:
    """Seeds and the seconds that they took, with a progress bar."""
    import torch

    torch.set_num_threads(1)  # a thread for each chunk uses the cores better
    hand = synthesizer.hand.hand.key
    columns = ('{task.description}', BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    start = time.perf_counter()
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(f'{hand} at {prepared.name}', total=synthesizer.total(count))
        seeds = synthesizer.synthesize(
            prepared, count, seed=seed, workers=workers,
            report=lambda made: progress.advance(task, made),
        )  # fmt: skip
    return seeds, time.perf_counter() - start


def _report(
    hand: str, target: str, count: int, seed: int, wall: float, seeds: Seeds
) -> dict[str, Any]:
    """What the JSON says; numbers of the grasps kept but for `raw_per_s`."""
    columns = dict(zip(seeds.energy_names, seeds.energies.T, strict=True))
    return {
        'hand': hand,
        'object': target,
        'n': count,
        'kept': len(seeds.score),
        'made': seeds.made,
        'seed': seed,
        'wall_s': round(wall, 3),
        'raw_per_s': round(seeds.made / wall, 1),
        'kept_per_s': round(len(seeds.score) / wall, 1),
        'energies': {name: float(values.mean()) for name, values in columns.items()},
        'penetration_mm': _spread(1e3 * columns['penetration']),
        'self_penetration_mm': _spread(1e3 * columns['self_penetration']),
        'predicted': {'mean': float(seeds.score.mean()), 'min': float(seeds.score.min())},
    }


def _spread(values: Any) -> dict[str, float]:
    quantiles = {'p50': 0.5, 'p95': 0.95, 'max': 1.0}
    return {name: round(float(values.quantile(part)), 3) for name, part in quantiles.items()}
