"""`dex1b hand`: describe a hand from its URDF, list and show those described."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dex1b_core.assets import AssetError, asset_path
from dex1b_core.commands.report_file import write_json
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots.hand_description import HandDescription, hand_names, load_hand

app = typer.Typer(no_args_is_help=True, help='Hands: describe one from its URDF, list, show.')

JsonOption = Annotated[Path | None, typer.Option('--json', help='Write the report to this file.')]


def register(main_app: typer.Typer) -> None:
    """Add the commands to `dex1b`."""
    main_app.add_typer(app, name='hand')


@app.command('import')
def import_command(
    urdf: Annotated[str, typer.Argument(help='.urdf, .xacro or MJCF .xml of the hand.')],
    name: Annotated[str | None, typer.Option(help="Of the hand; the file's by default.")] = None,
    root: Annotated[
        str | None, typer.Option(help='Link where the hand begins, if the file has an arm.')
    ] = None,
    licence: Annotated[str, typer.Option(help='Of the model.')] = 'unknown',
    output: Annotated[Path | None, typer.Option(help='NAME.yaml by default.')] = None,
    picture: Annotated[Path | None, typer.Option(help='NAME.png by default.')] = None,
    force: Annotated[bool, typer.Option('--force', help='Replace files that exist.')] = False,
) -> None:
    """Describe a hand from its URDF: a YAML file to correct and a picture to judge it by."""
    from dex1b_core.robots.hand_import import import_hand
    from dex1b_core.robots.hand_model import HandModel
    from dex1b_core.robots.hand_yaml import hand_yaml
    from dex1b_core.viz.hand_picture import hand_picture

    imported = import_hand(urdf, name=name, root=root, licence=licence)
    hand = imported.hand
    yaml_path = output or Path(f'{hand.key}.yaml')
    picture_path = picture or yaml_path.with_suffix('.png')
    _require_free([yaml_path, picture_path], force)
    for note in imported.notes:
        Console().print(f'[yellow]note[/] {escape(note)}', soft_wrap=True)
    _print_fingers(hand)
    yaml_path.parent.mkdir(parents=True, exist_ok=True)
    remark = (
        f"'dex1b hand import {Path(urdf).name}' wrote this; correct what the picture shows wrong"
    )
    yaml_path.write_text(hand_yaml(hand, (remark, *imported.notes)))
    typer.echo('fitting spheres and contact candidates ...')
    model = HandModel(hand)
    _print_spheres(model)
    hand_picture(model).save(picture_path)
    typer.echo(f'wrote {yaml_path} and {picture_path}')
    typer.echo(
        f"look at the picture, correct the file, 'dex1b hand show {yaml_path}' draws it again"
    )


@app.command('list')
def list_command(json_path: JsonOption = None) -> None:
    """Show the hands that come described."""
    rows = [_row(load_hand(name)) for name in hand_names()]
    table = Table('hand', 'fingers', 'joints', 'model', 'licence')
    for row in rows:
        joints = f'{row["driven_joints"]} driven'
        if row['all_joints'] is not None:
            joints += f' of {row["all_joints"]}'
        where = {True: '[green]fetched[/]', False: 'on demand'}[bool(row['fetched'])]
        where = where if row['package'] else 'from a path'
        table.add_row(str(row['hand']), str(row['fingers']), joints, where, str(row['licence']))
    Console().print(table)
    typer.echo("a hand on demand: 'dex1b assets fetch HAND'; your own: 'dex1b hand import URDF'")
    write_json(rows, json_path)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help='A described hand, or its YAML file.')],
    picture: Annotated[Path | None, typer.Option(help='NAME.png by default.')] = None,
    json_path: JsonOption = None,
) -> None:
    """Draw a hand's fingers, palm frame, spheres and contact candidates."""
    from dex1b_core.robots.hand_model import HandModel
    from dex1b_core.viz.hand_picture import hand_picture

    hand = load_hand(name)
    model = HandModel(hand)
    _print_fingers(hand)
    _print_spheres(model)
    path = picture or Path(f'{hand.key}.png')
    hand_picture(model).save(path)
    typer.echo(f'wrote {path}')
    if json_path is not None:
        spheres = [vars(row) for row in model.sphere_report()]
        json_path.write_text(json.dumps({**_row(hand), 'spheres': spheres}, indent=2) + '\n')


def _require_free(paths: list[Path], force: bool) -> None:
    taken = [str(path) for path in paths if path.exists()]
    if taken and not force:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'{" and ".join(taken)} exist already; --force replaces them, --output names others',
        )


def _row(hand: HandDescription) -> dict[str, object]:
    """What the list says about a hand."""
    from dex1b_core.robots.link_tree import LinkTree

    is_packaged = not Path(hand.urdf).is_absolute()
    try:
        asset_path(hand.urdf)
        tree = LinkTree.from_urdf(hand.urdf_path)
    except AssetError:
        every = None
    else:
        below, every = {hand.root_link}, 0
        for joint in tree.joints:
            if joint.parent in below:
                below.add(joint.child)
                every += joint.kind != 'fixed'
    return {
        'hand': hand.key,
        'fingers': len(hand.fingers),
        'driven_joints': len(hand.joints),
        'all_joints': every,
        'fetched': every is not None,
        'package': hand.urdf.partition('/')[0] if is_packaged else None,
        'licence': hand.licence,
    }


def _print_fingers(hand: HandDescription) -> None:
    table = Table('finger', 'joints', 'links', 'tip', title=f'{hand.key}: root {hand.root_link}')
    for name, finger in hand.fingers.items():
        table.add_row(name, ', '.join(finger.joints), ', '.join(finger.links), finger.tip)
    console = Console()
    console.print(table)
    console.print(f'palm normal {list(hand.palm.normal)}, fingers along {list(hand.palm.fingers)}')


def _print_spheres(model: object) -> None:
    from dex1b_core.robots.hand_model import HandModel

    assert isinstance(model, HandModel)
    table = Table(
        'link', 'spheres', 'uncovered p95', 'uncovered at worst', 'overshoot', title='spheres [mm]'
    )
    for row in model.sphere_report():
        lengths = (row.uncovered_p95, row.uncovered_max, row.overshoot_max)
        table.add_row(row.link, str(row.count), *(f'{1e3 * value:.1f}' for value in lengths))
    Console().print(table)
    typer.echo(
        f'{len(model.spheres.radii)} spheres, {len(model.contacts.links)} contact candidates, '
        f'{len(model.self_collision_pairs)} pairs of parts that can collide'
    )
