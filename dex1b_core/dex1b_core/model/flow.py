"""A flow from noise to grasp codes, fitted by conditional flow matching.

Lipman et al., Flow Matching for Generative Modeling, 2023, with straight paths (Liu et al., Flow
Straight and Fast, 2023): x_t = (1 - t) x_0 + t x_1, where x_0 is normal and x_1 a code.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from dex1b_core.model.decoder import Fit, GraspDecoder, mlp
from dex1b_core.model.losses import reconstruction
from dex1b_core.model.settings import ModelSettings

_WAVES = 4  # of sine and cosine each, that tell the time


class FlowDecoder(GraspDecoder):
    """A velocity for each code on its way, integrated by the midpoint rule."""

    def __init__(self, settings: ModelSettings, condition_size: int, code_size: int) -> None:
        super().__init__()
        self._size, self._steps = code_size, settings.flow_steps
        first, *rest = settings.hidden
        self.condition_net = nn.Linear(condition_size, first)
        self.state_net = nn.Linear(code_size + 2 * _WAVES, first, bias=False)
        self.velocity_net = mlp((first, *rest, code_size))

    def fit(self, code: torch.Tensor, condition: torch.Tensor, generator: torch.Generator) -> Fit:
        """Squared error of the velocity at a random time; the guess is where it leads to.

        The later the time, the more the guess is one grasp and not the mean of many.
        """
        time = torch.rand(len(code), 1, generator=generator).to(code.device)
        noise = torch.randn(code.shape, generator=generator).to(code.device)
        state = (1.0 - time) * noise + time * code
        velocity = self._velocity(state, time, self.condition_net(condition))
        guess = state + (1.0 - time) * velocity
        losses = {'reconstruction': reconstruction(code - noise, velocity)}
        return Fit(guess, time[:, 0] ** 2, losses)

    def sample(
        self,
        condition: torch.Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        steps: int | None = None,
    ) -> torch.Tensor:
        """From noise along the velocity."""
        told = self.condition_net(condition)
        noise = torch.randn((len(condition), self._size), generator=generator)
        code = temperature * noise.to(condition.device)
        count = steps or self._steps
        step = 1.0 / count
        for number in range(count):
            time = torch.full((1, 1), number * step, device=code.device)
            half = code + 0.5 * step * self._velocity(code, time, told)
            code = code + step * self._velocity(half, time + 0.5 * step, told)
        return code

    def _velocity(
        self, state: torch.Tensor, time: torch.Tensor, told: torch.Tensor
    ) -> torch.Tensor:
        phase = 0.5 * math.pi * time * 2.0 ** torch.arange(_WAVES, device=time.device)
        clock = torch.cat([phase.sin(), phase.cos()], dim=1).expand(len(state), -1)
        velocity: torch.Tensor = self.velocity_net(
            torch.relu(told + self.state_net(torch.cat([state, clock], dim=1)))
        )
        return velocity
