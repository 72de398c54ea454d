"""Do grasp candidates hold? Judges files of `dex1b synth` in MuJoCo and prints a table.

.venv/bin/python -m benchmarks.referee out/*.npz --friction 0.3 --json out/verdicts.json
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.referee.judge import judge_all
from benchmarks.referee.report import print_table
from benchmarks.referee.settings import Settings
from benchmarks.referee.verdicts import Verdicts
from dex1b_core.errors import Dex1bError

CHANGEABLE = ('friction', 'kp', 'kv', 'limit', 'mass', 'force', 'armature')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('files', nargs='+', type=Path, metavar='FILE')
    for name in CHANGEABLE:
        parser.add_argument(
            f'--{name}', type=float, default=getattr(Settings, name), help='default %(default)s'
        )
    parser.add_argument(
        '--joint-limit',
        action='append',
        default=[],
        metavar='JOINT=N_M',
        help='other torque limit for one joint; may be repeated',
    )
    parser.add_argument(
        '--single-contact', action='store_true', help='one contact where two hulls meet'
    )
    parser.add_argument(
        '--all-directions', action='store_true', help='go on after a lost direction; slower'
    )
    parser.add_argument(
        '--quick', action='store_true', help='extrapolate what hardly moves: not for reports'
    )
    parser.add_argument('--jobs', type=int, default=2, help='worker processes')
    parser.add_argument('--json', type=Path, help='write everything here')
    arguments = parser.parse_args()
    limits = dict(item.split('=') for item in arguments.joint_limit)
    settings = Settings(
        **{name: getattr(arguments, name) for name in CHANGEABLE},
        limits={name: float(value) for name, value in limits.items()},
        multi_contact=not arguments.single_contact,
        quick=arguments.quick,
        all_directions=arguments.all_directions,
    )
    found: dict[str, Verdicts] = {}
    start = time.perf_counter()
    try:
        judged = judge_all(arguments.files, settings, jobs=arguments.jobs)
        for path, (candidates, verdicts) in zip(arguments.files, judged, strict=True):
            found[str(path)] = verdicts
            print(f'{path}: {int(verdicts.success.sum())} of {len(candidates)}', file=sys.stderr)
    except Dex1bError as error:
        print(f'error: {error.message}', file=sys.stderr)
        return 2
    wall_s = time.perf_counter() - start
    total = Verdicts.joined(list(found.values()))
    print_table(found, total, wall_s)
    if arguments.json:
        arguments.json.write_text(json.dumps(_report(settings, found, total, wall_s), indent=2))
    return 0


def _report(
    settings: Settings, found: dict[str, Verdicts], total: Verdicts, wall_s: float
) -> dict[str, Any]:
    return {
        'settings': dataclasses.asdict(settings),
        'wall_s': wall_s,
        'total': total.summary(),
        'files': {
            path: {
                **verdicts.summary(),
                'success': verdicts.success.tolist(),
                'clean': verdicts.clean.tolist(),
                'reason': verdicts.reason.tolist(),
            }
            for path, verdicts in found.items()
        },
    }


if __name__ == '__main__':
    sys.exit(main())
