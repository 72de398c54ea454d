"""`dex1b assets`: robot and object models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dex1b_core import asset_packages, assets
from dex1b_core.asset_packages import AssetPackage
from dex1b_core.commands.report_file import write_json
from dex1b_core.robots.hand_description import hand_names, load_hand

app = typer.Typer(no_args_is_help=True, help='Robot and object models in the user cache.')

JsonOption = Annotated[Path | None, typer.Option('--json', help='Write the report to this file.')]


def register(main_app: typer.Typer) -> None:
    """Add the commands to `dex1b`."""
    main_app.add_typer(app, name='assets')


@app.command('list')
def list_command(json_path: JsonOption = None) -> None:
    """Show the packages of models, whether they are fetched, and their licences."""
    rows = [
        {
            'package': package.key,
            'fetched': asset_packages.is_complete(package),
            'on_demand': package.on_demand,
            'contents': package.contents,
            'licence': package.licence,
            'path': str(package.path),
        }
        for package in asset_packages.PACKAGES
    ]
    table = Table('package', 'fetched', 'contents', 'licence')
    for row in rows:
        missing = 'on demand' if row['on_demand'] else '[red]no[/]'
        fetched = '[green]yes[/]' if row['fetched'] else missing
        table.add_row(str(row['package']), fetched, str(row['contents']), str(row['licence']))
    Console().print(table)
    names = assets.object_names()
    typer.echo(f'{len(names)} objects: {", ".join(names)}' if names else 'no objects fetched')
    write_json({'packages': rows, 'objects': names}, json_path)


@app.command()
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(help='Packages or hands; those that the demo needs when left out.'),
    ] = None,
    everything: Annotated[bool, typer.Option('--all', help='Every package.')] = False,
    force: Annotated[bool, typer.Option('--force', help='Fetch what is there again.')] = False,
) -> None:
    """Fetch models into the user cache; what is there already is left alone."""
    for package in _chosen(names or [], everything):
        if force:
            asset_packages.remove(package)
        if not asset_packages.fetch(package, typer.echo):
            typer.echo(f'{package.key} is there: {package.path}')


def _chosen(names: list[str], everything: bool) -> list[AssetPackage]:
    if names:
        described = hand_names()
        return [
            asset_packages.package_of(load_hand(name).urdf)
            if name in described
            else asset_packages.find_package(name)
            for name in names
        ]
    return [p for p in asset_packages.PACKAGES if everything or not p.on_demand]


@app.command()
def path(
    name: Annotated[str, typer.Argument(help="Object ('mug', '025_mug') or package of models.")],
) -> None:
    """Print where an object's mesh or a package's folder lies."""
    for package in asset_packages.PACKAGES:
        if name in {package.name, package.key}:
            typer.echo(str(assets.asset_path(package.key)))
            return
    typer.echo(str(assets.object_mesh_path(name)))
