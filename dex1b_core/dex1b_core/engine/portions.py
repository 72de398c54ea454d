"""What a task of the data engine is to propose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.engine.makers import Networks


@dataclass(frozen=True, eq=False)
class Portion:
    """Proposals for one object.

    Attributes:
        target: As `load_object` takes it.
        on_table: Whether it rests on a plane.
        random: How many the optimiser starts at random.
        learned: How many the network proposes.
        associated: (M, 3) associated points of earlier grasps that held [m].
    """

    target: str
    on_table: bool
    random: int
    learned: int
    associated: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Task:
    """Makes one shard.

    Attributes:
        name: Of the shard.
        round: Number.
        portions: What to propose.
        networks: Of the round before; None in the first.
    """

    name: str
    round: int
    portions: tuple[Portion, ...]
    networks: Networks | None
