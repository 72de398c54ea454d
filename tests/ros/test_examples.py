"""The client example against no stack: one line that says what to start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / 'examples' / '02_pick_client.py'


@pytest.mark.ros
def test_without_a_stack_it_says_what_to_start() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), '--wait', '0.5'],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert 'error 6:' in done.stderr
    assert 'dex1b up grasp' in done.stderr
