"""The list of candidates, and what is known about the one chosen."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from dex1b_core.viz.browser.candidate_row import CandidateRow, details
from dex1b_core.viz.browser.layers import rgb
from dex1b_core.viz.browser.stack_scene import StackScene

POSTURES = ('pregrasp', 'grasp', 'squeeze')
MOST_REJECTED = 24
"""Buttons in the list; all of them have an arrow in 3D, which can be clicked, too."""

_NONE = '*No plan yet.*'
_LEGEND = (
    'Blue would be executed, green held in physics, red failed there, orange is out of reach, '
    'grey was not checked.'
)


class CandidatePanel:
    """Buttons coloured by verdict; choosing one shows its hand and its numbers."""

    def __init__(self, server: Any, scene: StackScene) -> None:
        self._gui, self._scene = server.gui, scene
        self._lock = threading.Lock()
        self._rows: dict[str, CandidateRow] = {}
        self._chosen: CandidateRow | None = None
        self._buttons: list[Any] = []
        with self._gui.add_folder('Candidates'):
            self._note = self._gui.add_markdown(_NONE)
            self._kept = self._gui.add_folder(None)
            self._rejected = self._gui.add_folder('Rejected', expand_by_default=False)
            self._rejected.visible = False
        with self._gui.add_folder('Chosen candidate') as self._details:
            self._numbers = self._gui.add_markdown('')
            self._posture = self._gui.add_button_group('Hand', POSTURES)
        self._details.visible = False
        self._posture.value = 'grasp'
        self._posture.on_click(lambda _: self._draw())

    def show(self, rows: Sequence[CandidateRow]) -> None:
        """Replace the list; the best is chosen."""
        with self._lock:
            self._rows = {row.key: row for row in rows}
            for button in self._buttons:
                button.remove()
            kept = [row for row in rows if not row.rejected]
            dropped = [row for row in rows if row.rejected]
            self._buttons = [self._button(row, self._kept) for row in kept]
            self._buttons += [self._button(row, self._rejected) for row in dropped[:MOST_REJECTED]]
            self._rejected.visible = bool(dropped)
            self._note.content = _words(len(kept), len(dropped))
        self._scene.show_candidates(rows, self.choose)
        self.choose(next(iter(self._rows), None))

    def choose(self, key: str | None) -> None:
        """Show one candidate; None shows none."""
        self._chosen = self._rows.get(key) if key is not None else None
        self._details.visible = self._chosen is not None
        if self._chosen is not None:
            self._numbers.content = details(self._chosen)
        self._draw()

    def _draw(self) -> None:
        self._scene.show_hand(self._chosen, str(self._posture.value))

    def _button(self, row: CandidateRow, folder: Any) -> Any:
        with folder:
            button = self._gui.add_button(row.label, color=rgb(row.colour))
        button.on_click(lambda _: self.choose(row.key))
        return button


def _words(kept: int, dropped: int) -> str:
    if not kept and not dropped:
        return _NONE
    words = f'{kept} {"grasp" if kept == 1 else "grasps"}, best first; {dropped} rejected'
    if dropped > MOST_REJECTED:
        words += f', of which {MOST_REJECTED} are listed and all are drawn'
    return f'{words}. {_LEGEND}'
