"""The running stack in 3D: robot, clouds, plane, target, candidates, planned motion."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.viz.browser.candidate_row import CandidateRow
from dex1b_core.viz.browser.layers import Layers
from dex1b_core.viz.browser.ray import point_on_ray
from dex1b_core.viz.robot_scene import RobotScene
from dex1b_core.viz.verdict import BLUE, Colour

Array = NDArray[np.float64]

LAYERS = {
    'robot': 'Robot',
    'cameras': "Cameras' clouds",
    'object': 'Target cloud',
    'obstacles': 'Other objects',
    'shape': 'Reconstructed shape',
    'plane': 'Support plane',
    'grasps': 'Candidates',
    'rejected': 'Rejected candidates',
}
"""Layers that can be switched, with their words."""

_REPLAY_S = 2.0  # a new browser is told the first view of all browsers meanwhile
_POINTED_AT = ('object', 'obstacles', 'cameras')
_TARGET: Colour = (1.0, 0.62, 0.10)
_SHAPE: Colour = (0.90, 0.82, 0.42)
_MARK: Colour = (0.85, 0.10, 0.45)


class StackScene:
    """Draws what a stack sees and plans; every call may come from any thread.

    Attributes:
        layers: Where it is drawn; see LAYERS.
    """

    def __init__(self, server: Any, robot: RobotScene) -> None:
        self.layers = Layers(server, 'stack')
        self._server = server
        self._robot = robot
        self._links = self.layers.bodies('robot', robot.bodies)
        self._ghost: dict[str, list[Any]] = {}
        _set_view(server)

    def show_joints(self, joints: Mapping[str, float]) -> None:
        """Move the robot to joint positions [rad or m] by name."""
        poses = self._robot.poses(joints)
        with self._server.atomic():
            self.layers.place(self._links, poses)

    def show_object(self, points: Array) -> None:
        """Draw the target's cloud (N, 3) [m], and say that it is the target."""
        colour = tuple(round(255 * value) for value in _TARGET)
        self.layers.cloud('object', points, colour, size=0.003)
        if len(points):
            top = np.append(points[:, :2].mean(axis=0), points[:, 2].max() + 0.03)
            self.layers.label('object', 'label', 'target', top)

    def show_obstacles(self, points: Array) -> None:
        """Draw the cloud (N, 3) [m] of the other objects."""
        self.layers.cloud('obstacles', points, (90, 100, 120), size=0.003)

    def show_cameras(self, points: Array, colours: NDArray[np.uint8]) -> None:
        """Draw what the cameras see: (N, 3) points [m] with their colours."""
        self.layers.cloud('cameras', points, colours, size=0.0025)

    def show_plane(self, planning_T_plane: Array, size: tuple[float, float]) -> None:
        """Draw a rectangle [m] of the support plane, whose z axis is the normal."""
        self.layers.rectangle('plane', planning_T_plane, size)

    def show_shape(self, vertices: Array, faces: NDArray[np.int64]) -> None:
        """Draw the shape that planning takes the target for."""
        self.layers.mesh('shape', 'shape', vertices, faces, _SHAPE, opacity=0.45)

    def show_candidates(
        self, rows: Sequence[CandidateRow], on_click: Callable[[str], None]
    ) -> None:
        """Draw an arrow a candidate along its approach; clicks tell the row's key."""
        with self._server.atomic():
            for row in rows:
                self._show_arrow(row, on_click)
            for layer, rejected in (('grasps', False), ('rejected', True)):
                self.layers.clear(layer, but=[r.key for r in rows if r.rejected is rejected])

    def _show_arrow(self, row: CandidateRow, on_click: Callable[[str], None]) -> None:
        candidate = row.candidate
        width = 0.0022 if row.rejected else 0.004
        vertices, faces = arrow(
            candidate.planning_T_wrist[:3, 3],
            candidate.approach,
            candidate.approach_distance,
            width,
        )
        opacity = 0.55 if row.rejected else None
        layer = 'rejected' if row.rejected else 'grasps'
        handle = self.layers.mesh(layer, row.key, vertices, faces, row.colour, opacity=opacity)
        handle.on_click(lambda _: on_click(row.key))

    def show_hand(self, row: CandidateRow | None, posture: str = 'grasp') -> None:
        """Draw the hand of a candidate, 'pregrasp', 'grasp' or 'squeeze'; None draws none."""
        if row is None:
            self.layers.clear('hand')
            return
        poses = self._robot.hand_poses(row.candidate, getattr(row.candidate, posture))
        corners, faces, count = [], [], 0
        for body in self._robot.hand_bodies:
            pose = poses[body.name]
            corners.append(body.vertices @ pose[:3, :3].T + pose[:3, 3])
            faces.append(body.faces + count)
            count += len(body.vertices)
        self.layers.mesh(
            'hand', 'hand', np.concatenate(corners), np.concatenate(faces), row.colour, opacity=0.75
        )

    def show_target(self, point: Array | None) -> None:
        """Mark the point (3,) [m] that was chosen; None removes the mark."""
        if point is None:
            self.layers.clear('mark')
            return
        import trimesh

        ball = trimesh.creation.icosphere(subdivisions=2, radius=0.008)
        self.layers.mesh('mark', 'ball', ball.vertices + point, ball.faces, _MARK)
        self.layers.label('mark', 'label', 'chosen', point + np.array([0.0, 0.0, 0.025]))

    def show_ghost(self, joints: Mapping[str, float] | None) -> None:
        """Draw a translucent second robot at joint positions; None hides it."""
        if joints is None:
            self.layers.show('ghost', False)
            return
        if not self._ghost:
            self._ghost = self.layers.bodies('ghost', self._robot.bodies, colour=BLUE, opacity=0.45)
        poses = self._robot.poses(joints)
        with self._server.atomic():
            self.layers.place(self._ghost, poses)
            self.layers.show('ghost', True)

    def point_at(self, origin: Sequence[float], direction: Sequence[float]) -> Array | None:
        """The point of the clouds on show that a ray meets first; None when it meets none."""
        clouds = [self.layers.points[n] for n in _POINTED_AT if n in self.layers.points]
        points = np.concatenate(clouds) if clouds else np.zeros((0, 3))
        return point_on_ray(points, origin, direction)


def arrow(tip: Array, direction: Array, length: float, width: float) -> tuple[Array, Any]:
    """Mesh of an arrow that ends at `tip` (3,) [m]: vertices (V, 3) and faces (F, 3)."""
    import trimesh

    head = min(5.0 * width, 0.4 * length)
    shaft = trimesh.creation.cylinder(width, length - head, sections=12)
    shaft.apply_translation([0.0, 0.0, 0.5 * (length - head)])
    cone = trimesh.creation.cone(2.4 * width, head, sections=16)
    cone.apply_translation([0.0, 0.0, length - head])
    mesh: Any = trimesh.util.concatenate([shaft, cone])
    mesh.apply_transform(trimesh.geometry.align_vectors([0.0, 0.0, 1.0], direction))
    return np.asarray(mesh.vertices + tip - direction * length), np.asarray(mesh.faces)


def _set_view(server: Any) -> None:
    """Grid and first view of a robot's workspace."""
    server.scene.add_grid(
        'grid', width=2.4, height=2.4, cell_size=0.1, section_size=0.5, position=(0.3, 0.0, -0.001)
    )
    camera = server.initial_camera
    camera.position, camera.look_at = (1.25, -0.95, 0.85), (0.32, 0.0, 0.15)
    camera.fov = np.radians(50.0)
    server.on_client_connect(_fit_phone)


def _fit_phone(client: Any) -> None:
    """On an upright screen the panel covers the lower half: keep the workspace above it."""
    time.sleep(_REPLAY_S)
    camera = client.camera
    if camera.image_height > 1.2 * camera.image_width:
        with client.atomic():
            camera.position, camera.look_at = (1.75, -1.35, 1.05), (0.25, 0.0, -0.35)
