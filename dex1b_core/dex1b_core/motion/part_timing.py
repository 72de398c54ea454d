"""The stages of opening a part, timed: slow enough while the hand holds it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dex1b_core.motion.pick_stages import PickTiming
from dex1b_core.motion.plan import PickStage, Stage
from dex1b_core.motion.timing import stretched
from dex1b_core.planning.candidate import GraspCandidate

Array = NDArray[np.float64]

SPEED = 0.08  # [m/s] mean speed of the hand while it leads a part,
APPROACH_SPEED = 0.05  # [m/s] and while it comes to it, which may be nearer than it looks
CALM_S = 0.6  # [s] before the approach: efforts are compared with those in which the arm rests
LEAST_S = 2.0  # [s] that leading takes


def part_stages(
    timing: PickTiming,
    candidate: GraspCandidate,
    ways: tuple[Array, Array, Array, Array],
    hand_start: Array,
    scaling: float,
    distance: float,
    reach: float,
) -> tuple[PickStage, ...]:
    """PREGRASP, APPROACH, CLOSE, SQUEEZE, ARTICULATE, and RETREAT twice: open, and back.

    Args:
        timing: Of the robot.
        candidate: The grasp.
        ways: Arm paths (K, A) to the stand-off, to the grasp, along the joint and back [rad].
        hand_start: (J,) posture of the hand before [rad].
        scaling: Fraction of the arm's limits.
        distance: Length of the hand's way to the grasp [m].
        reach: Length of the hand's way along the joint [m].

    Raises:
        Dex1bError: LIMITS, a stage breaks a limit in spite of its timing.
    """
    transit, approach, lead, back = ways
    pregrasp, grasp, squeeze = timing.postures(candidate)
    settings = timing.settings
    come = timing.arm(approach, scaling)
    come = stretched(come, max(1.0, distance / APPROACH_SPEED / come.duration))
    led = timing.arm(lead, scaling)
    led = stretched(led, max(1.0, LEAST_S / led.duration, abs(reach) / SPEED / led.duration))
    close, press = settings.close_duration, settings.squeeze_duration
    stages = (
        PickStage(
            Stage.PREGRASP,
            timing.arm(transit, scaling),
            timing.hand(hand_start, pregrasp, close),
            settle=CALM_S,
        ),
        PickStage(Stage.APPROACH, come),
        PickStage(Stage.CLOSE, hand=timing.hand(pregrasp, grasp, close)),
        PickStage(
            Stage.SQUEEZE, hand=timing.hand(grasp, squeeze, press), settle=settings.settle_duration
        ),
        PickStage(Stage.ARTICULATE, led, settle=settings.settle_duration),
        PickStage(
            Stage.RETREAT,
            hand=timing.hand(squeeze, pregrasp, 1.5 * close),
            settle=settings.settle_duration,
        ),
        PickStage(Stage.RETREAT, timing.arm(back, scaling)),
    )
    timing.validate(stages, scaling)
    return stages
