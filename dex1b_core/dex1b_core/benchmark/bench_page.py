"""A benchmark as one web page: table, failures by reason, pictures of best and worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dex1b_core.benchmark.grasp_bench import ObjectResult
from dex1b_core.geometry.convex import convex_part
from dex1b_core.geometry.solids import fuse
from dex1b_core.planning import FailureReason
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.viz.canvas import Headline
from dex1b_core.viz.grasp_gallery import GalleryTile, draw_tiles
from dex1b_core.viz.page import RunPage, columns, figure, left_out, reasons, section, table
from dex1b_core.viz.verdict import GREEN, RED

_SHOWN = 4  # tiles of the best, and of the worst
_GAP = 1e-4  # [m] between convex parts of one body


def write_bench_page(
    path: Path, report: dict[str, Any], results: Sequence[ObjectResult], command: str
) -> None:
    """Write the page, and its pictures beside it.

    Args:
        path: Of the page (.html).
        report: `bench_report`.
        results: What it is about.
        command: That repeats it.
    """
    protocols = report['protocols']
    first = next(iter(protocols))
    rate = protocols[first]['grasp_success']
    title = f'{report["hand"]}, {report["generator"]}: {report["objects"]} objects'
    words = '' if rate is None else f'{rate:.1%} by {first}'
    reasons_of_all: Counter[str] = Counter()
    for own in protocols.values():
        reasons_of_all.update(own['reasons'])
    RunPage(
        title=title,
        command=command,
        versions=report['versions'],
        verdict=words,
        good=rate is not None and rate >= 0.5,
        values={
            'grasps': report['n'],
            'seed': report['seed'],
            'making them': f'{report["wall_s"]:.0f} s',
            f'valid a second ({first})': report['valid_per_s'],
            'Q1': _number(report['q1'], 3),
            'distinct grasps an object': _number(report['diversity']['distinct'], 1),
            'penetration mm': _number(report['penetration_mm'], 2),
        },
        parts=[
            section(
                'Protocols',
                table(
                    ['protocol', 'grasps', '95 %', 'objects', 'n', 'failed'],
                    _protocol_rows(protocols),
                ),
            ),
            columns(
                section('Objects', table(['object', *protocols], _object_rows(report))),
                reasons('Failed for', reasons_of_all),
            ),
            *_figures(path, first, results),
            left_out(report['failed_objects']),
        ],
    ).write(path)


def _protocol_rows(protocols: dict[str, Any]) -> list[list[str]]:
    return [
        [
            name,
            _percent(section['grasp_success']),
            '-' if section['interval'] is None
            else ' - '.join(f'{100 * value:.0f}' for value in section['interval']),
            _percent(section['object_success']),
            str(section['n']),
            ', '.join(f'{count} {reason}' for reason, count in section['reasons'].items()) or '-',
        ]
        for name, section in protocols.items()
    ]  # fmt: skip


def _object_rows(report: dict[str, Any]) -> list[list[str]]:
    rows = sorted(report['by_object'].items(), key=lambda item: sum(item[1].values()))
    return [[name, *(_percent(rate) for rate in rates.values())] for name, rates in rows]


def _figures(path: Path, protocol: str, results: Sequence[ObjectResult]) -> list[str]:
    """The object with most successes, and the one with fewest, with grasps of both kinds."""
    if not results:
        return []
    rates = [result.evaluations[protocol].success.mean() for result in results]
    found = []
    for words, index in (('Best', int(np.argmax(rates))), ('Worst', int(np.argmin(rates)))):
        picture = path.with_name(f'{path.stem}.{words.lower()}.png')
        draw_object(picture, results[index], protocol)
        found.append(figure(f'{words}: {results[index].name}', picture))
    return found


def draw_object(path: Path, result: ObjectResult, protocol: str) -> None:
    """Draw the first few grasps of an object that succeed, and that fail."""
    evaluation, grasps = result.evaluations[protocol], result.grasps
    good = np.flatnonzero(evaluation.success)[:_SHOWN]
    bad = np.flatnonzero(~evaluation.success)[:_SHOWN]
    hand = HandModel(load_hand(grasps.hand))
    order = [grasps.joint_names.index(name) for name in hand.kinematics.joint_names]
    tiles = []
    for row in [*good, *bad]:
        succeeds = bool(evaluation.success[row])
        reason = FailureReason(int(evaluation.reason[row])).name.lower().replace('_', ' ')
        where = f'{evaluation.stage[row]} {evaluation.engine[row]}'.strip()
        tiles.append(
            GalleryTile(
                grasps.object_T_hand[row],
                grasps.grasp[row][order],
                'holds' if succeeds else reason,
                f'grasp {row}' if succeeds else f'grasp {row}, {where}',
                GREEN if succeeds else RED,
            )
        )
    body = fuse([convex_part(part) for part in grasps.object_parts], gap=_GAP)
    headline = Headline(
        result.name, f'{int(evaluation.success.sum())} of {len(grasps)} succeed by {protocol}'
    )
    draw_tiles(path, headline, hand, (body.vertices, body.faces), tiles)


def _percent(value: float | None) -> str:
    return '-' if value is None else f'{100 * value:.1f} %'


def _number(value: Any, digits: int) -> str:
    if isinstance(value, dict):
        return ' / '.join(f'{key} {item:.{digits}f}' for key, item in value.items())
    return '' if value is None else f'{value:.{digits}f}'
