"""Pictures and report of a demo that opens something."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.world import BASE, articulated_bodies
from dex1b_core.geometry import invert
from dex1b_core.simulation.raycast import Body
from dex1b_core.viz.candidate_tiles import ShownObject
from dex1b_core.viz.pictures import DemoPictures, Outcome
from dex1b_core.viz.recording import DemoRecording
from dex1b_core.viz.report import demo_page
from dex1b_core.viz.robot_scene import OBJECT
from dex1b_core.viz.studio import View

Array = NDArray[np.float64]

TITLES = {
    'pick_animation': 'The opening, faster than it was',
    'pick': "Key frames and the joint's position",
    'candidates': 'Grasps that survived planning',
    'perception': 'What the camera saw',
}


@dataclass(frozen=True)
class OpeningOutcome(Outcome):
    """What the headlines say; `lift_height` is the joint's displacement, `hold` is not used.

    Attributes:
        goal: From which displacement it counts as opened [rad or m].
        unit: 'rad' or 'm'.
    """

    goal: float = 0.5
    unit: str = 'rad'

    @property
    def threshold(self) -> float:
        """See `Outcome`."""
        return self.goal

    def label(self) -> str:
        """See `Outcome`."""
        return f'joint moved [{self.unit}]; dashed: {self.goal:.2f} {self.unit}'

    def value(self, value: float) -> str:
        """See `Outcome`."""
        return f'joint {value:+.2f} {self.unit}'

    def words(self) -> str:
        """See `Outcome`."""
        moved = f'{self.lift_height:.2f} {self.unit}'
        if self.success:
            return f'opened by {moved}'
        why = f': {self.error.lower()}' if self.error else ''
        return f'not opened (moved {moved}){why}'


class OpeningPictures(DemoPictures):
    """Draws a recording whose `object_mesh` is the spec of an articulated object.

    Its object poses are those of the moving part, its lift heights the joint's displacement.
    """

    title = 'Opening'

    def __init__(self, recording: DemoRecording, outcome: OpeningOutcome) -> None:
        self._target = load_articulated(recording.object_mesh)
        super().__init__(recording, outcome)
        part = recording.object_poses[0]
        start = self._target.start + float(recording.lift_heights[0])
        self._base_pose = part @ invert(self._target.joint.motion(start))

    def object_bodies(self) -> tuple[Body, ...]:
        """See `DemoPictures`."""
        return articulated_bodies(self._target)

    def object_poses(self, index: int) -> dict[str, Array]:
        """See `DemoPictures`."""
        return {OBJECT: self._recording.object_poses[index], BASE: self._base_pose}

    def _bench_view(self, width: int, height: int) -> View:
        """Robot and object, from the side and above."""
        x, y, _ = self._base_pose[:3, 3]
        target = np.array([0.62 * x, 0.8 * y, 0.24])
        eye = target + np.array([0.28, 1.18, 0.62])
        return View(tuple(eye), tuple(target), width, height)

    def shown(self) -> ShownObject:
        """See `DemoPictures`: about the first candidate, from the robot: nothing hides it."""
        held = np.asarray(self._recording.candidates[0].planning_T_wrist[:3, 3])
        return replace(super().shown(), about=held, side_of=_from_the_robot)


def _from_the_robot(approach: Array, side: int) -> Array:
    direction = np.array([-0.75, (0.6, -0.6, 0.0)[side], 0.45])
    return np.asarray(direction / np.linalg.norm(direction))


def write_opening_report(
    report: dict[str, Any], recording: DemoRecording, folder: Path
) -> dict[str, Path]:
    """Draw the pictures and write report.html beside them; see `write_demo_report`."""
    outcome = OpeningOutcome(
        success=bool(report['success']),
        lift_height=float(report['moved']),
        hold=0.0,
        error=report.get('error', '') if report.get('error_code') else '',
        goal=float(report['goal']),
        unit=report['unit'],
    )
    paths = OpeningPictures(recording, outcome).write(folder)
    unit = report['unit']
    known = {
        'robot': report['robot'],
        'joint moved': f'{report["moved"]:.3f} {unit}',
        'asked': f'{report["displacement"]:.3f} {unit}',
        'opened from': f'{report["goal"]:.3f} {unit}',
        'executed': report.get('executed_id'),
        'wall clock': f'{report["wall_s"]:.0f} s' if 'wall_s' in report else None,
    }
    repeat = (
        f'dex1b demo-articulate --object {report["object"]} --seed {report["seed"]} '
        f'--robot {report["robot"]}'
    )
    path = folder / 'report.html'
    page = demo_page(report, outcome, paths, known, repeat, TITLES)
    path.write_text(page, encoding='utf-8')
    return {**paths, 'report': path}
