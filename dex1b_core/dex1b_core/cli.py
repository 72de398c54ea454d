"""`dex1b ...`: commands of the library, and those that installed packages add.

A package adds commands with an entry point of group 'dex1b.commands' that names a function
taking the typer app; dex1b_ros adds up, view, plan, pick and demo so.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from typer.models import CommandInfo, TyperInfo

from dex1b_core import __version__
from dex1b_core.errors import Dex1bError

app = typer.Typer(
    name='dex1b',
    help='Dexterous grasps from depth cameras, for any arm and hand.',
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

# Headings of `dex1b --help`; commands that are not named here stand under 'Commands', and those
# named here need not be installed.
PANELS = {
    'Robot and simulation': (
        'demo', 'demo-articulate', 'up', 'view', 'browse', 'plan', 'pick', 'doctor',
        'security-policy',
    ),
    'Grasps of known objects': ('synth', 'check', 'import', 'export', 'bench', 'engine'),
    'Your own': ('hand', 'robot', 'camera', 'assets'),
}  # fmt: skip


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, '--version', callback=_print_version, is_eager=True, help='Print the version.'
    ),
) -> None:
    """Dexterous grasps from depth cameras, for any arm and hand."""


def _load_commands() -> None:
    for entry in sorted(entry_points(group='dex1b.commands'), key=lambda item: item.name):
        entry.load()(app)
    _arrange()


def _arrange() -> None:
    """Put commands under their headings, in the order of `PANELS`."""
    panels = {name: panel for panel, names in PANELS.items() for name in names}
    order = list(panels)

    def name_of(item: CommandInfo | TyperInfo) -> str:
        return item.name or str(getattr(item.callback, '__name__', ''))

    everything: list[CommandInfo | TyperInfo] = [*app.registered_commands, *app.registered_groups]
    for item in everything:
        item.rich_help_panel = panels.get(name_of(item), 'Commands')
    app.registered_commands.sort(
        key=lambda item: order.index(name_of(item)) if name_of(item) in order else len(order)
    )


def main() -> None:
    """Run the command line; errors with a code end with one line and exit status 1."""
    _load_commands()
    try:
        app()
    except Dex1bError as error:
        _fail(f'error {int(error.error_code)}', f'{error.error_code.name}: {error.message}')
    except ImportError as error:
        if '.so' not in str(error):
            raise
        # open3d links to libraries of the system that no wheel brings
        _fail('error', f"{error}; 'dex1b doctor' says which system package is missing")


def _fail(title: str, words: str) -> NoReturn:
    Console(stderr=True).print(f'[bold red]{title}[/] {escape(words)}', soft_wrap=True)
    sys.exit(1)


if __name__ == '__main__':
    main()
