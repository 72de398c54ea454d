"""The benchmark of axis estimation as one web page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dex1b_core.versions import versions
from dex1b_core.viz.page import RunPage, bars, columns, section, table


def axis_page(report: Mapping[str, Any], command: str) -> RunPage:
    """Of `bench_axis`."""
    sections = {**report['by_category'], 'all': report}
    heads = [
        'category', 'n', 'refused', 'kind right', 'axis ° p50', 'p90', 'position cm p50', 'p90',
        'displacement p50', 'p90',
    ]  # fmt: skip
    rows = [
        [
            name, str(own['n']), str(own['refused']), f'{own["kind_right"]:.0%}',
            *_spread(own['axis_deg'], 1), *_spread(own['position_cm'], 1),
            *_spread(own['displacement'], 3),
        ]
        for name, own in sections.items()
    ]  # fmt: skip
    medians = {n: own['axis_deg']['p50'] for n, own in sections.items() if own['axis_deg']}
    return RunPage(
        title=f'Joints of {len(report["objects"])} objects from two clouds',
        command=command,
        versions=versions(('dex1b_core', 'numpy', 'open3d', 'scipy')),
        verdict=f'kind right {report["kind_right"]:.0%}',
        good=report['kind_right'] >= 0.9,
        values={
            'estimates': report['n'],
            'seed': report['seed'],
            'noise': f'{1e3 * report["noise_m"]:g} mm',
            'points': report['points'],
            'wall clock': f'{report["seconds"]:.0f} s',
        },
        parts=[
            section('Errors', table(heads, rows)),
            columns(
                bars('Median error of the axis [°]', medians),
                bars('Refused', {n: float(o['refused']) for n, o in sections.items()}, digits=0),
            ),
        ],
    )


def _spread(values: Mapping[str, float] | None, digits: int) -> list[str]:
    if values is None:
        return ['-', '-']
    return [f'{values[name]:.{digits}f}' for name in ('p50', 'p90')]
