"""A real browser for tests: headless Chromium that draws WebGL on the processor."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ('chromium', 'chromium-browser', 'google-chrome')
ARGUMENTS = (
    '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--no-sandbox',
)  # fmt: skip
PATIENCE_S = 120.0  # a busy machine draws less than a frame a second


@pytest.fixture(scope='session')
def browser() -> Iterator[Any]:
    """A playwright browser; tests are skipped where there is no Chromium."""
    sync_api = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f'no browser on the path ({", ".join(NAMES)}); apt-get install chromium')
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield launched
        launched.close()


@contextmanager
def opened(browser: Any, address: str, width: int = 720, height: int = 560) -> Iterator[Any]:
    """A page of the viewer, coarsely drawn, so that clicks do not wait for pictures."""
    context = browser.new_context(viewport={'width': width, 'height': height})
    page = context.new_page()
    page.set_default_timeout(1000.0 * PATIENCE_S)
    errors: list[str] = []
    page.on('pageerror', lambda error: errors.append(str(error)))
    page.goto(f'{address}/?fixedDpr=0.25')
    yield page
    context.close()
    assert errors == []


def click(page: Any, words: str) -> None:
    """Move the mouse over words and press its button, without waiting for animations."""
    target = page.get_by_text(words, exact=True).first
    target.wait_for()
    target.evaluate('element => element.scrollIntoView({block: "center"})')
    boxes: list[Any] = []
    while boxes[-3:] != 3 * boxes[-1:] or len(boxes) < 3:  # folders unfold for a while
        page.wait_for_timeout(400)
        boxes.append(target.bounding_box())
    box = boxes[-1]
    page.mouse.click(box['x'] + box['width'] / 2, box['y'] + box['height'] / 2)


def tick(page: Any, words: str) -> None:
    """Click the box of a checkbox with these words."""
    box = page.get_by_label(words).first
    box.evaluate('element => element.scrollIntoView({block: "center"})')
    box.click(force=True)


def wait_until(condition: Callable[[], Any], timeout_s: float = PATIENCE_S) -> None:
    """Block until a condition is true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, 'it did not come to pass'
        time.sleep(0.1)
