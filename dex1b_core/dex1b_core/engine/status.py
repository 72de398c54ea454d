"""How far a run of the data engine is, and what its work costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dex1b_core.data.shards import ShardFolder

SOURCES = ('optimizer', 'dexsimple')


@dataclass(frozen=True)
class RoundStatus:
    """A round so far.

    Attributes:
        round: Number.
        proposed, valid: Rows, and those that held.
        by_source: (proposed, valid) of the optimiser and of the network.
        objects: Objects with a grasp that held.
        seconds: Processor time of each stage.
        bytes: Of its shards.
        reasons: How many failed for each reason.
        versions: Of what made it, by package.
    """

    round: int
    proposed: int
    valid: int
    by_source: dict[str, tuple[int, int]]
    objects: int
    seconds: dict[str, float]
    bytes: int
    reasons: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Valid of proposed; 0 without any."""
        return self.valid / self.proposed if self.proposed else 0.0

    @property
    def per_second(self) -> float:
        """Valid grasps a second of processor time; 0 without any."""
        spent = sum(self.seconds.values())
        return self.valid / spent if spent > 0.0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            'round': self.round,
            'proposed': self.proposed,
            'valid': self.valid,
            'yield': round(self.share, 4),
            'per_s': round(self.per_second, 3),
            'by_source': {
                name: {'proposed': made, 'valid': held}
                for name, (made, held) in self.by_source.items()
            },
            'objects': self.objects,
            'seconds': {name: round(value, 2) for name, value in self.seconds.items()},
            'bytes': self.bytes,
            'reasons': self.reasons,
        }


def round_statuses(shards: ShardFolder) -> tuple[RoundStatus, ...]:
    """Of all rounds begun.

    Raises:
        Dex1bError: INVALID_REQUEST for a file that is no shard.
    """
    names = shards.names()
    rounds = sorted({int(name.split('-')[1]) for name in names})
    return tuple(_status(shards, number, names) for number in rounds)


def _status(shards: ShardFolder, number: int, names: list[str]) -> RoundStatus:
    own = [name for name in names if int(name.split('-')[1]) == number]
    counts = {source: np.zeros(2, dtype=int) for source in SOURCES}
    seconds: dict[str, float] = {}
    objects: set[str] = set()
    reasons: Counter[str] = Counter()
    versions: dict[str, str] = {}
    for name in own:
        rows = shards.read(name)
        held, sources = rows.held, rows.values('source')
        for source in SOURCES:
            mine = sources == source
            counts[source] += (int(mine.sum()), int((mine & held).sum()))
        reasons.update(reason for reason in rows.values('reason')[~held].tolist() if reason)
        versions |= rows.provenance.versions
        objects |= set(rows.values('object')[held].tolist())
        for stage, spent in rows.provenance.seconds.items():
            seconds[stage] = seconds.get(stage, 0.0) + spent
    proposed, valid = (int(sum(count[k] for count in counts.values())) for k in (0, 1))
    by_source = {source: (int(made), int(held)) for source, (made, held) in counts.items() if made}
    return RoundStatus(
        number, proposed, valid, by_source, len(objects), seconds, shards.size(own),
        dict(reasons.most_common()), versions,
    )  # fmt: skip
