"""A hand at an object, from a file, in 3D."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dex1b_core.geometry import Plane
from dex1b_core.perception.boxes import plane_frame
from dex1b_core.viz.browser.grasp_rows import GraspRow
from dex1b_core.viz.browser.layers import Layers
from dex1b_core.viz.verdict import Colour

Array = NDArray[np.float64]

_OBJECT: Colour = (0.86, 0.80, 0.66)
_PLANE_M = 0.5


class HandScene:
    """Draws rows of one hand; the object stands in the middle."""

    def __init__(self, server: Any) -> None:
        self.layers = Layers(server, 'data')
        self._server = server
        self._hand = ''
        self._handles: dict[str, list[Any]] = {}
        self._tree: Any = None
        self._root = ''
        self.show(False)

    def show(self, visible: bool) -> None:
        """Show or hide everything."""
        self.layers.show('', visible)

    def take_hand(self, name: str) -> None:
        """Draw this hand from now on, by its collision shapes, a colour a finger.

        Raises:
            Dex1bError: UNKNOWN_ROBOT, ASSET_MISSING or what else keeps it from being read.
        """
        if name == self._hand:
            return
        from dex1b_core.robots import load_hand
        from dex1b_core.robots.hand_model import HandModel
        from dex1b_core.robots.link_tree import LinkTree
        from dex1b_core.viz.grasp_gallery import link_bodies

        hand = load_hand(name)
        self.layers.clear('hand')
        bodies = tuple(link_bodies(HandModel(hand)))
        self._tree, self._root = LinkTree.from_urdf(hand.urdf_path), hand.root_link
        self._handles = self.layers.bodies('hand', bodies)
        self._hand = name

    def show_row(self, row: GraspRow, posture: str) -> None:
        """Draw a grasp of the hand taken last; the object's frame stays at the origin."""
        joints = self._tree.complete(row.postures[posture])
        poses = self._tree.link_poses(joints)
        root = row.object_T_hand @ np.linalg.inv(poses[self._root])
        with self._server.atomic():
            self.layers.mesh('object', 'object', *row.mesh, _OBJECT)
            self.layers.place(self._handles, {n: root @ pose for n, pose in poses.items()})
            if row.plane is None:
                self.layers.clear('plane')
            else:
                pose = plane_frame(Plane(row.plane[:3], float(row.plane[3])))
                self.layers.rectangle('plane', pose, (_PLANE_M, _PLANE_M))
            if row.held is None:
                self.layers.clear('mark')
            else:
                top = np.array([0.0, 0.0, float(row.mesh[0][:, 2].max()) + 0.03])
                self.layers.label('mark', 'verdict', 'held' if row.held else 'failed', top)


def look_closely(client: Any) -> None:
    """Bring a browser's view near the origin, where an object is."""
    with client.atomic():
        client.camera.position, client.camera.look_at = (0.38, -0.38, 0.28), (0.0, 0.0, 0.03)
