"""Time of a descent step against batch size, beside the same energies written plainly.

    .venv/bin/python -m benchmarks.step_time --hand allegro_right --json out/step_time.json

The reference places the hand with pytorch_kinematics, reads the distance grid with grid_sample,
holds all points of a part against all planes of the other for every pair of parts that may meet,
and lets autograd differentiate everything. Neither has the terms of closest contacts. The last
column tells by how much the energies differ: the fast step reads penetration from the nearest
cell and goes on along the gradient beyond the grid. One thread; processor time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytorch_kinematics
import torch

from dex1b_core.geometry.batch_last import orthonormal
from dex1b_core.geometry.object_model import load_object
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel, HandPoints
from dex1b_core.synthesis.contacts import ContactDraw
from dex1b_core.synthesis.descent import DescentSettings
from dex1b_core.synthesis.objective import (
    PAD_WEIGHT,
    EnergyWeights,
    GraspObjective,
    Nearby,
    penetration_probes,
)
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import SeedSettings
from dex1b_core.synthesis.seed_starts import StartSettings, random_starts
from dex1b_core.synthesis.wrench import TORQUE_LENGTH, force_directions

BATCHES = (1, 16, 64, 256, 512, 1024, 4096)
DIRECTIONS = 7
SETTINGS = SeedSettings().objective
DESCENT = DescentSettings()

Step = Callable[[], torch.Tensor]  # gives the energies (B,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--hand', default='allegro_right')
    parser.add_argument('--object', default='shape:random-0')
    parser.add_argument('--batches', default=','.join(map(str, BATCHES)))
    parser.add_argument('--repeats', type=int, default=10)
    parser.add_argument('--json', type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    hand = HandModel(load_hand(arguments.hand))
    target = SeedObject.of_model(load_object(arguments.object))
    rows = []
    print('| batch | step ms | us a grasp | reference ms | ratio | energies differ % |')
    print('|---|---|---|---|---|---|')
    for batch in map(int, arguments.batches.split(',')):
        fast, plain = fast_step(hand, target, batch), plain_step(hand, target, batch)
        expected = plain()
        off = 1e2 * float((fast() - expected).abs().sum() / expected.sum())
        ours = cost(fast, arguments.repeats)
        theirs = cost(plain, max(2, arguments.repeats // 3))
        ratio = theirs / ours
        rows.append({'batch': batch, 'ms': ours, 'reference_ms': theirs, 'ratio': ratio,
                     'energies_differ_percent': off})  # fmt: skip
        each = 1e3 * ours / batch
        print(f'| {batch} | {ours:.2f} | {each:.1f} | {theirs:.1f} | {ratio:.1f} | {off:.2f} |',
              flush=True)  # fmt: skip
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({'hand': arguments.hand, 'rows': rows}, indent=2))


def cost(step: Step, repeats: int) -> float:
    """Milliseconds of processor time a step, after two to warm up."""
    step(), step()
    start = time.process_time()
    for _ in range(repeats):
        step()
    return 1e3 * (time.process_time() - start) / repeats


def starts(
    hand: HandModel, target: SeedObject, batch: int
) -> tuple[list[torch.Tensor], torch.Generator]:
    """Translation (3, B), rotation columns (3, 2, B) and posture (J, B) of the same starts."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(len(target.hull_points), (batch,), generator=generator)
    points, normals = target.hull_points[drawn], target.hull_normals[drawn]
    grasps = random_starts(hand, points, normals, StartSettings(), generator)
    rotation = grasps.rotation[:, :, :2].permute(1, 2, 0)
    variables = [grasps.translation.T, rotation, grasps.grasp.T]
    return [v.contiguous().requires_grad_() for v in variables], generator


def fast_step(hand: HandModel, target: SeedObject, batch: int) -> Step:
    """Energy and gradient as `dex1b_core.synthesis.descent` computes them."""
    variables, generator = starts(hand, target, batch)
    translation, rotation, posture = variables
    objective, scene = GraspObjective(hand, SETTINGS), target.scene(batch)
    contacts = ContactDraw(hand, batch, 3, generator)
    directions, weights = force_directions(DIRECTIONS), EnergyWeights()
    found: list[Nearby] = []

    def step() -> torch.Tensor:
        contacts.redraw(0.5)
        columns = hand.kinematics.frame_columns(posture, orthonormal(rotation), translation)
        if len(found) % DESCENT.near_every == 0:
            found.append(objective.look(scene, columns.detach(), DESCENT.near_margin, weights))
        else:
            found.append(found[-1])
        placed = contacts.place(columns)
        terms = objective.terms(scene, columns, posture, placed, found[-1], directions)
        energy = weights.total(terms)
        torch.autograd.grad(energy.sum(), variables)
        return energy.detach()

    return step


def plain_step(hand: HandModel, target: SeedObject, batch: int) -> Step:
    """The same energies, batch first, by autograd alone."""
    variables, generator = starts(hand, target, batch)
    translation, rotation, posture = variables
    chain = pytorch_kinematics.build_chain_from_urdf(hand.hand.urdf_path.read_bytes())
    names = list(chain.get_joint_parameter_names())
    order = [list(hand.kinematics.all_joint_names).index(name) for name in names
             if name in hand.kinematics.all_joint_names]  # fmt: skip
    probes = penetration_probes(hand, SETTINGS.pad_points)
    is_palm = hand.link_fingers[probes.links] < 0
    radii = probes.radii + SETTINGS.palm_margin * is_palm
    each = torch.where(probes.radii == 0.0, PAD_WEIGHT / SETTINGS.pad_points, 1.0)
    contacts = ContactDraw(hand, batch, 3, generator)
    directions, weights = force_directions(DIRECTIONS), EnergyWeights()

    def place(points: HandPoints, poses: torch.Tensor) -> torch.Tensor:
        chosen = poses[:, points.links]
        return (chosen[..., :3, :3] @ points.positions[..., None])[..., 0] + chosen[..., :3, 3]

    def step() -> torch.Tensor:
        contacts.redraw(0.5)
        turn = orthonormal(rotation).permute(2, 0, 1)
        found = chain.forward_kinematics(hand.kinematics.all_joints(posture.T)[:, order])
        root = found[hand.hand.root_link].get_matrix()
        links = torch.stack(
            [found[name].get_matrix().expand(batch, 4, 4) for name in hand.kinematics.link_names],
            dim=1,
        )
        local = torch.linalg.inv(root)[:, None] @ links
        top = torch.cat([turn, translation.T[..., None]], dim=-1)
        bottom = torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(batch, 1, 4)
        poses = torch.cat([top, bottom], dim=1)[:, None] @ local
        chosen = contacts.chosen.T
        rows = torch.arange(batch)[:, None]
        at = poses[rows, hand.contacts.links[chosen]]
        points = (at[..., :3, :3] @ hand.contacts.positions[chosen][..., None])[..., 0]
        points = points + at[..., :3, 3]
        facing = (at[..., :3, :3] @ hand.contacts.normals[chosen][..., None])[..., 0]
        distance, normal = target.sdf.query(points)
        inside = (radii - target.sdf.query(place(probes, poses))[0]).clamp_min(0.0)
        lower, upper = hand.kinematics.lower, hand.kinematics.upper
        beyond = (posture.T - upper).clamp_min(0.0) + (lower - posture.T).clamp_min(0.0)
        energy = (
            weights.closure * plain_closure(points, -normal, directions)
            + weights.distance * distance.abs().sum(dim=1)
            + weights.alignment * (1.0 + (facing * normal).sum(dim=-1)).sum(dim=1)
            + weights.penetration * (each * inside).sum(dim=1)
            + weights.self_penetration * plain_overlap(hand, poses)
            + weights.joints * beyond.sum(dim=1)
        )
        torch.autograd.grad(energy.sum(), variables)
        return energy.detach()

    return step


def plain_overlap(hand: HandModel, poses: torch.Tensor) -> torch.Tensor:
    """(B,) overlap of all parts that may meet, from link poses (B, L, 4, 4)."""
    parts = hand.parts
    one, other = torch.cat([hand.self_collision_pairs, hand.self_collision_pairs.flip(1)]).T
    of_parts = poses[:, parts.links]
    change = torch.linalg.inv(of_parts)[:, other] @ of_parts[:, one]
    points = parts.points[one] @ change[..., :3, :3].mT + change[..., None, :3, 3]
    beyond = points @ parts.planes[other, :, :3].mT - parts.planes[other, None, :, 3]
    depth = (SETTINGS.self_margin - beyond.max(dim=3).values).clamp_min(0.0)
    return depth.sum(dim=(1, 2))


def plain_closure(
    points: torch.Tensor, inward: torch.Tensor, directions: torch.Tensor
) -> torch.Tensor:
    """(B,) the friction-aware closure with grasp matrices in contact frames."""
    helper = torch.zeros_like(inward)
    helper.scatter_(-1, inward.detach().abs().argmin(dim=-1, keepdim=True), 1.0)
    side = torch.nn.functional.normalize(torch.linalg.cross(inward, helper), dim=-1)
    frames = torch.stack([inward, side, torch.linalg.cross(inward, side)], dim=-1)
    arms = (points / TORQUE_LENGTH)[..., None].expand_as(frames)
    matrices = torch.cat([frames, torch.linalg.cross(arms, frames, dim=-2)], dim=-2)
    wanted = torch.einsum('bnwi,mw->bmni', matrices, directions)
    wanted = torch.nn.functional.normalize(wanted, dim=-1, eps=1e-6)
    normal, tangent = wanted[..., :1], wanted[..., 1:]
    size = torch.sqrt((tangent**2).sum(-1, keepdim=True) + 1e-12)
    friction = SETTINGS.friction
    cosine = float(torch.cos(torch.atan(torch.tensor(friction))))
    behind = size / (size - 2.0 * friction * normal.clamp_max(0.0))
    scale = torch.where(normal < 0.0, behind, torch.ones_like(behind))
    inside = tangent / normal.clamp_min(cosine / 2.0)
    edge = scale * friction * tangent / size
    answer = torch.cat([scale, torch.where(normal >= cosine, inside, edge)], dim=-1)
    produced = torch.einsum('bnwi,bmni->bmw', matrices, answer)
    cosines = torch.nn.functional.cosine_similarity(produced, directions[None], dim=-1, eps=1e-6)
    return (1.0 - cosines).mean(dim=-1)


if __name__ == '__main__':
    main()
