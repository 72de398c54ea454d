"""Arm in view: what the robot mask lets through, and what it takes of the object.

Arm and hand of the simulated bench take random postures that are free of collision and in view.
The truth is the renderer's body at every pixel; depth has the camera's noise.

usage: python -m benchmarks.robot_mask [--poses 100] [--seed 0] [--json R] [--picture P]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coal
import numpy as np
from PIL import Image

from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.object_model import load_object
from dex1b_core.motion.collision import OBJECT as OBJECT_BODY
from dex1b_core.motion.collision import TABLE as TABLE_BODY
from dex1b_core.motion.collision import CollisionChecker
from dex1b_core.motion.robot_model import RobotModel, hull
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.perception import DepthFrame, PerceptionSettings, RobotMask, in_workspace, segment
from dex1b_core.robots import RobotDescription, load_robot
from dex1b_core.simulation.camera import CameraDescription, load_camera
from dex1b_core.simulation.raycast import Rendering
from dex1b_core.simulation.world import OBJECT, TABLE, SimWorld
from dex1b_core.viz.perception_stages import label_picture

SHAPES = ('mug', 'bottle', 'box', 'bowl', 'random-3')  # taken in turn
LEAST_ROBOT = 3000  # [px] of the robot within the workspace to be in view
LEAST_OBJECT = 500  # [px] of the object to be worth a look
TRIES = 4000  # postures for one scene
ON_OBJECT = 0.005  # height above the table from which pixels are the object's [m]


@dataclass(frozen=True)
class Look:
    """One posture seen."""

    object: str
    rendering: Rendering
    frame: DepthFrame
    link_poses: dict[str, np.ndarray]

    def shows(self, name: str) -> np.ndarray:
        """(H, W) pixels of a body."""
        return self.rendering.ids == self.rendering.names.index(name)

    @property
    def robot(self) -> np.ndarray:
        """(H, W) pixels of the robot."""
        return (self.rendering.ids >= 0) & ~self.shows(OBJECT) & ~self.shows(TABLE)


def looks(
    robot: RobotDescription,
    camera: CameraDescription,
    settings: PerceptionSettings,
    *,
    poses: int,
    seed: int,
) -> Iterator[Look]:
    """Random postures with the robot in the workspace's view, shared out over the shapes."""
    random = np.random.default_rng(seed)
    for index, shape in enumerate(SHAPES):
        world = SimWorld(robot, load_object(f'shape:{shape}'), seed=seed + index)
        eye = world.camera(camera)
        wanted = len(range(index, poses, len(SHAPES)))
        for arm, hand in _free_postures(robot, world, random):
            if wanted == 0:
                break
            world.robot.set_positions([*robot.arm.joints, *robot.hand.joints], [*arm, *hand])
            links = world.robot.link_poses()
            eye.scene.set_poses(links)
            rendering = eye.look(moved=True, colour=True)
            noise = int(random.integers(2**31))
            depth = eye.measure(rendering, seed=noise, noise=True)
            frame = DepthFrame(depth, camera.intrinsics, camera.world_T_camera, rendering.colour)
            look = Look(shape, rendering, frame, links)
            seen = look.shows(OBJECT) & np.isfinite(depth)
            near = look.robot & in_workspace(frame.points(), settings)
            if near.sum() >= LEAST_ROBOT and seen.sum() >= LEAST_OBJECT:
                wanted -= 1
                yield look


def _free_postures(
    robot: RobotDescription, world: SimWorld, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Arm and hand anywhere within their limits."""
    model = RobotModel(robot)
    pose = world.object_pose()
    vertices = world.model.mesh.vertices - world.model.foot
    bodies = {
        TABLE_BODY: coal.Halfspace(np.array([0.0, 0.0, 1.0]), 0.0),
        OBJECT_BODY: hull(vertices @ pose[:3, :3].T + pose[:3, 3]),
    }
    checker = CollisionChecker(model, bodies, settings=MotionSettings())
    for _ in range(TRIES):
        arm = random.uniform(model.lower, model.upper)
        hand = random.uniform(model.hand_lower, model.hand_upper)
        if checker.is_free(model.configuration(arm, hand)):
            yield arm, hand


def judge(look: Look, mask: RobotMask, settings: PerceptionSettings) -> dict[str, Any]:
    """What the mask and the segmentation made of one look."""
    points = look.frame.points()
    near = int((look.robot & in_workspace(points, settings)).sum())
    row: dict[str, Any] = {'object': look.object, 'robot_in_workspace': near}
    try:
        found = segment(
            [look.frame], settings=settings, robot_mask=mask, link_poses=look.link_poses
        )
    except Dex1bError as error:
        return row | {'error': f'{error.error_code.name}: {error.message}'}
    labels, removed = found.labels[0], found.clouds[0].robot
    high = points[..., 2] > ON_OBJECT  # NaN is not
    visible = look.shows(OBJECT) & high
    on_object = np.bincount(labels[visible], minlength=1)
    on_object[0] = 0
    cloud = labels == on_object.argmax() if on_object.any() else np.zeros_like(visible)
    return row | {
        'object_pixels': int(visible.sum()),
        'object_lost': int((visible & removed).sum()),
        'robot_in_object': int((cloud & look.robot).sum()),
        'robot_in_any': int(((labels > 0) & look.robot).sum()),
        'found': int(labels.max()),
    }


def report(rows: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    """Sums and the worst."""
    good = [row for row in rows if 'error' not in row]
    shares = [row['object_lost'] / max(row['object_pixels'], 1) for row in good]
    return {
        'n': len(rows),
        'errors': [row['error'] for row in rows if 'error' in row],
        'robot_in_object': sum(row['robot_in_object'] for row in good),
        'robot_in_any': sum(row['robot_in_any'] for row in good),
        'poses_with_robot_in_any': sum(row['robot_in_any'] > 0 for row in good),
        'lost_mean': float(np.mean(shares)),
        'lost_p99': float(np.percentile(shares, 99)),
        'lost_max': float(np.max(shares)),
        'poses_losing_over_2_percent': int(np.sum(np.array(shares) > 0.02)),
        **settings,
        'rows': rows,
    }


def draw(look: Look, mask: RobotMask, settings: PerceptionSettings) -> np.ndarray:
    """Colour beside labels with the removed pixels in red, (H, 2 W, 3)."""
    found = segment([look.frame], settings=settings, robot_mask=mask, link_poses=look.link_poses)
    labels = label_picture(found.labels[0])
    labels[found.clouds[0].robot] = (200, 60, 60)
    return np.concatenate([look.rendering.colour, labels], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--robot', default='xarm7_ability')
    parser.add_argument('--camera', default='front_side')
    parser.add_argument('--poses', type=int, default=100)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--json', type=Path)
    parser.add_argument('--picture', type=Path, help='of the poses that lose most')
    args = parser.parse_args()
    robot, settings = load_robot(args.robot), PerceptionSettings()
    mask = RobotMask.from_urdf(robot.urdf_path, padding=settings.robot_padding)
    rows, pictures = [], []
    seen = looks(robot, load_camera(args.camera), settings, poses=args.poses, seed=args.seed)
    for look in seen:
        rows.append(judge(look, mask, settings))
        if args.picture and 'error' not in rows[-1]:
            bad = rows[-1]['robot_in_any'] + rows[-1]['object_lost']
            pictures.append((bad, rows[-1]['robot_in_workspace'], len(rows), look))
            pictures = sorted(pictures, reverse=True)[:4]
    found = report(
        rows, robot=args.robot, camera=args.camera, seed=args.seed, padding=settings.robot_padding
    )
    print(json.dumps({key: value for key, value in found.items() if key != 'rows'}, indent=2))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + '\n')
    if pictures:
        sheets = [draw(look, mask, settings) for *_, look in pictures]
        Image.fromarray(np.concatenate(sheets)).save(args.picture)


if __name__ == '__main__':
    main()
