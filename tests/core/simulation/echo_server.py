"""A server without physics that fails in known ways; workers import it by PYTHONPATH."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from dex1b_core.errors import Dex1bError, ErrorCode


@dataclass(frozen=True)
class EchoSource:
    """Makes `Echo`s, unless told to fail."""

    fails: bool = False

    def make(self) -> Echo:
        if self.fails:
            raise Dex1bError(ErrorCode.ASSET_MISSING, 'no model')
        return Echo()


class Echo:
    """Answers what it was asked and told, how often it was told, and by whom."""

    def __init__(self) -> None:
        self._context: Any = None
        self._told = 0

    def tell(self, context: Any) -> None:
        self._context, self._told = context, self._told + 1

    def answer(self, request: Any) -> Any:
        if request == 'die':
            os._exit(1)
        if request == 'hang':
            time.sleep(60.0)
        if request == 'slow':
            time.sleep(0.5)
        if request == 'refuse':
            raise Dex1bError(ErrorCode.PRECONDITION, 'not now')
        if request == 'fail':
            raise ValueError('what?')
        return request, self._context, self._told, os.getpid()
