"""How well a joint is guessed from one noisy depth image of its object, by handle and panel."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from dex1b_core.articulation import load_articulated
from dex1b_core.articulation.articulated_object import ArticulatedObject
from dex1b_core.articulation.joint_guess import JointGuess, guess_joint
from dex1b_core.articulation.seen_part import FURNITURE
from dex1b_core.articulation.world import (
    BASE,
    FurniturePlacement,
    articulated_bodies,
    moved_joint,
)
from dex1b_core.errors import Dex1bError
from dex1b_core.geometry import OrientedBox
from dex1b_core.perception import (
    DepthFrame,
    PerceptionSettings,
    Target,
    TargetMode,
    median_depth,
    observe,
)
from dex1b_core.simulation.camera import CameraDescription, DepthCamera, load_camera
from dex1b_core.simulation.raycast import RaycastScene
from dex1b_core.simulation.world import OBJECT, table_body

Report = dict[str, Any]

FRAMES = 3  # of which the median is taken
SETTINGS = PerceptionSettings().model_copy(update=FURNITURE)
EVERYTHING = Target(TargetMode.BOX, box=OrientedBox(np.eye(4), np.full(3, 4.0)))


def bench_guess(objects: Sequence[str], *, seed: int, camera: str = 'robot_side') -> Report:
    """Guess the joint of every object once, where the simulated bench would put it.

    Args:
        objects: As `load_articulated` takes them.
        seed: Of the first place and noise; the next object's is one higher.
        camera: Name under config/cameras.
    """
    start = time.perf_counter()
    description = load_camera(camera)
    rows = [_row(name, description, seed + number) for number, name in enumerate(objects)]
    guessed = [row for row in rows if row['confidence'] is not None]
    sure = [row for row in guessed if row['confidence'] >= 0.5]
    return {
        'n': len(rows),
        'guessed': len(guessed),
        'right': sum(row['right'] for row in guessed),
        'confident': len(sure),
        'confident_right': sum(row['right'] for row in sure),
        'axis_deg': _median([row['axis_deg'] for row in sure if row['kind_right']]),
        'position_cm': _median([row['position_cm'] for row in sure if row['kind_right']]),
        'rows': rows,
        'camera': camera,
        'seed': seed,
        'seconds': round(time.perf_counter() - start, 1),
    }


def _row(name: str, description: CameraDescription, seed: int) -> Report:
    target = load_articulated(name)
    row: Report = {'object': name, 'confidence': None, 'reason': '', 'right': False}
    try:
        guess = _guess(target, description, seed)
    except Dex1bError as error:
        return row | {'reason': error.message}
    joint = moved_joint(target.joint, FurniturePlacement().draw(target, seed))
    kind = guess.joint.kind == joint.kind
    angle = float(np.degrees(np.arccos(np.clip(guess.joint.axis @ joint.axis, -1.0, 1.0))))
    away = np.nan
    if kind and not joint.slides:
        away = 100.0 * float(
            np.linalg.norm(np.cross(joint.axis, guess.joint.origin - joint.origin))
        )
    return row | {
        'confidence': guess.confidence,
        'reason': guess.reason,
        'kind_right': kind,
        'right': kind and angle < 10.0 and not away > 5.0,
        'axis_deg': round(angle, 2),
        'position_cm': None if np.isnan(away) else round(away, 2),
    }


def _guess(target: ArticulatedObject, description: CameraDescription, seed: int) -> JointGuess:
    pose = FurniturePlacement().draw(target, seed)
    scene = RaycastScene((table_body(), *articulated_bodies(target)))
    scene.set_poses({BASE: pose, OBJECT: pose @ target.joint.motion(target.start)})
    camera = DepthCamera(description, scene)
    picture = camera.look(moved=True, colour=False)
    depths = [camera.measure(picture, seed=seed * FRAMES + i, noise=True) for i in range(FRAMES)]
    frame = DepthFrame(
        median_depth(depths),
        description.intrinsics,
        description.world_T_camera,
        None,
        0.0,
        'camera',
    )
    seen = observe([frame], settings=SETTINGS, target=EVERYTHING).observation
    return guess_joint(seen.points, seen.normals, seed=seed)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.median(known)), 2) if known else None
