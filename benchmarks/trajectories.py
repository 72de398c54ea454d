"""Random trajectories against the limits, by a referee that differentiates positions itself.

    .venv/bin/python -m benchmarks.trajectories --n 10000 --json out/trajectories.json

Paths through random postures of every shipped robot's arm and hand, at random scalings; a third of
them is stopped at a random time, a third stopped and resumed. Each is sampled every millisecond as
a controller interpolates it; velocity, acceleration and jerk are differences of those positions. A
stop is bound by acceleration alone: it may be as abrupt as it must.
Our own validation must refuse those that break a limit (paths along the joints' limits may), take
the others, and refuse these once the limit of velocity is a tenth below what they use. Exit status
0 only if it is right about all.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError
from dex1b_core.motion import JointLimits, JointTrajectory, stopping_trajectory, validate_trajectory
from dex1b_core.motion.timing import point_to_point, resumed, time_path
from dex1b_core.robots import load_robot, robot_names
from dex1b_core.robots.link_tree import LinkTree

Array = NDArray[np.float64]

STEP_S = 1e-3
# what differences of samples may exceed: rounding, and the edge between two polynomials
SLACK = {'position': 1e-4, 'velocity': 1.012, 'acceleration': 1.02, 'jerk': 1.05}


def limits_of(name: str) -> dict[str, JointLimits]:
    """Of a robot's arm and hand."""
    robot = load_robot(name)
    bounds = {joint.name: joint.limits for joint in LinkTree.from_urdf(robot.urdf_path).joints}
    found = {}
    for group in (robot.arm, robot.hand):
        lower, upper = np.clip(np.array([bounds[joint] for joint in group.joints]).T, -6.28, 6.28)
        jerk = None if group.jerk_limits is None else np.array(group.jerk_limits)
        found['arm' if group is robot.arm else 'hand'] = JointLimits(
            group.joints, lower, upper, np.array(group.velocity_limits),
            np.array(group.acceleration_limits), jerk,
        )  # fmt: skip
    return found


def random_path(limits: JointLimits, random: np.random.Generator) -> Array:
    """(K, J) straight pieces between postures, dense, with corners rounded as the planner does."""
    centre = random.uniform(limits.lower, limits.upper)
    reach = random.uniform(0.05, 0.5) * (limits.upper - limits.lower)
    corners = np.clip(
        centre + random.uniform(-1, 1, (int(random.integers(2, 6)), len(centre))) * reach,
        limits.lower, limits.upper,
    )  # fmt: skip
    if len(corners) == 2:
        return np.linspace(*corners, 20)
    pieces = [np.linspace(a, b, 12, endpoint=False) for a, b in itertools.pairwise(corners)]
    path = np.vstack([*pieces, corners[-1:]])
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    padded = np.vstack([path[:1], path[:1], path, path[-1:], path[-1:]])
    smooth = np.stack([np.convolve(column, kernel, 'valid') for column in padded.T], axis=1)
    smooth[0], smooth[-1] = path[0], path[-1]
    return smooth


def random_trajectory(
    limits: dict[str, JointLimits], random: np.random.Generator
) -> tuple[str, str, JointTrajectory, float]:
    """Group, kind, trajectory, and the scaling that it must keep to."""
    scaling = float(random.uniform(0.05, 1.0))
    if random.random() < 0.25:
        hand = limits['hand']
        start, goal = random.uniform(hand.lower, hand.upper, (2, len(hand.names)))
        motion = point_to_point(start, goal, hand, min_duration=0.3, scaling=scaling)
        return 'hand', 'posture to posture', motion, scaling
    arm = limits['arm']
    motion = time_path(random_path(arm, random), arm, scaling=scaling)
    kind = ('path', 'path, stopped', 'path, stopped and resumed')[int(random.integers(3))]
    if kind == 'path':
        return 'arm', kind, motion, scaling
    at = float(random.uniform(0, motion.duration))
    ramp = stopping_trajectory(motion, at, acceleration_limits=arm.acceleration)
    if kind == 'path, stopped':
        return 'arm', kind, ramp, 1.0  # a stop may use all that the robot can
    rest = resumed(motion, min(at + ramp.duration / 2, motion.duration), arm, scaling=scaling)
    return 'arm', kind, rest, scaling


def excess(trajectory: JointTrajectory, limits: JointLimits, scaling: float) -> dict[str, float]:
    """Largest share of each limit that differences of positions need; of position, the excess."""
    count = max(5, int(np.ceil(trajectory.duration / STEP_S)) + 1)
    times, step = np.linspace(0, trajectory.duration, count, retstep=True)
    positions = trajectory.sample(times)[0]
    outside = np.maximum(limits.lower - positions, positions - limits.upper)
    found = {'position': float(outside.max())}
    derivative = positions
    for name, bound in (
        ('velocity', limits.velocity * scaling),
        ('acceleration', limits.acceleration * scaling),
        ('jerk', limits.jerk),
    ):
        derivative = np.diff(derivative, axis=0) / step
        if bound is not None and len(derivative):
            found[name] = float((np.abs(derivative) / bound).max())
    return found


def refusal(trajectory: JointTrajectory, limits: JointLimits, scaling: float) -> str:
    """Why our own validation refuses it; '' when it does not."""
    try:
        validate_trajectory(trajectory, limits, scaling=scaling)
    except Dex1bError as error:
        return error.message
    return ''


def examine(count: int, seed: int, robots: list[str]) -> dict[str, Any]:
    """Make and judge so many.

    Returns:
        {'n', 'seed', 'taken' (by kind), 'rightly_refused', 'worst_taken' (shares of limits, by
        kind), 'out' (rows)}.
    """
    random = np.random.default_rng(seed)
    limits_by_robot = {name: limits_of(name) for name in robots}
    worst: dict[str, dict[str, float]] = {}
    counts: Counter[str] = Counter()
    refusals = 0
    out: list[dict[str, Any]] = []
    for number in range(count):
        name = robots[number % len(robots)]
        group, kind, trajectory, scaling = random_trajectory(limits_by_robot[name], random)
        limits = limits_by_robot[name][group]
        if kind == 'path, stopped':
            limits = replace(limits, jerk=None)
        found = excess(trajectory, limits, scaling)
        broken = [key for key, value in found.items() if value > SLACK[key]]
        refused = refusal(trajectory, limits, scaling)
        if not refused:
            counts[kind] += 1
            row = worst.setdefault(kind, dict.fromkeys(found, 0.0))
            for key, value in found.items():
                row[key] = max(row.get(key, 0.0), value)
        used = found.get('velocity', 0.0)
        tighter = replace(limits, velocity=limits.velocity * 0.9 * used)
        missed = used > 0.1 and not refusal(trajectory, tighter, scaling)
        refusals += bool(broken and refused)
        if bool(broken) != bool(refused) or missed:
            out.append({
                'number': number, 'robot': name, 'kind': kind, 'scaling': scaling, **found,
                'broken': broken, 'refused': refused, 'too fast yet taken': missed,
            })  # fmt: skip
    return {
        'n': count, 'seed': seed, 'taken': dict(counts), 'rightly_refused': refusals,
        'worst_taken': worst, 'out': out,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--n', type=int, default=10_000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--json', type=Path)
    arguments = parser.parse_args()
    report = examine(arguments.n, arguments.seed, robot_names())
    for kind, row in report['worst_taken'].items():
        shares = ', '.join(f'{key} {value:.4f}' for key, value in row.items())
        print(f'{kind}: {report["taken"][kind]} taken; at most, of the limits: {shares}')
    print(f'{report["rightly_refused"]} rightly refused, {len(report["out"])} of {arguments.n} out')
    for row in report['out'][:10]:
        print(row)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + '\n')
    sys.exit(int(bool(report['out'])))


if __name__ == '__main__':
    main()
