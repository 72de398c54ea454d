"""Plays a planned motion with a translucent robot."""

from __future__ import annotations

import threading
import time
from typing import Any

from dex1b_core.motion import PlannedMotion
from dex1b_core.viz.browser.stack_scene import StackScene

FRAME_S = 0.06


class MotionPanel:
    """A time slider and a play button; hidden while there is no motion."""

    def __init__(self, server: Any, scene: StackScene) -> None:
        self._scene = scene
        self._motion: PlannedMotion | None = None
        self._stop = threading.Event()
        gui = server.gui
        with gui.add_folder('Planned motion') as self._folder:
            self._play = gui.add_button('Play', icon='player-play')
            self._time = gui.add_slider('time [s]', min=0.0, max=1.0, step=0.01, initial_value=0.0)
            self._hide = gui.add_button('Hide', color='gray')
        self._folder.visible = False
        self._play.on_click(lambda _: self.play())
        self._time.on_update(lambda event: self._moved(event))
        self._hide.on_click(lambda _: self._end())

    def show(self, motion: PlannedMotion | None) -> None:
        """Take a new motion; None when there is none."""
        self._end()
        self._motion = motion
        self._folder.visible = motion is not None
        if motion is not None:
            self._time.max = round(motion.duration, 2)
            self._time.value = 0.0

    def play(self) -> None:
        """From begin to end in its own time; call it in a worker thread. Again: from the begin."""
        motion = self._motion
        if motion is None:
            return
        self._stop.set()
        stop = self._stop = threading.Event()
        begin = time.monotonic()
        while not stop.is_set():
            elapsed = min(time.monotonic() - begin, motion.duration)
            self._scene.show_ghost(motion.at(elapsed))
            self._time.value = round(elapsed, 2)
            if elapsed >= motion.duration:
                return
            stop.wait(FRAME_S)

    def _moved(self, event: Any) -> None:
        if event.client is None or self._motion is None:  # moved by `play`, not by a person
            return
        self._stop.set()
        self._scene.show_ghost(self._motion.at(float(self._time.value)))

    def _end(self) -> None:
        self._stop.set()
        self._scene.show_ghost(None)
