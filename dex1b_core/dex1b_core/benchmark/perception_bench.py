"""Segmentation of real depth captures measured: agreement with the truth, and time."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from dex1b_core.benchmark.captures import (
    FIRST_OBJECT,
    LabelledCapture,
    capture_folders,
    read_capture,
)
from dex1b_core.benchmark.plain_segmentation import cluster_image, plain_clusters
from dex1b_core.benchmark.segmentation_metrics import SceneScore, score_segmentation, summarise
from dex1b_core.errors import Dex1bError
from dex1b_core.perception import PerceptionSettings, segment

_PACKAGES = ('dex1b_core', 'numpy', 'opencv-python-headless', 'open3d', 'scipy')
CAPTURE_SETTINGS = PerceptionSettings(
    workspace_lower=(-2, -2, -0.1), workspace_upper=(2, 2, 1), plane_max_tilt=0.7, min_points=300
)


@dataclass(frozen=True)
class PerceptionBenchSettings:
    """What to measure.

    Attributes:
        data: Folder of scenes; see `captures`.
        repeats: Timed runs of each scene, after one that is not timed.
        plain: Also measure the plain pipeline.
        perception: One set of parameters for all scenes.
    """

    data: Path
    repeats: int = 3
    plain: bool = True
    perception: PerceptionSettings = CAPTURE_SETTINGS


@dataclass(frozen=True)
class Timing:
    """Of one run.

    Attributes:
        ms: From depth to labels, as `Pipeline.timed` says.
        wall_ms: On the clock, which other processes disturb.
    """

    ms: float
    wall_ms: float


class Pipeline(Protocol):
    """Something that finds objects in a capture.

    Attributes:
        name: For the report.
        timed: What `Timing.ms` and `Timing.wall_ms` are, in words.
    """

    name: str
    timed: dict[str, str]

    def __call__(
        self, capture: LabelledCapture, repeats: int
    ) -> tuple[NDArray[np.int32], tuple[Timing, ...]]:
        """Label image (H, W), 0 = no object, and the times of `repeats` runs.

        Raises:
            Dex1bError: it finds nothing, or refuses the capture.
        """
        ...


class LibraryPipeline:
    """`segment`, called here."""

    def __init__(self, perception: PerceptionSettings) -> None:
        self.name = 'library'
        self.timed = {'ms': 'processor time of segment', 'wall_ms': 'of the same, on the clock'}
        self._perception = perception

    def __call__(
        self, capture: LabelledCapture, repeats: int
    ) -> tuple[NDArray[np.int32], tuple[Timing, ...]]:
        """See `Pipeline`."""
        found, timings = _timed(
            lambda: segment([capture.frame], settings=self._perception), repeats
        )
        return found.labels[0], timings


@dataclass(frozen=True)
class Measured:
    """What one pipeline made of a scene; `error` says why it found nothing."""

    labels: NDArray[np.int32] = field(repr=False)
    score: SceneScore
    timings: tuple[Timing, ...]
    error: str = ''


@dataclass(frozen=True)
class SceneResult:
    """One scene; `plain` is None where it was not asked for."""

    capture: LabelledCapture = field(repr=False)
    ours: Measured
    plain: Measured | None


def bench_perception(
    settings: PerceptionBenchSettings,
    show: Callable[[SceneResult], None] = lambda _: None,
    pipeline: Pipeline | None = None,
) -> tuple[dict[str, Any], list[SceneResult]]:
    """Measure every scene of a folder, on one core.

    Timed is everything from the depth image in metres to the label image: flying pixels,
    deprojection, crop, support plane, normals, instances. The plain pipeline is timed from the
    same image to its clusters, without carrying their labels back to pixels.

    Args:
        settings: What to measure.
        show: Called with each scene.
        pipeline: Finds the objects; None = the library, in this process.

    Returns:
        The report (see `perception_report`) and the scenes.

    Raises:
        Dex1bError: INVALID_REQUEST for a folder of another layout, DEPTH_EMPTY, NO_PLANE.
    """
    folders = capture_folders(settings.data)
    pipeline = pipeline or LibraryPipeline(settings.perception)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    results = []
    try:
        for folder in folders:
            capture = read_capture(folder, settings.perception)
            results.append(_measure(capture, settings, pipeline))
            show(results[-1])
    finally:
        cv2.setNumThreads(threads)
    return perception_report(settings, results, pipeline), results


def _measure(
    capture: LabelledCapture, settings: PerceptionBenchSettings, pipeline: Pipeline
) -> SceneResult:
    truth = np.where(capture.truth >= FIRST_OBJECT, capture.truth, 0)
    frame = capture.frame
    timings: tuple[Timing, ...]
    try:
        labels, timings = pipeline(capture, settings.repeats)
        error = ''
    except Dex1bError as refusal:
        labels, timings = np.zeros(truth.shape, np.int32), ()
        error = f'{refusal.error_code.name}: {refusal.message}'
    ours = Measured(labels, score_segmentation(labels, truth), timings, error)
    if not settings.plain:
        return SceneResult(capture, ours, None)
    clusters, timings = _timed(lambda: plain_clusters(frame), settings.repeats)
    labels = cluster_image(clusters, frame)
    return SceneResult(capture, ours, Measured(labels, score_segmentation(labels, truth), timings))


def _timed(work: Callable[[], Any], repeats: int) -> tuple[Any, tuple[Timing, ...]]:
    found = work()
    timings = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        timings.append(
            Timing(
                ms=(time.process_time() - cpu) * 1e3,
                wall_ms=(time.perf_counter() - wall) * 1e3,
            )
        )
    return found, tuple(timings)


def perception_report(
    settings: PerceptionBenchSettings, results: Sequence[SceneResult], pipeline: Pipeline
) -> dict[str, Any]:
    """The report, ready for JSON.

    Keys: those of `summarise`; `ms` and `wall_ms` with p50 and p99 over all timed runs, which
    `pipeline` and `timed` explain; `scenes`, one row each; `plain`, the same figures of the plain
    pipeline by processor time, or None; `objects`, `settings`, `seed`, `versions`, `machine`.
    """
    plain = [result.plain for result in results if result.plain is not None]
    return {
        **_figures([result.ours for result in results]),
        'pipeline': pipeline.name,
        'timed': pipeline.timed,
        'plain': _figures(plain) if plain else None,
        'objects': sum(len(result.capture.objects) for result in results),
        'scenes': [_row(result) for result in results],
        'seed': 0,
        'settings': {
            'data': settings.data.name,
            'repeats': settings.repeats,
            'perception': settings.perception.model_dump(mode='json'),
        },
        'versions': {name: _version(name) for name in _PACKAGES},
        'machine': {'processor': _processor(), 'python': platform.python_version(), 'cores': 1},
    }


def _figures(measured: Sequence[Measured]) -> dict[str, Any]:
    timings = [timing for one in measured for timing in one.timings]
    return summarise([one.score for one in measured]) | {
        'ms': _percentiles([timing.ms for timing in timings]),
        'wall_ms': _percentiles([timing.wall_ms for timing in timings]),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    points = (('p50', 50), ('p99', 99))
    return {name: float(np.percentile(values, at)) if values else np.nan for name, at in points}


def _row(result: SceneResult) -> dict[str, Any]:
    score = result.ours.score
    return {
        'scene': result.capture.name,
        'objects': len(score.ious),
        'found': score.found,
        'f_score': score.f_score,
        'precision': score.precision,
        'recall': score.recall,
        'ious': score.ious.round(4).tolist(),
        'over_seg': score.over_seg,
        'under_seg': score.under_seg,
        'ms': _percentiles([timing.ms for timing in result.ours.timings])['p50'],
        'error': result.ours.error,
        'plain_f_score': None if result.plain is None else result.plain.score.f_score,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    """Its name, as Linux tells it."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor()
