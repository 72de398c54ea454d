"""Settings of perception, validated."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from dex1b_core.config import StrictModel

Vector3 = tuple[float, float, float]
HypothesisName = Literal['smooth', 'symmetric_extrusion', 'extrusion', 'carved_hull', 'hull']
DEFAULT_HYPOTHESES: tuple[HypothesisName, ...] = ('symmetric_extrusion', 'carved_hull', 'hull')


class PerceptionSettings(StrictModel):
    """How depth becomes a scene; planning frame, metres and radians."""

    workspace_lower: Vector3 = Field((0.15, -0.6, -0.1), description='crop [m]')
    workspace_upper: Vector3 = Field((0.95, 0.6, 0.6), description='crop [m]')
    plane_source: Literal['estimate', 'estimate_or_given', 'given'] = Field(
        'estimate', description='where the support plane comes from'
    )
    plane_height: float = Field(0.0, description='z of a given support plane [m]')
    plane_max_tilt: float = Field(0.35, gt=0, le=1.6, description='from the z axis [rad]')
    plane_tolerance: float = Field(0.008, gt=0, description='RANSAC inlier distance [m]')
    plane_min_points: int = Field(1500, ge=10, description='points that a plane needs')
    min_height: float = Field(0.006, gt=0, description='above the plane to be an object [m]')
    edge_gap: float = Field(0.006, gt=0, description='surface gap between two objects [m]')
    merge_gap: float = Field(0.010, ge=0, description='nearer pieces are one object [m]')
    concave_angle: float = Field(0.7, gt=0, description='crease that separates objects [rad]')
    min_points: int = Field(150, ge=10, description='pixels that make an object')
    largest_object: float = Field(
        0.45, gt=0, description='what is longer is part of the scene: boards, walls [m]'
    )
    robot_shadow: bool = Field(
        False, description='what the robot hides of the target is an obstacle'
    )
    robot_padding: float = Field(0.015, ge=0, description='grown around robot links [m]')
    max_points: int = Field(6000, ge=100, description='kept on the target')
    max_obstacle_points: int = Field(6000, ge=0)
    graspable_width: float = Field(0.10, gt=0, description='hand opening, for AUTO [m]')
    reach_centre: Vector3 = Field((0.45, 0.0, 0.1), description='best place to grasp, for AUTO')
    voxel: float = Field(0.003, gt=0.0005, description='of reconstructed shapes [m]')
    max_faces: int = Field(1500, ge=100, description='of reconstructed shapes')
    reconstruct: bool = Field(True, description='estimate the full shape of the target')
    hypotheses: tuple[HypothesisName, ...] = Field(
        DEFAULT_HYPOTHESES,
        min_length=1,
        description='estimates of the full shape that are made, in any order',
    )

    @model_validator(mode='after')
    def _box_has_volume(self) -> Self:
        bounds = zip(self.workspace_lower, self.workspace_upper, strict=True)
        if any(low >= high for low, high in bounds):
            raise ValueError(
                f'workspace_lower {self.workspace_lower} is not below workspace_upper '
                f'{self.workspace_upper}'
            )
        return self
