"""`dex1b browse`: shards, grasps and reports in a web browser, without ROS."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer


def register(main_app: typer.Typer) -> None:
    """Add the command to `dex1b`."""
    main_app.command()(browse)


def browse(
    folder: Annotated[Path, typer.Argument(help='What is below it can be opened.')] = Path('out'),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help='On 127.0.0.1; 0 = any that is free.')
    ] = 8090,
) -> None:
    """Look at shards of the data engine, grasps and reports in a web browser. Ctrl-C ends it."""
    from dex1b_core.errors import Dex1bError, ErrorCode
    from dex1b_core.viz.browser.data_panel import DataPanel
    from dex1b_core.viz.browser.server import address, open_server

    if not folder.is_dir():
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f"'{folder}' is no folder; expected one that holds results"
        )
    server = open_server(port, 'dex1b · data')
    DataPanel(server, folder)
    typer.echo(f'look at {address(server)}; Ctrl-C ends it')
    try:
        while True:
            time.sleep(1.0)
    except KeyboardInterrupt:
        server.stop()
