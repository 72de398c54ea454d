"""How seeds are made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dex1b_core.synthesis.descent import DescentSettings
from dex1b_core.synthesis.grip import GripSettings
from dex1b_core.synthesis.objective import PAPER_WEIGHTS, EnergyWeights, ObjectiveSettings
from dex1b_core.synthesis.seed_starts import StartSettings

PRESSING = EnergyWeights(balance=30.0, lean=5.0, touch=60.0)

# For grasps that a model or a person proposes (`SeedSynthesizer.refine`): fewer, smaller steps.
# Dex1B leaves closure out; so does `PAPER_REFINEMENT`.
REFINEMENT = DescentSettings(PRESSING, steps=100, rates=(0.0015, 0.008, 0.015), near_every=8)
PAPER_REFINEMENT = replace(REFINEMENT, weights=replace(PAPER_WEIGHTS, closure=0.0))


@dataclass(frozen=True)
class SeedSettings:
    """How seeds are made.

    Attributes:
        starts: Where they begin.
        objective: Energies.
        draws: Starts explored for each grasp optimised; those of least energy go on.
        draws_underactuated: The same for hands whose fingers cannot press in any direction: they
            depend more on the place.
        explore: Weights and steps of the first stage.
        explore_pad_points: `ObjectiveSettings.pad_points` of the first stage.
        descent: Weights and steps of the second stage.
        grip: Pregrasp and squeeze.
        excess: Grasps optimised for each one returned; the best by prediction are kept.
        excess_underactuated: The same for hands whose fingers cannot press in any direction.
        chunk: Grasps optimised together at most.
    """

    starts: StartSettings = field(default_factory=StartSettings)
    objective: ObjectiveSettings = field(
        default_factory=lambda: ObjectiveSettings(
            self_margin=0.002, palm_margin=0.003, pad_points=64
        )
    )
    draws: float = 3.0
    draws_underactuated: float = 10.0
    explore: DescentSettings = field(
        default_factory=lambda: DescentSettings(
            steps=50, final=0.4, rates=(0.004, 0.02, 0.04), near_every=10
        )
    )
    explore_pad_points: int = 12
    descent: DescentSettings = field(
        default_factory=lambda: DescentSettings(
            PRESSING,
            steps=150,
            rates=(0.0026, 0.013, 0.026),
            directions_per_step=5,
            near_every=8,
        )
    )
    grip: GripSettings = field(default_factory=GripSettings)
    excess: float = 1.5
    excess_underactuated: float = 5.0
    chunk: int = 768

    def with_excess(self, excess: float) -> SeedSettings:
        """The same for every hand."""
        return replace(self, excess=excess, excess_underactuated=excess)


def seed_settings(steps: int, stiffness: float) -> SeedSettings:
    """Settings for other numbers of steps: rates fall with steps^0.6, so that grasps arrive.

    Args:
        steps: Of the descent.
        stiffness: Position gain of the hand's controllers [N m/rad].
    """
    default = SeedSettings()
    faster = (default.descent.steps / steps) ** 0.6
    translation, rotation, joints = default.descent.rates
    rates = (faster * translation, faster * rotation, faster * joints)
    return replace(
        default,
        descent=replace(default.descent, steps=steps, rates=rates),
        grip=replace(default.grip, stiffness=stiffness),
    )
