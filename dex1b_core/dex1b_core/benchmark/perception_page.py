"""The perception benchmark as one web page: figures, the worst scenes with pictures, all rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.benchmark.captures import FIRST_OBJECT
from dex1b_core.benchmark.perception_bench import SceneResult
from dex1b_core.viz.canvas import Headline, Tile, sheet
from dex1b_core.viz.page import RunPage, figure, section, table
from dex1b_core.viz.perception_stages import depth_picture, label_picture
from dex1b_core.viz.verdict import GREEN, RED

_WORST = 6
_SCENE_HEADS = (
    'scene', 'F', 'precision', 'recall', 'objects', 'found', 'least IoU', 'ms', 'plain F',
)  # fmt: skip
_GOALS = {'f_score': 0.92, 'share_iou_over_75': 0.90, 'p50': 33.0, 'p99': 60.0}


def write_perception_page(
    path: Path, report: dict[str, Any], results: Sequence[SceneResult], command: str
) -> None:
    """Write the page, and the pictures of its worst scenes beside it.

    Args:
        path: Of the page (.html).
        report: `perception_report`.
        results: What it is about.
        command: That repeats it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    worst = sorted(results, key=lambda result: result.ours.score.f_score)[:_WORST]
    figures = []
    for result in worst:
        picture = path.with_name(f'{path.stem}.{result.capture.name}.png')
        draw_scene(picture, result)
        figures.append(figure(_words(result), picture))
    RunPage(
        title=f'Segmentation of {len(results)} captures',
        command=command,
        versions=report['versions'],
        verdict=f'F {report["f_score"]:.3f}',
        good=all(_goal(report, name) for name in _GOALS),
        values={
            'objects': report['objects'],
            'seed': report['seed'],
            'parameter sets': 1,
            'through': report['pipeline'],
            'processor': report['machine']['processor'],
        },
        parts=[
            section('Figures', table(['', 'goal', 'dex1b', 'plain Open3D'], _figure_rows(report))),
            f'<p>Time: {escape(report["timed"]["ms"])}; wall clock: '
            f'{escape(report["timed"]["wall_ms"])}. Plain Open3D: processor time.</p>',
            '<h2>Worst scenes</h2>',
            *figures,
            section(
                'All scenes, worst first',
                table(
                    _SCENE_HEADS,
                    [
                        _scene_row(row)
                        for row in sorted(report['scenes'], key=lambda row: row['f_score'])
                    ],
                ),
            ),
        ],
    ).write(path)


def draw_scene(path: Path, result: SceneResult) -> None:
    """Draw colour, depth, truth, ours and, if there is one, the plain pipeline's labels."""
    capture, truth = result.capture, result.capture.truth
    window = _window(truth >= FIRST_OBJECT)
    objects = np.where(truth >= FIRST_OBJECT, truth - FIRST_OBJECT + 1, 0)
    tiles = [
        Tile(_fit(depth_picture(capture.frame.depth_m)[window]), 'depth'),
        Tile(_fit(label_picture(objects)[window]), 'truth', f'{len(capture.objects)} objects'),
        _labels_tile('dex1b', result.ours.labels, result.ours.score.f_score, window),
    ]
    if capture.frame.colour is not None:
        tiles.insert(0, Tile(_fit(capture.frame.colour[window]), 'colour'))
    if result.plain is not None:
        plain = result.plain
        tiles.append(_labels_tile('plain Open3D', plain.labels, plain.score.f_score, window))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet(Headline(capture.name), tiles, columns=len(tiles)).save(path)


def _labels_tile(
    title: str, labels: NDArray[np.int32], f_score: float, window: tuple[slice, slice]
) -> Tile:
    detail = f'F {f_score:.3f}, {int(labels.max())} objects'
    colour = GREEN if f_score >= _GOALS['f_score'] else RED
    return Tile(_fit(label_picture(labels)[window]), title, detail, colour)


def _window(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Part of the image around a mask, of the image's own proportions."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    scale = max(np.ptp(rows) / height, np.ptp(columns) / width) * 1.25
    h, w = min(int(scale * height), height), min(int(scale * width), width)
    top = int(np.clip((rows.min() + rows.max() - h) // 2, 0, height - h))
    left = int(np.clip((columns.min() + columns.max() - w) // 2, 0, width - w))
    return slice(top, top + h), slice(left, left + w)


def _fit(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, (240, 180), interpolation=cv2.INTER_AREA))


def _words(result: SceneResult) -> str:
    score = result.ours.score
    if result.ours.error:
        return f'{result.capture.name}: refused, {result.ours.error}'
    return (
        f'{result.capture.name}: F {score.f_score:.3f}, {score.found} found of '
        f'{len(score.ious)}, IoU {", ".join(f"{iou:.2f}" for iou in score.ious)}'
    )


def _goal(report: dict[str, Any], name: str) -> bool:
    if name in report['ms']:
        return bool(report['ms'][name] <= _GOALS[name])
    return bool(report[name] >= _GOALS[name])


def _figure_rows(report: dict[str, Any]) -> list[list[str]]:
    both = [report, report['plain']]
    rows: list[tuple[str, str, Callable[[dict[str, Any]], str]]] = [
        ('F, mean of scenes', '≥ 0.92', lambda r: f'{r["f_score"]:.3f}'),
        ('precision', '', lambda r: f'{r["precision"]:.3f}'),
        ('recall', '', lambda r: f'{r["recall"]:.3f}'),
        ('IoU, mean of objects', '', lambda r: f'{r["iou_mean"]:.3f}'),
        ('objects with IoU > 0.75', '≥ 90 %', lambda r: f'{100 * r["share_iou_over_75"]:.1f} %'),
        ('over-segmentation', '', lambda r: f'{100 * r["over_seg"]:.1f} %'),
        ('under-segmentation', '', lambda r: f'{100 * r["under_seg"]:.1f} %'),
        ('time, p50', '≤ 33 ms', lambda r: f'{r["ms"]["p50"]:.1f} ms'),
        ('time, p99', '≤ 60 ms', lambda r: f'{r["ms"]["p99"]:.1f} ms'),
        ('wall clock, p50', '', lambda r: f'{r["wall_ms"]["p50"]:.1f} ms'),
        ('wall clock, p99', '', lambda r: f'{r["wall_ms"]["p99"]:.1f} ms'),
    ]
    return [
        [name, goal, *('-' if one is None else words(one) for one in both)]
        for name, goal, words in rows
    ]


def _scene_row(row: dict[str, Any]) -> list[str]:
    plain = row['plain_f_score']
    return [
        row['scene'],
        *(f'{row[name]:.3f}' for name in ('f_score', 'precision', 'recall')),
        str(row['objects']),
        str(row['found']),
        f'{min(row["ious"]):.2f}',
        f'{row["ms"]:.0f}',
        '-' if plain is None else f'{plain:.3f}',
    ]
