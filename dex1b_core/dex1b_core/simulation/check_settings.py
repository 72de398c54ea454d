"""What the physics check does to a grasp, and what it takes for held."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dex1b_core.config import StrictModel


class CheckSettings(StrictModel):
    """Motion, disturbance and thresholds of one trial; perturbations of repeated trials.

    The motion follows the executor's: approach, close to the grasp posture, squeeze, lift a
    little, lift.
    """

    engine: Literal['sapien', 'mujoco'] = Field('sapien', description='which simulates')
    body: Literal['hand', 'robot'] = Field(
        'hand', description='the hand alone, or arm and hand with the drives of both'
    )
    friction: float = Field(1.0, gt=0, le=2, description='nominal, of hand and object')
    torsion: float = Field(0.005, ge=0, description='[m] torsional friction; mujoco only')
    mass: float = Field(0.0, ge=0, description='[kg] nominal; 0: by volume')

    approach_speed: float = Field(0.25, gt=0, description='[m/s] mean')
    close_s: float = Field(0.40, gt=0, description='[s] pregrasp to grasp posture')
    squeeze_s: float = Field(0.24, gt=0, description='[s] grasp to squeeze posture')
    settle_s: float = Field(0.30, ge=0, description='[s]')
    small_lift: float = Field(0.02, gt=0, description='[m]')
    small_lift_s: float = Field(0.25, gt=0, description='[s]')
    lift: float = Field(0.12, gt=0, description='[m] in all')
    lift_s: float = Field(0.40, gt=0, description='[s]')
    shake: float = Field(3.0, ge=0, description='[m/s^2] push on the lifted object, four ways')
    shake_s: float = Field(0.12, ge=0, description='[s] each way')

    max_overlap_open: float = Field(
        0.005, gt=0, description='[m] hand and object, open at the grasp pose'
    )
    max_overlap_closed: float = Field(
        0.015, gt=0, description='[m] hand and object, in the grasp posture'
    )
    max_table_overlap: float = Field(0.003, gt=0, description='[m] open hand in the table')
    max_push: float = Field(80.0, gt=0, description='[N] on the wrist during the approach')
    max_slip: float = Field(0.03, gt=0, description='[m] object in the hand, after closing')
    max_rotation: float = Field(0.8, gt=0, description='[rad] object in the hand, after closing')
    min_rise: float = Field(0.5, gt=0, le=1, description='of each lift, that the object follows')
    max_speed: float = Field(
        20.0, gt=0, description='[m/s] of the object; more is a blown-up trial'
    )

    needs_thumb: bool = Field(True, description='among the two fingers that touch at the end')

    trials: int = Field(5, ge=1, le=50, description='for each candidate, the first unperturbed')
    position_noise: float = Field(0.004, ge=0, description='[m] of the object, each axis, uniform')
    yaw_noise: float = Field(0.05, ge=0, description='[rad] of the object, uniform')
    friction_range: tuple[float, float] = (0.6, 1.0)
    mass_scale_range: tuple[float, float] = (0.5, 2.0)
    pass_fraction: float = Field(
        0.6, gt=0, le=1, description='of trials that must hold, beside the unperturbed one'
    )
