"""What a demonstration grasps: a free object, or the moving part of one with a joint."""

from __future__ import annotations

from dataclasses import dataclass

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.articulated_object import PREFIX
from dex1b_core.geometry.object_model import load_object
from dex1b_core.geometry.solids import Solid
from dex1b_core.simulation.object_joint import ObjectJoint


@dataclass(frozen=True)
class TrainingShape:
    """In the object's frame.

    Attributes:
        solid: Its surface; of a part, where its joint starts.
        joint: By which it moves; None for a free object.
    """

    solid: Solid
    joint: ObjectJoint | None = None


def training_shape(name: str) -> TrainingShape:
    """By the name in a demonstration.

    Raises:
        Dex1bError: see `load_object` and `load_articulated`.
    """
    if name.startswith(f'{PREFIX}:'):
        target = load_articulated(name)
        return TrainingShape(target.moving_solid(target.start), target.joint)
    model = load_object(name)
    return TrainingShape(Solid(model.vertices, model.faces))
