"""Runs a judge's requests through the check that its protocol asks for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import Plane
from dex1b_core.geometry.convex import convex_part
from dex1b_core.planning import FailureReason, GraspCandidate
from dex1b_core.simulation.body_tree import BodyTree
from dex1b_core.simulation.check_trial import Trial
from dex1b_core.simulation.hold_check import HoldChecker, HoldTrial, Postures
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.judge_server import JudgeRequest, JudgeWorld
from dex1b_core.simulation.lift_check import CheckObject, LiftChecker, support_frame
from dex1b_core.simulation.lift_protocol import LiftProtocol
from dex1b_core.simulation.urdf_bodies import TreeSource, read_body_tree

Array = NDArray[np.float64]
Runner = Callable[[JudgeRequest], HoldTrial]


def trial_runner(hand: TreeSource, world: JudgeWorld) -> Runner:
    """A warm scene, as a function of one request.

    Raises:
        Dex1bError: PRECONDITION when the protocol lifts and the object floats.
    """
    if isinstance(world.protocol, HoldProtocol):
        return _holding(hand, world, world.protocol)
    return _lifting(hand, world, world.protocol)


def _holding(hand: TreeSource, world: JudgeWorld, protocol: HoldProtocol) -> Runner:
    checker = HoldChecker(read_body_tree(hand), world.parts, protocol, world.engine)

    def run(request: JudgeRequest) -> HoldTrial:
        change = request.perturbation
        pose, postures = _perturbed(request)
        return checker.run(
            pose,
            Postures(*postures),
            world.plane,
            request.approach,
            friction=protocol.friction * change.friction,
            mass_scale=change.mass,
        )

    return run


def _lifting(hand: TreeSource, world: JudgeWorld, protocol: LiftProtocol) -> Runner:
    if world.plane is None:
        raise Dex1bError(
            ErrorCode.PRECONDITION,
            'the protocol lifts the object from its support, but these grasps are for one that '
            "floats; make them with 'dex1b synth --table'",
        )
    tree = read_body_tree(hand)
    plane = Plane(world.plane[:3], float(world.plane[3]))
    settings = protocol.settings.model_copy(update={'engine': world.engine})
    parts = tuple(convex_part(part) for part in world.parts)
    target = CheckObject(parts, support_frame(plane), sum(part.volume for part in parts))
    drives = dict.fromkeys(hand.joint_names, protocol.drive)
    checker = LiftChecker(hand, _fingers(tree), drives, target, settings)

    def run(request: JudgeRequest) -> HoldTrial:
        change = request.perturbation
        if not (np.isfinite(request.object_T_root).all() and np.isfinite(request.postures).all()):
            return HoldTrial(FailureReason.UNSTABLE, 'start')
        pose, (pregrasp, grasp, squeeze) = _perturbed(request)
        down = -plane.normal
        approach = down if request.approach is None else request.approach
        candidate = GraspCandidate(
            hand='',
            planning_T_wrist=pose,
            joint_names=hand.joint_names,
            pregrasp=pregrasp,
            grasp=grasp,
            squeeze=squeeze,
            approach=approach if np.isfinite(approach).all() else down,
            approach_distance=protocol.approach_distance,
        )
        trial = Trial(friction=settings.friction * change.friction, mass_scale=change.mass)
        result = checker.run(candidate, plane, trial)
        return HoldTrial(
            reason=result.reason,
            penetration=result.max_penetration,
            fingers=result.fingers_in_contact,
        )

    return run


def _perturbed(request: JudgeRequest) -> tuple[Array, Array]:
    """Pose (4, 4) of the hand's root and postures (3, J)."""
    change = request.perturbation
    pose = request.object_T_root
    if change.hand_T_moved is not None:
        pose = pose @ change.hand_T_moved
    return pose, request.postures + change.joint_noise(request.postures.shape[1])


def _fingers(tree: BodyTree) -> dict[str, tuple[str, ...]]:
    """Links of each branch of the hand."""
    owner = tree.fingers()
    return {
        str(finger): tuple(
            link for body, own in zip(tree.bodies, owner, strict=True) if own == finger
            for link in body.links
        )
        for finger in range(owner.max() + 1)
    }  # fmt: skip
