"""DexSimple: grasps from a point cloud, on conditions (Dex1B, section IV)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import nn

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.model.decoder import GraspDecoder
from dex1b_core.model.flow import FlowDecoder
from dex1b_core.model.grasp_code import UNIT
from dex1b_core.model.joint_lines import SIZE as JOINT
from dex1b_core.model.settings import ModelSettings
from dex1b_core.model.variational import VariationalDecoder


@dataclass(frozen=True)
class CloudFeatures:
    """Of O clouds of N points.

    Attributes:
        points: (O, N, 3) as given [m].
        centre: (O, 3) their means [m].
        whole: (O, D) of each cloud.
        local: (O, N, D) of each point.
    """

    points: torch.Tensor
    centre: torch.Tensor
    whole: torch.Tensor
    local: torch.Tensor


@dataclass(frozen=True)
class Conditions:
    """Of B grasps.

    Attributes:
        cloud: (B,) index of the cloud.
        point: (B,) index of the associated point in it.
        heading: (B, 3) unit; zero where it is open.
        height: (B,) of the cloud's centre above the support plane [m]; NaN without a plane.
        joint: (B, 7) of `JointLines.told`; None for networks that are not told it.
    """

    cloud: torch.Tensor
    point: torch.Tensor
    heading: torch.Tensor
    height: torch.Tensor
    joint: torch.Tensor | None = None


class PointEncoder(nn.Module):
    """PointNet: the same layers for every point, then the largest value of each feature."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise((3, *widths)):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, points: torch.Tensor) -> CloudFeatures:
        """Features of (O, N, 3) points [m]."""
        centre = points.mean(dim=1)
        local = self.layers((points - centre[:, None]) / UNIT)
        return CloudFeatures(points, centre, local.amax(dim=1), local)

    def append(self, clouds: CloudFeatures, points: torch.Tensor) -> CloudFeatures:
        """With features of more points (O, M, 3), which change neither centre nor whole."""
        local = self.layers((points - clouds.centre[:, None]) / UNIT)
        return CloudFeatures(
            torch.cat([clouds.points, points], dim=1),
            clouds.centre,
            clouds.whole,
            torch.cat([clouds.local, local], dim=1),
        )


class DexSimple(nn.Module):
    """Encodes clouds, gathers conditions and decodes grasp codes."""

    def __init__(self, settings: ModelSettings, code_size: int) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = PointEncoder(settings.encoder)
        width = 2 * settings.encoder[-1]
        width += 3 * settings.point_position + 3 * settings.heading + 2 * settings.table
        width += JOINT * settings.joint
        kind = FlowDecoder if settings.decoder == 'flow' else VariationalDecoder
        self.decoder: GraspDecoder = kind(settings, width, code_size)

    def condition(self, clouds: CloudFeatures, conditions: Conditions) -> torch.Tensor:
        """(B, C) what the decoder is told.

        Raises:
            Dex1bError: INVALID_REQUEST when a network that moves joints is not told of one.
        """
        cloud, point = conditions.cloud, conditions.point
        parts = [clouds.whole[cloud], clouds.local[cloud, point]]
        if self.settings.point_position:
            parts.append((clouds.points[cloud, point] - clouds.centre[cloud]) / UNIT)
        if self.settings.heading:
            parts.append(conditions.heading)
        if self.settings.table:
            known = ~torch.isnan(conditions.height)
            height = torch.where(known, conditions.height / UNIT, 0.0)
            parts.append(torch.stack([known.float(), height], dim=1))
        if self.settings.joint:
            if conditions.joint is None:
                raise Dex1bError(
                    ErrorCode.INVALID_REQUEST,
                    'this network moves joints and was told of none; expected the joint of the '
                    'part, or a network for grasps',
                )
            parts.append(conditions.joint)
        return torch.cat(parts, dim=1)
