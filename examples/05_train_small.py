"""The loop of the data engine once around, small enough for a coffee: seed, judge, train, sample.

    python examples/05_train_small.py                        # minutes on two cores
    python examples/05_train_small.py --proposals 6400 --shapes 200 --steps 3000    # hours

A network of this size of training shows that everything works, nothing more: what networks can do
after real rounds is in docs/benchmarks/learned.md.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from dex1b_core.data.shards import ShardFolder
from dex1b_core.engine.rounds import checkpoint_path, run_rounds
from dex1b_core.engine.runners import LocalRunner
from dex1b_core.engine.settings import EngineSettings
from dex1b_core.engine.status import round_statuses
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.checkpoint import load_checkpoint
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.learned_seeds import LearnedSynthesizer
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.seed_object import SeedObject


def main() -> None:
    """Read the command line, run one round, sample from what it trained."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hand', default='ability_right')
    parser.add_argument('--shapes', type=int, default=4)
    parser.add_argument('--proposals', type=int, default=96)
    parser.add_argument('--steps', type=int, default=300, help='of the training')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--folder', type=Path, default=Path('out/train_small'))
    options = parser.parse_args()
    torch.set_num_threads(1)

    settings = EngineSettings(
        hand=options.hand, shapes=options.shapes, rounds=1, proposals=options.proposals,
        per_object=max(1, options.proposals // options.shapes), per_task=options.proposals // 2,
        engines=('mujoco',), training_steps=options.steps, seed=options.seed,
    )  # fmt: skip
    settings.remember(options.folder)  # refuses a folder of a run with other settings
    shards = ShardFolder.at(options.folder / 'shards')
    runner = LocalRunner(settings, str((options.folder / 'shards').absolute()), options.workers)
    start = time.perf_counter()
    run_rounds(settings, options.folder, shards, runner)
    for row in round_statuses(shards):
        print(f'round {row.round}: {row.valid} of {row.proposed} held, {row.objects} objects')
    print(f'one round took {time.perf_counter() - start:.0f} s')

    hand = HandModel(load_hand(options.hand))
    network, card = load_checkpoint(checkpoint_path(options.folder, 0), hand)
    print(f'network: {card.data["grasps"]} grasps, losses {card.data["losses"]}')
    model = load_object('shape:box')
    cloud = SurfaceSamples.of_model(model).full(512, np.random.default_rng(options.seed))
    target = SeedObject.of_model(model)
    seeds = LearnedSynthesizer(hand, network).synthesize(target, cloud, 4, seed=options.seed)
    scores = ', '.join(f'{score:.2f}' for score in seeds.score.tolist())
    print(f'of {model.name}, which it has not seen, {len(seeds.score)} grasps: {scores}')


if __name__ == '__main__':
    main()
