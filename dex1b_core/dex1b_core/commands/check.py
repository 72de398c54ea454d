"""`dex1b check`: do grasps hold in physics?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dex1b_core.commands.report_file import write_json

if TYPE_CHECKING:
    from dex1b_core.benchmark.evaluation import Evaluation
    from dex1b_core.benchmark.protocols import Protocol
    from dex1b_core.data.grasp_set import GraspSet
    from dex1b_core.simulation.engine import EngineName


class Engines(StrEnum):
    """Which physics engines."""

    PROTOCOL = 'protocol'
    SAPIEN = 'sapien'
    MUJOCO = 'mujoco'
    BOTH = 'both'


def register(main_app: typer.Typer) -> None:
    """Add the command to `dex1b`."""
    main_app.command('check')(check)


def check(
    grasps_path: Annotated[Path, typer.Option('--grasps', help='File that dex1b synth wrote.')],
    protocols: Annotated[
        list[str],
        typer.Option(
            '--protocol',
            help='dexgraspbench, dexgraspnet, dex1b, lift or strict; may be given several times.',
        ),
    ] = ['strict'],  # noqa: B006  (typer copies it)
    target: Annotated[
        str | None, typer.Option('--object', help="Another shape than the file's: file or name.")
    ] = None,
    engine: Annotated[Engines, typer.Option(help="'protocol' takes what it names.")] = (
        Engines.PROTOCOL
    ),
    seed: Annotated[int, typer.Option(help='Of perturbed worlds.')] = 0,
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 2,
    film: Annotated[
        Path | None, typer.Option(help='Draw one grasp through the first protocol (.png).')
    ] = None,
    film_row: Annotated[int, typer.Option(min=0, help='Which grasp --film draws.')] = 0,
    json_path: Annotated[
        Path | None, typer.Option('--json', help='Write the report to this file.')
    ] = None,
) -> None:
    """Judge grasps in physics by published protocols, or by ours."""
    from dex1b_core.benchmark.evaluation import as_begun, evaluate
    from dex1b_core.benchmark.protocols import protocol_named
    from dex1b_core.commands.progress import trial_progress
    from dex1b_core.data.grasp_set import read_grasps
    from dex1b_core.geometry.object_model import load_object
    from dex1b_core.simulation.grasp_judge import GraspJudge, source_of
    from dex1b_core.simulation.hold_protocol import HoldProtocol
    from dex1b_core.viz.film_strip import draw_film

    chosen = [protocol_named(name) for name in protocols]
    grasps = read_grasps(grasps_path)
    if target is not None:
        parts = tuple(part.vertices for part in load_object(target).parts)
        grasps = replace(grasps, object=target, object_parts=parts)
    _require_possible(grasps, chosen, film_row if film is not None else None)
    engines = _engines(engine)
    start = time.perf_counter()
    found: list[Evaluation] = []
    with GraspJudge(source_of(grasps), workers=workers) as judge:
        for protocol in chosen:
            with trial_progress(protocol.name) as advance:
                evaluation = evaluate(
                    judge, grasps, protocol, engines=engines, seed=seed, on_progress=advance
                )
            found.append(evaluation)
            typer.echo(f'{protocol.name}: {_words(evaluation)}')
    report = {
        'hand': grasps.hand,
        'object': grasps.object,
        'n': len(grasps),
        'seed': seed,
        'engine': engine.value,
        'wall_s': round(time.perf_counter() - start, 3),
        'protocols': {evaluation.protocol: _section(evaluation) for evaluation in found},
    }
    write_json(report, json_path)
    if film is not None and isinstance(chosen[0].check, HoldProtocol):
        begun, _ = as_begun(grasps, chosen[0])
        draw_film(film, begun, film_row, chosen[0].check, (engines or chosen[0].engines)[0])


def _require_possible(grasps: GraspSet, chosen: Sequence[Protocol], film_row: int | None) -> None:
    """Before any work."""
    from dex1b_core.simulation.lift_protocol import LiftProtocol

    lifting = [protocol.name for protocol in chosen if isinstance(protocol.check, LiftProtocol)]
    if lifting and grasps.plane is None:
        raise typer.BadParameter(
            f'{", ".join(lifting)} lifts from a support; make grasps with dex1b synth --table'
        )
    if film_row is None:
        return
    if film_row >= len(grasps):
        raise typer.BadParameter(f'there are {len(grasps)} grasps; --film-row begins at 0')
    if chosen[0].name in lifting:
        raise typer.BadParameter(f'--film shows hold checks; {chosen[0].name} is none')


def _engines(engine: Engines) -> tuple[EngineName, ...]:
    if engine is Engines.BOTH:
        return ('mujoco', 'sapien')
    if engine is Engines.SAPIEN:
        return ('sapien',)
    return ('mujoco',) if engine is Engines.MUJOCO else ()


def _words(evaluation: Evaluation) -> str:
    reasons = ', '.join(f'{count} {name}' for name, count in evaluation.reasons().items())
    success = evaluation.success
    failed = f'; failed: {reasons}' if reasons else ''
    return f'{int(success.sum())} of {len(success)} succeed{failed}'


def _section(evaluation: Evaluation) -> dict[str, Any]:
    """What the JSON says about one protocol."""
    from dex1b_core.planning import FailureReason

    return {
        'grasp_success': float(evaluation.success.mean()) if len(evaluation.success) else None,
        'object_success': bool(evaluation.success.any()),
        'n': len(evaluation.success),
        'reasons': evaluation.reasons(),
        'processor_s': round(evaluation.seconds, 3),
        'grasps': [
            {
                'success': bool(success),
                'reason': FailureReason(reason).name.lower(),
                'engine': engine,
                'stage': stage,
                'trials': trials,
                'held': held,
            }
            for success, reason, engine, stage, trials, held in zip(
                evaluation.success.tolist(),
                evaluation.reason.tolist(),
                evaluation.engine.tolist(),
                evaluation.stage.tolist(),
                evaluation.trials.tolist(),
                evaluation.held.tolist(),
                strict=True,
            )
        ],
    }
