"""Grasps that open things: made for many articulated objects and judged by three criteria."""

from __future__ import annotations

import multiprocessing
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dex1b_core import __version__
from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.articulation.check import ArticulationChecker, ArticulationVerdict
from dex1b_core.articulation.grasps import ArticulationGrasps
from dex1b_core.articulation.learned import LearnedArticulationSynthesizer
from dex1b_core.articulation.protocol import SWEEP, ArticulationProtocol, Reason
from dex1b_core.articulation.synthesizer import ArticulationSynthesizer
from dex1b_core.benchmark.object_list import object_list
from dex1b_core.config import config_folder
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.model.checkpoint import load_checkpoint
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.urdf_bodies import TreeSource
from dex1b_core.simulation.verdicts import wilson

Report = dict[str, Any]

SPLIT = ('test-instances', 'test-categories')
CRITERIA = ('dex1b', 'strict', 'dexart')
CLOUD_POINTS = 1024  # of the moving part, that a network is shown
LIBRARIES = ('mujoco', 'numpy', 'scipy', 'torch')


@dataclass(frozen=True)
class ArticulationBenchSettings:
    """What is benchmarked.

    Attributes:
        hand: Its name or file.
        objects: As `load_articulated` takes them.
        count: Grasps of each object, the best by prediction.
        seed: Of the grasps.
        workers: Processes.
        checkpoint: Of the network that proposes; None is the optimiser alone.
    """

    hand: str
    objects: tuple[str, ...]
    count: int = 4
    seed: int = 0
    workers: int = 1
    checkpoint: Path | None = None


@dataclass(frozen=True)
class ObjectResult:
    """One object.

    Attributes:
        name: As it was asked for.
        category: '' of a file.
        grasps: What was made.
        verdicts: Of each.
        making_s, checking_s: How long both took [s].
    """

    name: str
    category: str
    grasps: ArticulationGrasps
    verdicts: tuple[ArticulationVerdict, ...]
    making_s: float
    checking_s: float


def articulated_names(what: str) -> list[str]:
    """Objects from 'split' (what is kept for reports), or as `object_list` takes them."""
    if what != 'split':
        return object_list(what)
    folder = config_folder() / 'split' / 'articulation'
    return [name for part in SPLIT for name in object_list(str(folder / f'{part}.txt'))]


def bench_articulation(
    settings: ArticulationBenchSettings,
    on_object: Callable[[str, ObjectResult | str], None] = lambda name, result: None,
) -> tuple[Report, list[ObjectResult]]:
    """Make grasps of every object and judge them.

    Args:
        settings: What.
        on_object: Called after each object with its result, or why there is none.

    Raises:
        Dex1bError: NO_CANDIDATES when nothing could be made for any object.
    """
    start = time.perf_counter()
    results: list[ObjectResult] = []
    failures: dict[str, str] = {}
    for name, result in _results(settings):
        if isinstance(result, str):
            failures[name] = result
        else:
            results.append(result)
        on_object(name, result)
    if not results:
        reasons = '; '.join(f'{name}: {why}' for name, why in failures.items())
        raise Dex1bError(ErrorCode.NO_CANDIDATES, f'no grasps for any object; {reasons}')
    report = articulation_report(settings, results, failures)
    return report | {'seconds': round(time.perf_counter() - start, 1)}, results


def articulation_report(
    settings: ArticulationBenchSettings,
    results: Sequence[ObjectResult],
    failures: dict[str, str],
) -> Report:
    """Rates over all grasps by criterion, category and object."""
    return {
        'hand': settings.hand,
        'objects': [result.name for result in results],
        'failed_objects': failures,
        'n_per_object': settings.count,
        'seed': settings.seed,
        'generator': 'optimizer' if settings.checkpoint is None else 'dexsimple',
        'checkpoint': None if settings.checkpoint is None else settings.checkpoint.name,
        'criteria': {
            name: _criterion(name, results) for name in CRITERIA if criterion_reasons(results, name)
        },
        'by_object': {
            result.name: {name: _rate(own) for name in CRITERIA
                          if (own := criterion_reasons([result], name))}
            for result in results
        },
        'protocol': asdict(ArticulationProtocol()) | {'sweep': [asdict(c) for c in SWEEP]},
        'making_s': round(sum(result.making_s for result in results), 1),
        'checking_s': round(sum(result.checking_s for result in results), 1),
        'versions': {
            'dex1b_core': __version__,
            'python': platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }  # fmt: skip


def _results(settings: ArticulationBenchSettings) -> Iterator[tuple[str, ObjectResult | str]]:
    """In the order of the objects."""
    tasks = [(settings, name) for name in settings.objects]
    if settings.workers == 1:
        yield from zip(settings.objects, map(_one, tasks), strict=True)
        return
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(settings.workers, mp_context=context) as pool:
        yield from zip(settings.objects, pool.map(_one, tasks), strict=True)


def _one(task: tuple[ArticulationBenchSettings, str]) -> ObjectResult | str:
    settings, name = task
    torch.set_num_threads(1)
    hand = HandModel(load_hand(settings.hand))
    begin = time.perf_counter()
    try:
        target = load_articulated(name)
        made = _made(hand, target, settings)
    except Dex1bError as error:
        return error.message
    middle = time.perf_counter()
    checker = ArticulationChecker(TreeSource.of_hand(hand.hand), target)
    verdicts = tuple(checker.check(made, row) for row in range(len(made)))
    end = time.perf_counter()
    return ObjectResult(name, target.category, made, verdicts, middle - begin, end - middle)


def _made(
    hand: HandModel, target: ArticulatedObject, settings: ArticulationBenchSettings
) -> ArticulationGrasps:
    count, seed = settings.count, settings.seed
    if settings.checkpoint is None:
        return ArticulationSynthesizer(hand).synthesize(target, count, seed=seed)
    model, _ = load_checkpoint(settings.checkpoint, hand)
    samples = SurfaceSamples.of_solid(target.moving_solid(target.start))
    cloud = samples.full(CLOUD_POINTS, np.random.default_rng(seed))
    return LearnedArticulationSynthesizer(hand, model).synthesize(target, cloud, count, seed=seed)


def _criterion(name: str, results: Sequence[ObjectResult]) -> Report:
    reasons = criterion_reasons(results, name)
    asked = [result for result in results if criterion_reasons([result], name)]
    by_category: dict[str, list[Reason]] = {}
    for result in asked:
        own = by_category.setdefault(result.category or Path(result.name).stem, [])
        own += criterion_reasons([result], name)
    interval = wilson(sum(reason is Reason.NONE for reason in reasons), len(reasons))
    section: Report = {
        'success': _rate(reasons),
        'interval': None if interval is None else [round(v / 100, 4) for v in interval],
        'n': len(reasons),
        'object_success': sum(Reason.NONE in criterion_reasons([result], name) for result in asked)
        / len(asked),
        'by_category': {
            category: {'success': _rate(own), 'n': len(own), 'reasons': _counts(own)}
            for category, own in by_category.items()
        },
        'reasons': _counts(reasons),
    }  # fmt: skip
    if name == 'strict':
        conditions = Counter(
            verdict.condition for result in results for verdict in result.verdicts
        )  # fmt: skip
        section['failed_in'] = {c.name: conditions[c.name] for c in SWEEP}
    return section


def criterion_reasons(results: Sequence[ObjectResult], name: str) -> list[Reason]:
    """Of a criterion, of every grasp that it is asked of."""
    found = [getattr(verdict, name) for result in results for verdict in result.verdicts]
    return [reason for reason in found if reason is not None]


def _counts(reasons: Sequence[Reason]) -> dict[str, int]:
    failed = Counter(reason.value for reason in reasons if reason is not Reason.NONE)
    return dict(failed.most_common())


def _rate(reasons: Sequence[Reason]) -> float:
    return round(sum(reason is Reason.NONE for reason in reasons) / max(1, len(reasons)), 4)
