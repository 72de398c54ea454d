"""Who may connect to the viewer."""

from __future__ import annotations

import socket

import pytest
import viser
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from dex1b_core.errors import Dex1bError
from dex1b_core.viz.browser.server import is_local, open_server

PROTOCOL = f'viser-v{viser.__version__}'


@pytest.fixture
def server():
    found = open_server(0)
    yield found
    found.stop()


def hears(server, origin: str | None) -> bool:
    address = f'ws://127.0.0.1:{server.get_port()}'
    try:
        with connect(address, origin=origin, subprotocols=[PROTOCOL]) as connection:
            connection.recv(timeout=10.0)
    except ConnectionClosed:
        return False
    return True


def test_pages_of_elsewhere_are_refused(server):
    assert hears(server, None)  # no browser
    assert hears(server, f'http://localhost:{server.get_port()}')
    assert not hears(server, 'https://evil.example')
    assert not server.get_clients()


def test_it_listens_on_this_machine_alone(server):
    with socket.socket() as probe:
        probe.connect(('127.0.0.1', server.get_port()))
    own = {item[4][0] for item in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for outside in own - {'127.0.0.1', '127.0.1.1'}:
        with socket.socket() as probe:
            probe.settimeout(2.0)
            assert probe.connect_ex((outside, server.get_port())) != 0


def test_a_port_that_is_taken_is_told(server):
    with pytest.raises(Dex1bError, match='is taken'):
        open_server(server.get_port())


@pytest.mark.parametrize(
    ('origin', 'expected'),
    [
        (None, True), ('http://127.0.0.1:8090', True), ('http://[::1]:9', True),
        ('http://localhost.evil.example', False), ('null', False), ('', False),
    ],
)  # fmt: skip
def test_origins(origin, expected):
    assert is_local(origin) is expected
