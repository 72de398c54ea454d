"""When an execution step counts as done, late, or failed."""

from __future__ import annotations

from pydantic import Field

from dex1b_core.config import StrictModel


class ExecutionSettings(StrictModel):
    """Tolerances of the pick's execution; times are robot time unless they say wall."""

    start_tolerance: float = Field(0.02, gt=0, description='measured to planned start [rad]')
    arrival_tolerance: float = Field(0.01, gt=0, description='arm at the end of a motion [rad]')
    hand_tolerance: float = Field(
        0.15, gt=0, description='hand at its posture before the grasp: hands are coarse [rad]'
    )
    contact_tolerance: float = Field(
        0.05, gt=0, description='instead of both from the approach on: an object pushes back [rad]'
    )
    arrival_timeout: float = Field(3.0, gt=0, description='to settle after a motion [s]')
    tracking_tolerance: float = Field(0.3, gt=0, description='arm to its trajectory [rad]')
    rest_velocity: float = Field(0.03, gt=0, description='slower counts as still [rad/s]')
    deadline_factor: float = Field(1.5, ge=1, description="of a motion's own duration")
    deadline_margin: float = Field(2.0, ge=0, description='added to every deadline [s]')
    wall_deadline_factor: float = Field(
        30.0, gt=0, description='wall seconds per second of a deadline, for a slow simulation'
    )
    grip_error: float = Field(0.05, gt=0, description='command to position of a held finger [rad]')
    grip_effort: float = Field(0.05, ge=0, description='least effort of a held finger [N m]')
    grip_motion: float = Field(
        0.25, gt=0, description='fingers that close further while lifting have lost it [rad]'
    )
    poll_period: float = Field(0.01, gt=0, description='wall time between looks [s]')
