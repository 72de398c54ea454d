"""The ROS-free examples run headless and print what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'


def run(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_planning_on_a_cloud_from_a_file(tmp_path: Path) -> None:
    side = np.linspace(-0.03, 0.03, 25)
    height = np.linspace(0.0, 0.14, 40)
    y, z = (grid.ravel() for grid in np.meshgrid(side, height))
    front = np.stack([np.full_like(y, 0.47), y, z], axis=1)
    x, y = (grid.ravel() for grid in np.meshgrid(side, side))
    top = np.stack([0.44 + x, y, np.full_like(x, 0.14)], axis=1)
    path = tmp_path / 'box.xyz'
    np.savetxt(path, np.concatenate([front, top]))
    output = run('01_plan_on_a_cloud.py', str(path), '--count', '4')
    assert 'shapes: hull' in output
    assert 'heuristic: 4 candidates' in output
    assert 'reachable' in output


def test_examples_are_short() -> None:
    files = sorted(EXAMPLES.glob('*.py'))
    assert files
    assert all(len(file.read_text().splitlines()) < 100 for file in files)
