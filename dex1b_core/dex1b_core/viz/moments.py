"""Which moments of a pick are worth a picture."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from dex1b_core.viz.recording import DemoRecording

REACHED = {
    'home': 'home',
    'pregrasp': 'before the grasp',
    'approach': 'at the object',
    'close': 'closed',
    'squeeze': 'squeezed',
    'lift': 'lifted',
    'articulate': 'opened',
    'retreat': 'let go',
    'hold': 'held',
}
"""What the end of a stage of the executor shows."""

DISPENSABLE = ('home', 'squeezed', 'before the grasp')
"""What is left out first where there is no room for all."""


@dataclass(frozen=True)
class Moment:
    """A simulated time [s] and what is to be seen then."""

    time: float
    title: str


def key_moments(recording: DemoRecording, count: int = 8) -> tuple[Moment, ...]:
    """The start, the end of each stage and, in the longest gaps, what goes on, in order."""
    first, last = float(recording.times[0]), float(recording.times[-1])
    reached: dict[str, float] = {}
    for number, (_, name) in enumerate(recording.stages):
        following = recording.stages[number + 1 :]
        end = min(following[0][0], last) if following else last
        if name in REACHED and first < end:
            reached[REACHED[name]] = end  # a stage that was tried again: its last end
    for title in DISPENSABLE:
        if len(reached) + 2 > count:
            reached.pop(title, None)
    moments = {first: Moment(first, 'start'), last: Moment(last, 'end')}
    moments |= {time: Moment(time, title) for title, time in reached.items()}
    while len(moments) < count:
        gap, start = max((b - a, a) for a, b in pairwise(sorted(moments)))
        if gap < 0.2:
            break
        time = start + gap / 2.0
        moments[time] = Moment(time, _stage_at(recording, time))
    return tuple(moments[time] for time in sorted(moments))


def _stage_at(recording: DemoRecording, time: float) -> str:
    names = [name for start, name in recording.stages if start <= time]
    return names[-1] if names else 'waiting'
