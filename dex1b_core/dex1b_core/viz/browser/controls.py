"""What the viewer asks of a running stack, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Report = dict[str, Any]


@dataclass(frozen=True)
class StackStatus:
    """How the stack is.

    Attributes:
        stage: What the executor does, 'idle', 'lift', ...; '' when it was not heard lately.
        execution_enabled: Whether the executor may move the robot.
        object_held: By the hand's own evidence.
        safety: 'ok', 'warn', 'stop'; '' when the monitor was not heard lately.
        message: Of the safety monitor, else of the executor.
        robot_age: Seconds since the last joint state; infinite before the first.
    """

    stage: str = ''
    execution_enabled: bool = False
    object_held: bool = False
    safety: str = ''
    message: str = ''
    robot_age: float = float('inf')

    @property
    def may_pick(self) -> bool:
        """Whether a pick could begin: execution is on and nothing has stopped."""
        return self.execution_enabled and self.safety in ('ok', 'warn') and self.stage == 'idle'

    @property
    def is_stopped(self) -> bool:
        """Whether a reset is needed before anything moves again."""
        return self.safety == 'stop' or self.stage in ('stopping', 'stopped')


class StackControls(Protocol):
    """Calls of a stack; each blocks until it is answered.

    Reports have error_code, error, error_msg, seed, rejections (reason, stage, count, example)
    and stages (stage, seconds). Each call may raise Dex1bError.
    """

    def plan(self, target: Array | None) -> Report:
        """Plan for the object at a point (3,) [m], None: the most graspable; nothing moves."""
        ...

    def pick(self, target: Array | None) -> Report:
        """Look, plan, check and pick."""
        ...

    def stop(self) -> str:
        """Stop the robot and refuse goals; says what was answered."""
        ...

    def reset(self) -> str:
        """Accept goals again; says what was answered."""
        ...
