"""DexSimple: grasps from a point cloud by a conditional variational autoencoder (Dex1B, IV)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import nn

from dex1b_core.model.grasp_code import UNIT
from dex1b_core.model.settings import ModelSettings

_LOG_VARIANCE = (-10.0, 4.0)


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
    """

    cloud: torch.Tensor
    point: torch.Tensor
    heading: torch.Tensor
    height: torch.Tensor


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


class DexSimple(nn.Module):
    """Posterior and decoder over grasp codes, both given the conditions."""

    def __init__(self, settings: ModelSettings, code_size: int) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = PointEncoder(settings.encoder)
        width = 2 * settings.encoder[-1]
        width += 3 * settings.point_position + 3 * settings.heading + 2 * settings.table
        self.posterior_net = _mlp((width + code_size, *settings.hidden, 2 * settings.latent))
        self.decoder_net = _mlp((width + settings.latent, *settings.hidden, code_size))

    def condition(self, clouds: CloudFeatures, conditions: Conditions) -> torch.Tensor:
        """(B, C) what both networks are told."""
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
        return torch.cat(parts, dim=1)

    def posterior(
        self, code: torch.Tensor, condition: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and logarithm of the variance, (B, latent) each."""
        mean, log_variance = self.posterior_net(torch.cat([code, condition], dim=1)).chunk(2, dim=1)
        return mean, log_variance.clamp(*_LOG_VARIANCE)

    def decode(self, latent: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(B, code size) of (B, latent)."""
        code: torch.Tensor = self.decoder_net(torch.cat([latent, condition], dim=1))
        return code


def _mlp(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
