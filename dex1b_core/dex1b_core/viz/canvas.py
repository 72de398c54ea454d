"""Sheets of captioned tiles under a headline: the common look of all pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

Image = NDArray[np.uint8]
Colour = tuple[float, float, float]

PAPER: Colour = (1.0, 1.0, 1.0)
INK: Colour = (0.10, 0.12, 0.16)
MUTED: Colour = (0.40, 0.44, 0.50)
LINE: Colour = (0.84, 0.86, 0.89)

MARGIN = 24
GAP = 14
HEADER = 62
CAPTION = 46
LEAST_WIDTH = 860


@dataclass(frozen=True)
class Tile:
    """One picture with words under it.

    Attributes:
        picture: (H, W, 3) RGB.
        title: First line, bold.
        detail: Second line.
        colour: Of the mark before the title and, with `framed`, of the frame.
        framed: Draw a coloured frame.
    """

    picture: Image
    title: str
    detail: str = ''
    colour: Colour = MUTED
    framed: bool = False


@dataclass(frozen=True)
class Headline:
    """What stands over a sheet: title and subtitle on the left, a verdict on the right."""

    title: str
    subtitle: str = ''
    verdict: str = ''
    colour: Colour = MUTED


def sheet(headline: Headline, tiles: Sequence[Tile], *, columns: int, footer: int = 0) -> Any:
    """Tiles of equal size in rows under a headline.

    Args:
        headline: Over the tiles.
        tiles: At least one.
        columns: Tiles in a row.
        footer: Empty rows of pixels to leave at the bottom.

    Returns:
        `PIL.Image.Image`.
    """
    height, width = tiles[0].picture.shape[:2]
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    size = (
        2 * MARGIN + max(columns * width + (columns - 1) * GAP, LEAST_WIDTH),
        HEADER + MARGIN + rows * (height + CAPTION) + (rows - 1) * GAP + footer,
    )
    page = Pictures.new('RGB', size, _rgb(PAPER))
    draw = ImageDraw.Draw(page)
    _draw_headline(draw, headline, size[0])
    for number, tile in enumerate(tiles):
        left = MARGIN + (number % columns) * (width + GAP)
        top = HEADER + (number // columns) * (height + CAPTION + GAP)
        page.paste(Pictures.fromarray(tile.picture), (left, top))
        _draw_tile(draw, tile, left, top)
    return page


def _draw_headline(draw: Any, headline: Headline, width: int) -> None:
    baseline = 40
    title = font(22, bold=True)
    draw.text((MARGIN, baseline), headline.title, _rgb(INK), title, anchor='ls')
    left = MARGIN + draw.textlength(headline.title, title) + 14
    draw.text((left, baseline), headline.subtitle, _rgb(MUTED), font(17), anchor='ls')
    if headline.verdict:
        words = font(16, bold=True)
        length = draw.textlength(headline.verdict, words)
        box = (width - MARGIN - length - 28, baseline - 23, width - MARGIN, baseline + 9)
        _draw_pill(draw, box, headline.colour)
        draw.text((box[0] + 14, baseline - 7), headline.verdict, _rgb(PAPER), words, anchor='lm')


def _draw_pill(draw: Any, box: tuple[float, float, float, float], colour: Colour) -> None:
    factor = 4
    width, height = (round(factor * (box[i + 2] - box[i])) for i in (0, 1))
    mask = Pictures.new('L', (width, height))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), height // 2, 255)
    mask = mask.resize((width // factor, height // factor), Pictures.Resampling.BOX)
    draw.bitmap((round(box[0]), round(box[1])), mask, _rgb(colour))


def _draw_tile(draw: Any, tile: Tile, left: int, top: int) -> None:
    height, width = tile.picture.shape[:2]
    frame = (left, top, left + width - 1, top + height - 1)
    draw.rectangle(frame, outline=_rgb(tile.colour if tile.framed else LINE),
                   width=4 if tile.framed else 1)  # fmt: skip
    y = top + height + 17
    draw.text((left, y), '●', _rgb(tile.colour), font(18), anchor='lm')
    draw.text((left + 20, y), tile.title, _rgb(INK), font(16, bold=True), anchor='lm')
    draw.text((left + 20, y + 20), tile.detail, _rgb(MUTED), font(14), anchor='lm')


def curve(
    page: Any,
    box: tuple[int, int, int, int],
    times: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    marks: Sequence[tuple[float, str]],
    threshold: float,
    colour: Colour,
    label: str,
) -> None:
    """Draw a curve over time into a box of a page.

    Args:
        page: `PIL.Image.Image`.
        box: Left, top, right, bottom [px].
        times: (T,).
        values: (T,).
        marks: (time, words) of vertical lines.
        threshold: Value of a dashed line.
        colour: Of the curve.
        label: What the values are, with their unit.
    """
    left, top, right, bottom = box
    factor = 3
    fine = Pictures.new('RGB', ((right - left) * factor, (bottom - top) * factor), _rgb(PAPER))
    lines = ImageDraw.Draw(fine)
    highest = 1.15 * max(float(values.max()), threshold, 1e-6)
    lowest = min(0.0, float(values.min()))
    x = (times - times[0]) / max(float(times[-1] - times[0]), 1e-9) * (fine.width - 1)
    y = (fine.height - 2) * (highest - values) / (highest - lowest)
    level = [(fine.height - 2) * (highest - v) / (highest - lowest) for v in (0.0, threshold)]
    lines.line([(0, level[0]), (fine.width, level[0])], _rgb(LINE), factor)
    for start in range(0, fine.width, 10 * factor):
        lines.line([(start, level[1]), (start + 5 * factor, level[1])], _rgb(MUTED), factor)
    for time, _ in marks:
        at = float(np.interp(time, times, x))
        lines.line([(at, 0), (at, fine.height)], _rgb(LINE), factor)
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    lines.polygon([*points, (fine.width, level[0]), (0, level[0])], _rgb(_tint(colour, 0.15)))
    lines.line(points, _rgb(colour), 3 * factor, joint='curve')
    page.paste(fine.resize((right - left, bottom - top), Pictures.Resampling.LANCZOS), box[:2])
    draw = ImageDraw.Draw(page)
    draw.text((left + 4, top - 2), label, _rgb(MUTED), font(13), anchor='ld')
    small = font(12)
    taken = left - 100.0
    for time, words in marks:
        at = left + float(np.interp(time, times, x)) / factor
        if at - taken > 8:
            draw.text((at + 3, bottom + 3), words, _rgb(MUTED), small, anchor='la')
            taken = at + draw.textlength(words, small)


@lru_cache
def font(size: int, *, bold: bool = False) -> Any:
    """DejaVu Sans, as matplotlib brings it along."""
    import matplotlib

    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / name, size)


def _rgb(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (round(255 * value) for value in colour)
    return red, green, blue


def _tint(colour: Colour, amount: float) -> Colour:
    """Mix a colour into the paper."""
    red, green, blue = (1.0 - amount + amount * value for value in colour)
    return red, green, blue
