"""A plan as one web page: what was seen, what was proposed, and why the rest was dropped."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from dex1b_core.planning import GraspCandidate
from dex1b_core.robots import load_robot
from dex1b_core.simulation.raycast import Body
from dex1b_core.versions import versions
from dex1b_core.viz.candidate_tiles import ShownObject, candidate_sheet
from dex1b_core.viz.canvas import Headline
from dex1b_core.viz.page import (
    RunPage,
    columns,
    error,
    figure,
    rejections,
    section,
    stages,
    table,
)
from dex1b_core.viz.robot_scene import OBJECT, RobotScene
from dex1b_core.viz.verdict import verdict

Array = NDArray[np.float64]

_TILES = 6
_SHAPE_COLOUR = (0.93, 0.80, 0.45)


@dataclass(frozen=True)
class PlanOutputs:
    """What a plan left beside its reply.

    Attributes:
        candidates: Kept, best first.
        rejected: Dropped, of those that had a verdict.
        shape: Vertices (V, 3) [m] and faces (F, 3) that the target was taken for, planning frame.
        segmentation: (H, W, 3) RGB of what perception saw.
    """

    candidates: tuple[GraspCandidate, ...]
    rejected: tuple[GraspCandidate, ...] = ()
    shape: tuple[Array, NDArray[np.int64]] | None = None
    segmentation: NDArray[np.uint8] | None = None


def write_plan_page(
    path: Path, report: Mapping[str, Any], outputs: PlanOutputs, *, robot: str, command: str
) -> None:
    """Write the page.

    Args:
        path: Of the page (.html).
        report: Of the plan: error_code, error, error_msg, seed, plan_id, rejections, stages.
        outputs: What is drawn.
        robot: Name under config/robots, or a file.
        command: That repeats it.
    """
    kept = len(outputs.candidates)
    RunPage(
        title=f'Plan for {Path(robot).stem}',
        command=command,
        versions=versions(),
        verdict=f'{kept} grasps' if kept else 'no grasp',
        good=kept > 0,
        values={
            'seed': report['seed'],
            'seconds': f'{sum(item["seconds"] for item in report["stages"]):.1f}',
            'kept': kept,
            'rejected with a verdict': len(outputs.rejected),
            'plan': report['plan_id'],
        },
        parts=[
            error(report),
            *_pictures(outputs, robot),
            section('Candidates', _listed(outputs)),
            columns(stages(report['stages']), rejections(report['rejections'])),
        ],
    ).write(path)


def _pictures(outputs: PlanOutputs, robot: str) -> list[str]:
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shown = outputs.candidates or outputs.rejected
        if shown and outputs.shape is not None:
            scene = RobotScene(load_robot(robot))
            body = Body(OBJECT, *outputs.shape, _SHAPE_COLOUR)
            target = ShownObject((body,), {OBJECT: np.eye(4)})
            words = 'Candidates' if outputs.candidates else 'Rejected candidates'
            headline = Headline(words, 'at the shape that the target was taken for')
            candidate_sheet(headline, scene, target, shown[:_TILES]).save(folder / 'grasps.png')
            found.append(figure(words, folder / 'grasps.png'))
        if outputs.segmentation is not None:
            Pictures.fromarray(outputs.segmentation).save(folder / 'seen.png')
            found.append(figure('What perception saw; the target is outlined', folder / 'seen.png'))
    return found


def _listed(outputs: PlanOutputs) -> str:
    rows = []
    for kind, candidates in (('kept', outputs.candidates), ('rejected', outputs.rejected)):
        for rank, candidate in enumerate(candidates):
            check = candidate.sim_check
            tried = check.trials > 0
            rows.append([
                f'{kind} #{rank}', verdict(candidate)[1], f'{candidate.score:.3f}',
                f'{check.successes} of {check.trials}' if tried else '-',
                f'{1e3 * check.slip:.1f}' if tried else '-',
                f'{1e3 * check.max_penetration:.1f}' if tried else '-',
                f'{np.degrees(candidate.reachability.min_joint_margin):.0f}',
            ])  # fmt: skip
    heads = ['candidate', 'verdict', 'score', 'held', 'slip mm', 'penetration mm', 'margin °']
    return table(heads, rows) if rows else ''
