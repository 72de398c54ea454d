"""Fit the weights of dex1b_core.synthesis.ranking: which measures predict the referee's verdict?

    .venv/bin/python -m benchmarks.fit_ranking --out out/ranking

Makes unranked seeds on procedural shapes that no report uses, judges them by the quick referee,
and fits a logistic regression over all hands. Prints the weights to copy and, from folds that hold
out whole objects, how well they rank. What is there already is not made again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.referee import Settings, judge
from dex1b_core.commands.synth import synth

Array = NDArray[np.float64]
FIRST_SHAPE = 100  # reports use lower ones
RIDGE = 0.003
FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hands', default='allegro_right,ability_right,inspire_right')
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
    held = np.concatenate([verdicts for *_, verdicts in rows])
    objects = np.concatenate([np.full(len(v), index) for _, index, _, v in rows])
    hands = np.concatenate([np.full(len(v), hand) for hand, _, _, v in rows])
    predicted = np.zeros(len(held))
    for fold in range(FOLDS):
        test = objects % FOLDS == fold
        predicted[test] = features[test] @ (w := fit(features[~test], held[~test]))[:-1] + w[-1]
    for hand in sorted(set(hands)):
        mine = hands == hand
        best = np.argsort(-predicted[mine])[: mine.sum() // 2]
        print(
            f'{hand}: n {mine.sum()}, hold {held[mine].mean():.1%}, the better half by prediction '
            f'{held[mine][best].mean():.1%}, AUC {auc(predicted[mine], held[mine]):.2f}'
        )
    weights = fit(features, held)
    print('WEIGHTS =', tuple(round(float(w), 3) for w in weights[:-1]))
    print('CONSTANT =', round(float(weights[-1]), 3))


def judged(folder: Path, hand: str, index: int, count: int) -> tuple[Array, NDArray[np.bool_]]:
    """Measures (N, 7) of unranked seeds and whether each held (N,)."""
    stem = folder / f'{hand}.{index}.n{count}'
    found, verdict = stem.with_suffix('.npz'), stem.with_suffix('.held.json')
    synth(
        hand=hand, target=f'shape:random-{index}', count=count, seed=1, out=found, json_path=None,
        picture=None, on_table=False, scale=None, units=None, excess=1.0, steps=200, stiffness=5.0,
        workers=2, force=False,
    )  # fmt: skip
    if not verdict.is_file():
        verdicts = judge(found, Settings(quick=True), jobs=2)
        verdict.write_text(json.dumps(verdicts.success.tolist()))
    with np.load(found) as data:
        return data['measures'], np.array(json.loads(verdict.read_text()), dtype=bool)


def fit(features: Array, held: NDArray[np.bool_]) -> Array:
    """(K + 1,) weights and constant of a logistic regression with a ridge on scaled features."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    inputs = np.c_[(features - mean) / scale, np.ones(len(features))]
    signs = 2.0 * held - 1.0

    def loss(weights: Array) -> float:
        data = np.logaddexp(0.0, -signs * (inputs @ weights)).mean()
        return float(data + RIDGE * (weights[:-1] ** 2).sum())

    weights = minimize(loss, np.zeros(inputs.shape[1])).x
    plain = weights[:-1] / scale
    return np.append(plain, weights[-1] - plain @ mean)


def auc(scores: Array, labels: NDArray[np.bool_]) -> float:
    """Probability that a grasp that holds scores above one that does not."""
    ranks = np.argsort(np.argsort(scores))
    positives = labels.sum()
    return float(
        (ranks[labels].sum() - positives * (positives - 1) / 2) / (positives * (~labels).sum())
    )


if __name__ == '__main__':
    main()
