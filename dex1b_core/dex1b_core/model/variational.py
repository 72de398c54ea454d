"""A conditional variational autoencoder over grasp codes (Dex1B, section IV)."""

from __future__ import annotations

import torch

from dex1b_core.model.decoder import Fit, GraspDecoder, mlp
from dex1b_core.model.losses import divergence, reconstruction
from dex1b_core.model.settings import ModelSettings

_LOG_VARIANCE = (-10.0, 4.0)


class VariationalDecoder(GraspDecoder):
    """Posterior and decoder, both given the condition."""

    def __init__(self, settings: ModelSettings, condition_size: int, code_size: int) -> None:
        super().__init__()
        self._latent = settings.latent
        width = condition_size + code_size
        self.posterior_net = mlp((width, *settings.hidden, 2 * settings.latent))
        self.decoder_net = mlp((condition_size + settings.latent, *settings.hidden, code_size))

    def fit(self, code: torch.Tensor, condition: torch.Tensor, generator: torch.Generator) -> Fit:
        """Reconstruction from the posterior, and the posterior's divergence from the prior."""
        mean, log_variance = self.posterior(code, condition)
        noise = torch.randn(mean.shape, generator=generator).to(code.device)
        made = self.decode(mean + noise * (0.5 * log_variance).exp(), condition)
        losses = {
            'reconstruction': reconstruction(code, made),
            'divergence': divergence(mean, log_variance),
        }
        return Fit(made, torch.ones(len(code), device=code.device), losses)

    def sample(
        self,
        condition: torch.Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        steps: int | None = None,
    ) -> torch.Tensor:
        """Of latents from the prior, in one step."""
        noise = torch.randn((len(condition), self._latent), generator=generator)
        return self.decode(temperature * noise.to(condition.device), condition)

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
