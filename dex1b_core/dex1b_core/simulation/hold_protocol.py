"""What it takes for a grasp to hold: six pushes on an object in a hand that is fixed in space."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dex1b_core.simulation.scene_description import Drive

GRAVITY = 9.81  # [m/s^2]

_DRIVE = Drive(stiffness=5.0, damping=0.2, effort_limit=0.7, armature=0.001)


@dataclass(frozen=True)
class HoldProtocol:
    """A hand closes on an object that floats; then a force acts along six axis directions.

    Attributes:
        friction: Sliding coefficient of every contact.
        torsion: Torsional friction [m].
        mass: Of the object [kg].
        density: [kg/m^3] of the object instead of `mass`; 0 takes `mass`.
        force: On the object's centre of mass along each of its six axis directions [N].
        acceleration: Force by mass instead of `force` [m/s^2]; 0 takes `force`.
        drive: Of every driven joint.
        from_pregrasp: Begin in the pregrasp and close; else in the grasp posture.
        squeezes: Close on to the squeeze posture; else stay in the grasp posture.
        stages: Set points on the way from pregrasp to grasp, and from there to the squeeze.
        stage_s: How long each set point stands [s].
        hold_s: How long each force acts [s].
        looks: How often within `hold_s` the object is looked at.
        keeps_pose: Held means that the object has moved less than `max_shift` and `max_turn`; else
            that any part of the hand touches it at the end.
        max_shift: From where it was at first [m].
        max_turn: [rad].
        needed: Directions that must hold.
        max_start_overlap: Of hand with object or itself where it begins [m].
        max_penetration: Of hand in object in the grasp posture [m]; more fails.
        max_below: Hand geometry below the support plane [m]; more fails.
        approach_distance: Way before the pregrasp on which the support plane counts, too [m].
        extrapolates: A direction counts as held when the object, drifting on four times as fast as
            it did since the last look, would stay in place; a half to a quarter of the time.
        all_directions: Go on when the verdict is known.
        published_contacts: MuJoCo with DexGraspBench's contact parameters; else those at which the
            engines agree best.
    """

    friction: float = 0.6
    torsion: float = 0.02
    mass: float = 0.1
    density: float = 0.0
    force: float = 1.0
    acceleration: float = 0.0
    drive: Drive = _DRIVE
    from_pregrasp: bool = True
    squeezes: bool = True
    stages: int = 10
    stage_s: float = 0.04
    hold_s: float = 2.0
    looks: int = 10
    keeps_pose: bool = True
    max_shift: float = 0.05
    max_turn: float = math.radians(15.0)
    needed: int = 6
    max_start_overlap: float = 0.01
    max_penetration: float = math.inf
    max_below: float = 0.001
    approach_distance: float = 0.08
    extrapolates: bool = False
    all_directions: bool = False
    published_contacts: bool = True

    def mass_of(self, volume: float) -> float:
        """Of an object [kg] with a volume [m^3]."""
        return self.density * volume if self.density > 0.0 else self.mass

    def push_on(self, mass: float) -> float:
        """Force [N] on an object with a mass [kg]."""
        return self.acceleration * mass if self.acceleration > 0.0 else self.force
