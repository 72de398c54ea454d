"""A robot and an object as bodies to draw, and where they are for given joint positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import invert
from dex1b_core.geometry.mesh_file import read_mesh_file
from dex1b_core.geometry.object_model import foot_of
from dex1b_core.planning import GraspCandidate
from dex1b_core.robots import RobotDescription
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.simulation.raycast import Body
from dex1b_core.simulation.visuals import robot_bodies

Array = NDArray[np.float64]
Colour = tuple[float, float, float]

FACES_PER_LINK = 2500
OBJECT = 'object'
_DARKEST, _BRIGHTEST = 0.15, 0.92


class RobotScene:
    """The links of a robot as bodies, placed by joint positions.

    Attributes:
        bodies: One for each link with a visual mesh, named as the link, in the link's frame.
        hand_bodies: Those of the hand alone.
    """

    def __init__(self, robot: RobotDescription) -> None:
        self._robot = robot
        self._tree = LinkTree.from_urdf(robot.urdf_path)
        # black parts stay readable, white ones stand out from the background
        self.bodies = tuple(
            replace(body, colour=np.clip(body.colour, _DARKEST, _BRIGHTEST))
            for body in robot_bodies(robot, faces_per_link=FACES_PER_LINK)
        )
        below = {robot.hand.root_link}
        for joint in self._tree.joints:  # parents come before children
            if joint.parent in below:
                below.add(joint.child)
        self.hand_bodies = tuple(body for body in self.bodies if body.name in below)

    def poses(self, joints: Mapping[str, float]) -> dict[str, Array]:
        """planning_T_link (4, 4) of every link.

        Args:
            joints: Positions [rad or m] of the driven joints by name; mimic joints follow.
        """
        return self._placed(joints, self._robot.base_link, np.eye(4))

    def hand_poses(self, candidate: GraspCandidate, posture: Array) -> dict[str, Array]:
        """planning_T_link of the hand's links when its root is at the candidate's pose.

        Args:
            candidate: Where and with which joints.
            posture: (J,) positions [rad] of the candidate's joints.
        """
        joints = dict(zip(candidate.joint_names, posture.tolist(), strict=True))
        root = self._robot.hand.root_link
        poses = self._placed(joints, root, candidate.planning_T_wrist)
        return {body.name: poses[body.name] for body in self.hand_bodies}

    def _placed(
        self, joints: Mapping[str, float], link: str, planning_T_link: Array
    ) -> dict[str, Array]:
        """Poses of all links when one of them is known."""
        poses = self._tree.link_poses(self._tree.complete(joints))
        planning_T_root = planning_T_link @ invert(poses[link])
        return {name: planning_T_root @ pose for name, pose in poses.items()}


def object_body(path: Path, colour: Colour) -> Body:
    """An object as the simulated world places it.

    Raises:
        Dex1bError: SHAPE_INVALID, the file holds no mesh.
    """
    mesh = read_mesh_file(path)
    return Body(OBJECT, mesh.vertices - foot_of(mesh), mesh.faces, colour)
