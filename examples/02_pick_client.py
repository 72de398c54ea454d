"""Pick with a running stack: plan first, then pick and follow it.

    dex1b up grasp execute:=true          # in another terminal, or ros2 launch
    python examples/02_pick_client.py
    python examples/02_pick_client.py --plan-only --seed 3

Exit status 0 when the object is held (or, with --plan-only, when there is a plan).
"""

import argparse
import sys
from typing import Any

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros.commander import Commander
from dex1b_ros.reports import stage_name


def describe(reply: Any) -> None:
    """Print what plans and picks have in common."""
    if reply.error_code != ErrorCode.NONE:
        print(f'error {reply.error_code} {ErrorCode(reply.error_code).name}: {reply.error_msg}')
    print(f'plan {reply.plan_id or "-"}, seed {reply.seed}')
    for timing in reply.timings:
        seconds = timing.duration.sec + 1e-9 * timing.duration.nanosec
        print(f'  {timing.stage:10} {seconds:6.2f} s')
    for rejection in reply.rejections:
        name = ErrorCode(rejection.code).name.lower()
        print(f'  dropped {rejection.count:3} x {name} ({rejection.stage}): {rejection.example}')


def main() -> int:
    """Read the command line, ask the stack, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--namespace', default='')
    parser.add_argument('--plan-only', action='store_true')
    parser.add_argument('--wall-time', action='store_true', help='the stack runs without /clock')
    parser.add_argument('--wait', type=float, default=30.0, help='for the stack [s]')
    options = parser.parse_args()

    with Commander(namespace=options.namespace, use_sim_time=not options.wall_time) as robot:
        try:
            robot.wait_until_ready(options.wait)
            if options.plan_only:
                plan = robot.plan(seed=options.seed)
                describe(plan)
                for candidate in plan.candidates:
                    check = candidate.sim_check
                    print(f'  {candidate.id}: held {check.successes} of {check.trials} trials')
                return int(plan.error_code != ErrorCode.NONE)
            pick = robot.pick(
                seed=options.seed,
                on_feedback=lambda feedback: print(f'  {stage_name(feedback.stage)}', flush=True),
            )
            describe(pick)
            return int(not pick.object_held)
        except Dex1bError as error:
            print(f'error {int(error.error_code)}: {error.message}', file=sys.stderr)
            return 1


if __name__ == '__main__':
    sys.exit(main())
