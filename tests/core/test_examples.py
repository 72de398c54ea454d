"""The ROS-free examples run headless and print what they promise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from benchmarks.perception_piles import pile

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / 'examples'
TESTED = {'02': 'tests/ros/test_examples.py'}  # elsewhere, since it needs ROS


def run(name: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
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
    output = run('01_plan_on_a_cloud.py', path, '--count', '4')
    assert 'shapes: hull' in output
    assert 'heuristic: 4 candidates' in output
    assert 'reachable' in output


def test_constrained_grasps_meet_the_demands_and_are_evaluated(tmp_path: Path) -> None:
    """What example 03 writes, example 06 judges."""
    path = tmp_path / 'grasps.npz'
    output = run('03_constrain_grasps.py', '--count', '4', '--out', path)
    offsets = [float(text) for text in re.findall(r'wrist ([+-]\d+) mm', output)]
    assert offsets
    assert np.abs(offsets).max() < 15.0  # without the energy they spread over 40 mm
    assert all(int(count) >= 3 for count in re.findall(r'(\d) fingers', output))
    verdicts = run('06_evaluate_grasps.py', path)
    held, count = map(int, re.findall(r'dexgraspbench: (\d+) of (\d+) succeed', verdicts)[0])
    assert count == len(offsets)
    assert verdicts.count('in mujoco') == count - held


def test_a_hand_is_imported_and_tried(tmp_path: Path) -> None:
    output = run('04_import_hand.py', '--count', '2', '--out', tmp_path)
    assert 'thumb: joints thumb_q1, thumb_q2' in output
    assert re.search(r'[012] of 2 hold cylinder', output)
    assert {path.name for path in tmp_path.iterdir()} == {'hand.yaml', 'hand.png', 'grasps.npz'}


def test_a_small_training_goes_round(tmp_path: Path) -> None:
    output = run(
        '05_train_small.py', '--proposals', '24', '--shapes', '2', '--steps', '50',
        '--workers', '1', '--folder', tmp_path,
    )  # fmt: skip
    assert re.search(r'round 0: \d+ of 24 held, 2 objects', output)
    assert re.search(r'which it has not seen, 4 grasps', output)


def test_a_capture_is_replayed_and_scored(tmp_path: Path) -> None:
    frame, labels = pile(1)
    depth_mm = np.rint(1e3 * np.nan_to_num(frame.depth_m)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / 'depth.png'), depth_mm)
    cv2.imwrite(str(tmp_path / 'label.png'), np.where(labels > 0, labels + 1, 0).astype(np.uint8))
    picture = tmp_path / 'stages.png'
    output = run('07_replay_capture.py', tmp_path, '--picture', picture)
    assert re.search(r'\d objects on the table', output)
    assert 'shape hull' in output
    assert float(re.findall(r'F (\d\.\d+)', output)[0]) > 0.8
    assert picture.stat().st_size > 10_000


def test_examples_are_numbered_short_and_tested() -> None:
    files = sorted(EXAMPLES.glob('*.py'))
    assert [file.name[:3] for file in files] == [f'{n:02}_' for n in range(1, len(files) + 1)]
    assert all(len(file.read_text().splitlines()) < 100 for file in files)
    for file in files:
        where = ROOT / TESTED.get(file.name[:2], 'tests/core/test_examples.py')
        assert file.name in where.read_text(), file.name
