"""What the protocol fixes and what a caller may change."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Settings:
    """The strict six-direction protocol; the defaults are those that figures are reported for.

    Attributes:
        friction: Sliding coefficient of every contact; .3 is the hard setting.
        torsion: Torsional friction [m].
        mass: Of the object [kg].
        force: On the object's centre of mass along each of its six axis directions [N].
        hold_s: How long each force acts [s].
        checks: How often within `hold_s` the object's pose is looked at.
        kp: Position gain of every driven joint [N m/rad].
        kv: Damping inside the actuator, so that `limit` bounds both [N m s/rad].
        limit: Largest torque of every driven joint [N m].
        limits: Other torques by joint name [N m].
        armature: Of every joint [kg m^2].
        timestep: [s].
        stages: Points on the way from pregrasp to grasp, and from there to squeeze.
        substeps: Time steps at each.
        max_shift: The object may move so far from where it was at first [m].
        max_turn: And turn so far [rad].
        max_start_overlap: Hand with object or itself in the pregrasp [m].
        clean: A grasp is clean when it overlaps neither object nor itself more than this [m].
        max_below: Hand geometry below the support plane [m].
        approach_distance: Way before the pregrasp on which the support plane counts, too [m].
        multi_contact: Several contacts where two hulls meet face to face. MuJoCo 3.3.2, for which
            the protocol was published, made one.
        quick: Let a direction count as held when the object, drifting on as it did since the last
            check but four times as fast, would stay in place; for development, not for reports.
        all_directions: Try the directions left after one has failed.
    """

    friction: float = 0.6
    torsion: float = 0.02
    mass: float = 0.1
    force: float = 1.0
    hold_s: float = 2.0
    checks: int = 10
    kp: float = 5.0
    kv: float = 0.2
    limit: float = 0.7
    limits: dict[str, float] = field(default_factory=dict)
    armature: float = 0.001
    timestep: float = 0.004
    stages: int = 10
    substeps: int = 10
    max_shift: float = 0.05
    max_turn: float = math.radians(15.0)
    max_start_overlap: float = 0.01
    clean: float = 0.003
    max_below: float = 0.001
    approach_distance: float = 0.08
    multi_contact: bool = True
    quick: bool = False
    all_directions: bool = False
