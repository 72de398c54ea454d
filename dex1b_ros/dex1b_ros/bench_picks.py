"""Picks in a row from one stack that is never restarted: success, memory, handles, orphans."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.versions import versions
from dex1b_ros.bringup import Stack, own_domain
from dex1b_ros.commander import Commander
from dex1b_ros.demo import HOLD_S, LIFT_M, VELOCITY_SCALING
from dex1b_ros.demo_recorder import DemoRecorder, longest_hold
from dex1b_ros.node_list import StackOptions
from dex1b_ros.processes import Usage, is_alive, usage
from dex1b_ros.sim_bench import SimBench

_READY_S = 90.0
_PLACINGS = 10  # tries to stand an object on the table
_WARM = 3  # picks until everything is loaded


@dataclass(frozen=True)
class PickBenchSettings:
    """What is picked.

    Attributes:
        objects: Names that the simulation takes; each pick draws one.
        count: Picks.
        seed: Of objects, places and plans.
        robot: Name under config/robots.
        generator: 'optimizer', 'dexsimple', 'heuristic'; '' = the parameter file's.
        folder: For the nodes' logs.
    """

    objects: Sequence[str]
    count: int
    seed: int
    robot: str
    generator: str
    folder: Path


def bench_picks(
    settings: PickBenchSettings, on_row: Callable[[dict[str, Any]], None] = lambda row: None
) -> dict[str, Any]:
    """Pick again and again; ground truth judges as in the demo.

    Args:
        settings: What is picked.
        on_row: Called with each pick's row.

    Returns:
        {'lifted', 'n', 'per_object', 'stages' (median seconds), 'memory_mb' and 'handles' (by node,
        after the third pick and at the end), 'orphans', 'resets', 'seed', 'rows', ...}.

    Raises:
        Dex1bError: NODE_UNAVAILABLE when the stack does not start or a node ends.
    """
    own_domain()
    random = np.random.default_rng(settings.seed)
    options = StackOptions(
        robot=settings.robot, object=settings.objects[0], seed=1, execute=True,
        generator=settings.generator,
    )  # fmt: skip
    rows: list[dict[str, Any]] = []
    used: list[dict[str, Usage]] = []
    with Stack(options, log_folder=settings.folder) as stack:
        with Commander(use_sim_time=True) as commander:
            commander.wait_until_ready(_READY_S, stack.require_alive)
            picker = _Picker(commander)
            for number in range(settings.count):
                stack.require_alive()
                rows.append({'pick': number} | picker.pick(settings.objects, random))
                used.append({name: usage(pid) for name, pid in stack.pids.items()})
                rows[-1]['memory_mb'] = {
                    name: round(one.memory_mb, 1) for name, one in used[-1].items()
                }
                on_row(rows[-1])
        pids = {pid for row in used for one in row.values() for pid in one.pids}
    time.sleep(1.0)  # children end after their parents
    return {
        'lifted': sum(row['lifted'] for row in rows),
        'n': len(rows),
        'per_object': _per_object(rows),
        'stages': _median_seconds(rows),
        'memory_mb': _growth(used, lambda one: round(one.memory_mb, 1)),
        'handles': _growth(used, lambda one: one.handles),
        'orphans': sorted(pid for pid in pids if is_alive(pid)),
        'resets': picker.resets,
        'robot': settings.robot,
        'generator': settings.generator or 'as configured',
        'seed': settings.seed,
        'objects': list(settings.objects),
        'versions': versions(),
        'rows': rows,
    }


class _Picker:
    """One pick after the other in the same stack."""

    def __init__(self, commander: Commander) -> None:
        self._commander = commander
        self._bench = SimBench(commander.node)
        self._recorder = DemoRecorder(commander.node)
        self._recorder.drop_camera()
        self.resets = 0

    def pick(self, objects: Sequence[str], random: np.random.Generator) -> dict[str, Any]:
        """Put an object on the table and pick it."""
        from dex1b_ros.reports import pick_report

        name = str(random.choice(list(objects)))
        seed = self._put(name, random)
        begin = time.monotonic()
        self._recorder.clear()
        self._wait_for_truth()
        result = self._commander.pick(
            seed=seed, velocity_scaling=VELOCITY_SCALING, hold_duration=HOLD_S + 0.5
        )
        times, heights = self._recorder.height_curve()
        report = pick_report(result)
        hold_s = longest_hold(times, heights, LIFT_M)
        if report['error'] not in ('NONE', 'ALL_FAILED', 'NO_CANDIDATES'):
            self._bench.reset()
            self.resets += 1
        return {
            'object': name, 'seed': seed, 'lifted': bool(hold_s >= HOLD_S),
            'lift_height_m': round(float(heights.max(initial=0.0)), 4),
            'hold_s': round(hold_s, 2), 'wall_s': round(time.monotonic() - begin, 2),
            **{key: report[key] for key in
               ('error', 'error_msg', 'object_held', 'executed_id', 'stages', 'rejections')},
        }  # fmt: skip

    def _put(self, name: str, random: np.random.Generator) -> int:
        """Where it stands: the seed. Some objects fall over in some places."""
        for _ in range(_PLACINGS):
            seed = int(random.integers(1, 2**31 - 1))
            try:
                self._bench.put(name, seed)
            except Dex1bError as error:
                if error.error_code is not ErrorCode.SIM_ERROR:
                    raise
            else:
                return seed
        raise Dex1bError(
            ErrorCode.SIM_ERROR, f"'{name}' does not stand on the table with {_PLACINGS} seeds"
        )

    def _wait_for_truth(self) -> None:
        deadline = time.monotonic() + _READY_S
        while not self._recorder.poses:
            if time.monotonic() > deadline:
                raise Dex1bError(
                    ErrorCode.NODE_UNAVAILABLE,
                    f'no pose of the object within {_READY_S:.0f} s; see the log of sim_robot',
                )
            time.sleep(0.05)


def _per_object(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        one = found.setdefault(row['object'], {'lifted': 0, 'n': 0})
        one['lifted'] += row['lifted']
        one['n'] += 1
    return dict(sorted(found.items()))


def _median_seconds(rows: list[dict[str, Any]]) -> dict[str, float]:
    seconds: dict[str, list[float]] = {}
    for row in rows:
        for stage in row['stages']:
            seconds.setdefault(stage['stage'], []).append(stage['seconds'])
    return {name: round(float(np.median(values)), 3) for name, values in seconds.items()}


def _growth(
    used: list[dict[str, Usage]], value: Callable[[Usage], float]
) -> dict[str, dict[str, float]]:
    """Of each node once everything is loaded, and at the end."""
    if not used:
        return {}
    first = used[min(_WARM, len(used)) - 1]
    return {
        name: {'first': value(first[name]), 'last': value(one)} for name, one in used[-1].items()
    }
