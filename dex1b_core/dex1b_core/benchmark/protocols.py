"""What 'success' means to whom: published protocols by name, and ours."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from dex1b_core.errors import ErrorCode, UnknownNameError
from dex1b_core.simulation.check_settings import CheckSettings
from dex1b_core.simulation.engine import EngineName
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.lift_protocol import LiftProtocol
from dex1b_core.simulation.scene_description import Drive


@dataclass(frozen=True)
class Protocol:
    """A named protocol.

    Attributes:
        name: For commands and reports.
        source: Who published it, and where ours cannot be the same.
        check: What is asked.
        engines: Which simulate; a grasp succeeds when it does in all of them.
        worlds: How many: the one that the grasp was planned for and others, perturbed.
        share: Part of the perturbed worlds in which it must succeed, beside the first.
        closes_by_gradient: Begin where DexGraspNet's `gradient_closing` leaves the fingers.
        max_penetration_sum: Of `penetration_sum` [m], before closing; as much or more fails.
    """

    name: str
    source: str
    check: HoldProtocol | LiftProtocol
    engines: tuple[EngineName, ...] = ('mujoco',)
    worlds: int = 1
    share: float = 1.0
    closes_by_gradient: bool = False
    max_penetration_sum: float = math.inf


_ISAAC = Drive(stiffness=1000.0, damping=0.0, effort_limit=1e3, armature=0.001)
_DEXGRASPBENCH = HoldProtocol(max_below=math.inf)
_DEXGRASPNET = HoldProtocol(
    friction=3.0,
    torsion=0.0,
    density=500.0,
    acceleration=9.8,
    drive=_ISAAC,
    from_pregrasp=False,
    squeezes=False,
    hold_s=100 / 60,
    keeps_pose=False,
    max_start_overlap=math.inf,
    max_below=math.inf,
)
_TABLE_LIFT = CheckSettings(
    friction=1.0,
    mass=0.1,
    lift=0.4,
    lift_s=1.6,
    shake=0.0,
    max_overlap_open=0.01,
    max_overlap_closed=0.05,
    max_slip=0.2,
    max_rotation=math.pi,
    min_rise=0.9,
    needs_thumb=False,
)

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            'dexgraspbench',
            'DexGraspBench (BODex, Dexonomy): MuJoCo, pregrasp-grasp-squeeze, 1 N along each of '
            'six directions for 2 s, all must keep the object within 5 cm and 15 degrees. '
            'Published for MuJoCo 3.3.2, whose hulls touch in one point.',
            _DEXGRASPBENCH,
        ),
        Protocol(
            'dexgraspnet',
            'DexGraspNet, validate_grasps.py: gravity in six directions for 100 steps of 1/60 s, '
            'friction 3, density 500; held means any contact left at the end; fingers begin closed '
            'by one gradient step; before it, depths of 2000 object points in the hand sum up to '
            'less than 1 mm. '
            "Published for Isaac Gym (PhysX); ours is SAPIEN's PhysX.",
            _DEXGRASPNET,
            engines=('sapien',),
            closes_by_gradient=True,
            max_penetration_sum=0.001,
        ),
        Protocol(
            'dex1b',
            'Dex1B, Table II, after UGG: at least one of the six directions of dexgraspnet, with '
            'fingers kept in the grasp posture, and penetration under 5 mm.',
            replace(_DEXGRASPNET, needed=1, max_penetration=0.005),
            engines=('sapien',),
        ),
        Protocol(
            'lift',
            'Dex1B, appendix II: lifted by 0.4 m from its support (the object by 0.36 m at least) '
            'with at least two fingers in contact at the end; 0.1 kg. Friction and gains are not '
            'published: 1.0, 5 N m/rad.',
            LiftProtocol(_TABLE_LIFT, _DEXGRASPBENCH.drive),
            engines=('sapien',),
        ),
        Protocol(
            'strict',
            'Ours: all six directions of dexgraspbench without torsional friction, in both '
            'engines, and in three of four worlds with other friction, mass, pose and joints.',
            replace(
                _DEXGRASPBENCH,
                torsion=0.0,
                published_contacts=False,
                max_below=HoldProtocol.max_below,
            ),
            engines=('mujoco', 'sapien'),
            worlds=5,
            share=0.75,
        ),
    )
}


def protocol_named(name: str) -> Protocol:
    """One of `PROTOCOLS`.

    Raises:
        UnknownNameError: INVALID_REQUEST; the message lists those known.
    """
    if name not in PROTOCOLS:
        raise UnknownNameError(ErrorCode.INVALID_REQUEST, 'protocol', name, list(PROTOCOLS))
    return PROTOCOLS[name]
