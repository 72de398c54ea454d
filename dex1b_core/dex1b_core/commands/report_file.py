"""Reports of commands as files."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any


def write_json(report: Any, path: Path | None) -> None:
    """Write a report where asked; None = nowhere."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2) + '\n')


def command_line(**options: object) -> str:
    """The command that runs now, to be repeated.

    Args:
        options: Values that were drawn, by their option (`--seed`); they replace those given.
    """
    words, left = ['dex1b'], iter(sys.argv[1:])
    for word in left:
        name, equals, _ = word.partition('=')
        if name not in options:
            words.append(word)
        elif not equals:
            next(left, None)
    for name, value in options.items():
        words += [name, str(value)]
    return shlex.join(words)
