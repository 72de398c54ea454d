"""The pictures of a demo: what the camera saw, the candidates, the pick as strip and animation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw

from dex1b_core.robots import load_robot
from dex1b_core.simulation.raycast import Body
from dex1b_core.viz import canvas
from dex1b_core.viz.candidate_tiles import ShownObject, candidate_sheet
from dex1b_core.viz.canvas import MARGIN, Headline, Tile
from dex1b_core.viz.moments import key_moments
from dex1b_core.viz.recording import DemoRecording
from dex1b_core.viz.robot_scene import OBJECT, RobotScene, object_body
from dex1b_core.viz.studio import Studio, View
from dex1b_core.viz.verdict import BLUE, GREEN, GREY, RED

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

OBJECT_COLOUR = (0.93, 0.60, 0.16)
TILES = 6
CURVE_HEIGHT = 130
ANIMATION_SIZE = (480, 360)
ANIMATION_FRAMES = 36
ANIMATION_FPS = 10
LIFT_M = 0.10
"""Height [m] that counts as lifted; drawn as a line."""


@dataclass(frozen=True)
class Outcome:
    """What the headlines say.

    Attributes:
        success: By ground truth.
        lift_height: Highest rise of the object [m].
        hold: Longest time above `LIFT_M` [s].
        error: Name of the error code, '' when there was none.
    """

    success: bool
    lift_height: float
    hold: float
    error: str = ''

    @property
    def threshold(self) -> float:
        """From which a value of the recording's curve counts; drawn as a line."""
        return LIFT_M

    def label(self) -> str:
        """Of the curve."""
        return 'object height [m]; dashed: 0.10 m'

    def value(self, value: float) -> str:
        """One value of the curve in words."""
        return f'object {value:+.3f} m'

    def words(self) -> str:
        """Verdict in a few words."""
        if self.success:
            return f'lifted {self.lift_height:.2f} m, held {self.hold:.1f} s'
        return f'not lifted: {self.error.lower()}' if self.error else 'not lifted'


class DemoPictures:
    """Draws one recording."""

    title = 'Pick'

    def __init__(self, recording: DemoRecording, outcome: Outcome) -> None:
        self._recording = recording
        self._outcome = outcome
        self._robot = RobotScene(load_robot(recording.robot))
        self._bodies = self.object_bodies()

    def object_bodies(self) -> tuple[Body, ...]:
        """The object; what moves of it is called `OBJECT`."""
        return (object_body(Path(self._recording.object_mesh), OBJECT_COLOUR),)

    def object_poses(self, index: int) -> dict[str, Array]:
        """Poses (4, 4) of `object_bodies` at a sample."""
        return {OBJECT: self._recording.object_poses[index]}

    def shown(self) -> ShownObject:
        """What candidates are drawn with."""
        return ShownObject(self._bodies, self.object_poses(0))

    def write(self, folder: Path) -> dict[str, Path]:
        """Write all pictures that the recording has material for.

        Returns:
            Path by name: 'perception', 'candidates', 'pick', 'pick_animation'.
        """
        folder.mkdir(parents=True, exist_ok=True)
        paths = {'pick': folder / 'pick.png', 'pick_animation': folder / 'pick.gif'}
        with ThreadPoolExecutor(max_workers=2) as pool:
            frames = pool.submit(self.animation)
            self.pick().save(paths['pick'])
            if self._recording.candidates:
                paths['candidates'] = folder / 'candidates.png'
                self.candidates().save(paths['candidates'])
            if self._recording.colour is not None:
                paths['perception'] = folder / 'perception.png'
                self.perception().save(paths['perception'])
            _save_animation(frames.result(), paths['pick_animation'])
        return paths

    def perception(self) -> Any:
        """The camera's picture beside what perception made of it."""
        colour, segmentation = self._recording.colour, self._recording.segmentation
        assert colour is not None
        tiles = [Tile(colour, 'camera', 'colour image before the robot moved', GREY)]
        if segmentation is not None:
            words = 'each object in its own colour, the robot red, the target outlined'
            tiles.append(Tile(segmentation, 'perception', words, BLUE))
        return canvas.sheet(self._headline('What the camera saw'), tiles, columns=2)

    def candidates(self) -> Any:
        """The best candidates close up with their verdicts; few are shown from several sides."""
        candidates = self._recording.candidates[:TILES]
        executed = self._recording.executed_id
        return candidate_sheet(
            self._headline('Candidates'), self._robot, self.shown(), candidates,
            executed_id=executed,
        )  # fmt: skip

    def pick(self) -> Any:
        """Key frames of the pick over the curve of the object's height."""
        recording = self._recording
        studio = Studio([*self._robot.bodies, *self._bodies])
        view = self._bench_view(400, 340)
        tiles = []
        moments = key_moments(recording)
        for moment in moments:
            index = recording.index_at(moment.time)
            height = recording.lift_heights[index].round(3) + 0.0  # never -0.000
            value = self._outcome.value(height)
            detail = f't = {moment.time - recording.times[0]:.1f} s   {value}'
            colour = GREEN if height >= self._outcome.threshold else GREY
            tiles.append(Tile(self._frame(studio, view, index), moment.title, detail, colour))
        footer = CURVE_HEIGHT + 50
        page = canvas.sheet(self._headline(self.title), tiles, columns=4, footer=footer)
        top = page.height - footer + 10
        canvas.curve(
            page,
            (MARGIN, top, page.width - MARGIN, top + CURVE_HEIGHT),
            recording.times,
            recording.lift_heights,
            marks=[
                (time, name)
                for time, name in recording.stages
                if recording.times[0] <= time < recording.times[-1]
            ],
            threshold=self._outcome.threshold,
            colour=GREEN if self._outcome.success else RED,
            label=self._outcome.label(),
        )
        return page

    def animation(self) -> list[Any]:
        """Frames of the whole pick, spread evenly over simulated time."""
        recording = self._recording
        width, height = ANIMATION_SIZE
        # drawn larger with one ray a pixel and then reduced: smooth edges for half the rays
        studio = Studio([*self._robot.bodies, *self._bodies], samples=1)
        view = self._bench_view(width * 3 // 2, height * 3 // 2)
        times = np.linspace(recording.times[0], recording.times[-1], ANIMATION_FRAMES)
        frames: list[Any] = []
        drawn, still = -1, Pictures.new('RGB', ANIMATION_SIZE)
        for time in times:
            index = recording.index_at(float(time))
            if drawn < 0 or _moved(recording, drawn, index):
                picture = Pictures.fromarray(self._frame(studio, view, index))
                drawn, still = index, picture.resize(ANIMATION_SIZE, Pictures.Resampling.BOX)
            frames.append(still.copy())
            self._stamp(frames[-1], index)
        return frames

    def _headline(self, title: str) -> Headline:
        recording, outcome = self._recording, self._outcome
        name = f'{recording.object_name}   seed {recording.seed}   {recording.robot}'
        return Headline(title, name, outcome.words(), GREEN if outcome.success else RED)

    def _frame(self, studio: Studio, view: View, index: int) -> Image:
        poses = self._robot.poses(self._recording.joints_at(index))
        return studio.draw(poses | self.object_poses(index), view)

    def _bench_view(self, width: int, height: int) -> View:
        """Robot, object and the lift, from the front right of the robot."""
        x, y, _ = self._recording.object_poses[0][:3, 3]
        target = np.array([0.60 * x, 0.8 * y, 0.27])
        eye = target + np.array([0.86, -0.90, 0.46])
        return View(tuple(eye), tuple(target), width, height)

    def _stamp(self, frame: Any, index: int) -> None:
        recording = self._recording
        draw = ImageDraw.Draw(frame)
        time = recording.times[index]
        stage = [name for start, name in recording.stages if start <= time]
        words = canvas.font(13, bold=True)
        draw.text((10, 10), recording.object_name, (25, 30, 40), words)
        draw.text((10, 28), stage[-1] if stage else '', (100, 110, 125), canvas.font(13))
        value = self._outcome.value(recording.lift_heights[index].round(3) + 0.0)
        draw.text(
            (ANIMATION_SIZE[0] - 10, 10),
            value.removeprefix('object '),
            (25, 30, 40),
            words,
            anchor='ra',
        )


def _moved(recording: DemoRecording, before: int, now: int) -> bool:
    """Whether anything moved so far between two samples that it can be seen."""
    joints = np.abs(recording.joint_positions[now] - recording.joint_positions[before])
    pose = np.abs(recording.object_poses[now] - recording.object_poses[before])
    return bool(joints.max() > 2e-3 or pose.max() > 1e-3)


def _save_animation(frames: list[Any], path: Path) -> None:
    """Write a GIF with one palette for all frames."""
    step = max(1, len(frames) // 4)
    sample = Pictures.new('RGB', (frames[0].width, frames[0].height * len(frames[::step])))
    for number, frame in enumerate(frames[::step]):
        sample.paste(frame, (0, number * frame.height))
    palette = sample.quantize(255, method=Pictures.Quantize.MEDIANCUT)
    flat = [frame.quantize(palette=palette, dither=Pictures.Dither.NONE) for frame in frames]
    durations = [1000 // ANIMATION_FPS] * (len(flat) - 1) + [1500]
    flat[0].save(
        path, save_all=True, append_images=flat[1:], duration=durations, loop=0, optimize=False
    )
