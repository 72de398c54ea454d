"""Grasps to, and from, the file format of DexGraspBench."""

from dex1b_core.benchmark.dexgraspbench.export import dexgraspbench_command, export_dexgraspbench
from dex1b_core.benchmark.dexgraspbench.hand import PUBLISHED_HANDS, BenchHand
from dex1b_core.benchmark.dexgraspbench.reading import import_dexgraspbench
from dex1b_core.benchmark.dexgraspbench.results import BenchResults, read_dexgraspbench_results

__all__ = [
    'PUBLISHED_HANDS',
    'BenchHand',
    'BenchResults',
    'dexgraspbench_command',
    'export_dexgraspbench',
    'import_dexgraspbench',
    'read_dexgraspbench_results',
]
