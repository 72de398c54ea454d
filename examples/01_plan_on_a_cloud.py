"""Grasps for a point cloud, without ROS: cloud, observation, candidates, arm reach.

    python examples/01_plan_on_a_cloud.py                  # one side of a bottle-sized cylinder
    python examples/01_plan_on_a_cloud.py object.ply       # your own, see below
    python examples/01_plan_on_a_cloud.py --backend optimizer --count 16 --seed 3

A file holds the visible surface of one object that stands on the plane z = 0, in metres, in the
frame of the robot's base.
"""

import argparse
from pathlib import Path

import numpy as np

from dex1b_core.geometry import Plane
from dex1b_core.motion import ArmMotion
from dex1b_core.perception import ObjectObservation
from dex1b_core.perception.boxes import oriented_box
from dex1b_core.perception.meshing import convex_hull
from dex1b_core.robots import load_robot
from dex1b_core.synthesis import BACKENDS, make_generator

CAMERA = np.array([0.9, -0.3, 0.6])  # [m] from where the object was seen


def half_cylinder(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and normals (N, 3) of what a camera sees of a cylinder, with 1 mm of noise."""
    generator = np.random.default_rng(seed)
    angle = generator.uniform(0.0, 2.0 * np.pi, 8000)
    normals = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
    points = np.array([0.45, 0.0, 0.0]) + 0.033 * normals
    points[:, 2] = generator.uniform(0.0, 0.16, len(angle))
    seen = ((CAMERA - points) * normals).sum(axis=1) > 0.0
    points += generator.normal(0.0, 0.001, points.shape)
    return points[seen], normals[seen]


def read_cloud(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Points and normals (N, 3) of any file that Open3D reads."""
    import open3d

    cloud = open3d.io.read_point_cloud(str(path))
    if not cloud.has_normals():
        cloud.estimate_normals()
        cloud.orient_normals_towards_camera_location(CAMERA)
    return np.asarray(cloud.points), np.asarray(cloud.normals)


def main() -> None:
    """Read the command line, plan, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('cloud', nargs='?', type=Path)
    parser.add_argument('--robot', default='xarm7_ability')
    parser.add_argument('--backend', choices=BACKENDS, default='heuristic')
    parser.add_argument('--count', type=int, default=16)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()

    points, normals = read_cloud(options.cloud) if options.cloud else half_cylinder(options.seed)
    plane = Plane(np.array([0.0, 0.0, 1.0]), 0.0)
    # the full shape is a guess; depth images instead of a cloud allow better ones: `observe`
    shadow = points * [1.0, 1.0, 0.0]
    observation = ObjectObservation(
        points=points,
        normals=normals,
        obstacles=np.zeros((0, 3)),
        support_plane=plane,
        box=oriented_box(points, plane),
        shapes=(convex_hull(np.concatenate([points, shadow]), 'hull'),),
    )
    print(f'object: {len(points)} points, box {observation.box.size.round(3)} m')
    print(f'shapes: {", ".join(shape.name for shape in observation.shapes)}')

    robot = load_robot(options.robot)
    generator = make_generator(options.backend, robot)
    result = generator.generate(observation, count=options.count, seed=options.seed)
    candidates = ArmMotion(robot).reach(result.candidates, observation, seed=options.seed)
    print(f'{result.backend}: {len(candidates)} candidates, best first')
    for rank, candidate in enumerate(candidates):
        position = candidate.planning_T_wrist[:3, 3].round(3)
        reach = candidate.reachability.result.name.lower()
        print(f'  #{rank:<2} score {candidate.generator_score:5.2f}  wrist {position}  {reach}')
    for rejection in result.rejections:
        print(f'  dropped {rejection.count:3} x {rejection.code.name.lower()}: {rejection.example}')


if __name__ == '__main__':
    main()
