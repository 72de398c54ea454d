"""Which moments of a pick are worth a picture."""

from __future__ import annotations

from dataclasses import dataclass

from dex1b_core.viz.recording import DemoRecording

REACHED = {
    'home': 'home',
    'pregrasp': 'before the grasp',
    'approach': 'at the object',
    'close': 'closed',
    'squeeze': 'squeezed',
    'lift': 'lifted',
    'hold': 'held',
}
"""What the end of a stage of the executor shows."""


@dataclass(frozen=True)
class Moment:
    """A simulated time [s] and what is to be seen then."""

    time: float
    title: str


def key_moments(recording: DemoRecording, count: int = 8) -> tuple[Moment, ...]:
    """The start, the end of each stage and, in the longest gaps, what goes on, in order."""
    first, last = float(recording.times[0]), float(recording.times[-1])
    moments = {first: Moment(first, 'start')}
    ends = [time for time, _ in recording.stages[1:]] + [last]
    reached: dict[str, float] = {}
    for (_, name), end in zip(recording.stages, ends, strict=True):
        if name in REACHED and first < end <= last:
            reached[REACHED[name]] = end  # a stage that was tried again: its last end
    moments |= {time: Moment(time, title) for title, time in reached.items()}
    moments.setdefault(last, Moment(last, 'end'))
    while len(moments) < count:
        times = sorted(moments)
        gap, start = max((b - a, a) for a, b in zip(times, times[1:], strict=False))
        if gap < 0.2:
            break
        time = start + gap / 2.0
        moments[time] = Moment(time, _stage_at(recording, time))
    return tuple(moments[time] for time in sorted(moments))[:count]


def _stage_at(recording: DemoRecording, time: float) -> str:
    names = [name for start, name in recording.stages if start <= time]
    return names[-1] if names else 'waiting'
