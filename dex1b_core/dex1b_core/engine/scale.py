"""What a given number of demonstrations would take, from the rates of a run that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dex1b_core.engine.status import RoundStatus
from dex1b_core.errors import Dex1bError, ErrorCode

LEAST = 100  # valid grasps from which rates can be told


@dataclass(frozen=True)
class ScalePlan:
    """A target and its cost.

    Attributes:
        target: Demonstrations that hold.
        proposals: To be made for them.
        core_hours: Of each stage.
        node_hours: Of all stages, on nodes of `cores` cores.
        cores: Of a node.
        storage_gb: Of the shards, failures included.
        cost: In the unit of the price; None without a price.
        bottleneck: Stage that takes most.
    """

    target: int
    proposals: int
    core_hours: dict[str, float]
    node_hours: float
    cores: int
    storage_gb: float
    cost: float | None
    bottleneck: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        hours = {stage: round(value, 2) for stage, value in self.core_hours.items()}
        return {**self.__dict__, 'core_hours': hours}


def plan_scale(
    rounds: Sequence[RoundStatus], target: int, *, cores: int = 64, price: float | None = None
) -> ScalePlan:
    """From the last round with enough data, whose mix of sources goes on.

    Training is not counted: its time does not grow with the target.

    Args:
        rounds: Measured.
        target: Demonstrations that hold.
        cores: Of a node.
        price: Of a node for an hour.

    Raises:
        Dex1bError: PRECONDITION when no round has `LEAST` valid grasps.
    """
    enough = [status for status in rounds if status.valid >= LEAST]
    if not enough:
        best = max((status.valid for status in rounds), default=0)
        raise Dex1bError(
            ErrorCode.PRECONDITION,
            f'the largest round has {best} valid grasps; expected at least {LEAST} to tell rates '
            "from: let 'dex1b engine run' go on",
        )
    last = enough[-1]
    factor = target / last.valid
    core_hours = {stage: factor * spent / 3600.0 for stage, spent in last.seconds.items()}
    node_hours = sum(core_hours.values()) / cores
    return ScalePlan(
        target=target,
        proposals=round(factor * last.proposed),
        core_hours=core_hours,
        node_hours=round(node_hours, 2),
        cores=cores,
        storage_gb=round(factor * last.bytes / 1e9, 3),
        cost=None if price is None else round(price * node_hours, 2),
        bottleneck=max(core_hours, key=lambda stage: core_hours[stage]),
    )
