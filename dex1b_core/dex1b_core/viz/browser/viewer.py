"""The whole viewer: a tab of the running stack, and one of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dex1b_core.viz.browser.controls import StackControls
from dex1b_core.viz.browser.data_panel import DataPanel
from dex1b_core.viz.browser.stack_view import StackView
from dex1b_core.viz.robot_scene import RobotScene


class Viewer:
    """Tabs of a server.

    Attributes:
        stack: What is drawn of the stack.
        data: Opens files.
    """

    def __init__(
        self,
        server: Any,
        data_folder: Path,
        robot: RobotScene,
        controls: StackControls,
        on_cameras: Callable[[bool], None] = lambda on: None,
    ) -> None:
        tabs = server.gui.add_tab_group()
        with tabs.add_tab('Stack'):
            self.stack = StackView(server, robot, controls, on_cameras)
        with tabs.add_tab('Data'):
            self.data = DataPanel(server, data_folder, self._taken_over)

    def _taken_over(self, is_taken: bool) -> None:
        self.stack.scene.layers.show('', not is_taken)
