"""`dex1b camera check` on a camera that publishes here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import typer
from harness import Client
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from typer.testing import CliRunner

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_ros import conversions
from dex1b_ros.camera_check import check_camera, describe
from dex1b_ros.commands import camera_check

WIDTH, HEIGHT, FOCAL, NOISE = 160, 120, 150.0, 0.003


@pytest.fixture
def camera(ros_domain: int) -> Iterator[Client]:
    """Ten images a second of a plane 0.8 m away; camera_info is 20 ms late."""
    client = Client('wall_camera')
    node, random = client.node, np.random.default_rng(2)
    depth = node.create_publisher(Image, '/wall/depth', 5)
    info = node.create_publisher(CameraInfo, '/wall/info', 5)

    def publish() -> None:
        now = node.get_clock().now().nanoseconds
        header = Header(frame_id='wall')
        header.stamp.sec, header.stamp.nanosec = divmod(now, 10**9)
        pixels = 0.8 + random.normal(0, NOISE, (HEIGHT, WIDTH)).astype(np.float32)
        pixels[:12] = np.nan
        depth.publish(conversions.image_msg(pixels.astype(np.float32), '32FC1', header))
        late = Header(frame_id='wall')
        late.stamp.sec, late.stamp.nanosec = divmod(now + 20_000_000, 10**9)
        message = CameraInfo(header=late, width=WIDTH, height=HEIGHT)
        message.k = [FOCAL, 0.0, WIDTH / 2, 0.0, FOCAL, HEIGHT / 2, 0.0, 0.0, 1.0]
        info.publish(message)

    node.create_timer(0.1, publish)
    yield client
    client.close()


def test_camera_is_measured(camera: Client) -> None:
    report = check_camera('/wall/depth', '/wall/info', seconds=3.0)
    assert report['timing']['rate_hz'] == pytest.approx(10, rel=0.3)
    assert report['skew_s'] == pytest.approx(0.02, abs=0.005)
    assert 0 <= report['latency_s'] < 1
    plane = report['plane']
    assert plane['distance_m'] == pytest.approx(0.8, abs=0.003)
    assert plane['rough_m'] == pytest.approx(NOISE, rel=0.2)
    assert plane['flicker_m'] == pytest.approx(NOISE, rel=0.2)
    assert plane['holes'] == pytest.approx(0.1)
    assert any('10.0%' in line for line in describe(report))


def test_no_camera_is_said(ros_domain: int) -> None:
    with pytest.raises(Dex1bError, match='/nobody/depth') as caught:
        check_camera('/nobody/depth', '/nobody/info', seconds=1.0)
    assert caught.value.error_code == ErrorCode.NO_DEPTH


def test_the_command_prints_and_writes_the_report(camera: Client, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(camera_check)
    words = ['--depth-topic', '/wall/depth', '--info-topic', '/wall/info', '--seconds', '2']
    report = tmp_path / 'report.json'
    result = CliRunner().invoke(app, [*words, '--json', str(report)])
    assert result.exit_code == 0, result.output
    assert 'plane      0.80' in result.output
    assert json.loads(report.read_text())['plane']['holes'] == pytest.approx(0.1)
