"""Buttons and state of a running stack."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError
from dex1b_core.viz.browser.candidate_row import markdown_table
from dex1b_core.viz.browser.controls import Report, StackControls, StackStatus
from dex1b_core.viz.browser.server import tell
from dex1b_core.viz.browser.stack_scene import LAYERS, StackScene
from dex1b_core.viz.page import words

Array = NDArray[np.float64]

_SILENT_S = 2.0
_AUTOMATIC = 'Target: the most graspable object.'


class StackPanel:
    """Stop, plan and pick; the target; what came of it; what is shown."""

    def __init__(self, server: Any, scene: StackScene, controls: StackControls) -> None:
        self._server, self._scene, self._controls = server, scene, controls
        self._status = StackStatus()
        self._busy = threading.Lock()
        self._target: Array | None = None
        self._add_buttons(server.gui)
        self._add_target(server.gui)
        self.show_status(self._status)

    def _add_buttons(self, gui: Any) -> None:
        self._state = gui.add_markdown('')
        self._stop = gui.add_button('STOP', color='red', icon='hand-stop')
        self._reset = gui.add_button('Reset after the stop', color='orange', visible=False)
        self._plan = gui.add_button('Plan', icon='search')
        self._arm = gui.add_checkbox('Arm the pick', False, disabled=True)
        self._pick = gui.add_button('Pick', color='green', icon='hand-grab', disabled=True)
        self._outcome = gui.add_markdown('')
        self._stop.on_click(lambda _: self._tell(self._controls.stop))
        self._reset.on_click(lambda _: self._tell(self._controls.reset))
        self._plan.on_click(lambda _: self._work('Planning', self._controls.plan))
        self._arm.on_update(lambda _: self._enable())
        self._pick.on_click(lambda _: self._start_pick())

    def _add_target(self, gui: Any) -> None:
        with gui.add_folder('Target'):
            self._target_words = gui.add_markdown(_AUTOMATIC)
            self._choosing = gui.add_checkbox('Choose by a click', False)
            self._clear = gui.add_button('Back to automatic', color='gray', visible=False)
        self._choosing.on_update(lambda _: self._listen())
        self._clear.on_click(lambda _: self.choose_target(None))

    def add_switches(self, on_cameras: Callable[[bool], None] = lambda on: None) -> None:
        """Add a switch for each layer.

        Args:
            on_cameras: Told whether the cameras' clouds are wanted.
        """
        with self._server.gui.add_folder('Show', expand_by_default=False):
            for layer, words in LAYERS.items():
                switch = self._server.gui.add_checkbox(words, True)

                def switched(_: Any, layer: str = layer, switch: Any = switch) -> None:
                    self._scene.layers.show(layer, bool(switch.value))
                    if layer == 'cameras':
                        on_cameras(bool(switch.value))

                switch.on_update(switched)

    # -- state ---------------------------------------------------------------------------------

    def show_status(self, status: StackStatus) -> None:
        """Take the stack's state; buttons follow it."""
        self._status = status
        words = describe(status)
        if words != self._state.content:
            self._state.content = words
        if self._reset.visible != status.is_stopped:
            self._reset.visible = status.is_stopped
        if not status.execution_enabled or status.is_stopped:
            self._disarm()
        self._enable()

    def _enable(self) -> None:
        busy = self._busy.locked()
        may_pick = self._status.may_pick and not busy
        for handle, disabled in (
            (self._plan, busy),
            (self._arm, not may_pick),
            (self._pick, not (may_pick and self._arm.value)),
        ):
            if handle.disabled != disabled:
                handle.disabled = disabled

    def _disarm(self) -> None:
        if self._arm.value:
            self._arm.value = False

    # -- work ----------------------------------------------------------------------------------

    def _start_pick(self) -> None:
        # a page may send clicks of a button that is disabled
        if not (self._status.may_pick and self._arm.value):
            return
        self._disarm()
        self._work('Picking', self._controls.pick)

    def _work(self, words: str, call: Callable[[Array | None], Report]) -> None:
        if not self._busy.acquire(blocking=False):
            return
        try:
            self._enable()
            self._outcome.content = f'{words} …'
            try:
                self._outcome.content = describe_report(call(self._target))
            except Dex1bError as error:
                self._outcome.content = failure(error)
        finally:
            self._busy.release()
            self._enable()

    def _tell(self, call: Callable[[], str]) -> None:
        try:
            tell(self._server, 'Robot', call())
        except Dex1bError as error:
            tell(self._server, 'Robot', failure(error), failed=True)

    # -- target --------------------------------------------------------------------------------

    def choose_target(self, point: Array | None) -> None:
        """Plan for the object at a point (3,) [m] from now on; None: the most graspable."""
        self._target = point
        self._scene.show_target(point)
        self._clear.visible = point is not None
        if point is None:
            self._target_words.content = _AUTOMATIC
        else:
            x, y, z = point
            self._target_words.content = f'Target: the object at ({x:.3f}, {y:.3f}, {z:.3f}) m.'

    def _listen(self) -> None:
        scene = self._server.scene
        if self._choosing.value:
            scene.on_click()(self._clicked)
        else:
            scene.remove_click_callback(self._clicked)

    def _clicked(self, event: Any) -> None:
        point = self._scene.point_at(event.ray_origin, event.ray_direction)
        if point is None:
            tell(self._server, 'Target', 'No point of a cloud there; click on one.')
            return
        self.choose_target(point)
        self._choosing.value = False


def describe(status: StackStatus) -> str:
    """The state as Markdown."""
    if not status.stage and not status.safety:
        return '**The stack does not answer.** Start it: `dex1b up grasp`'
    execution = 'on' if status.execution_enabled else 'off'
    parts = [
        f'**{words(status.stage) or "executor silent"}** · execution {execution}',
        f'safety **{status.safety.upper() or "SILENT"}**',
    ]
    if status.object_held:
        parts.append('object held')
    lines = [' · '.join(parts)]
    if status.robot_age > _SILENT_S:
        lines.append('**No joint states:** the robot is not where it is drawn.')
    if status.message and (status.is_stopped or status.safety == 'warn'):
        lines.append(status.message)
    return '\n\n'.join(lines)


def describe_report(report: Report) -> str:
    """What came of a plan or a pick, as Markdown."""
    seconds = sum(stage['seconds'] for stage in report.get('stages', []))
    if report['error_code']:
        head = f'**{report["error_code"]} {report["error"]}**: {report["error_msg"]}'
    else:
        head = f'**Done** in {seconds:.1f} s, seed {report["seed"]}'
        if report.get('object_held'):
            head += ', object held'
    lines = [head]
    if report.get('rejections'):
        rows = [
            [words(item['reason']), item['stage'], str(item['count'])]
            for item in report['rejections']
        ]
        lines.append(markdown_table(['rejected for', 'stage', 'count'], rows))
    if report.get('stages'):
        spent = ', '.join(f'{s["stage"]} {s["seconds"]:.1f} s' for s in report['stages'])
        lines.append(spent)
    return '\n\n'.join(lines)


def failure(error: Dex1bError) -> str:
    """Code and words of an error."""
    return f'{int(error.error_code)} {error.error_code.name}: {error.message}'
