"""What the check pool and its workers say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dex1b_core.errors import ErrorCode
from dex1b_core.geometry import Plane
from dex1b_core.perception.observation import ShapeHypothesis
from dex1b_core.planning import GraspCandidate
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.check_trial import Trial

if TYPE_CHECKING:
    from dex1b_core.simulation.grasp_check import CheckObject


@dataclass(frozen=True)
class Start:
    """First message: builds the warm physics world; replied with None."""

    robot: RobotDescription
    settings: CheckSettings


@dataclass(frozen=True)
class Prepare:
    """Cut a shape; replied with a CheckObject."""

    shape: ShapeHypothesis
    plane: Plane


@dataclass(frozen=True)
class Objects:
    """What the trials to come are about, by shape index. No reply."""

    objects: tuple[CheckObject, ...]
    plane: Plane


@dataclass(frozen=True)
class Run:
    """Simulate a trial; replied with a TrialResult."""

    candidate: GraspCandidate
    trial: Trial


@dataclass(frozen=True)
class Reply:
    """Answer to the request with this number; `error`, code and text, replaces `value`."""

    number: int
    value: Any = None
    error: tuple[ErrorCode, str] | None = None
