"""Opens shards, grasps and reports, and shows rows in 3D."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from dex1b_core.data.shards import ShardFolder
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.viz.browser.candidate_row import markdown_table
from dex1b_core.viz.browser.data_files import DataEntry, find_entries
from dex1b_core.viz.browser.grasp_rows import POSTURES, GraspTable, open_grasps, open_shard
from dex1b_core.viz.browser.hand_scene import HandScene, look_closely
from dex1b_core.viz.browser.server import tell

_NOTHING = '(nothing)'
_VERDICTS = {'all': None, 'held': 1, 'failed': 0, 'not tried': -1}
_LARGEST_PAGE = 40_000_000  # bytes


class DataPanel:
    """Choose a file, open it, step through its rows."""

    def __init__(
        self, server: Any, folder: Path, on_open: Callable[[bool], None] = lambda is_open: None
    ) -> None:
        """Add the panel.

        Args:
            server: Where.
            folder: What is below it can be opened, and nothing else.
            on_open: Told when rows take the scene over, and when they give it back.
        """
        self._server, self._folder, self._on_open = server, folder, on_open
        self._scene = HandScene(server)
        self._lock = threading.Lock()
        self._entries: dict[str, DataEntry] = {}
        self._table: GraspTable | None = None
        self._numbers: list[int] = []
        gui = server.gui
        self._note = gui.add_markdown('')
        self._file = gui.add_dropdown('File', (_NOTHING,))
        self._shard = gui.add_dropdown('Shard', (_NOTHING,), visible=False)
        self._open = gui.add_button('Open', icon='folder-open')
        self._refresh = gui.add_button('Look again', color='gray')
        self._add_rows(gui)
        self._file.on_update(lambda _: self._list_shards())
        self._open.on_click(lambda event: self._try(self._open_chosen, event.client))
        self._refresh.on_click(lambda _: self.refresh())
        self.refresh()

    def _add_rows(self, gui: Any) -> None:
        with gui.add_folder('Rows') as self._rows:
            self._facts = gui.add_markdown('')
            self._verdict = gui.add_button_group('Verdict', tuple(_VERDICTS))
            self._number = gui.add_slider('Row', min=0, max=1, step=1, initial_value=0)
            self._steps = gui.add_button_group('Step', ('previous', 'next'))
            self._posture = gui.add_button_group('Hand', POSTURES)
            self._row = gui.add_markdown('')
            self._close = gui.add_button('Close', color='gray')
        self._rows.visible = False
        self._posture.value = 'grasp'
        self._verdict.on_click(lambda _: self._try(self._filter))
        self._number.on_update(lambda _: self._try(self._draw))
        self._steps.on_click(lambda event: self._step(str(event.target.value)))
        self._posture.on_click(lambda _: self._try(self._draw))
        self._close.on_click(lambda _: self.close())

    # -- files ---------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look for files again."""
        self._entries = {entry.label: entry for entry in find_entries(self._folder)}
        if self._entries:
            self._note.content = f'To open below `{self._folder}`: {len(self._entries)}'
        else:
            self._note.content = (
                f'Nothing to open below `{self._folder}`: no shards, grasps or reports. '
                '`dex1b synth`, `dex1b bench grasp` and `dex1b engine run` write them.'
            )
        self._file.options = tuple(self._entries) or (_NOTHING,)
        self._open.disabled = not self._entries
        self._list_shards()

    def _list_shards(self) -> None:
        entry = self._entries.get(str(self._file.value))
        shards = entry is not None and entry.kind == 'shards'
        if entry is not None and shards:
            self._shard.options = tuple(ShardFolder.at(entry.path).names()) or (_NOTHING,)
        self._shard.visible = shards

    def _open_chosen(self, client: Any) -> None:
        entry = self._entries.get(str(self._file.value))
        if entry is None:
            return
        if entry.kind == 'page':
            self._show_page(entry.path)
            return
        if entry.kind == 'shards':
            table = open_shard(entry.path, str(self._shard.value))
        else:
            table = open_grasps(entry.path)
        self.show(table, client)

    def _show_page(self, path: Path) -> None:
        if path.stat().st_size > _LARGEST_PAGE:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST, f'{path} is too large to show here; open it as a file'
            )
        text = escape(path.read_text(encoding='utf-8'), quote=True)
        modal = self._server.gui.add_modal(path.name)
        with modal:
            # sandboxed: a report's scripts, were there any, could press the viewer's buttons
            self._server.gui.add_html(
                f'<iframe sandbox="" srcdoc="{text}" title="{escape(path.name)}" '
                'style="width:100%; height:72vh; border:0"></iframe>'
            )
            close = self._server.gui.add_button('Close the report', color='gray')
        close.on_click(lambda _: modal.close())

    # -- rows ----------------------------------------------------------------------------------

    def show(self, table: GraspTable, client: Any = None) -> None:
        """Open rows; the browser that asked looks at them closely.

        Raises:
            Dex1bError: the hand or the object cannot be loaded.
        """
        self._scene.take_hand(table.hand)
        with self._lock:
            self._table = table
        self._facts.content = '\n\n'.join(
            [
                f'**{table.title}** of {Path(table.hand).stem}',
                *(f'{k}: {v}' for k, v in table.facts),
            ]
        )
        self._verdict.value = 'all'
        self._filter()
        self._rows.visible = True
        self._scene.show(True)
        self._on_open(True)
        if client is not None:
            look_closely(client)

    def close(self) -> None:
        """Give the scene back."""
        self._rows.visible = False
        self._scene.show(False)
        self._on_open(False)

    def _filter(self) -> None:
        if self._table is None:
            return
        self._numbers = self._table.numbers(_VERDICTS[str(self._verdict.value)])
        self._number.max = max(1, len(self._numbers) - 1)
        self._number.value = 0
        self._draw()

    def _step(self, where: str) -> None:
        by = 1 if where == 'next' else -1
        value = int(self._number.value) + by
        self._number.value = min(max(value, 0), max(0, len(self._numbers) - 1))
        self._try(self._draw)

    def _draw(self) -> None:
        with self._lock:
            if self._table is None:
                return
            if not self._numbers:
                self._row.content = '*No such rows.*'
                return
            number = self._numbers[min(int(self._number.value), len(self._numbers) - 1)]
            row = self._table.row(number)
            self._scene.show_row(row, str(self._posture.value))
            self._row.content = markdown_table((f'row {number}', ''), row.facts)

    def _try(self, work: Callable[..., None], *arguments: Any) -> None:
        try:
            work(*arguments)
        except Dex1bError as error:
            words = f'{int(error.error_code)} {error.error_code.name}: {error.message}'
            tell(self._server, 'Data', words, failed=True)
