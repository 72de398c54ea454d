"""`dex1b bench perception --through-node` on captures drawn here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.benchmark.captures import INTRINSICS, LabelledCapture
from dex1b_core.benchmark.perception_bench import CAPTURE_SETTINGS, LibraryPipeline
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import look_at
from dex1b_core.perception import DepthFrame
from dex1b_ros.bringup import running_node
from dex1b_ros.node_list import NodeSpec, StackOptions
from dex1b_ros.perception_replay import node_pipeline

POSE = look_at([0.8, 0.0, 0.7], [0.0, 0.0, 0.0])


def capture(name: str, *heights: float) -> LabelledCapture:
    """Boxes of these heights in a row on the plane z = 0, in whole millimetres of depth."""
    eye, rays = POSE[:3, 3], INTRINSICS.deproject(np.ones((480, 640))) @ POSE[:3, :3].T
    depth = -eye[2] / rays[..., 2]
    for number, height in enumerate(heights):
        low, high = np.array([-0.1, 0.2 * number - 0.2, 0]), np.array([0, 0.2 * number, height])
        with np.errstate(divide='ignore'):
            a, b = (low - eye) / rays, (high - [0, 0.08, 0] - eye) / rays
        enter, leave = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
        depth = np.where((enter < leave) & (enter < depth), enter, depth)
    millimetres = np.rint(depth * 1000).astype(np.uint16)
    frame = DepthFrame(millimetres.astype(np.float32) * np.float32(0.001), INTRINSICS, POSE)
    return LabelledCapture(name, frame, np.zeros((480, 640), np.uint8))


@pytest.mark.usefixtures('ros_domain')
def test_the_node_labels_captures_as_the_library_does() -> None:
    library = LibraryPipeline(CAPTURE_SETTINGS)
    with node_pipeline(CAPTURE_SETTINGS) as node:
        coloured = capture('two', 0.1, 0.05)
        picture = np.full((480, 640, 3), 90, np.uint8)
        coloured = replace(coloured, frame=replace(coloured.frame, colour=picture))
        for shown in (capture('one', 0.1), coloured, capture('three', 0.05, 0.1, 0.15)):
            labels, timings = node(shown, repeats=2)
            expected, _ = library(shown, repeats=1)
            assert labels.max() == expected.max() > 0
            assert (labels == expected).mean() > 0.999
            assert len(timings) == 2
            assert all(0 < timing.ms < timing.wall_ms for timing in timings)
        with pytest.raises(Dex1bError) as caught:
            node(capture('empty'), repeats=1)
        assert caught.value.error_code == ErrorCode.NO_OBJECT


def test_a_node_that_does_not_start_is_said_with_its_log(tmp_path: Path) -> None:
    spec = NodeSpec('perception', 'perception_node', {'max_depth': -1.0})
    with (
        pytest.raises(Dex1bError, match='max_depth') as caught,
        running_node(spec, StackOptions(), log=tmp_path / 'node.log', timeout_s=5.0),
    ):
        pass
    assert caught.value.error_code == ErrorCode.NODE_UNAVAILABLE
