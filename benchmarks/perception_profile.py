"""Where the time of a segmented frame goes: medians of processor time over captures, by stage.

Each stage's functions are timed as `segment` calls them, so that the sum is the frame's own time;
what is between them is `rest`. On one core: OMP_NUM_THREADS=1.

usage: python -m benchmarks.perception_profile --data DIR [--repeats 5]
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from dex1b_core.benchmark.captures import read_captures
from dex1b_core.benchmark.perception_bench import CAPTURE_SETTINGS
from dex1b_core.perception import instances, segment, segmentation

STAGES: dict[str, tuple[tuple[ModuleType, str], ...]] = {
    'points and crop': ((segmentation, '_cloud'),),
    'support plane': ((segmentation, 'find_support_plane'), (segmentation, 'plane_noise')),
    'above the plane, flying pixels': ((segmentation, '_above'),),
    'grid and normals': ((instances, 'grid_surface'),),
    'faces': ((instances, 'label_patches'),),
    'contacts and joining': ((instances, 'find_contacts'), (instances, 'join_patches')),
    'vessels': ((instances, 'join_hollows'),),
    'hidden parts': ((instances, 'join_occluded'),),
    'back to pixels': ((instances, '_refine'), (instances, '_drop_specks')),
    'structures': ((segmentation, 'split_structures'),),
}


@contextmanager
def timed(spent: dict[str, float]) -> Iterator[None]:
    """Add the processor time of each stage [s] to `spent`."""

    def watched(stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.process_time()
            try:
                return work(*args, **kwargs)
            finally:
                spent[stage] += time.process_time() - started

        return call

    with ExitStack() as patches:
        for stage, functions in STAGES.items():
            for module, name in functions:
                wrapped = watched(stage, getattr(module, name))
                patches.enter_context(patch.object(module, name, wrapped))
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--repeats', type=int, default=5)
    args = parser.parse_args()
    rows = defaultdict(list)
    for capture in read_captures(args.data, CAPTURE_SETTINGS):
        segment([capture.frame], settings=CAPTURE_SETTINGS)
        for _ in range(args.repeats):
            spent: dict[str, float] = dict.fromkeys(STAGES, 0.0)
            with timed(spent):
                started = time.process_time()
                segment([capture.frame], settings=CAPTURE_SETTINGS)
                whole = time.process_time() - started
            for stage, seconds in spent.items():
                rows[stage].append(1e3 * seconds)
            rows['rest'].append(1e3 * (whole - sum(spent.values())))
            rows['whole frame'].append(1e3 * whole)
    for stage, values in rows.items():
        print(f'{stage:32} p50 {np.median(values):5.1f}  p99 {np.percentile(values, 99):5.1f} ms')


if __name__ == '__main__':
    main()
