"""The stack in a web browser on this machine: what it sees, what it plans, and buttons."""

from __future__ import annotations

import threading
from pathlib import Path

from pydantic import Field

from dex1b_core.errors import Dex1bError
from dex1b_core.robots import load_robot
from dex1b_core.viz.browser.server import PORT, address, open_server
from dex1b_core.viz.browser.viewer import Viewer
from dex1b_core.viz.robot_scene import RobotScene
from dex1b_ros.node import Dex1bNode, NodeParameters, run
from dex1b_ros.viewer_cameras import CameraClouds
from dex1b_ros.viewer_controls import RosControls
from dex1b_ros.viewer_inputs import ViewerInputs


class ViewerParameters(NodeParameters):
    """Parameters of the viewer."""

    port: int = Field(PORT, ge=0, le=65535, description='on 127.0.0.1; 0 = any that is free')
    rate: float = Field(10.0, ge=1.0, le=30.0, description='[Hz] of the drawn robot')
    camera_period: float = Field(
        3.0, ge=0.5, description="[s] wall clock between images for the cameras' clouds"
    )
    data_folder: str = Field('out', description='shards, grasps and reports that can be opened')


class ViewerNode(Dex1bNode):
    """Serves the viewer; draws only while a browser looks."""

    Parameters = ViewerParameters

    def __init__(self) -> None:
        super().__init__('viewer')

    def configure(self) -> None:
        """Open the server, draw the robot, subscribe."""
        robot = load_robot(self.params.robot)
        self._server = open_server(self.params.port, f'dex1b · {robot.name}')
        self._controls = RosControls(self)
        self._wants_cameras = True
        self._viewer = Viewer(
            self._server, Path(self.params.data_folder), RobotScene(robot), self._controls,
            self._want_cameras,
        )  # fmt: skip
        self._inputs = ViewerInputs(self, self._viewer.stack)
        self._cameras = CameraClouds(self, self.params.tf_prefix + robot.base_link)
        self._ended = threading.Event()
        for work in (self._draw, self._look):
            self._workers.submit(work)

    def activate(self) -> None:
        """Say where it is."""
        self.get_logger().info(f'viewer at {address(self._server)}')

    def cleanup(self) -> None:
        """Close the server and drop what `configure` made."""
        if not hasattr(self, '_inputs'):
            return
        self._ended.set()
        self._inputs.destroy()
        self._cameras.close()
        self._controls.destroy()
        self._server.stop()
        del self._inputs

    def _want_cameras(self, wanted: bool) -> None:
        self._wants_cameras = wanted

    def _draw(self) -> None:
        while not self._ended.wait(1.0 / self.params.rate):
            if self._server.get_clients():
                self._viewer.stack.panel.show_status(self._inputs.status())
                self._inputs.draw_robot()

    def _look(self) -> None:
        """Images only while somebody looks: a simulated camera renders for its subscribers."""
        told = ''
        while not self._ended.wait(self.params.camera_period):
            if not (self._wants_cameras and self._server.get_clients()):
                continue
            try:
                cloud = self._cameras.look()
            except Dex1bError as error:
                if error.message != told and not self._ended.is_set():
                    told = error.message
                    self.get_logger().warning(f"cameras' clouds: {error.message}")
                continue
            if cloud is not None:
                self._viewer.stack.scene.show_cameras(*cloud)


def main() -> None:
    """Run the node."""
    run(ViewerNode)


if __name__ == '__main__':
    main()
