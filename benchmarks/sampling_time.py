"""How long the network takes to sample candidates from a cloud, without refinement.

    .venv/bin/python -m benchmarks.sampling_time --checkpoint N.safetensors

Median and 95 % of `--repeats` runs after five that do not count, for one and two threads; then,
where it is installed (`pip install dex1b==0.0.5`), the public re-implementation of DexSimple
without weights, which takes a cloud for each pose.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.checkpoint import load_checkpoint, read_card
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.sampler import GraspSampler
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel

WARM_UP = 5
PUBLIC_REPEATS = 3


def milliseconds(
    sampler: GraspSampler, cloud: torch.Tensor, count: int, repeats: int
) -> np.ndarray:
    """(repeats,) wall-clock time of a call [ms]."""
    generator = torch.Generator().manual_seed(0)
    took = []
    for _ in range(WARM_UP + repeats):
        begin = time.perf_counter()
        sampler.sample(cloud, count, generator)
        took.append(1e3 * (time.perf_counter() - begin))
    return np.array(took[WARM_UP:])


def public_milliseconds(cloud: torch.Tensor, joints: int, count: int) -> np.ndarray | None:
    """(PUBLIC_REPEATS,) of the public package [ms]; None where it is not installed."""
    try:
        from Dex1B import DexSimple
    except ImportError:
        return None
    model = DexSimple(
        dim_pose=9 + joints, num_frames=1, condition_on_local_point_feature=False
    ).eval()
    took = []
    with torch.no_grad():
        for _ in range(PUBLIC_REPEATS):
            begin = time.perf_counter()
            model.sample(cloud.expand(count, -1, -1))
            took.append(1e3 * (time.perf_counter() - begin))
    return np.array(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--checkpoint', type=Path, required=True)
    parser.add_argument('--count', type=int, default=128)
    parser.add_argument('--points', type=int, default=1024)
    parser.add_argument('--repeats', type=int, default=100)
    parser.add_argument('--public-count', type=int, default=32)
    arguments = parser.parse_args()
    hand = HandModel(load_hand(read_card(arguments.checkpoint).hand))
    network, _ = load_checkpoint(arguments.checkpoint, hand)
    samples = SurfaceSamples.of_model(load_object('shape:random-0'))
    cloud = samples.full(arguments.points, np.random.default_rng(0))
    for threads in (1, 2):
        torch.set_num_threads(threads)
        took = milliseconds(GraspSampler(hand, network), cloud, arguments.count, arguments.repeats)
        print(
            f'{arguments.count} candidates of {arguments.points} points, {threads} threads: '
            f'median {np.median(took):.1f}, 95 % {np.percentile(took, 95):.1f} ms'
        )
    joints = len(hand.kinematics.joint_names)
    public = public_milliseconds(cloud, joints, arguments.public_count)
    if public is None:
        print("public package 'dex1b' is not installed: not compared")
    else:
        print(
            f'public package, {arguments.public_count} candidates, 2 threads: '
            f'median {np.median(public):.0f} ms'
        )


if __name__ == '__main__':
    main()
