"""A viewer with a robot, and controls that write down what was pressed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from dex1b_core.data.grasp_set import GraspSet, write_grasps
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots import RobotDescription, load_hand
from dex1b_core.viz.browser.controls import StackStatus
from dex1b_core.viz.browser.server import open_server
from dex1b_core.viz.browser.viewer import Viewer
from dex1b_core.viz.robot_scene import RobotScene

READY = StackStatus('idle', True, False, 'ok', '', 0.0)
DONE = {
    'error_code': 0, 'error': 'NONE', 'error_msg': '', 'seed': 7,
    'rejections': [{'reason': 'NO_IK', 'stage': 'reach', 'count': 3, 'example': ''}],
    'stages': [{'stage': 'generate', 'seconds': 1.25}],
}  # fmt: skip


@dataclass
class Recorder:
    """Controls that answer at once."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    fails: bool = False

    def plan(self, target: Any) -> dict[str, Any]:
        self.calls.append(('plan', target))
        if self.fails:
            raise Dex1bError(ErrorCode.NODE_UNAVAILABLE, 'nobody answers')
        return DONE

    def pick(self, target: Any) -> dict[str, Any]:
        self.calls.append(('pick', target))
        return DONE | {'object_held': True}

    def stop(self) -> str:
        self.calls.append(('stop', None))
        return 'executor/stop: stopping'

    def reset(self) -> str:
        self.calls.append(('reset', None))
        return 'reset'

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


@dataclass
class Desk:
    """What a test looks at."""

    server: Any
    viewer: Viewer
    controls: Recorder


@pytest.fixture(scope='session')
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two grasps of a box and a report."""
    folder = tmp_path_factory.mktemp('data')
    hand = load_hand('ability_right')
    poses = np.tile(np.eye(4), (2, 1, 1))
    poses[:, 2, 3] = [0.12, 0.15]
    posture = np.tile(hand.open, (2, 1))
    write_grasps(
        folder / 'box.npz',
        GraspSet(
            'ability_right', 'box', hand.joints, poses, posture, posture + 0.1, posture + 0.2,
            (np.asarray(trimesh.creation.box((0.06, 0.06, 0.1)).vertices),),
            np.array([0.0, 0.0, 1.0, 0.05]),
        ),
    )  # fmt: skip
    (folder / 'report.html').write_text('<h1>Lifted &amp; held</h1>')
    (folder / 'other.npz').write_bytes(b'not an archive')
    return folder


@pytest.fixture
def desk(robot: RobotDescription, data_folder: Path) -> Iterator[Desk]:
    server = open_server(0)
    controls = Recorder()
    viewer = Viewer(server, data_folder, RobotScene(robot), controls)
    viewer.stack.panel.show_status(READY)
    yield Desk(server, viewer, controls)
    server.stop()
