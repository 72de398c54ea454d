"""Grasps under demands of your own: a constraint, an energy and a preference.

    python examples/03_constrain_grasps.py
    python examples/03_constrain_grasps.py --hand ability_right --out grasps.npz --picture g.png

A bottle is to be held by its lower half and from the side, as if to pour; the wrist at the height
of the contacts; and of the grasps that hold, those that move the bottle least as they close.
Constraints are met or the grasp is dropped; an energy pulls; a preference ranks.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from dex1b_core.geometry.object_model import load_object
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.constraints import Box, Constraints
from dex1b_core.synthesis.objective import EnergyWeights, GraspObjective
from dex1b_core.synthesis.ranking import GraspMeasures, predicted_success
from dex1b_core.synthesis.seed_file import write_seeds
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import PRESSING, SeedSettings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

GAIN = 5.0  # [N m/rad] of the controllers that the squeeze is for


@dataclass(frozen=True)
class Weights(EnergyWeights):
    """The usual weights and one more: its name is that of the term."""

    level: float = 0.0


class LevelObjective(GraspObjective):
    """The usual energies and E_level = |z_wrist - mean z of the contacts| [m]."""

    def terms(self, scene, columns, posture, contacts, near, directions):
        """(B,) tensors by name; everything else has the batch last, too."""
        terms = super().terms(scene, columns, posture, contacts, near, directions)
        wrist, points = columns[0, 3], contacts[0]
        return terms | {'level': (wrist[2] - points[:, 2].mean(dim=0)).abs()}


def steady(measures: GraspMeasures) -> torch.Tensor:
    """(B,) prediction of holding, less where closing moves the object: half at 3 mm."""
    return predicted_success(measures) * 0.5 ** (measures.response.shift / 0.003)


def main() -> None:
    """Read the command line, make grasps, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hand', default='allegro_right')
    parser.add_argument('--object', default='shape:bottle')
    parser.add_argument('--count', type=int, default=8)
    parser.add_argument('--level', type=float, default=200.0, help='weight of the energy')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--out', type=Path, help='grasps for `dex1b check` and example 06 (.npz)')
    parser.add_argument('--picture', type=Path)
    options = parser.parse_args()

    model, hand = load_object(options.object), HandModel(load_hand(options.hand))
    low, high = model.vertices.min(axis=0), model.vertices.max(axis=0)
    constraints = Constraints(
        contact_region=Box(tuple(low - 0.01), (high[0] + 0.01, high[1] + 0.01, 0.0)),
        wrist_lower=(-1.0, -1.0, low[2]),
        wrist_upper=(1.0, 1.0, high[2]),
        min_fingers=3,
    )
    settings = SeedSettings()
    weights = Weights(**(vars(PRESSING) | {'level': options.level}))
    settings = replace(settings, descent=replace(settings.descent, weights=weights))
    synthesizer = SeedSynthesizer(hand, settings, constraints, predict=steady)
    synthesizer.objective = LevelObjective(hand, settings.objective)

    target = SeedObject.of_model(model)
    seeds = synthesizer.synthesize(target, options.count, seed=options.seed)
    print(f'{len(seeds.score)} of {seeds.made} grasps of {model.name} meet every demand')
    for rank, score in enumerate(seeds.score.tolist()):
        wrist, touching = seeds.grasps.translation[rank, 2], seeds.touches[rank]
        height = seeds.contacts[rank, touching, 2].mean()
        print(f'  #{rank}: {score:.2f}, wrist {1e3 * (wrist - height):+.0f} mm above the contacts, '
              f'{int(touching.sum())} fingers')  # fmt: skip
    if options.out:
        write_seeds(options.out, hand, options.hand, model, target, seeds, seed=options.seed,
                    stiffness=GAIN)  # fmt: skip
    if options.picture:
        from dex1b_core.viz.grasp_gallery import draw_gallery

        draw_gallery(options.picture, hand, model, seeds)


if __name__ == '__main__':
    main()
