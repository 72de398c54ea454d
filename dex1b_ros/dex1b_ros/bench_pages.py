"""Benchmarks of the running stack as web pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from dex1b_core.versions import versions
from dex1b_core.viz.page import RunPage, columns, reasons, section, stages, table, words

Report = Mapping[str, Any]


def demos_page(report: Report, command: str) -> RunPage:
    """Of `bench_demos`."""
    rows = report['rows']
    return RunPage(
        title=f'Demos on {report["n"]} objects',
        command=command,
        versions=versions(),
        verdict=f'lifted {report["lifted"]} of {report["n"]}',
        good=report['lifted'] == report['n'],
        values={'robot': report['robot'], 'seed': report['seed']},
        parts=[section('Objects', _lifts(rows)), columns(_errors(rows), _medians(rows))],
    )


def picks_page(report: Report, command: str) -> RunPage:
    """Of `bench_picks`."""
    rows = report['rows']
    memory = [
        [node, f'{own["first"]:.0f}', f'{own["last"]:.0f}',
         *(str(report['handles'][node][when]) for when in ('first', 'last'))]
        for node, own in report['memory_mb'].items()
    ]  # fmt: skip
    objects = [
        [name, str(own['lifted']), str(own['n'])] for name, own in report['per_object'].items()
    ]
    rejected: Counter[str] = Counter()
    for row in rows:
        for item in row['rejections']:
            rejected[item['reason']] += item['count']
    return RunPage(
        title=f'{report["n"]} picks in a row',
        command=command,
        versions=report['versions'],
        verdict=f'lifted {report["lifted"]} of {report["n"]}',
        good=report['lifted'] >= 0.9 * report['n'],
        values={
            'robot': report['robot'],
            'generator': report['generator'],
            'seed': report['seed'],
            'resets': str(report['resets']),
            'orphans': str(len(report['orphans'])),
        },
        parts=[
            columns(
                section('Objects', table(['object', 'lifted', 'of'], objects)),
                stages(
                    {'stage': f'{name}, median', 'seconds': seconds}
                    for name, seconds in report['stages'].items()
                ),
            ),
            columns(_errors(rows), reasons('Candidates rejected for', rejected)),
            section(
                'Nodes, after the third pick and at the end',
                table(['node', 'MB', 'MB at the end', 'handles', 'at the end'], memory),
            ),
            section('Picks', _lifts(rows)),
        ],
    )


def faults_page(report: Report, command: str) -> RunPage:
    """Of `bench_faults`."""
    bad = {name: report[name] for name in ('unsafe', 'unjudged', 'unexpected', 'unrecovered')}
    rows = [
        [
            row['fault'], row['stage'].lower(),
            'safe' if row['unsafe_motion'] is False else '; '.join(row['unsafe']),
            words(row['error_code']), '-' if row['seconds'] is None else f'{row["seconds"]:.2f}',
            'yes' if row['expected'] else 'no', 'yes' if row['recovered'] else 'no',
        ]
        for row in report['rows']
    ]  # fmt: skip
    heads = ['fault', 'in stage', 'motion', 'answer', 'rest [s]', 'expected', 'recovered']
    return RunPage(
        title=f'{report["n"]} faults in real processes',
        command=command,
        versions=versions(),
        verdict=', '.join(f'{count} {name}' for name, count in bad.items() if count)
        or 'no unsafe motion',
        good=not any(bad.values()),
        values={name: str(count) for name, count in bad.items()} | {'seed': 'none is drawn'},
        parts=[
            section('Faults', table(heads, rows)),
            reasons('Answers', Counter(row['error_code'] for row in report['rows'])),
        ],
    )


def stops_page(report: Report, command: str) -> RunPage:
    """Of `bench_stop`."""
    return RunPage(
        title=f'Picks of {report["n"]} objects, canceled in the lift',
        command=command,
        versions=versions(),
        verdict=f'held {report["held"]} of {report["n"]}',
        good=report['held'] == report['n'],
        values={'robot': report['robot'], 'seed': report['seed']},
        parts=[section('Objects', rows_table(report['rows']))],
    )


def idle_page(report: Report, command: str) -> RunPage:
    """Of `bench_idle`."""
    return RunPage(
        title='Start and idle load of the nodes',
        command=command,
        versions=versions(),
        values={'measured for': f'{report["seconds"]:.0f} s', 'seed': 'none is drawn'},
        parts=[section('Nodes', rows_table(report['rows']))],
    )


def stream_page(report: Report, command: str) -> RunPage:
    """Of `bench_stream`."""
    rows = [
        {'': name, 'Hz': report[name]['rate'], 'missed': report[name]['missed'],
         'of': report[name]['n'], 'CPU %': report[name]['cpu_percent'],
         **{f'{key} ms': value for key, value in report[name]['period_ms'].items()}}
        for name in ('streamer', 'timer')
    ]  # fmt: skip
    return RunPage(
        title=f'Positions streamed at {report["rate"]:g} Hz',
        command=command,
        versions=versions(),
        values={
            'scheduling': 'real-time' if report['realtime'] else 'normal',
            'planner beside it': 'yes' if report['load'] else 'no',
            'load average': report['load_average'],
            'cores': report['cores'],
            'seed': 'none is drawn',
        },
        parts=[section('Periods', rows_table(rows))],
    )


def rows_table(rows: Sequence[Report]) -> str:
    """Rows of a report that hold plain values; a column for each of their names."""
    heads = list(dict.fromkeys(name for row in rows for name in row))
    return table(
        [words(head) for head in heads], [[_shown(row.get(head)) for head in heads] for row in rows]
    )


def _shown(value: Any) -> str:
    if value is None:
        return '-'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, list):
        return ' '.join(map(str, value)) or '-'
    return f'{value:.4g}' if isinstance(value, float) else str(value)


def _lifts(rows: Sequence[Report]) -> str:
    kept = ('object', 'seed', 'success', 'lifted', 'lift_height_m', 'hold_s', 'wall_s', 'error')
    return rows_table([{name: row[name] for name in kept if name in row} for row in rows])


def _errors(rows: Sequence[Report]) -> str:
    failed = Counter(str(row['error']) for row in rows if row.get('error') not in (None, 'NONE'))
    return reasons('Picks that failed', failed)


def _medians(rows: Sequence[Report]) -> str:
    from statistics import median

    seconds: dict[str, list[float]] = {}
    for row in rows:
        for stage in row.get('stages') or []:
            seconds.setdefault(stage['stage'], []).append(stage['seconds'])
    return stages(
        {'stage': f'{name}, median', 'seconds': median(values)} for name, values in seconds.items()
    )
