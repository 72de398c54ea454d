"""The viewer's web server: on this machine alone, and for pages of this machine alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from dex1b_core.errors import Dex1bError, ErrorCode

HOST = '127.0.0.1'
PORT = 8090
_LOCAL = {'127.0.0.1', 'localhost', '::1'}
_BLUE = (31, 120, 181)


def open_server(port: int = PORT, title: str = 'dex1b') -> Any:
    """A `viser.ViserServer` that only this machine reaches; port 0 takes any free one.

    Raises:
        Dex1bError: INVALID_CONFIGURATION when the port is taken.
    """
    import viser

    server = viser.ViserServer(host=HOST, port=port, label=title, verbose=False)
    if port and server.get_port() != port:
        server.stop()
        raise Dex1bError(
            ErrorCode.INVALID_CONFIGURATION,
            f'port {port} is taken, perhaps by another viewer; choose another one, or 0 for any '
            'that is free',
        )
    _refuse_foreign_pages(server)
    # no share button: it would open the robot's controls to the internet
    server.gui.configure_theme(show_logo=False, show_share_button=False, brand_color=_BLUE)
    server.gui.set_panel_label(title)
    server.scene.set_up_direction('+z')
    return server


def address(server: Any) -> str:
    """Where a browser finds it."""
    return f'http://{HOST}:{server.get_port()}'


def tell(server: Any, title: str, words: str, *, failed: bool = False) -> None:
    """Show a message in every browser for a while."""
    for client in server.get_clients().values():
        client.add_notification(
            title, words, color='red' if failed else None,
            auto_close_seconds=12.0 if failed else 6.0,
        )  # fmt: skip


def is_local(origin: str | None) -> bool:
    """Whether a page of this origin may connect; programs that are no browser send none."""
    return origin is None or urlsplit(origin).hostname in _LOCAL


def _refuse_foreign_pages(server: Any) -> None:
    """Close connections that a page from elsewhere opened.

    Browsers let any web page connect to a local server: without this, one that is open in
    another tab could press the buttons. Viser has no setting for it.
    """
    connections = server._websock_server

    def check(client: Any) -> None:
        origin = connections._live_connections[client.client_id].request.headers.get('Origin')
        if not is_local(origin):
            raise PermissionError(f'the viewer refuses a page from {origin}')

    connections.on_client_connect(check)
