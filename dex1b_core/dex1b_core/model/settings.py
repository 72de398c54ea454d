"""What DexSimple is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from dex1b_core.errors import ConfigurationError


@dataclass(frozen=True)
class ModelSettings:
    """Sizes and conditions; the defaults are ours, `PAPER` is Dex1B's (Table VI).

    Attributes:
        cloud_points: Points of a cloud.
        encoder: Widths of the layers that every point goes through.
        decoder: 'variational' is Dex1B's CVAE.
        hidden: Widths of the layers of the decoder, and of the CVAE's encoder.
        latent: Size of the CVAE's latent.
        flow_steps: In which the flow is integrated, two evaluations each.
        point_position: Whether the associated point's place is a condition beside its feature.
        heading: Whether the direction of the fingers is one; it can be left open.
        table: Whether the support plane is one.
        joint: Whether the joint that is to be moved is one.
    """

    cloud_points: int = 512
    encoder: tuple[int, ...] = (64, 128, 256)
    decoder: Literal['flow', 'variational'] = 'flow'
    hidden: tuple[int, ...] = (512, 512, 512)
    latent: int = 32
    flow_steps: int = 5
    point_position: bool = True
    heading: bool = True
    table: bool = True
    joint: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """From `to_dict`, by way of JSON.

        Raises:
            ConfigurationError: INVALID_CONFIGURATION for other keys than those of this version.
        """
        known = {field.name for field in fields(cls)}
        if set(values) | {'joint'} != known:  # files from before there was a joint lack it
            raise ConfigurationError(
                f'settings of the model have the keys {sorted(values)}; this version expects '
                f'{sorted(known)}'
            )
        read: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**read)


PAPER = ModelSettings(
    cloud_points=1024,
    encoder=(64, 128, 1024, 256),
    decoder='variational',
    hidden=(256, 512, 256),
    latent=256,
    point_position=False,
    heading=False,
    table=False,
)
