"""What the benchmarks share: verdicts on grasps, in memory or in a file."""

from __future__ import annotations

from pathlib import Path

from dex1b_core.data import GraspSet, read_grasps
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.verdicts import Verdicts


def judge(source: GraspSet | Path, protocol: HoldProtocol, *, jobs: int = 1) -> Verdicts:
    """Judge in MuJoCo on `jobs` processes; 1 works in this one. The verdicts are the same."""
    grasps = source if isinstance(source, GraspSet) else read_grasps(source)
    with GraspJudge(source_of(grasps), workers=jobs if jobs > 1 else 0) as held:
        return held.judge(grasps, protocol)[0]
