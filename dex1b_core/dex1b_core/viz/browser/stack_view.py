"""The viewer of a running stack: one scene and its panels."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from dex1b_core.planning import GraspCandidate
from dex1b_core.viz.browser.candidate_panel import CandidatePanel
from dex1b_core.viz.browser.candidate_row import rows
from dex1b_core.viz.browser.controls import StackControls
from dex1b_core.viz.browser.motion_panel import MotionPanel
from dex1b_core.viz.browser.stack_panel import StackPanel
from dex1b_core.viz.browser.stack_scene import StackScene
from dex1b_core.viz.robot_scene import RobotScene


class StackView:
    """Puts scene and panels together.

    Attributes:
        scene: What is drawn.
        panel: Buttons and state.
        motion: Plays the planned motion.
    """

    def __init__(
        self,
        server: Any,
        robot: RobotScene,
        controls: StackControls,
        on_cameras: Callable[[bool], None] = lambda on: None,
    ) -> None:
        self.scene = StackScene(server, robot)
        self.panel = StackPanel(server, self.scene, controls)
        self._candidates = CandidatePanel(server, self.scene)
        self.motion = MotionPanel(server, self.scene)
        self.panel.add_switches(on_cameras)
        self._lock = threading.Lock()
        self._kept: tuple[GraspCandidate, ...] = ()
        self._rejected: tuple[GraspCandidate, ...] = ()

    def show_plan(
        self,
        kept: tuple[GraspCandidate, ...] | None = None,
        rejected: tuple[GraspCandidate, ...] | None = None,
    ) -> None:
        """Take new candidates; None leaves those that are there."""
        with self._lock:
            self._kept = self._kept if kept is None else kept
            self._rejected = self._rejected if rejected is None else rejected
            self._candidates.show(rows(self._kept, self._rejected))
