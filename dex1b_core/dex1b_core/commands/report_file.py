"""Reports of commands as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_json(report: Any, path: Path | None) -> None:
    """Write a report where asked; None = nowhere."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2) + '\n')
