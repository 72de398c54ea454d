"""Do grasps hold? A file of them through named protocols, with the reason of every failure.

    python examples/06_evaluate_grasps.py grasps.npz
    python examples/06_evaluate_grasps.py grasps.npz --protocol dexgraspbench --protocol strict

The file is what `dex1b synth --out` and examples 03 and 04 write. Your own grasps: fill a
`dex1b_core.data.grasp_set.GraspSet` and `write_grasps` it. Protocols are those of docs/checks.md.
"""

import argparse
from pathlib import Path

import numpy as np

from dex1b_core.benchmark.evaluation import evaluate
from dex1b_core.benchmark.protocols import protocol_named
from dex1b_core.data.grasp_set import read_grasps
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of


def wilson(held: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share."""
    share, spread = held / count, z**2 / count
    centre = (share + spread / 2.0) / (1.0 + spread)
    half = z / (1.0 + spread) * np.sqrt(share * (1.0 - share) / count + spread / (4.0 * count))
    return centre - half, centre + half


def main() -> None:
    """Read the command line, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('grasps', type=Path)
    parser.add_argument('--protocol', action='append', help='default dexgraspbench')
    parser.add_argument('--workers', type=int, default=0, help='processes; 0: in this one')
    parser.add_argument('--seed', type=int, default=0, help='of perturbed worlds')
    options = parser.parse_args()

    grasps = read_grasps(options.grasps)
    print(f'{len(grasps)} grasps of {grasps.object} with {grasps.hand}')
    with GraspJudge(source_of(grasps), workers=options.workers) as judge:
        for name in options.protocol or ['dexgraspbench']:
            verdict = evaluate(judge, grasps, protocol_named(name), seed=options.seed)
            held, count = int(verdict.success.sum()), len(grasps)
            low, high = wilson(held, count)
            print(f'{name}: {held} of {count} succeed ({low:.0%} to {high:.0%})')
            for row in np.flatnonzero(~verdict.success):
                reason = FailureReason(verdict.reason[row]).name.lower()
                print(f'  #{row}: {reason} in {verdict.engine[row]}, {verdict.stage[row]}')


if __name__ == '__main__':
    main()
