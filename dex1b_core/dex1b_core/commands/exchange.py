"""`dex1b export` and `dex1b import`: grasps for and from other people's tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """File formats."""

    DEXGRASPBENCH = 'dexgraspbench'


def register(main_app: typer.Typer) -> None:
    """Add the commands to `dex1b`."""
    main_app.command('export')(export_grasps)
    main_app.command('import')(import_grasps)


def export_grasps(
    grasps_paths: Annotated[list[Path], typer.Argument(help='Files of one hand, an object each.')],
    folder: Annotated[Path, typer.Option('--out', help='Folder to make.')],
    form: Annotated[Format, typer.Option('--format')] = Format.DEXGRASPBENCH,
    workers: Annotated[int, typer.Option(min=1, help='Processes of the command.')] = 2,
) -> None:
    """Write grasps so that DexGraspBench's public code evaluates them; prints the command."""
    from dex1b_core.benchmark.dexgraspbench.export import (
        dexgraspbench_command,
        export_dexgraspbench,
    )
    from dex1b_core.data.grasp_set import read_grasps

    sets = [read_grasps(path) for path in grasps_paths]
    hands = sorted({grasps.hand for grasps in sets})
    if len(hands) > 1:
        raise typer.BadParameter(f'the files are of several hands: {", ".join(hands)}')
    hand = None
    for grasps in sets:
        hand = export_dexgraspbench(grasps, folder, hand=hand)
    if hand is not None:
        total = sum(map(len, sets))
        typer.echo(f'{total} grasps of {len(sets)} objects; in a checkout of {form.value}:')
        typer.echo(dexgraspbench_command(folder, hand, workers=workers))


def import_grasps(
    folder: Annotated[Path, typer.Argument(help='Holds graspdata.')],
    out: Annotated[Path, typer.Option('--out', help='Folder for a .npz of each object.')],
    hand: Annotated[
        str | None, typer.Option(help='Published hand, where the files do not say which.')
    ] = None,
    form: Annotated[Format, typer.Option('--format')] = Format.DEXGRASPBENCH,
) -> None:
    """Read grasps that others made, for `dex1b check`."""
    from dex1b_core.benchmark.dexgraspbench.hand import PUBLISHED_HANDS
    from dex1b_core.benchmark.dexgraspbench.reading import import_dexgraspbench
    from dex1b_core.data.grasp_set import write_grasps

    if hand is not None and hand not in PUBLISHED_HANDS:
        known = ', '.join(PUBLISHED_HANDS)
        raise typer.BadParameter(f"{form.value} has no hand '{hand}' that is known here: {known}")
    published = None if hand is None else PUBLISHED_HANDS[hand]
    for grasps in import_dexgraspbench(folder, published):
        name = ''.join(c if c.isalnum() or c in '-_' else '-' for c in grasps.object)
        write_grasps(out / f'{name}.npz', grasps)
        typer.echo(f'{out / name}.npz: {len(grasps)} grasps of {grasps.object}')
