"""The demo over several objects, as one table."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dex1b_core.errors import Dex1bError
from dex1b_ros.demo import run_demo

GRASPABLE_OBJECTS = (
    '004_sugar_box', '005_tomato_soup_can', '006_mustard_bottle', '010_potted_meat_can',
    '013_apple', '016_pear', '021_bleach_cleanser', '025_mug', '056_tennis_ball',
    '061_foam_brick',
)  # fmt: skip
"""Ten YCB objects with a side between 5 and 8 cm, chosen before any of them was tried."""


def bench_demos(
    objects: Sequence[str],
    *,
    seed: int,
    robot: str,
    folder: Path,
    resume: bool = False,
    on_report: Callable[[str, dict[str, Any]], None] = lambda name, report: None,
) -> dict[str, Any]:
    """Run the demo on each object and collect what counts.

    Args:
        objects: YCB names or mesh files.
        seed: Of every demo.
        robot: Name under config/robots.
        folder: Each demo's own folder is made in here.
        resume: Take reports that are there already instead of running again.
        on_report: Called with each object's name and report.

    Returns:
        {'robot', 'seed', 'n', 'lifted', 'rows'}; a row holds a report's main figures.
    """
    rows = []
    for name in objects:
        path = folder / Path(name).stem / 'report.json'
        if resume and path.is_file():
            report = json.loads(path.read_text())
        else:
            report = _demo(name, seed, robot, path.parent)
        on_report(name, report)
        rows.append({key: report.get(key) for key in
                     ('object', 'success', 'lift_height_m', 'hold_s', 'error', 'error_msg',
                      'wall_s', 'stages')})  # fmt: skip
    lifted = sum(bool(row['success']) for row in rows)
    return {'robot': robot, 'seed': seed, 'n': len(rows), 'lifted': lifted, 'rows': rows}


def _demo(name: str, seed: int, robot: str, folder: Path) -> dict[str, Any]:
    try:
        return run_demo(name, seed=seed, robot=robot, folder=folder)
    except Dex1bError as error:
        return {
            'object': name,
            'success': False,
            'error': error.error_code.name,
            'error_msg': error.message,
        }
