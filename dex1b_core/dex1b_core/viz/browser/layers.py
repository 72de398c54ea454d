"""Named parts of the scene that can be shown and hidden, and simple things drawn in them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.simulation.raycast import Body

Array = NDArray[np.float64]
Colour = tuple[float, float, float]

_PLANE: Colour = (0.62, 0.66, 0.72)


def rgb(colour: Colour) -> tuple[int, int, int]:
    """From 0..1 to 0..255."""
    red, green, blue = (round(255 * float(value)) for value in colour)
    return red, green, blue


def wxyz(rotation: Array) -> Array:
    """Quaternion of a (3, 3) rotation, as viser takes it."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(rotation).as_quat(scalar_first=True))


class Layers:
    """Frames at the origin, one a layer; what is drawn below `/layer/` follows it.

    Attributes:
        points: (N, 3) last drawn cloud of each layer [m].
    """

    def __init__(self, server: Any, root: str) -> None:
        self.server = server
        self.points: dict[str, Array] = {}
        self._root = root
        self._frames: dict[str, Any] = {}
        self._drawn: dict[str, Any] = {}
        self.show('', True)

    def show(self, layer: str, visible: bool) -> None:
        """Show or hide a layer; '' is all of them together."""
        if layer not in self._frames:
            self._frames[layer] = self.server.scene.add_frame(self._name(layer), show_axes=False)
        self._frames[layer].visible = visible

    def _name(self, layer: str, name: str = '') -> str:
        parts = [part for part in (self._root, layer, name) if part]
        return '/' + '/'.join(parts)

    def _layer(self, layer: str) -> None:
        if layer not in self._frames:
            self.show(layer, True)

    def keep(self, layer: str, name: str, handle: Any) -> Any:
        """Remember what was drawn, so that `clear` finds it."""
        self._drawn[self._name(layer, name)] = handle
        return handle

    def clear(self, layer: str, but: Collection[str] = ()) -> None:
        """Remove what is drawn in a layer, but these names.

        Draw first and clear then: a browser may drop what is removed and drawn again at once.
        """
        start = self._name(layer) + '/'
        for path in [path for path in self._drawn if path.startswith(start)]:
            if path.removeprefix(start) not in but:
                self._drawn.pop(path).remove()
        if not but:
            self.points.pop(layer, None)

    def cloud(
        self, layer: str, points: Array, colours: Any = (150, 160, 175), size: float = 0.004
    ) -> None:
        """Draw (N, 3) points [m] with one colour or (N, 3) of them, 0..255."""
        self._layer(layer)
        self.points[layer] = points
        if len(points) == 0:
            self.clear(layer)
            return
        handle = self.server.scene.add_point_cloud(
            self._name(layer, 'cloud'), points.astype(np.float32), colours, point_size=size,
            point_shape='rounded', precision='float32', point_shading='flat',
        )  # fmt: skip
        self.keep(layer, 'cloud', handle)

    def mesh(
        self, layer: str, name: str, vertices: Array, faces: NDArray[np.int64], colour: Colour,
        *, opacity: float | None = None, flat: bool = False,
    ) -> Any:  # fmt: skip
        """Draw a mesh of (V, 3) vertices [m] and (F, 3) faces."""
        self._layer(layer)
        handle = self.server.scene.add_mesh_simple(
            self._name(layer, name), vertices, faces, color=rgb(colour), opacity=opacity,
            flat_shading=flat, side='double', cast_shadow=False, receive_shadow=False,
        )  # fmt: skip
        return self.keep(layer, name, handle)

    def rectangle(self, layer: str, pose: Array, size: tuple[float, float]) -> None:
        """Draw a piece of a plane [m], whose z axis is the normal of `pose` (4, 4)."""
        x, y = 0.5 * size[0], 0.5 * size[1]
        corners = np.array([[-x, -y, 0, 1], [x, -y, 0, 1], [x, y, 0, 1], [-x, y, 0, 1]])
        faces = np.array([[0, 1, 2], [0, 2, 3]])
        vertices = (corners @ pose.T)[:, :3]
        self.mesh(layer, 'plane', vertices, faces, _PLANE, opacity=0.35, flat=True)

    def bodies(
        self, layer: str, bodies: tuple[Body, ...], *, colour: Colour | None = None,
        opacity: float | None = None,
    ) -> dict[str, list[Any]]:  # fmt: skip
        """Draw bodies, a mesh for each of their colours; returns the meshes of each."""
        found: dict[str, list[Any]] = {}
        for body in bodies:
            parts = by_colour(body) if colour is None else [(body.faces, colour)]
            for number, (faces, own) in enumerate(parts):
                vertices, used = split_at_edges(body.vertices, faces)
                name = f'{body.name}/{number}'
                handle = self.mesh(layer, name, vertices, used, own, opacity=opacity)
                found.setdefault(body.name, []).append(handle)
        return found

    def place(self, handles: dict[str, list[Any]], poses: dict[str, Array]) -> None:
        """Put meshes of `bodies` where (4, 4) poses say."""
        for name, meshes in handles.items():
            quaternion = wxyz(poses[name][:3, :3])
            for mesh in meshes:
                mesh.position, mesh.wxyz = poses[name][:3, 3], quaternion

    def label(self, layer: str, name: str, text: str, position: Array) -> None:
        """Write words at a point [m]."""
        self._layer(layer)
        handle = self.server.scene.add_label(self._name(layer, name), text, position=position)
        self.keep(layer, name, handle)


def by_colour(body: Body) -> list[tuple[NDArray[np.int64], Colour]]:
    """Faces of a body, parted by their colours."""
    colours = np.broadcast_to(np.asarray(body.colour, dtype=float), (len(body.faces), 3))
    kinds, which = np.unique(colours.round(3), axis=0, return_inverse=True)
    return [
        (body.faces[which.ravel() == number], (float(r), float(g), float(b)))
        for number, (r, g, b) in enumerate(kinds)
    ]


def split_at_edges(
    vertices: Array, faces: NDArray[np.int64], angle: float = 0.6
) -> tuple[Array, NDArray[np.int64]]:
    """The same surface with vertices doubled along edges sharper than an angle [rad].

    A browser averages normals at shared vertices, which makes machined parts look melted.
    """
    import trimesh

    mesh = trimesh.Trimesh(vertices, faces, process=False)
    mesh.remove_unreferenced_vertices()
    smooth = trimesh.graph.smooth_shade(mesh, angle=angle)
    return np.asarray(smooth.vertices), np.asarray(smooth.faces, dtype=np.int64)
