"""`dex1b view`: a viewer node that fits the stack that runs."""

from __future__ import annotations

import os
from pathlib import Path

from dex1b_ros.bringup import node_command
from dex1b_ros.node_list import NodeSpec, StackOptions
from dex1b_ros.stack_parameters import stack_parameters


def run_viewer(*, port: int, data_folder: Path, namespace: str = '') -> None:
    """Become the viewer's process; does not return.

    Raises:
        Dex1bError: NODE_UNAVAILABLE when no stack runs.
    """
    known = stack_parameters(namespace)
    own = {'port': port, 'data_folder': str(data_folder.absolute())}
    options = StackOptions(namespace=namespace, viewer=True)
    command = node_command(NodeSpec('viewer', 'viewer_node', known | own), options)
    os.execv(command[0], command)
