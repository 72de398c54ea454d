"""`dex1b engine`: the data engine."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from dex1b_core.commands.assets import JsonOption
from dex1b_core.commands.progress import stage_progress

FolderOption = Annotated[Path, typer.Option('--folder', help='Of the run: settings, networks.')]
ShardsOption = Annotated[
    str | None,
    typer.Option('--shards', help="Folder of shards, e.g. 's3://bucket/run'; FOLDER/shards else."),
]

app = typer.Typer(help='Seed, train, generate, post-optimise, filter, repeat.')


def register(main_app: typer.Typer) -> None:
    """Add the command to `dex1b`."""
    main_app.add_typer(app, name='engine')


@app.command()
def run(
    folder: FolderOption,
    hand: Annotated[str, typer.Option(help='Name or description file.')],
    task: Annotated[
        Literal['grasp', 'articulation'], typer.Option(help='Hold objects, or move their joints.')
    ] = 'grasp',
    rounds: Annotated[int, typer.Option(min=1, help='The first is the optimiser alone.')] = 3,
    proposals: Annotated[int, typer.Option(min=1, help='Grasps proposed in each round.')] = 6000,
    shapes: Annotated[int, typer.Option(min=1, help='Generated objects to train on.')] = 200,
    objects: Annotated[
        Path | None, typer.Option(help='Text file of objects to train on instead, one a line.')
    ] = None,
    random: Annotated[
        float, typer.Option(min=0, max=1, help='Part of later rounds that starts at random.')
    ] = 0.3,
    table: Annotated[
        float, typer.Option(min=0, max=1, help='Part of the grasps on resting objects.')
    ] = 0.3,
    excess: Annotated[
        float, typer.Option(min=1, help='Grasps made for each judged, from the second round on.')
    ] = 1.5,
    debias: Annotated[bool, typer.Option(help='Rare objects and places more often.')] = True,
    training_steps: Annotated[int, typer.Option(min=1, help='Of each round.')] = 3000,
    per_task: Annotated[
        int, typer.Option(min=1, help='About how many proposals make a shard.')
    ] = 256,
    seed: Annotated[int, typer.Option(min=0, help='Of every random draw.')] = 0,
    workers: Annotated[int, typer.Option(min=1, help='Processes, or actors of a cluster.')] = 2,
    shards: ShardsOption = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Of a Ray cluster, or 'local'; processes of this one else.")
    ] = None,
    training_processes: Annotated[
        int, typer.Option(min=1, help='That train together, each on a GPU of its own.')
    ] = 1,
) -> None:
    """Do the rounds that are not done yet. Stop it at any time; the same command goes on."""
    from dex1b_core.data.shards import ShardFolder
    from dex1b_core.engine.rounds import run_rounds
    from dex1b_core.engine.runners import LocalRunner, RayRunner, Runner
    from dex1b_core.engine.settings import EngineSettings
    from dex1b_core.engine.training_launch import launch_training

    settings = EngineSettings(
        hand=hand, task=task, rounds=rounds, proposals=proposals, shapes=shapes, random=random,
        table=table, excess=excess, debias=debias, training_steps=training_steps,
        per_task=per_task, seed=seed,
        objects=() if objects is None else tuple(objects.read_text().split()),
    )  # fmt: skip
    settings.remember(folder)
    address = shards or str((folder / 'shards').absolute())
    runner: Runner
    if ray_address is None:
        runner = LocalRunner(settings, address, workers)
    else:
        runner = RayRunner(settings, address, address=ray_address, workers=workers)
    store = ShardFolder.at(address)
    several = functools.partial(launch_training, folder, address, processes=training_processes)
    train = several if training_processes > 1 else None
    with stage_progress() as progress:
        run_rounds(settings, folder, store, runner, train=train, report=progress)
    status(folder, shards=shards)


@app.command(name='train')
def train_network(
    folder: FolderOption,
    number: Annotated[int, typer.Option('--round', min=0, help='On its rows and all before.')],
    shards: ShardsOption = None,
) -> None:
    """Train a round's network again; under torchrun with all processes that it started."""
    from dex1b_core.data.shards import ShardFolder
    from dex1b_core.engine.rounds import train_round
    from dex1b_core.engine.settings import read_settings
    from dex1b_core.model.training_process import training_process

    settings = read_settings(folder)
    store = ShardFolder.at(shards or folder / 'shards')
    with training_process() as process, stage_progress(shown=process.rank == 0) as progress:
        train_round(settings, folder, store, number, process=process, report=progress)


@app.command()
def status(folder: FolderOption, shards: ShardsOption = None, json_path: JsonOption = None) -> None:
    """Rounds: proposed, valid, yield, valid grasps a second of processor time."""
    from dex1b_core.data.shards import ShardFolder
    from dex1b_core.engine.settings import read_settings
    from dex1b_core.engine.status import round_statuses

    settings = read_settings(folder)
    found = round_statuses(ShardFolder.at(shards or folder / 'shards'))
    table = Table(
        'round', 'proposed', 'valid', 'yield', 'valid/core s', 'objects', 'yield by source'
    )
    for row in found:
        parts = [f'{name} {held / made:.0%}' for name, (made, held) in row.by_source.items()]
        table.add_row(
            str(row.round), str(row.proposed), str(row.valid), f'{row.share:.1%}',
            f'{row.per_second:.2f}', str(row.objects), ', '.join(parts),
        )  # fmt: skip
    Console().print(table)
    _write(
        json_path, {'hand': settings.hand, 'seed': settings.seed,
                    'rounds': [row.to_dict() for row in found]}
    )  # fmt: skip


@app.command()
def report(
    folder: FolderOption,
    html: Annotated[Path, typer.Option(help='Page to write.')],
    shards: ShardsOption = None,
) -> None:
    """A page of a run: yields, processor time, training curves, why grasps failed, some of them."""
    from dex1b_core.data.shards import ShardFolder
    from dex1b_core.engine.report import report_page, training_curves
    from dex1b_core.engine.settings import read_settings
    from dex1b_core.engine.status import round_statuses

    settings = read_settings(folder)
    store = ShardFolder.at(shards or folder / 'shards')
    rounds = round_statuses(store)
    html.parent.mkdir(parents=True, exist_ok=True)
    html.write_text(report_page(settings, rounds, training_curves(folder, rounds), store))


@app.command()
def plan(
    folder: FolderOption,
    target: Annotated[float, typer.Option(help='Demonstrations that hold.')] = 1e9,
    cores: Annotated[int, typer.Option(min=1, help='Of a node.')] = 64,
    price: Annotated[float | None, typer.Option(help='Of a node for an hour.')] = None,
    shards: ShardsOption = None,
    json_path: JsonOption = None,
) -> None:
    """What a target would take at the measured rates: node-hours, storage, cost, bottleneck."""
    from dex1b_core.data.shards import ShardFolder
    from dex1b_core.engine.scale import plan_scale
    from dex1b_core.engine.settings import read_settings
    from dex1b_core.engine.status import round_statuses

    read_settings(folder)
    store = ShardFolder.at(shards or folder / 'shards')
    found = plan_scale(round_statuses(store), round(target), cores=cores, price=price)
    table = Table('stage', 'core-hours', 'share')
    whole = sum(found.core_hours.values())
    for stage, hours in found.core_hours.items():
        table.add_row(stage, f'{hours:,.0f}', f'{hours / whole:.0%}')
    console = Console()
    console.print(table)
    cost = '' if found.cost is None else f', cost {found.cost:,.0f}'
    console.print(
        f'{found.target:,} demonstrations: {found.proposals:,} proposals, {found.node_hours:,.0f} '
        f'hours of a node with {cores} cores, {found.storage_gb:,.0f} GB{cost}; '
        f'most time goes into {found.bottleneck}'
    )
    _write(json_path, found.to_dict())


def _write(path: Path | None, content: dict[str, Any]) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + '\n')
