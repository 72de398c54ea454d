"""What a crew and its worker processes say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from dex1b_core.errors import ErrorCode


class Server(Protocol):
    """What a worker process holds between requests, for example a warm physics scene."""

    def tell(self, context: Any) -> None:
        """What the requests to come are about."""

    def answer(self, request: Any) -> Any:
        """Do what a request asks."""


class ServerSource(Protocol):
    """Says, in a form that travels to a worker process, how its server is made."""

    def make(self) -> Server:
        """Import, build and warm up."""


@dataclass(frozen=True)
class Start:
    """First message; replied with None."""

    source: ServerSource


@dataclass(frozen=True)
class Tell:
    """`Server.tell`; no reply."""

    context: Any


@dataclass(frozen=True)
class Ask:
    """`Server.answer`; replied with what it returns."""

    request: Any


@dataclass(frozen=True)
class Reply:
    """Answer to the request with this number; `error`, code and text, replaces `value`."""

    number: int
    value: Any = None
    error: tuple[ErrorCode, str] | None = None
