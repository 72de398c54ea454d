"""A planned pick as joint positions over time, for whoever plays or shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.plan import PickPlan

Array = NDArray[np.float64]

PERIOD_S = 0.05


@dataclass(frozen=True)
class PlannedMotion:
    """Positions of all driven joints; T samples of J joints.

    Attributes:
        names: (J,) joints of arm and hand.
        times: (T,) from the start of the motion [s], increasing.
        positions: (T, J) [rad].
    """

    names: tuple[str, ...]
    times: Array
    positions: Array

    def __post_init__(self) -> None:
        shape = (len(self.times), len(self.names))
        if np.shape(self.positions) != shape or 0 in shape:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'planned motion: positions have shape {np.shape(self.positions)}; expected '
                f'{shape}, times by joints, with at least one of each',
            )
        if not (np.isfinite(self.positions).all() and (np.diff(self.times) > 0.0).all()):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                'planned motion: times must increase and positions be finite',
            )

    @classmethod
    def of(cls, plan: PickPlan, period: float = PERIOD_S) -> Self:
        """Sample all stages of a plan, one after the other, every `period` seconds."""
        parts = [part for stage in plan.stages for part in (stage.arm, stage.hand) if part]
        names = tuple(dict.fromkeys(name for part in parts for name in part.names))
        where = {name: column for column, name in enumerate(names)}
        now = np.full(len(names), np.nan)
        for part in reversed(parts):  # a joint rests at its first position until it is moved
            now[[where[name] for name in part.names]] = part.positions[0]
        rows, begin, times = [], 0.0, []
        for stage in plan.stages:
            moments = np.arange(0.0, max(stage.duration, 1e-9), period)
            block = np.tile(now, (len(moments), 1))
            for moved in (stage.arm, stage.hand):
                if moved is not None:
                    columns = [where[name] for name in moved.names]
                    block[:, columns] = moved.sample(moments)[0]
                    now[columns] = moved.positions[-1]
            rows.append(block)
            times.append(begin + moments)
            begin += max(stage.duration, 1e-9)
        rows.append(now[None])
        times.append(np.array([begin]))
        return cls(names, np.concatenate(times), np.concatenate(rows))

    @property
    def duration(self) -> float:
        """Time of the last sample [s]."""
        return float(self.times[-1])

    def at(self, time: float) -> dict[str, float]:
        """Positions [rad] by name, between samples interpolated, beyond the ends held."""
        return {
            name: float(np.interp(time, self.times, column))
            for name, column in zip(self.names, self.positions.T, strict=True)
        }
