"""`dex1b bench perception` on two captures drawn here."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from dex1b_core.benchmark.captures import INTRINSICS, capture_folders, read_capture
from dex1b_core.benchmark.perception_bench import CAPTURE_SETTINGS
from dex1b_core.commands import bench
from dex1b_core.errors import Dex1bError
from dex1b_core.geometry import look_at


def draw(folder, *boxes):
    """Depth and labels of boxes (low, high) on the plane z = 0."""
    pose = look_at([0.8, 0.0, 0.7], [0.0, 0.0, 0.0])
    eye, rays = pose[:3, 3], INTRINSICS.deproject(np.ones((480, 640))) @ pose[:3, :3].T
    depth = -eye[2] / rays[..., 2]
    label = np.ones(depth.shape, np.uint8)
    for number, (low, high) in enumerate(boxes):
        with np.errstate(divide='ignore'):
            a, b = (np.asarray(low) - eye) / rays, (np.asarray(high) - eye) / rays
        enter, leave = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
        label[(enter < leave) & (enter < depth)] = 2 + number
        depth = np.where((enter < leave) & (enter < depth), enter, depth)
    folder.mkdir()
    cv2.imwrite(str(folder / 'depth.png'), np.rint(depth * 1000).astype(np.uint16))
    cv2.imwrite(str(folder / 'label.png'), label)


@pytest.fixture
def captures(tmp_path):
    data = tmp_path / 'data'
    data.mkdir()
    apart = [([-0.2, -0.2, 0], [-0.1, -0.1, 0.1]), ([0.0, 0.1, 0], [0.1, 0.22, 0.06])]
    stacked = [([-0.1, -0.1, 0], [0.1, 0.1, 0.06]), ([-0.07, -0.05, 0.06], [0.05, 0.05, 0.13])]
    draw(data / 'scene2', *apart)
    draw(data / 'scene10', *stacked)
    return data


def run(*words):
    app = typer.Typer()
    bench.register(app)
    result = CliRunner().invoke(app, ['bench', 'perception', *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_report_and_page(captures, tmp_path):
    report, page, pictures = (tmp_path / name for name in ('r.json', 'page', 'pictures'))
    result = run('--data', captures, '--json', report, '--html', page, '--pictures', pictures,
                 '--repeats', 1)  # fmt: skip
    assert result.exit_code == 0, result.output
    content = json.loads(report.read_text())
    assert [row['scene'] for row in content['scenes']] == ['scene2', 'scene10']
    assert content['f_score'] > 0.95
    assert content['share_iou_over_75'] == 1
    assert (content['over_seg'], content['under_seg']) < (0.05, 0.05)
    assert 0 < content['ms']['p50'] <= content['ms']['p99']
    assert content['plain']['f_score'] < content['f_score']  # it joins what is stacked
    assert content['settings']['perception']['edge_gap'] == CAPTURE_SETTINGS.edge_gap
    html = (page / 'index.html').read_text()
    assert html.count('data:image/png;base64,') == 2
    assert 'scene10' in html
    assert 'src="http' not in html
    for name in ('scene2', 'scene10.stages'):
        assert (pictures / f'{name}.png').stat().st_size > 5000


def test_plain_pipeline_may_be_left_out(captures, tmp_path):
    run('--data', captures, '--json', tmp_path / 'r.json', '--repeats', 1, '--no-plain')
    assert json.loads((tmp_path / 'r.json').read_text())['plain'] is None


def test_a_node_that_is_not_installed_is_said(captures, monkeypatch):
    monkeypatch.setattr(bench, 'node_pipelines', [])
    with pytest.raises(Dex1bError, match='dex1b_ros is not installed'):
        run('--data', captures, '--through-node')


def test_capture_stands_on_its_table(captures):
    capture = read_capture(capture_folders(captures)[0], CAPTURE_SETTINGS)
    table = capture.frame.points()[capture.truth == 1]
    assert np.abs(table[:, 2]).max() < 0.004
    assert capture.objects == [2, 3]


def test_folders_of_another_layout_are_refused(captures, tmp_path):
    with pytest.raises(Dex1bError, match='not a folder'):
        capture_folders(tmp_path / 'nowhere')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(Dex1bError, match='no scene'):
        capture_folders(tmp_path / 'empty')
    scene = captures / 'scene2'

    def refused(match):
        with pytest.raises(Dex1bError, match=match):
            read_capture(scene, CAPTURE_SETTINGS)

    cv2.imwrite(str(scene / 'label.png'), np.ones((480, 640), np.uint8))
    refused('no object')
    cv2.imwrite(str(scene / 'label.png'), np.ones((240, 320), np.uint8))
    refused('expected uint8')
    (scene / 'label.png').unlink()
    refused('missing')
    (scene / 'color.jpg').write_text('no picture')
    draw(captures / 'other', ([-0.2, -0.2, 0], [-0.1, -0.1, 0.1]))
    (captures / 'other' / 'label.png').rename(scene / 'label.png')
    refused('color.jpg')
    cv2.imwrite(str(scene / 'depth.png'), np.full((480, 640), 90, np.uint8))
    refused('expected uint16')


def test_command_line_starts_without_heavy_libraries():
    heavy = ('cv2', 'numpy', 'scipy', 'open3d', 'torch')
    code = (
        'import sys, typer; from dex1b_core.commands import bench; bench.register(typer.Typer());'
        f'print([name for name in {heavy!r} if name in sys.modules])'
    )
    found = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == '[]'
