"""How well reconstructed shapes match true meshes: one noisy depth view of one object each.

usage: python benchmarks/perception_shapes.py [--objects NAME ...] [--views N] [--json PATH]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import open3d as o3d
import trimesh

from dex1b_core.assets import object_mesh_path
from dex1b_core.geometry import look_at
from dex1b_core.perception import (
    CameraIntrinsics,
    DepthFrame,
    PerceptionSettings,
    ShapeHypothesis,
    observe,
)

OBJECTS = (
    '002_master_chef_can', '003_cracker_box', '004_sugar_box', '005_tomato_soup_can',
    '006_mustard_bottle', '010_potted_meat_can', '011_banana', '013_apple', '016_pear',
    '019_pitcher_base', '021_bleach_cleanser', '024_bowl', '025_mug', '035_power_drill',
    '036_wood_block', '055_baseball',
)  # fmt: skip
INTRINSICS = CameraIntrinsics(640, 480, 554.26, 554.26, 319.5, 239.5)
PLACE = np.array([0.45, 0.0, 0.0])


def placed(name: str, yaw: float) -> trimesh.Trimesh:
    """Mesh standing on z = 0 at PLACE, turned by `yaw` [rad]."""
    mesh = trimesh.load(object_mesh_path(name), force='mesh')
    mesh.apply_transform(trimesh.transformations.rotation_matrix(yaw, [0, 0, 1]))
    low, high = mesh.bounds
    mesh.apply_translation(PLACE - [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    return mesh


def depth_image(
    mesh: trimesh.Trimesh, world_T_camera: np.ndarray, noise: float, random: np.random.Generator
) -> np.ndarray:
    """Ray-cast depth [m] of the mesh on a table, with noise and edge dropout."""
    scene = o3d.t.geometry.RaycastingScene()
    table = trimesh.creation.box(
        [2, 2, 0.02], trimesh.transformations.translation_matrix([0.5, 0, -0.01])
    )
    for body in (mesh, table):
        scene.add_triangles(body.vertices.astype(np.float32), body.faces.astype(np.uint32))
    rays = scene.create_rays_pinhole(
        INTRINSICS.matrix, np.linalg.inv(world_T_camera), INTRINSICS.width, INTRINSICS.height
    )
    directions = rays.numpy()[..., 3:]
    hit = scene.cast_rays(rays)
    depth = hit['t_hit'].numpy()
    grazing = np.abs(np.einsum('ijk,ijk->ij', hit['primitive_normals'].numpy(), directions))
    grazing /= np.linalg.norm(directions, axis=-1)
    depth += random.normal(0, noise, depth.shape)
    edge = np.zeros(depth.shape, bool)
    edge[:, 1:] |= np.abs(np.diff(depth, axis=1)) > 0.02
    edge[1:] |= np.abs(np.diff(depth, axis=0)) > 0.02
    depth[edge & (random.random(depth.shape) < 0.5)] = np.nan
    depth[(grazing < 0.15) | ~np.isfinite(depth) | (depth > 3)] = np.nan
    return (np.round(depth * 1000) / 1000).astype(np.float32)


def compare(shape: ShapeHypothesis, truth: trimesh.Trimesh) -> tuple[float, float]:
    """Chamfer distance [mm] (mean of both directions) and IoU on a 3 mm grid."""
    guess = trimesh.Trimesh(shape.vertices, shape.faces, process=False)
    scenes = [_scene(guess), _scene(truth)]
    samples = [trimesh.sample.sample_surface(mesh, 4000, seed=0)[0] for mesh in (guess, truth)]
    near = [
        scenes[1 - i]
        .compute_distance(o3d.core.Tensor(samples[i].astype(np.float32)))
        .numpy()
        .mean()
        for i in (0, 1)
    ]
    low = np.minimum(guess.bounds[0], truth.bounds[0])
    high = np.maximum(guess.bounds[1], truth.bounds[1])
    axes = [np.arange(a, b, 0.003) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).astype(np.float32)
    inside = [s.compute_occupancy(o3d.core.Tensor(grid), nsamples=3).numpy() > 0.5 for s in scenes]
    iou = (inside[0] & inside[1]).sum() / max(1, (inside[0] | inside[1]).sum())
    return float(sum(near) / 2 * 1000), float(iou)


def _scene(mesh: trimesh.Trimesh) -> o3d.t.geometry.RaycastingScene:
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    return scene


def view(name: str, index: int, noise: float) -> tuple[trimesh.Trimesh, DepthFrame]:
    """Object `name` seen from 0.7 m, 35-50 degrees up, at a yaw drawn for this index."""
    random = np.random.default_rng([index, *name.encode()])
    mesh = placed(name, random.uniform(0, 2 * np.pi))
    up, around = np.radians(random.uniform(35, 50)), random.uniform(-0.6, 0.6)
    middle = PLACE + np.array([0, 0, mesh.extents[2] / 2])
    offset = [np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)]
    camera = look_at(middle + 0.7 * np.array(offset), middle)
    return mesh, DepthFrame(depth_image(mesh, camera, noise, random), INTRINSICS, camera)


def main() -> None:
    """Print a table; write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--objects', nargs='*', default=OBJECTS)
    parser.add_argument('--views', type=int, default=3)
    parser.add_argument('--noise', type=float, default=0.0013, help='[m]')
    parser.add_argument('--json', type=Path)
    args = parser.parse_args()
    settings = PerceptionSettings()
    rows = []
    for name in args.objects:
        for index in range(args.views):
            mesh, frame = view(name, index, args.noise)
            started = time.process_time()
            scene = observe([frame], settings=settings)
            seconds = time.process_time() - started
            row = {
                'object': name,
                'view': index,
                'seconds': seconds,
                'instances': len(scene.instances),
            }
            for shape in scene.observation.shapes:
                row[shape.name] = compare(shape, mesh)
                row[f'{shape.name}_faces'] = len(shape.faces)
            rows.append(row)
    names = [shape.name for shape in scene.observation.shapes]
    print(f'{"object":22}' + ''.join(f'{n:>24}' for n in names) + '   seconds  instances')
    for name in (*args.objects, 'ALL'):
        group = [r for r in rows if name in (r['object'], 'ALL')]
        cells = [np.mean([r[n] for r in group], axis=0) for n in names]
        print(
            f'{name:22}'
            + ''.join(f'{c[0]:14.1f} mm {c[1]:5.2f}  ' for c in cells)
            + f'{np.mean([r["seconds"] for r in group]):9.2f}'
            + f'{np.mean([r["instances"] for r in group]):11.1f}'
        )
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


if __name__ == '__main__':
    main()
