"""How long a motion has lasted, whatever is done to the clock meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rclpy.node import Node

from dex1b_core.errors import Dex1bError, ErrorCode

_SLOWEST_S = 1.0  # robot time that may pass between two questions, however quickly they follow
_FASTEST = 30.0  # robot seconds in a wall-clock second: simulations may be fast


def motion_time(node: Node) -> Callable[[], float]:
    """Robot time [s] to measure motions with.

    Simulated time stands still with its robot; where time is not simulated, a steady clock, which
    nobody can set.
    """
    if not node.get_parameter('use_sim_time').value:
        return time.monotonic
    clock = node.get_clock()
    return lambda: float(clock.now().nanoseconds * 1e-9)


class MotionClock:
    """Adds up robot time between questions; steps back, and steps that are too long, do not count.

    Somebody asks many times a second while a robot moves. A stop that took a jump of the clock for
    progress would begin far from where the arm is.

    Attributes:
        jumped: Whether steps were left out: then nobody knows what others take for now.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Begin; `now` is robot time [s]."""
        self._now = now
        self._lock = threading.Lock()
        self._robot, self._wall = now(), time.monotonic()
        self._elapsed = 0.0
        self.jumped = False

    def elapsed(self) -> float:
        """Robot time since the beginning [s]."""
        with self._lock:
            robot, wall = self._now(), time.monotonic()
            step = robot - self._robot
            if 0.0 < step <= max(_SLOWEST_S, _FASTEST * (wall - self._wall)):
                self._elapsed += step
            elif step != 0.0:
                self.jumped = True
            self._robot, self._wall = robot, wall
            return self._elapsed


class ClockWatch:
    """Notices that the clock jumps while it is asked many times a second.

    Args:
        now: Robot time [s].
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.begin()

    def begin(self) -> None:
        """Forget what was before."""
        self._clock = MotionClock(self._now)

    def require_steady(self) -> None:
        """Raise once for a jump.

        Raises:
            Dex1bError: PRECONDITION.
        """
        self._clock.elapsed()
        if self._clock.jumped:
            self.begin()
            raise Dex1bError(
                ErrorCode.PRECONDITION,
                'the clock jumped while a goal was carried out; let one simulation alone publish '
                '/clock, and do not reset it meanwhile',
            )
