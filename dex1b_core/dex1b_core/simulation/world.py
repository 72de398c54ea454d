"""The simulated bench: a robot at home, a table, one object on it, a depth camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import make_transform
from dex1b_core.geometry.object_model import ObjectModel
from dex1b_core.robots.description import RobotDescription
from dex1b_core.simulation.camera import CameraDescription, DepthCamera
from dex1b_core.simulation.objects import add_object, mass_of, object_pose, settle
from dex1b_core.simulation.raycast import Body, RaycastScene
from dex1b_core.simulation.robot import SimulatedRobot
from dex1b_core.simulation.settings import TABLE_CENTRE, TABLE_HALF_SIZE, PhysicsSettings, add_table
from dex1b_core.simulation.visuals import robot_bodies

Array = NDArray[np.float64]

OBJECT = 'object'
TABLE = 'table'
_OBJECT_COLOUR = (0.87, 0.67, 0.16)
_TABLE_COLOUR = (0.66, 0.53, 0.40)
_DROP_HEIGHT = 0.004  # [m]


@dataclass(frozen=True)
class Placement:
    """Where objects are put, at random.

    Attributes:
        x: Range in front of the robot [m].
        y: Range to its left [m].
        yaw: Range about the vertical [rad].
    """

    x: tuple[float, float] = (0.38, 0.48)
    y: tuple[float, float] = (-0.12, 0.12)
    yaw: tuple[float, float] = (-np.pi, np.pi)

    def draw(self, seed: int) -> Array:
        """(4, 4) pose of an object's foot on the table; the same for the same seed."""
        generator = np.random.default_rng(seed)
        x, y, yaw = (generator.uniform(*limits) for limits in (self.x, self.y, self.yaw))
        cosine, sine = np.cos(yaw), np.sin(yaw)
        rotation = [[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]
        return make_transform(rotation, [x, y, _DROP_HEIGHT])


class SimWorld:
    """A robot and one object under physics; time passes only in `step`.

    The object's frame in the world, as in all poses, lies in its foot: where it stands.

    Attributes:
        model: The object.
        mass: Of it [kg].
        start_pose: world_T_object (4, 4) after it came to rest.
    """

    def __init__(
        self,
        description: RobotDescription,
        model: ObjectModel,
        *,
        mass: float | None = None,
        seed: int = 0,
        settings: PhysicsSettings | None = None,
        placement: Placement | None = None,
    ) -> None:
        """Put everything in place and let the object come to rest.

        Args:
            description: Robot, fixed at the origin, at home with the hand open.
            model: Object.
            mass: Of the object [kg]; None takes one that is plausible for its volume.
            seed: Of the object's place and yaw.
            settings: Physics.
            placement: Where the object may stand.

        Raises:
            Dex1bError: SIM_ERROR when the object does not come to rest on the table.
        """
        self.description, self.model, self.seed = description, model, seed
        self.settings = settings or PhysicsSettings()
        self.mass = mass_of(model.parts) if mass is None else mass
        self.scene = self.settings.new_scene()
        add_table(self.scene, self.settings)
        self.robot = SimulatedRobot.load(self.scene, description, settings=self.settings)
        self.entity = add_object(
            self.scene,
            [part.moved(-model.foot) for part in model.parts],
            mass=self.mass,
            world_T_object=(placement or Placement()).draw(seed),
            friction=self.settings.friction,
            settings=self.settings,
        )
        self.steps = 0
        rests = settle(self.scene, self.entity)
        self.start_pose = self.object_pose()
        if not rests or self.start_pose[2, 3] < -0.05:
            raise Dex1bError(
                ErrorCode.SIM_ERROR,
                f"object '{model.name}' does not come to rest on the table with seed {seed} (it "
                f'is at {self.start_pose[:3, 3].round(3).tolist()}); try another seed',
            )

    @property
    def time(self) -> float:
        """Simulated time since the object came to rest [s]."""
        return self.steps * self.settings.dt

    def step(self, count: int = 1) -> None:
        """Let time pass."""
        for _ in range(count):
            self.scene.step()
        self.steps += count

    def object_pose(self) -> Array:
        """`world_T_object` (4, 4)."""
        return object_pose(self.entity)

    def poses(self) -> dict[str, Array]:
        """`world_T_body` (4, 4) of all links and the object, by name."""
        return self.robot.link_poses() | {OBJECT: self.object_pose()}

    def raycast_scene(self) -> RaycastScene:
        """The world as it looks now; move its bodies by `poses`."""
        scene = RaycastScene(
            (table_body(), *robot_bodies(self.description), object_body(self.model))
        )
        scene.set_poses(self.poses())
        return scene

    def camera(self, description: CameraDescription) -> DepthCamera:
        """A camera that looks at this world; move its scene's bodies by `poses`."""
        return DepthCamera(description, self.raycast_scene())


def object_body(model: ObjectModel, colour: tuple[float, float, float] = _OBJECT_COLOUR) -> Body:
    """The object for ray casting, in the frame of its foot."""
    return Body(OBJECT, model.mesh.vertices - model.foot, model.mesh.faces, colour)


def table_body() -> Body:
    """The table for ray casting: a board whose top is the plane z = 0."""
    (x, y), (dx, dy), depth = TABLE_CENTRE, TABLE_HALF_SIZE, 0.04
    signs = np.array([[i, j, k] for k in (0, 1) for j in (-1, 1) for i in (-1, 1)], dtype=float)
    vertices = signs * [dx, dy, -depth] + [x, y, 0.0]
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))]
    return Body(TABLE, vertices, np.array(faces), _TABLE_COLOUR, planks=True, smooth=False)
