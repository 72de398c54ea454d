"""Top, side and oblique grasps by the object's box: place, slide in, close until contact."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from dex1b_core.errors import ErrorCode
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning.rejection import Rejection
from dex1b_core.robots import RobotDescription
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.batch import GraspBatch, place
from dex1b_core.synthesis.closing import close_hand
from dex1b_core.synthesis.generator import GenerationResult
from dex1b_core.synthesis.preshape import preshapes
from dex1b_core.synthesis.scene import SynthesisScene, build_scene
from dex1b_core.synthesis.selection import SelectionSettings, select


@dataclass(frozen=True)
class HeuristicSettings:
    """Which placements are tried.

    Attributes:
        yaws: Closing directions around the vertical.
        pitches: Angle of the approach from straight down [rad].
        opened: Fraction of the way from the open posture to closed, for each preshape.
        opposition: Positions of joints that neither close nor open (the thumb's rotation),
            as offsets from the open posture [rad].
        object_gap: Slide in until so close to the object [m].
        table_gap: Slide in until so close to the support plane [m].
        samples: Placements that are closed and rated, drawn from all combinations.
    """

    yaws: int = 16
    pitches: tuple[float, ...] = (0.0, 0.4, 0.8, 1.2, 1.5)
    opened: tuple[float, ...] = (0.0, 0.12, 0.25)
    opposition: tuple[float, ...] = (-0.35, 0.0)
    object_gap: float = 0.004
    table_gap: float = 0.006
    samples: int = 600


class HeuristicGenerator:
    """Rule-based candidates; no optimisation, about a second for an object."""

    def __init__(
        self,
        robot: RobotDescription,
        settings: HeuristicSettings | None = None,
        selection: SelectionSettings | None = None,
    ) -> None:
        self.robot = robot
        self.hand = HandModel(robot.hand)
        self.settings = settings or HeuristicSettings()
        self.selection = selection or SelectionSettings()

    def generate(
        self, observation: ObjectObservation, *, count: int, seed: int
    ) -> GenerationResult:
        """Candidates, best first; see `GraspGenerator`."""
        scene = build_scene(observation)
        with torch.no_grad():
            placed, dropped = propose(self.hand, scene, self.settings, seed)
            candidates, counted = select(
                self.hand, scene, placed, self.selection, self.robot.workspace, count,
                (*scene.skipped, *dropped),
            )  # fmt: skip
        return GenerationResult(candidates, counted, 'heuristic')


def propose(
    hand: HandModel, scene: SynthesisScene, settings: HeuristicSettings, seed: int
) -> tuple[GraspBatch, tuple[Rejection, ...]]:
    """Place, slide in and close; unrated."""
    random = np.random.default_rng(seed)
    shapes = preshapes(hand, settings.opened, settings.opposition)
    axis, approach, target = _placements(scene, settings, random)
    pick = torch.from_numpy(random.permutation(len(axis) * len(shapes))[: settings.samples])
    which, index = pick // len(axis), pick % len(axis)
    axis, approach, target = axis[index], approach[index], target[index]
    world = torch.stack([axis, approach, torch.linalg.cross(axis, approach)], dim=-1)
    rotation = world @ torch.stack([shape.frame for shape in shapes])[which].transpose(1, 2)
    centre = torch.stack([shape.centre for shape in shapes])[which]
    translation = target - torch.einsum('bij,bj->bi', rotation, centre)
    posture = torch.stack([shape.posture for shape in shapes])[which]
    depth, free = _slide(hand, scene, settings, rotation, translation, posture, approach)
    backwards = torch.from_numpy(random.choice([0.0, 0.0, 0.012, 0.025], len(depth))).float()
    translation = translation + (depth - backwards)[:, None] * approach
    kept = free.nonzero().flatten()
    rotation, translation, posture = rotation[kept], translation[kept], posture[kept]
    closed = close_hand(hand, scene, rotation, translation, posture)
    grasps = GraspBatch(rotation, translation, posture, closed.posture, approach[kept])
    blocked = len(depth) - len(kept)
    dropped: tuple[Rejection, ...] = ()
    if blocked:
        text = 'open hand cannot be brought to the object'
        dropped = (Rejection(ErrorCode.SCENE_COLLISION, 'generate', blocked, text),)
    return grasps, dropped


def _placements(
    scene: SynthesisScene, settings: HeuristicSettings, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Closing axes, approach directions and targets (N, 3), all combinations with jitter."""
    up = scene.up.double().numpy()
    heights = scene.height(scene.vertices).numpy()
    long_axis, half_length = _long_axis(scene)
    side = np.cross(up, long_axis)
    outwards = scene.centre.double().numpy()
    outwards -= (outwards @ up) * up
    outwards /= max(1e-6, float(np.linalg.norm(outwards)))
    axes, approaches, targets = [], [], []
    for yaw in np.arange(settings.yaws) * (2.0 * math.pi / settings.yaws):
        flat = math.cos(yaw) * side + math.sin(yaw) * long_axis
        for pitch in settings.pitches:
            for sign in (1.0, -1.0) if pitch > 0 else (1.0,):
                away = sign * np.cross(up, flat)
                approach = -math.cos(pitch) * up + math.sin(pitch) * away
                if approach @ outwards < -0.3:
                    continue  # an arm cannot come from behind the object
                for along in (-0.35, 0.0, 0.35):
                    for level in (0.35, 0.6, 0.85) if pitch > 0.6 else (0.7,):
                        axes.append(flat)
                        approaches.append(approach)
                        foot = scene.centre.numpy() + along * half_length * long_axis
                        rise = level * heights.max() - foot @ up - float(scene.plane[3])
                        targets.append(foot + rise * up)
    axis, approach = np.array(axes), np.array(approaches)
    turn = random.normal(0.0, 0.1, axis.shape)
    axis = axis + np.cross(turn, axis)
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    approach = approach + np.cross(turn, approach)
    approach -= (approach * axis).sum(axis=1, keepdims=True) * axis
    approach /= np.linalg.norm(approach, axis=1, keepdims=True)
    target = np.array(targets) + random.normal(0.0, 0.004, axis.shape)
    return tuple(torch.from_numpy(v).float() for v in (axis, approach, target))  # type: ignore


def _long_axis(scene: SynthesisScene) -> tuple[np.ndarray, float]:
    """Horizontal direction in which the shape is longest, and half its length there."""
    up = scene.up.double().numpy()
    points = scene.vertices.double().numpy() - scene.centre.double().numpy()
    flat = points - np.outer(points @ up, up)
    helper = np.eye(3)[int(np.abs(up).argmin())]
    first = np.cross(up, helper)
    first /= np.linalg.norm(first)
    second = np.cross(up, first)
    angles = np.linspace(0.0, math.pi, 36, endpoint=False)
    directions = np.outer(np.cos(angles), first) + np.outer(np.sin(angles), second)
    spans = np.ptp(flat @ directions.T, axis=0)
    widths = np.roll(spans, 18)  # span at right angles
    best = int((spans * widths).argmin())  # the smallest rectangle around the outline
    best = best if spans[best] >= widths[best] else (best + 18) % 36
    return directions[best], 0.5 * float(spans[best])


SLIDE = np.arange(-0.16, 0.081, 0.008)  # [m] along the approach, 0 with the target between tips


def _slide(
    hand: HandModel,
    scene: SynthesisScene,
    settings: HeuristicSettings,
    rotation: torch.Tensor,
    translation: torch.Tensor,
    posture: torch.Tensor,
    approach: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """How far (B,) [m] the open hand goes in, and whether it gets between at all (B,)."""
    spheres = place(hand, hand.spheres, posture, rotation, translation)
    depth = torch.full((len(translation),), float(SLIDE[0]))
    moving = torch.ones(len(translation), dtype=torch.bool)
    for step in SLIDE.tolist():
        moved = spheres + step * approach[:, None]
        gap = (scene.sdf.distance(moved) - hand.spheres.radii).amin(dim=1)
        height = (scene.height(moved) - hand.spheres.radii).amin(dim=1)
        moving &= (gap > settings.object_gap) & (height > settings.table_gap)
        depth = torch.where(moving, torch.full_like(depth, step), depth)
    return depth, depth > -0.06
