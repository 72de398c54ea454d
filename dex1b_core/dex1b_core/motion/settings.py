"""How cautiously and how fast the arm moves."""

from __future__ import annotations

from pydantic import Field

from dex1b_core.config import StrictModel


class MotionSettings(StrictModel):
    """Margins [m], resolutions and time limits of motion planning."""

    hand_table_margin: float = Field(0.001, ge=0, description='hand to support plane [m]')
    arm_table_margin: float = Field(0.01, ge=0, description='arm links to support plane [m]')
    obstacle_margin: float = Field(0.005, ge=0, description='robot to obstacle voxels [m]')
    object_margin: float = Field(0.005, ge=0, description='robot to object on the way [m]')
    voxel_size: float = Field(0.01, gt=0, description='obstacle cloud resolution [m]')

    ik_restarts: int = Field(10, ge=1, description='random starts after the seed states')
    ik_solutions: int = Field(6, ge=1, description='postures tried before giving up')
    ik_goals: int = Field(3, ge=1, description='postures that a path may lead to')
    cartesian_step: float = Field(0.01, gt=0, description='straight lines are sampled this [m]')
    joint_jump: float = Field(0.3, gt=0, description='largest joint change in one step [rad]')

    path_step: float = Field(0.04, gt=0, description='between points of a path [rad]')
    check_step: float = Field(0.02, gt=0, description='between collision checks [rad]')
    planning_time: float = Field(3.0, gt=0, description='limit of one path search [s]')
    shortcut_rounds: int = Field(80, ge=0, description='random shortcuts tried')
    corner_radius: float = Field(0.25, ge=0, description='rounding of path corners [rad]')

    sample_period: float = Field(0.04, gt=0, le=0.04, description='of trajectories [s]')
    close_duration: float = Field(0.64, gt=0, description='shortest closing time [s]')
    squeeze_duration: float = Field(0.3, gt=0, description='shortest squeezing time [s]')
    settle_duration: float = Field(0.3, ge=0, description='wait after squeezing [s]')
    verify_height: float = Field(0.02, gt=0, description='small lift before judging the grip [m]')
    min_lift_fraction: float = Field(
        0.5, gt=0, le=1, description='a lift that the arm can follow only so far is accepted'
    )
