"""Judge candidates, on several processes when asked to."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.referee.candidates import Candidates, read_candidates
from benchmarks.referee.hand import HandSpec
from benchmarks.referee.settings import Settings
from benchmarks.referee.trial import run_trial
from benchmarks.referee.verdicts import Verdicts
from benchmarks.referee.world import World
from dex1b_core.errors import ConfigurationError, Dex1bError, ErrorCode

CHUNK = 16  # candidates that a worker takes at once

Source = Candidates | Path | str


def judge(
    source: Source, settings: Settings | None = None, *, jobs: int = 1, hand: HandSpec | None = None
) -> Verdicts:
    """Judge one file, or candidates in memory.

    Args:
        source: What to judge.
        settings: The protocol; None is the strict one.
        jobs: Worker processes; 1 works in this process. The verdicts are the same.
        hand: Its URDF; None finds it by the name in the file.

    Raises:
        Dex1bError: the file is malformed or its hand unknown.
    """
    return next(judge_all([source], settings, jobs=jobs, hand=hand))[1]


def judge_all(
    sources: Iterable[Source],
    settings: Settings | None = None,
    *,
    jobs: int = 1,
    hand: HandSpec | None = None,
) -> Iterator[tuple[Candidates, Verdicts]]:
    """Judge one source after the other; see `judge`."""
    settings = settings or Settings()
    if jobs <= 1:
        for source in sources:
            candidates = _candidates(source)
            yield candidates, _judge_here(candidates, settings, hand or _spec(candidates))
        return
    context = multiprocessing.get_context('spawn')  # forked children would inherit torch's threads
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        for source in sources:
            candidates = _candidates(source)
            spec = hand or _spec(candidates)
            chunks = [candidates.select(slice(start, start + CHUNK))
                      for start in range(0, len(candidates), CHUNK)]  # fmt: skip
            waiting = [pool.submit(_judge_here, chunk, settings, spec) for chunk in chunks]
            parts = [future.result() for future in waiting]
            yield candidates, Verdicts.joined(parts) if parts else Verdicts.of([], [], settings)


def _candidates(source: Source) -> Candidates:
    return source if isinstance(source, Candidates) else read_candidates(source)


def _spec(candidates: Candidates) -> HandSpec:
    """The hand by its name, driven as the file says."""
    spec = HandSpec.named(candidates.hand)
    if set(spec.joint_names) != set(candidates.joint_names):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'joints of the candidates, {", ".join(candidates.joint_names)}, are not those of hand '
            f"'{candidates.hand}': {', '.join(spec.joint_names)}",
        )
    return HandSpec(spec.urdf_path, spec.root_link, candidates.joint_names)


_worlds: dict[object, World] = {}


def _world(candidates: Candidates, settings: Settings, spec: HandSpec) -> World:
    """The last world is kept: chunks of one file follow each other."""
    key = (spec, repr(settings), *(part.tobytes() for part in candidates.object_parts))
    if key not in _worlds:
        _worlds.clear()
        _worlds[key] = World(spec, candidates.object_parts, settings)
    return _worlds[key]


def _judge_here(candidates: Candidates, settings: Settings, spec: HandSpec) -> Verdicts:
    if spec.joint_names != candidates.joint_names:
        raise ConfigurationError('the hand lists its joints in another order than the candidates')
    world = _world(candidates, settings, spec)
    plane = candidates.support_plane if candidates.has_plane else None
    trials, seconds = [], []
    for row in range(len(candidates)):
        start = time.process_time()
        postures = candidates.pregrasp[row], candidates.grasp[row], candidates.squeeze[row]
        approach = None if candidates.approach is None else candidates.approach[row]
        pose = np.asarray(candidates.object_T_hand[row], dtype=float)
        trials.append(run_trial(world, pose, postures, settings, plane, approach))
        seconds.append(time.process_time() - start)
    return Verdicts.of(trials, seconds, settings)
