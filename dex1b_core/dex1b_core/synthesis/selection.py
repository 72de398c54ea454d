"""Drop impossible grasps with a counted reason, rank the rest, turn them into candidates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning.candidate import GraspCandidate
from dex1b_core.planning.rejection import Rejection, merge_rejections
from dex1b_core.robots.description import WorkspaceBox
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch
from dex1b_core.synthesis.quality import GraspQuality, measure
from dex1b_core.synthesis.scene import SynthesisScene


@dataclass(frozen=True)
class SelectionSettings:
    """What a candidate must satisfy and how candidates are ranked.

    Attributes:
        approach_distance: Straight-line stand-off [m].
        table_gap: Hand above the support plane at least [m].
        max_penetration: Hand inside the object at most [m].
        obstacle_gap: Hand to the surroundings' points at least [m].
        max_self_overlap: Thumb into other fingers at most [m].
        sweep_gap: Hand to object and table on the way in at least [m]; spheres stand out 1 mm.
        min_opposition: Cosine between thumb and the opposite of the other fingers.
        min_fingers: Touching fingers, the thumb among them.
    """

    approach_distance: float = 0.08
    table_gap: float = 0.002
    max_penetration: float = 0.006
    obstacle_gap: float = 0.0
    max_self_overlap: float = 0.004
    sweep_gap: float = -0.003
    min_opposition: float = 0.2
    min_fingers: int = 3


def rejections(
    grasps: GraspBatch, quality: GraspQuality, settings: SelectionSettings, workspace: WorkspaceBox
) -> tuple[torch.Tensor, tuple[Rejection, ...]]:
    """Which grasps stay (B,) and why the others go; a grasp counts under its first reason."""
    lower, upper = torch.tensor(workspace.lower), torch.tensor(workspace.upper)
    finite = torch.isfinite(grasps.translation).all(1) & torch.isfinite(grasps.grasp).all(1)
    outside = ((grasps.translation < lower) | (grasps.translation > upper)).any(1)
    few = ~quality.touching[:, 0] | (quality.touching.sum(1) < settings.min_fingers)
    checks = [
        (~finite, ErrorCode.UNKNOWN, 'pose or posture is not finite', None),
        (outside, ErrorCode.OUT_OF_WORKSPACE, 'hand outside the workspace box', None),
        (quality.table < settings.table_gap, ErrorCode.TABLE_COLLISION,
         'hand {:.1f} mm above the support plane', quality.table),
        (quality.penetration > settings.max_penetration, ErrorCode.SCENE_COLLISION,
         'hand {:.1f} mm inside the object', quality.penetration),
        (quality.obstacles < settings.obstacle_gap, ErrorCode.SCENE_COLLISION,
         'hand {:.1f} mm from the surroundings', quality.obstacles),
        (quality.sweep < settings.sweep_gap, ErrorCode.SCENE_COLLISION,
         'approach passes with a gap of {:.1f} mm', quality.sweep),
        (quality.self_gap < -settings.max_self_overlap, ErrorCode.SELF_COLLISION,
         'thumb and fingers with a gap of {:.1f} mm', quality.self_gap),
        (few, ErrorCode.NO_CANDIDATES,
         f'fewer than {settings.min_fingers} fingers with the thumb touch', None),
        (quality.opposition < settings.min_opposition, ErrorCode.NO_CANDIDATES,
         'the thumb does not oppose the other fingers', None),
    ]  # fmt: skip
    keep = torch.ones(len(grasps), dtype=torch.bool)
    counted = []
    for bad, code, text, values in checks:
        dropped = (keep & bad).nonzero().flatten()
        if len(dropped):
            value = 0.0 if values is None else 1e3 * float(values[dropped[0]])
            counted.append(Rejection(code, 'generate', len(dropped), text.format(value)))
        keep &= ~bad
    return keep, tuple(counted)


def predicted_quality(
    hand: HandModel, scene: SynthesisScene, grasps: GraspBatch, quality: GraspQuality
) -> torch.Tensor:
    """(B,) higher is better; about 1 for a balanced, opposed, central, seen, reachable grasp."""
    fingers = torch.tensor(hand.hand.palm.fingers)
    pointing = torch.einsum('bij,j->bi', grasps.rotation, fingers)
    outwards = scene.centre - (scene.centre @ scene.up) * scene.up
    outwards = torch.nn.functional.normalize(outwards, dim=0, eps=1e-6)
    from_below = (pointing @ scene.up).clamp_min(0.0)
    from_behind = (-(pointing @ outwards)).clamp_min(0.0)
    return (
        1.0
        - quality.residual
        - 100.0 * (quality.penetration - 0.001).clamp_min(0.0)
        + 0.2 * quality.opposition
        + 0.05 * quality.touching.sum(dim=1)
        - 4.0 * quality.arm
        - 5.0 * (quality.unseen - 0.005).clamp_min(0.0)
        + 30.0 * quality.sweep.clamp(-0.004, 0.006)
        - 0.5 * from_below
        - 0.5 * from_behind
    )


def select(
    hand: HandModel,
    scene: SynthesisScene,
    grasps: GraspBatch,
    settings: SelectionSettings,
    workspace: WorkspaceBox,
    count: int,
    dropped: tuple[Rejection, ...] = (),
) -> tuple[tuple[GraspCandidate, ...], tuple[Rejection, ...]]:
    """The best `count` grasps as candidates, and all rejections with those before added up.

    Raises:
        Dex1bError: NO_CANDIDATES when none is left; the message counts the reasons.
    """
    quality = measure(hand, scene, grasps, settings.approach_distance)
    keep, reasons = rejections(grasps, quality, settings, workspace)
    counted = merge_rejections([*dropped, *reasons])
    scores = predicted_quality(hand, scene, grasps, quality)
    order = torch.argsort(scores, descending=True, stable=True)
    order = spread(grasps, order[keep[order]], count)
    if not len(order):
        texts = '; '.join(f'{r.count} x {r.example}' for r in counted) or 'no placement fits'
        raise Dex1bError(
            ErrorCode.NO_CANDIDATES,
            f"no grasp candidate is left: {texts}; move the object into the hand's reach and away "
            'from others, or ask for another object',
        )
    squeeze = squeeze_posture(hand, grasps.grasp, quality.touching)
    chosen = grasps.select(order)
    return (
        to_candidates(hand, chosen, squeeze[order], scores[order], settings.approach_distance),
        counted,
    )


def spread(grasps: GraspBatch, order: torch.Tensor, count: int) -> torch.Tensor:
    """The first `count` of a ranking without near doubles (1 cm and 0.2 rad)."""
    chosen: list[int] = []
    for index in order.tolist():
        if len(chosen) == count:
            break
        if chosen:
            far = (grasps.translation[chosen] - grasps.translation[index]).norm(dim=1) > 0.01
            trace = (grasps.rotation[chosen] * grasps.rotation[index]).sum(dim=(1, 2))
            turned = trace < 1.0 + 2.0 * math.cos(0.2)
            if not bool((far | turned).all()):
                continue
        chosen.append(index)
    return torch.tensor(chosen, dtype=torch.int64)


def squeeze_posture(hand: HandModel, grasp: torch.Tensor, touching: torch.Tensor) -> torch.Tensor:
    """Close the touching fingers (B, F) further by the hand's squeeze offset; (B, J) [rad]."""
    takes_part = touching[:, hand.joint_fingers].float()
    target = grasp + takes_part * hand.closing * hand.hand.squeeze_offset
    return torch.minimum(torch.maximum(target, hand.kinematics.lower), hand.kinematics.upper)


def to_candidates(
    hand: HandModel,
    grasps: GraspBatch,
    squeeze: torch.Tensor,
    scores: torch.Tensor,
    approach_distance: float,
) -> tuple[GraspCandidate, ...]:
    """Candidates in the order of the batch."""
    poses = torch.eye(4).repeat(len(grasps), 1, 1)
    poses[:, :3, :3], poses[:, :3, 3] = grasps.rotation, grasps.translation
    as_numpy = [
        t.detach().double().numpy()
        for t in (poses, grasps.pregrasp, grasps.grasp, squeeze, grasps.approach)
    ]
    return tuple(
        GraspCandidate(
            hand=hand.hand.key,
            planning_T_wrist=pose,
            joint_names=hand.kinematics.joint_names,
            pregrasp=pregrasp,
            grasp=grasp,
            squeeze=squeezed,
            approach=approach,
            approach_distance=approach_distance,
            score=float(score),
            generator_score=float(score),
        )
        for pose, pregrasp, grasp, squeezed, approach, score in zip(
            *as_numpy, scores.tolist(), strict=True
        )
    )
