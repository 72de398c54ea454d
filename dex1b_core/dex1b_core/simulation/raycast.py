"""Pictures by ray casting posed meshes: depth, bodies, normals and shaded colour, without a GPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import transform_points
from dex1b_core.perception.frames import CameraIntrinsics
from dex1b_core.simulation.shading import Lighting, corner_normals, planks

Array = NDArray[np.float64]
Image = NDArray[np.float32]

NOTHING = -1  # id of pixels that see no body


@dataclass(frozen=True)
class Body:
    """A rigid mesh with a colour.

    Attributes:
        name: Unique in its scene.
        vertices: (V, 3) [m], body frame.
        faces: (F, 3) vertex indices.
        colour: (3,) or per face (F, 3) RGB from 0 to 1.
        planks: Draw wooden planks over the colour, in world x and y.
        smooth: Shade over edges of less than 40 degrees as if rounded.
    """

    name: str
    vertices: Array
    faces: NDArray[np.int64]
    colour: Any = (0.7, 0.7, 0.7)
    planks: bool = False
    smooth: bool = True


@dataclass(frozen=True)
class Rendering:
    """What a camera sees.

    Attributes:
        depth: (H, W) along the optical axis [m], NaN where nothing is.
        ids: (H, W) index into `names`, `NOTHING` where nothing is.
        normals: (H, W, 3) unit, world frame, towards the camera; 0 where nothing is.
        incidence: (H, W) cosine of the angle between ray and normal; 0 where nothing is.
        colour: (H, W, 3) uint8 RGB, or None when not asked for.
        names: Body names.
    """

    depth: Image
    ids: NDArray[np.int32]
    normals: Image
    incidence: Image
    colour: NDArray[np.uint8] | None
    names: tuple[str, ...]


class _PlacedBodies:
    """Bodies at their poses: the ray caster, and per-face arrays of all bodies in a row."""

    def __init__(
        self,
        bodies: tuple[Body, ...],
        poses: Mapping[str, Array],
        local_normals: dict[str, Image],
    ) -> None:
        import open3d as o3d

        self.scene = o3d.t.geometry.RaycastingScene()
        normals, albedo = [], []
        for body in bodies:
            pose = poses[body.name]
            vertices = transform_points(pose, body.vertices).astype(np.float32)
            self.scene.add_triangles(_tensor(vertices), _tensor(body.faces.astype(np.uint32)))
            if body.name not in local_normals:
                local_normals[body.name] = corner_normals(
                    body.vertices, body.faces, smooth=body.smooth
                )
            normals.append(local_normals[body.name] @ pose[:3, :3].T.astype(np.float32))
            colour = np.asarray(body.colour, dtype=np.float32)
            albedo.append(np.broadcast_to(colour, (len(body.faces), 3)))
        self.normals: Image = np.concatenate(normals)
        self.albedo: Image = np.concatenate(albedo)
        counts = [len(body.faces) for body in bodies]
        self.first_face = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.uint32)
        self.wooden = np.array([body.planks for body in bodies])

    def normals_at(self, faces: NDArray[Any], uvs: Image) -> Image:
        """(N, 3) unit normals interpolated over faces at barycentric (N, 2) coordinates."""
        u, v = uvs[:, :1], uvs[:, 1:]
        normals: Image = self.normals[faces, 0] * (1 - u - v)
        normals += self.normals[faces, 1] * u
        normals += self.normals[faces, 2] * v
        normals /= np.sqrt(np.maximum(_dot(normals, normals), 1e-12))[:, None]
        return normals


class RaycastScene:
    """Bodies that can be moved and looked at."""

    def __init__(self, bodies: Iterable[Body], lighting: Lighting | None = None) -> None:
        self.bodies = tuple(bodies)
        self.lighting = lighting or Lighting()
        self.poses = {body.name: np.eye(4) for body in self.bodies}
        if len(self.poses) != len(self.bodies):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'bodies {[body.name for body in self.bodies]} need different names',
            )
        self._normals: dict[str, Image] = {}
        self._rays: dict[tuple[CameraIntrinsics, int], tuple[Image, Image]] = {}
        self._built: _PlacedBodies | None = None

    def set_poses(self, poses: Mapping[str, Array], *, tolerance: float = 0.0) -> bool:
        """Move bodies to `world_T_body` (4, 4); names of no body are ignored.

        Args:
            poses: By body name.
            tolerance: Smaller changes of every matrix element do not count.

        Returns:
            Whether anything moved; the bodies are placed anew at the next `render` if so.
        """
        moved = {
            name: np.asarray(pose, dtype=float)
            for name, pose in poses.items()
            if name in self.poses and np.abs(pose - self.poses[name]).max() > tolerance
        }
        self.poses.update(moved)
        if moved:
            self._built = None
        return bool(moved)

    def render(
        self,
        intrinsics: CameraIntrinsics,
        world_T_camera: Array,
        *,
        colour: bool = True,
        supersampling: int = 1,
    ) -> Rendering:
        """Look from an optical frame (z forward, x right, y down).

        Args:
            intrinsics: Of the picture.
            world_T_camera: (4, 4).
            colour: Whether to shade a colour picture.
            supersampling: Rays along each side of a pixel for the colour; depth, ids and
                normals are those of one ray a pixel, its centre when this is odd.
        """
        rays, lengths = self._camera_rays(intrinsics, supersampling)
        directions = rays @ world_T_camera[:3, :3].T.astype(np.float32)
        origin = world_T_camera[:3, 3].astype(np.float32)
        hits = self._cast(origin, directions)
        ids = hits['geometry_ids'].view(np.int32)  # a miss is all ones, so NOTHING
        seen = ids != NOTHING
        depth = np.where(seen, hits['t_hit'], np.float32(np.nan))
        normals = np.where(seen[..., None], hits['primitive_normals'], np.float32(0))
        cosine = -_dot(normals, directions) / lengths
        normals *= np.sign(cosine)[..., None]
        picture = None
        if colour:
            unit = directions / lengths[..., None]
            points = origin + directions[seen] * depth[seen][:, None]
            picture = _shrink(self._shade(seen, hits, points, unit), supersampling)
        step = slice(supersampling // 2, None, supersampling)
        return Rendering(
            depth[step, step],
            ids[step, step],
            normals[step, step],
            np.abs(cosine)[step, step],
            picture,
            tuple(body.name for body in self.bodies),
        )

    def lit(self, points: Image, normals: Image) -> Image:
        """1 where the key light reaches a point, else 0, shape (N,).

        Args:
            points: (N, 3) world frame [m].
            normals: (N, 3) unit, of the surface on which the points lie.
        """
        rays = np.empty((len(points), 6), np.float32)
        rays[:, :3], rays[:, 3:] = points + np.float32(1e-3) * normals, self.lighting.key_direction
        hidden = self._placed().scene.test_occlusions(_tensor(rays))
        lit: Image = 1.0 - hidden.numpy().astype(np.float32)
        return lit

    # -- casting -------------------------------------------------------------------------------

    def _camera_rays(self, intrinsics: CameraIntrinsics, supersampling: int) -> tuple[Image, Image]:
        """Rays with z = 1 in the optical frame (H, W, 3), and their lengths (H, W)."""
        key = (intrinsics, supersampling)
        if key not in self._rays:
            shift = (supersampling - 1) / (2 * supersampling)
            u = np.arange(intrinsics.width * supersampling) / supersampling - shift
            v = np.arange(intrinsics.height * supersampling) / supersampling - shift
            x, y = np.meshgrid(
                (u - intrinsics.cx) / intrinsics.fx, (v - intrinsics.cy) / intrinsics.fy
            )
            rays = np.stack([x, y, np.ones_like(x)], axis=-1).astype(np.float32)
            self._rays = {key: (rays, np.sqrt(_dot(rays, rays)))}
        return self._rays[key]

    def _cast(self, origin: Image, directions: Image) -> dict[str, NDArray[Any]]:
        rays = np.empty((*directions.shape[:-1], 6), np.float32)
        rays[..., :3], rays[..., 3:] = origin, directions
        answer = self._placed().scene.cast_rays(_tensor(rays))
        return {name: tensor.numpy() for name, tensor in answer.items()}

    def _placed(self) -> _PlacedBodies:
        if self._built is None:
            self._built = _PlacedBodies(self.bodies, self.poses, self._normals)
        return self._built

    # -- colour --------------------------------------------------------------------------------

    def _shade(
        self,
        seen: NDArray[np.bool_],
        hits: Mapping[str, NDArray[Any]],
        points: Image,
        unit: Image,
    ) -> NDArray[np.uint8]:
        lighting, bodies = self.lighting, self._placed()
        picture = lighting.background(unit)
        owner = hits['geometry_ids'][seen]
        faces = hits['primitive_ids'][seen] + bodies.first_face[owner]
        albedo = bodies.albedo[faces]
        wooden = bodies.wooden[owner]
        albedo[wooden] *= planks(points[wooden])
        normals = bodies.normals_at(faces, hits['primitive_uvs'][seen])
        towards = unit[seen]
        normals *= -np.sign(_dot(normals, towards))[:, None]
        lit = self.lit(points, normals) if lighting.shadows else np.ones(len(points), np.float32)
        picture[seen] = lighting.shade(albedo, normals, towards, lit)
        picture *= 255
        return np.clip(picture, 0, 255, out=picture).astype(np.uint8)


def _shrink(picture: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average blocks of factor x factor pixels."""
    if factor == 1:
        return picture
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    blocks = picture.reshape(height, factor, width, factor, 3).astype(np.float32)
    small: NDArray[np.uint8] = blocks.mean(axis=(1, 3)).astype(np.uint8)
    return small


def _dot(a: Image, b: Image) -> Image:
    """Scalar products over the last axis, which has length 3."""
    product: Image = a[..., 0] * b[..., 0]
    product += a[..., 1] * b[..., 1]
    product += a[..., 2] * b[..., 2]
    return product


def _tensor(array: NDArray[Any]) -> Any:
    import open3d as o3d

    core: Any = o3d.core
    return core.Tensor(np.ascontiguousarray(array))
