"""A hand that nobody described: from its URDF to grasps that were tried in physics.

    python examples/04_import_hand.py my_hand.urdf --out out/my_hand
    python examples/04_import_hand.py arm_and_hand.urdf --root palm_link

Writes hand.yaml, hand.png to judge it by (docs/hands.md) and grasps.npz. Without a file it takes
the URDF of the Ability hand from the asset cache, as if it had never been described.
"""

import argparse
from pathlib import Path

import torch

from dex1b_core.benchmark.evaluation import evaluate
from dex1b_core.benchmark.protocols import protocol_named
from dex1b_core.data.grasp_set import read_grasps
from dex1b_core.geometry.object_model import load_object
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_import import import_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.robots.hand_yaml import hand_yaml
from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
from dex1b_core.synthesis.seed_file import write_seeds
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import SeedSettings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer
from dex1b_core.viz.hand_picture import hand_picture

ABILITY = 'mani_skill-3.0.1/robots/ability_hand/ability_hand_right.urdf'
GAIN = 5.0  # [N m/rad] of the hand's controllers


def main() -> None:
    """Read the command line, describe, synthesise, try."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('urdf', nargs='?', default=ABILITY)
    parser.add_argument('--root', help='link where the hand begins, if the file has an arm')
    parser.add_argument('--object', default='shape:cylinder')
    parser.add_argument('--count', type=int, default=8)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--out', type=Path, default=Path('out/hand'))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)

    imported = import_hand(options.urdf, name='hand', root=options.root)
    for note in imported.notes:
        print(f'note: {note}')
    for name, finger in imported.hand.fingers.items():
        print(f'{name}: joints {", ".join(finger.joints)}; tip {finger.tip}')
    description = options.out / 'hand.yaml'
    description.write_text(hand_yaml(imported.hand, imported.notes))

    # from here on it is a described hand as any other, known by its file
    hand = HandModel(load_hand(str(description)))
    hand_picture(hand).save(description.with_suffix('.png'))
    model = load_object(options.object)
    target = SeedObject.of_model(model)
    synthesizer = SeedSynthesizer(hand, SeedSettings())
    seeds = synthesizer.synthesize(target, options.count, seed=options.seed)
    path = options.out / 'grasps.npz'
    write_seeds(path, hand, str(description), model, target, seeds, seed=options.seed,
                stiffness=GAIN)  # fmt: skip

    grasps, protocol = read_grasps(path), protocol_named('dexgraspbench')
    with GraspJudge(source_of(grasps)) as judge:
        verdict = evaluate(judge, grasps, protocol, seed=options.seed)
    print(f'{int(verdict.success.sum())} of {len(grasps)} hold {model.name} ({protocol.name})')
    for reason, count in verdict.reasons().items():
        print(f'  failed {count} x {reason}')
    print(f'wrote {description}, {description.with_suffix(".png")} and {path}')


if __name__ == '__main__':
    main()
