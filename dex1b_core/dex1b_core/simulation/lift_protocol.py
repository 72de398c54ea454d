"""What it takes for a grasp to lift: see `LiftChecker`."""

from __future__ import annotations

from dataclasses import dataclass

from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.scene_description import Drive


@dataclass(frozen=True)
class LiftProtocol:
    """A hand approaches, closes, squeezes and lifts an object from its support.

    Attributes:
        settings: Motion and thresholds.
        drive: Of every driven joint.
        approach_distance: Before the grasp [m].
    """

    settings: CheckSettings
    drive: Drive
    approach_distance: float = 0.08
