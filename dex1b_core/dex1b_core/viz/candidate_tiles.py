"""Candidates close up, with their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.planning import GraspCandidate
from dex1b_core.simulation.raycast import Body
from dex1b_core.viz import canvas
from dex1b_core.viz.canvas import Headline, Tile
from dex1b_core.viz.robot_scene import RobotScene
from dex1b_core.viz.studio import Ghost, Studio, View
from dex1b_core.viz.verdict import BLUE, GREY, verdict

Array = NDArray[np.float64]


def beside(approach: Array, side: int) -> Array:
    """Unit direction from which a hand that approaches so is seen well.

    Args:
        approach: (3,) of the hand.
        side: 0 is the side nearer to the front right of the robot, 1 the other, 2 from ahead.
    """
    usual = np.array([0.62, -0.66, 0.42])
    level = np.array([approach[0], approach[1], 0.0])
    if np.linalg.norm(level) < 0.35:  # from above: any side will do
        level = np.array([usual[1], -usual[0], 0.0])
    level /= np.linalg.norm(level)
    beside = np.array([-level[1], level[0], 0.0])
    beside *= np.sign(beside @ usual) * (1.0 if side == 0 else -1.0)
    direction = (0.0 if side == 2 else 1.0) * beside
    direction += (0.9 if side == 2 else -0.35) * level + np.array([0.0, 0.0, 0.5])
    return np.asarray(direction / np.linalg.norm(direction))


@dataclass(frozen=True)
class ShownObject:
    """What is grasped, and what it belongs to.

    Attributes:
        bodies: Their meshes; the first is grasped.
        poses: planning_T_body (4, 4) by name.
        about: (3,) what candidates are drawn around, planning frame [m]; the middle of the first
            body by default.
        side_of: Unit direction from which a candidate that approaches so is seen well, for each of
            the sides 0, 1, 2.
    """

    bodies: tuple[Body, ...]
    poses: dict[str, Array]
    about: Array | None = None
    side_of: Callable[[Array, int], Array] = beside

    @property
    def middle(self) -> Array:
        """(3,) what candidates are drawn around, planning frame [m]."""
        if self.about is not None:
            return self.about
        body = self.bodies[0]
        pose = self.poses[body.name]
        corners = body.vertices @ pose[:3, :3].T + pose[:3, 3]
        return np.asarray(0.5 * (corners.min(axis=0) + corners.max(axis=0)))


def candidate_sheet(
    headline: Headline,
    robot: RobotScene,
    shown: ShownObject,
    candidates: Sequence[GraspCandidate],
    *,
    executed_id: str = '',
) -> Any:
    """A tile for each candidate, at least one; few are shown from several sides.

    Returns:
        `PIL.Image.Image`.
    """
    studio = Studio(shown.bodies)
    sides = {1: 3, 2: 2}.get(len(candidates), 1)
    tiles = [
        _tile(studio, robot, shown, candidate, rank, side, executed_id)
        for rank, candidate in enumerate(candidates)
        for side in range(sides)
    ]
    return canvas.sheet(headline, tiles, columns=2 if len(tiles) == 4 else 3)


def _tile(
    studio: Studio, robot: RobotScene, shown: ShownObject, candidate: GraspCandidate, rank: int,
    side: int, executed_id: str,
) -> Tile:  # fmt: skip
    wrist = candidate.planning_T_wrist[:3, 3]
    target = 0.55 * shown.middle + 0.45 * wrist
    eye = target + 0.52 * shown.side_of(candidate.approach, side)
    view = View(tuple(eye), tuple(target), 420, 340, floor_fade=(0.25, 0.6))
    colour, words = verdict(candidate)
    executed = bool(candidate.id) and candidate.id == executed_id
    if executed:
        colour, words = BLUE, f'{words}, executed'
    before = candidate.planning_T_wrist.copy()
    before[:3, 3] -= candidate.approach_distance * candidate.approach
    standing = replace(candidate, planning_T_wrist=before)
    ghosts = (
        Ghost(robot.hand_bodies, robot.hand_poses(standing, candidate.pregrasp), GREY, 0.22),
        Ghost(robot.hand_bodies, robot.hand_poses(candidate, candidate.grasp), colour, 0.85),
    )
    picture = studio.draw(shown.poses, view, ghosts)
    detail = f'score {candidate.score:.2f}   approach {_slope(candidate.approach)}'
    return Tile(picture, f'#{rank}  {words}', detail, colour, framed=executed)


def _slope(approach: Array) -> str:
    """How steep an approach is, in words."""
    down = float(np.degrees(np.arcsin(np.clip(-approach[2], -1.0, 1.0))))
    if abs(down) < 5.0:
        return 'level'
    return f'{abs(down):.0f}° {"downwards" if down > 0.0 else "upwards"}'
