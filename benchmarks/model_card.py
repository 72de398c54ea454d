r"""Write the card of a shipped network from what it and its benchmarks say.

    .venv/bin/python -m benchmarks.model_card --engine out/H --learned out/learned/learned.json \
        --checkpoint config/checkpoints/H.safetensors
    .venv/bin/python -m benchmarks.model_card --engine out/joints --opened R.json S.json \
        --checkpoint config/checkpoints/H.articulation.safetensors

Reports of opening are those of `dex1b bench articulation --json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dex1b_core.engine.settings import EngineSettings, read_settings
from dex1b_core.model.checkpoint import ModelCard, read_card


def card_text(card: ModelCard, engine: EngineSettings, learned: dict[str, Any]) -> str:
    """Markdown."""
    number = card.data['rounds'] - 1
    rows = [
        f'| {name} | {row["objects"]}, {row["n"]} | {100 * row["raw"]:.1f} | '
        f'{100 * row["clean"]:.1f} | {_percent(row["filtered"])} |'
        for name, row in learned['rows'].items()
    ]
    size = ', '.join(
        f'{key} {value}' for key, value in card.settings.to_dict().items() if key != 'latent'
    )
    return f"""# DexSimple for {card.hand}

Proposes grasps of unseen objects from a point cloud; the optimiser refines them and a physics check
judges them. For `generator_node` (`backend: dexsimple`), `dex1b bench grasp --generator dexsimple`.
Not to be executed unrefined.

- Joints: {', '.join(card.joints)}.
- Data: {card.data['grasps']} grasps that held all six pushes in MuJoCo and in SAPIEN, of
  {card.data['objects']} procedural shapes ([split](../split/training.txt)), {card.data['rounds']}
  round(s) of the engine. No YCB object, no scan.
- Network: {size}.
- Training: {card.training['steps']} steps, seed {card.seed}.
- Licence: Apache-2.0; the hand's model is its publisher's.

Again, the same weights on the same machine:

    dex1b engine run --folder RUN --hand {engine.hand} --rounds {card.data['rounds']} \\
        --proposals {engine.proposals} --shapes {engine.shapes} \\
        --training-steps {engine.training_steps} --seed {engine.seed}
    cp RUN/checkpoints/round-{number:02d}.safetensors config/checkpoints/{card.hand}.safetensors

Twenty YCB objects, seed {learned['seed']}, 100 steps of refinement, ranked where it says so;
see [learned](../../docs/benchmarks/learned.md):

| from | objects, n | raw % | clean % | filtered % |
|---|---|---|---|---|
{chr(10).join(rows)}

Not measured: real depth cameras, clutter, objects that move.
"""


def opening_card_text(
    card: ModelCard, engine: EngineSettings, reports: Sequence[dict[str, Any]]
) -> str:
    """Markdown, of a network that was told of joints."""
    rows = [
        f'| {report["generator"]} | {len(report["objects"])}, {report["criteria"]["dex1b"]["n"]} | '
        f'{100 * report["criteria"]["dex1b"]["success"]:.1f} | '
        f'{100 * report["criteria"]["strict"]["success"]:.1f} | '
        f'{report["making_s"] / report["criteria"]["dex1b"]["n"]:.1f} |'
        for report in reports
    ]
    number = card.data['rounds'] - 1
    return f"""# DexSimple for {card.hand}, opening things

Proposes grasps of moving parts from the cloud of the part and its joint; the optimiser refines
them and a physics check judges them. For `dex1b bench articulation --generator dexsimple`. Not to
be executed unrefined.

- Joints: {', '.join(card.joints)}.
- Data: {card.data['grasps']} grasps that opened their part by the strict criterion, nominal and
  slippery, in MuJoCo, of {card.data['objects']} generated objects
  ([split](../split/articulation/training.txt)), {card.data['rounds']} round(s) of the engine.
- Training: {card.training['steps']} steps, seed {card.seed}.
- Licence: Apache-2.0; the hand's model is its publisher's.

Again, the same weights on the same machine:

    dex1b engine run --folder RUN --task articulation --hand {engine.hand} \\
        --rounds {card.data['rounds']} --proposals {engine.proposals} --shapes {engine.shapes} \\
        --training-steps {engine.training_steps} --seed {engine.seed}
    cp RUN/checkpoints/round-{number:02d}.safetensors \\
        config/checkpoints/{card.hand}.articulation.safetensors

Objects that were held out, seed {reports[0]['seed']}, the best {reports[0]['n_per_object']} of
each by score:

| from | objects, n | dex1b % | strict % | seconds to make one |
|---|---|---|---|---|
{chr(10).join(rows)}

Not measured: one noisy view; real joints.
"""


def _percent(value: float | None) -> str:
    return '-' if value is None else f'{100 * value:.1f}'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--engine', type=Path, required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('--learned', type=Path)
    what.add_argument('--opened', type=Path, nargs='+')
    parser.add_argument('--checkpoint', type=Path, required=True)
    arguments = parser.parse_args()
    card, engine = read_card(arguments.checkpoint), read_settings(arguments.engine)
    if arguments.learned is not None:
        text = card_text(card, engine, json.loads(arguments.learned.read_text()))
    else:
        reports = [json.loads(path.read_text()) for path in arguments.opened]
        text = opening_card_text(card, engine, reports)
    arguments.checkpoint.with_suffix('.md').write_text(text)


if __name__ == '__main__':
    main()
