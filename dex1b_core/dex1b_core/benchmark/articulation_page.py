"""A benchmark of grasps that open things as one web page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.check import ArticulationChecker
from dex1b_core.articulation.protocol import Reason
from dex1b_core.benchmark.articulation_bench import ObjectResult
from dex1b_core.robots import load_hand
from dex1b_core.simulation.urdf_bodies import TreeSource
from dex1b_core.viz.articulation_film import draw_articulation
from dex1b_core.viz.page import RunPage, columns, figure, left_out, reasons, section, table


def write_articulation_page(
    path: Path, report: dict[str, Any], results: Sequence[ObjectResult], command: str
) -> None:
    """Write the page, and its pictures beside it.

    Args:
        path: Of the page (.html).
        report: `bench_articulation`'s.
        results: What it is about.
        command: That repeats it.
    """
    criteria = report['criteria']
    title = f'{report["hand"]} opens {len(report["objects"])} objects'
    words = ', '.join(f'{_percent(criteria[name]["success"])} {name}' for name in criteria)
    path.parent.mkdir(parents=True, exist_ok=True)
    RunPage(
        title=title,
        command=command,
        versions=report['versions'],
        verdict=words,
        good=criteria['strict']['success'] >= 0.5,
        values={
            'grasps': criteria['dex1b']['n'],
            'seed': report['seed'],
            'wall clock': f'{report["seconds"]:.0f} s',
            'making them': f'{report["making_s"]:.0f} s',
            'judging them': f'{report["checking_s"]:.0f} s',
        },
        parts=[
            section(
                'Criteria',
                table(['criterion', 'grasps', '95 %', 'objects', 'n', 'failed'], _rows(criteria)),
            ),
            section(
                'Categories',
                table(
                    ['category', 'n', 'dex1b', 'strict', 'failed (strict)'], _categories(criteria)
                ),
            ),
            columns(
                section('Objects', table(['object', *criteria], _objects(report))),
                *(reasons(f'Failed for ({n})', criteria[n]['reasons']) for n in criteria),
            ),
            *_figures(path, report['hand'], results),
            left_out(report['failed_objects']),
        ],
    ).write(path)


def _rows(criteria: dict[str, Any]) -> list[list[str]]:
    return [
        [
            name,
            _percent(section['success']),
            ' - '.join(f'{100 * value:.0f}' for value in section['interval']),
            _percent(section['object_success']),
            str(section['n']),
            _counts(section['reasons']),
        ]
        for name, section in criteria.items()
    ]


def _categories(criteria: dict[str, Any]) -> list[list[str]]:
    strict = criteria['strict']['by_category']
    return [
        [name, str(own['n']), _percent(own['success']), _percent(strict[name]['success']),
         _counts(strict[name]['reasons'])]
        for name, own in criteria['dex1b']['by_category'].items()
    ]  # fmt: skip


def _objects(report: dict[str, Any]) -> list[list[str]]:
    rows = sorted(
        report['by_object'].items(), key=lambda item: item[1]['dex1b'] + item[1]['strict']
    )
    return [
        [name, *(_percent(rates[c]) if c in rates else '' for c in report['criteria'])]
        for name, rates in rows
    ]


def _figures(path: Path, hand: str, results: Sequence[ObjectResult]) -> list[str]:
    """One grasp of each category that opens its object, and one that does not."""
    source = TreeSource.of_hand(load_hand(hand))
    shown: set[tuple[str, bool]] = set()
    found = []
    for result in results:
        for row, verdict in enumerate(result.verdicts):
            opened = verdict.trials[0].strict is Reason.NONE
            if (result.category, opened) in shown:
                continue
            shown.add((result.category, opened))
            checker = ArticulationChecker(source, load_articulated(result.name))
            stem = f'{path.stem}.{Path(result.name).stem.replace(":", "-")}.{row}.png'
            draw_articulation(path.with_name(stem), checker, result.grasps, row)
            found.append(figure(f'{result.name}, grasp {row}', path.with_name(stem)))
    return found


def _counts(reasons: dict[str, int]) -> str:
    return ', '.join(f'{count} {reason}' for reason, count in reasons.items()) or '-'


def _percent(value: float) -> str:
    return f'{100 * value:.1f} %'
