"""Fit the weights of dex1b_core.synthesis.ranking: which measures predict the verdict?

    .venv/bin/python -m benchmarks.fit_ranking --out out/ranking

Makes unranked seeds on procedural shapes that no report uses and judges them by the hold check
that extrapolates, at the usual and at the hard friction. The logistic regression over all hands
predicts the mean of three verdicts: held, held and clean, held at the hard friction. Prints the
weights to copy and, from folds that hold out whole objects, how well they rank. What is there is
not made again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.judging import judge
from benchmarks.seeds import FRICTIONS
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.ranking_metrics import auc, better_half
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.verdicts import Verdicts
from dex1b_core.synthesis.seed_file import write_seeds
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import SeedSettings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

Array = NDArray[np.float64]
HANDS = 'allegro_right,ability_right,inspire_right,leap_right,shadow_right'
FIRST_SHAPE = 100  # reports use lower ones
RIDGE = 0.003
FOLDS = 5
VERDICTS = ('held', 'clean', f'friction {FRICTIONS[1]:g}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hands', default=HANDS)
    parser.add_argument('--objects', type=int, default=24)
    parser.add_argument('--n', type=int, default=24, help='grasps of each hand and object')
    parser.add_argument('--out', type=Path, default=Path('out/ranking'))
    arguments = parser.parse_args()
    rows = [
        (hand, index, *judged(arguments.out, hand, index, arguments.n))
        for hand in arguments.hands.split(',')
        for index in range(FIRST_SHAPE, FIRST_SHAPE + arguments.objects)
    ]
    features = np.concatenate([measures for *_, measures, _ in rows])
    verdicts = np.concatenate([verdict for *_, verdict in rows])
    objects = np.concatenate([np.full(len(v), index) for _, index, _, v in rows])
    hands = np.concatenate([np.full(len(v), hand) for hand, _, _, v in rows])
    predicted = np.zeros(len(features))
    for fold in range(FOLDS):
        test = objects % FOLDS == fold
        weights = fit(features[~test], verdicts[~test].mean(axis=1))
        predicted[test] = features[test] @ weights[:-1] + weights[-1]
    print(f'| hand | n | {" | ".join(VERDICTS)} | better half of each object | AUC |')
    print('|---' * 5 + '|' + '---|' * 2)
    for hand in arguments.hands.split(','):
        mine = hands == hand
        better = better_half(predicted[mine], objects[mine])
        cells = [
            hand, str(mine.sum()),
            *(f'{rate:.1%}' for rate in verdicts[mine].mean(axis=0)),
            ' / '.join(f'{rate:.1%}' for rate in verdicts[mine][better].mean(axis=0)),
            ' / '.join(f'{auc(predicted[mine], verdicts[mine][:, k] > 0.5):.2f}' for k in range(3)),
        ]  # fmt: skip
        print(f'| {" | ".join(cells)} |')
    weights = fit(features, verdicts.mean(axis=1))
    print('WEIGHTS =', tuple(round(float(w), 3) for w in weights[:-1]))
    print('CONSTANT =', round(float(weights[-1]), 3))


def judged(folder: Path, hand: str, index: int, count: int) -> tuple[Array, Array]:
    """Measures (N, K) of unranked seeds and three verdicts (N, 3) of each."""
    stem = folder / f'{hand}.{index}.n{count}'
    found = stem.with_suffix('.npz')
    if not found.is_file():
        model, hand_model = load_object(f'shape:random-{index}'), HandModel(load_hand(hand))
        target = SeedObject.of_model(model)
        settings = SeedSettings().with_excess(1.0)
        seeds = SeedSynthesizer(hand_model, settings).synthesize(target, count, seed=1)
        gain = settings.grip.stiffness
        write_seeds(found, hand_model, hand, model, target, seeds, seed=1, stiffness=gain)
    verdicts = []
    for friction in FRICTIONS:
        path = stem.with_suffix(f'.friction{friction:g}.npz')
        if not path.is_file():
            protocol = HoldProtocol(friction=friction, extrapolates=True)
            judge(found, protocol, jobs=2).save(path)
        verdicts.append(Verdicts.load(path))
    usual, hard = verdicts
    with np.load(found) as data:
        measures = np.asarray(data['measures'])
    return measures, np.stack([usual.success, usual.clean, hard.success], axis=1).astype(float)


def fit(features: Array, held: Array) -> Array:
    """(K + 1,) weights and constant of a logistic regression with a ridge on scaled features.

    Args:
        features: (N, K).
        held: (N,) in [0, 1]; parts count as parts.
    """
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    inputs = np.c_[(features - mean) / scale, np.ones(len(features))]

    def loss(weights: Array) -> float:
        scores = inputs @ weights
        data = (np.logaddexp(0.0, scores) - held * scores).mean()
        return float(data + RIDGE * (weights[:-1] ** 2).sum())

    weights = minimize(loss, np.zeros(inputs.shape[1])).x
    plain = weights[:-1] / scale
    return np.append(plain, weights[-1] - plain @ mean)


if __name__ == '__main__':
    main()
