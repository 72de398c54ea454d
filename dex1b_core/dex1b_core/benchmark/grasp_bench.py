"""Grasps of many objects, made, judged by protocols and measured; it goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dex1b_core.benchmark.evaluation import Evaluation, evaluate
from dex1b_core.benchmark.generators import GraspGenerator
from dex1b_core.benchmark.metrics import grasp_metrics
from dex1b_core.benchmark.protocols import protocol_named
from dex1b_core.data.grasp_set import GraspSet, read_grasps, write_grasps
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.object_model import object_file
from dex1b_core.simulation.engine import EngineName
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
from dex1b_core.simulation.verdicts import wilson
from dex1b_core.versions import versions

Report = dict[str, Any]


@dataclass(frozen=True)
class BenchSettings:
    """What is benchmarked.

    Attributes:
        hand: Its name or file.
        generator: Its name, for the report.
        objects: As `load_object` takes them.
        protocols: By name.
        count: Grasps of each object.
        seed: Of the generator and of perturbed worlds.
        folder: Where grasps and verdicts are kept; names of files end in a hash of what decides
            their content, so that nothing of other settings is taken for what is asked.
        workers: Processes of the physics.
        engines: Instead of the protocols' own.
    """

    hand: str
    generator: str
    objects: tuple[str, ...]
    protocols: tuple[str, ...]
    count: int
    seed: int
    folder: Path
    workers: int = 2
    engines: tuple[EngineName, ...] = ()


@dataclass(frozen=True)
class ObjectResult:
    """One object.

    Attributes:
        name: As it was asked for.
        grasps: What was made.
        wall_s: That making them took.
        evaluations: By protocol.
        metrics: Of the grasps, `GraspMetrics.as_dict`, success by the first protocol.
    """

    name: str
    grasps: GraspSet
    wall_s: float
    evaluations: dict[str, Evaluation]
    metrics: Report = field(default_factory=dict)


def bench_grasps(
    settings: BenchSettings,
    generator: GraspGenerator,
    on_object: Callable[[str, ObjectResult | str], None] = lambda name, result: None,
) -> tuple[Report, list[ObjectResult]]:
    """Run, or read what an earlier run left.

    Args:
        settings: What.
        generator: Makes the grasps.
        on_object: Called after each object with its result, or why there is none.

    Raises:
        Dex1bError: a protocol is unknown, or nothing could be made for any object.
    """
    for name in settings.protocols:
        protocol_named(name)
    settings.folder.mkdir(parents=True, exist_ok=True)
    results: list[ObjectResult] = []
    failures: dict[str, str] = {}
    judge: GraspJudge | None = None
    try:
        for name in settings.objects:
            try:
                path = _made(settings, generator, name)
                grasps = read_grasps(path)
            except Dex1bError as error:
                failures[name] = error.message
                on_object(name, error.message)
                continue
            judge = judge or GraspJudge(source_of(grasps), workers=settings.workers)
            results.append(_result(settings, judge, name, path, grasps))
            on_object(name, results[-1])
    finally:
        if judge is not None:
            judge.close()
    if not results:
        reasons = '; '.join(f'{name}: {why}' for name, why in failures.items())
        raise Dex1bError(ErrorCode.NO_CANDIDATES, f'no grasps for any object; {reasons}')
    return bench_report(settings, results, failures), results


def bench_report(
    settings: BenchSettings, results: Sequence[ObjectResult], failures: dict[str, str]
) -> Report:
    """Rates over all grasps, per protocol and object."""
    wall_s = sum(result.wall_s for result in results)
    first = settings.protocols[0]
    valid = sum(int(result.evaluations[first].success.sum()) for result in results)
    metrics = [result.metrics for result in results]
    return {
        'hand': settings.hand,
        'generator': settings.generator,
        'n': sum(len(result.grasps) for result in results),
        'objects': len(results),
        'failed_objects': failures,
        'seed': settings.seed,
        'versions': versions(),
        'wall_s': round(wall_s, 3),
        'valid_per_s': round(valid / wall_s, 3) if wall_s > 0 else None,
        'penetration_mm': _spread_mm([m['depths'] for m in metrics]),
        'q1': _mean([m['q1'] for m in metrics]),
        'diversity': {
            key: _mean([(m['success_diversity'] or {}).get(key) for m in metrics])
            for key in ('nearest', 'distinct', 'entropy_mean', 'entropy_std')
        },
        'protocols': {
            name: _section([result.evaluations[name] for result in results])
            for name in settings.protocols
        },
        'by_object': {
            result.name: {
                name: round(float(evaluation.success.mean()), 4)
                for name, evaluation in result.evaluations.items()
            }
            for result in results
        },
    }


def _made(settings: BenchSettings, generator: GraspGenerator, name: str) -> Path:
    """The file with the grasps of one object and `wall_s`, how long making them took."""
    stem = ''.join(c if c.isalnum() or c in '-_' else '-' for c in name)
    key = _key(generator.key, name, _content(name), settings.count, settings.seed)
    path = settings.folder / f'{stem}.n{settings.count}.s{settings.seed}.{key}.npz'
    if not path.is_file():
        start = time.perf_counter()
        grasps = generator(name, settings.count, settings.seed)
        write_grasps(path, grasps, {'wall_s': np.array(time.perf_counter() - start)})
    return path


def _content(name: str) -> bytes:
    """Of an object's mesh file; nothing for a shape, which its name decides."""
    if name.startswith('shape:'):
        return b''
    path = object_file(name)
    return path.read_bytes() if path.is_file() else b''


def _result(
    settings: BenchSettings, judge: GraspJudge, name: str, path: Path, grasps: GraspSet
) -> ObjectResult:
    content, evaluations, keys = path.read_bytes(), {}, {}
    for protocol in settings.protocols:
        asked = protocol_named(protocol)
        keys[protocol] = _key(path.name, content, asked, settings.engines, settings.seed)
        kept = path.with_suffix(f'.{protocol}.{keys[protocol]}.npz')
        if not kept.is_file():
            evaluate(
                judge, grasps, asked, engines=settings.engines, seed=settings.seed
            ).save(kept)  # fmt: skip
        evaluations[protocol] = Evaluation.load(kept)
    first = settings.protocols[0]
    kept = path.with_suffix(f'.metrics.{first}.{keys[first]}.json')
    if not kept.is_file():
        metrics = grasp_metrics(grasps, evaluations[first].success, seed=settings.seed)
        partial = kept.with_suffix('.partial')
        partial.write_text(json.dumps(metrics.as_dict(), indent=2) + '\n')
        partial.replace(kept)
    with np.load(path) as found:
        wall_s = float(found['wall_s'])
    return ObjectResult(name, grasps, wall_s, evaluations, json.loads(kept.read_text()))


def _key(*what: object) -> str:
    """Hash of what decides the content of a file."""
    return hashlib.sha256(repr(what).encode()).hexdigest()[:12]


def _section(evaluations: Sequence[Evaluation]) -> Report:
    success = np.concatenate([e.success for e in evaluations]) if evaluations else np.zeros(0)
    reasons: Counter[str] = Counter()
    for evaluation in evaluations:
        reasons.update(evaluation.reasons())
    interval = wilson(int(success.sum()), len(success))
    return {
        'grasp_success': float(success.mean()) if len(success) else None,
        'interval': None if interval is None else [round(v / 100, 4) for v in interval],
        'object_success': _mean([float(e.success.any()) for e in evaluations]),
        'n': len(success),
        'reasons': dict(reasons.most_common()),
        'processor_s': round(sum(e.seconds for e in evaluations), 2),
    }


def _spread_mm(depths: Sequence[Sequence[float]]) -> dict[str, float] | None:
    values = 1e3 * np.array([depth for own in depths for depth in own])
    if not len(values):
        return None
    p50, p95 = np.quantile(values, [0.5, 0.95])
    return {'p50': float(p50), 'p95': float(p95), 'max': float(values.max())}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
