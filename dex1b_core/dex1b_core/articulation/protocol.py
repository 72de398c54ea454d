"""What it takes for a grasp to move an object's joint."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.scene_description import FLOAT_SLIDE, FLOAT_TURN, Drive


class Reason(StrEnum):
    """Why a criterion was not met."""

    NONE = 'none'
    START_OVERLAP = 'start_overlap'
    """The hand overlaps something in the grasp, or where it begins."""
    MISSED = 'missed'
    """No finger touches the part after closing."""
    LOST = 'lost'
    """No finger touches it in the end, and it moved too little."""
    NOT_OPENED = 'not_opened'
    """It moved too little, though touched."""
    TOO_FEW_FINGERS = 'too_few_fingers'
    """It moved enough, but fewer than two fingers touch it in the end."""
    SLIPPED = 'slipped'
    """A touching finger moved along the part."""
    OVERLOADED = 'overloaded'
    """The hand pulled harder than a base on a table stays for."""
    UNSTABLE = 'unstable'
    """The simulation broke down."""


@dataclass(frozen=True)
class Condition:
    """A world in which every grasp is tried.

    Attributes:
        name: For reports.
        friction: Sliding coefficient of every contact.
        damping, resistance: Factors on damping and Coulomb friction of the joint.
        shift: The hand is so much nearer to the part than it should be, against its retreat [m].
    """

    name: str
    friction: float
    damping: float = 1.0
    resistance: float = 1.0
    shift: float = 0.0


NOMINAL = Condition('nominal', 0.6)
SWEEP = (
    NOMINAL,
    Condition('slippery', 0.4),
    Condition('stiff', 0.6, damping=3.0, resistance=1.5),
    Condition('loose', 0.6, damping=0.3),
)


@dataclass(frozen=True)
class ArticulationProtocol:
    """A floating hand approaches, closes, squeezes and leads the part along its joint.

    Attributes:
        turn: Success by Dex1B's criterion: so far, [rad],
        slide: or so far, [m],
        share_of_travel: but no more than this part of what the joint has left.
        fingers: That touch the part in the end, by both criteria.
        strict_share: Part of the travel that the joint has moved, by the strict criterion.
        max_slip: Of any finger that still touches, along the part [m], strict.
        max_load: On the hand while it leads [N], strict: what friction .6 holds of a base of 5 kg.
        beyond: Factor on the goal where Dex1B's criterion is judged: the hand goes so far.
        lead: Part of the travel to which the hand goes in the end.
        dexart_share: Part of the range that DexArt asks of laptops and lids of toilets,
        dexart_turn: and how far it asks faucets to turn [rad].
        max_overlap: Where it begins and in the grasp [m].
        approach: Way of the approach [m].
        speed: Mean speed of the approach, and of the hand on its way [m/s].
        turn_speed: Mean speed of the joint at most [rad/s].
        least_s: Each of the two stretches of the way takes at least so long [s].
        close_s, squeeze_s, settle_s: How long closing takes [s].
        load_all_along: The load counts while the hand approaches and closes, too.
        slide_drive, turn_drive: Of the wrist.
        drive: Of every driven joint of the hand.
        torsion: Torsional friction of contacts [m].
    """

    turn: float = 0.5
    slide: float = 0.15
    share_of_travel: float = 0.75
    fingers: int = 2
    strict_share: float = 0.75
    max_slip: float = 0.02
    max_load: float = 30.0
    beyond: float = 1.15
    lead: float = 0.95
    dexart_share: float = 0.95
    dexart_turn: float = 1.5
    max_overlap: float = 0.01
    approach: float = 0.1
    speed: float = 0.15
    turn_speed: float = 1.0
    least_s: float = 0.8
    close_s: float = 0.4
    squeeze_s: float = 0.4
    settle_s: float = 0.2
    load_all_along: bool = False
    slide_drive: Drive = FLOAT_SLIDE
    turn_drive: Drive = FLOAT_TURN
    drive: Drive = HoldProtocol().drive
    torsion: float = 0.02

    def goal(self, target: ArticulatedObject) -> float:
        """Displacement that Dex1B's criterion asks of an object [rad or m]."""
        wanted = self.slide if target.joint.slides else self.turn
        return min(wanted, self.share_of_travel * target.travel)

    def dexart_goal(self, target: ArticulatedObject) -> float | None:
        """Displacement that DexArt (Bao et al., CVPR 2023) asks of an object [rad].

        None where it has no such task, or the joint does not go so far. Its environments want the
        palm to touch the part as well, which is not asked here.
        """
        joint = target.joint
        if target.category in ('laptop', 'toilet'):
            opened = joint.lower + self.dexart_share * (joint.upper - joint.lower)
            return max(0.0, opened - target.start)
        if target.category == 'faucet' and target.travel > self.dexart_turn:
            return self.dexart_turn
        return None
