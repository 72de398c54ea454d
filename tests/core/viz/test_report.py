from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dex1b_core.viz.pictures import ANIMATION_FRAMES, Outcome
from dex1b_core.viz.recording import DemoRecording
from dex1b_core.viz.report import demo_page, write_demo_report

REPORT: dict[str, Any] = {
    'success': True,
    'object': 'box',
    'robot': 'xarm7_ability',
    'seed': 3,
    'lift_height_m': 0.15,
    'hold_s': 2.0,
    'candidates': 64,
    'executed_id': 'plan-3/1',
    'error_code': 0,
    'error': 'NONE',
    'error_msg': '',
    'stages': [{'stage': 'perceive', 'seconds': 0.8}, {'stage': 'check', 'seconds': 6.0}],
    'rejections': [
        {'stage': 'check', 'reason': 'CHECK_SLIPPED', 'count': 7, 'example': '7 of 9 <slipped>'}
    ],
    'versions': {'numpy': '2.4.6'},
}


@pytest.fixture(scope='module')
def written(recording: DemoRecording, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_demo_report(REPORT, recording, tmp_path_factory.mktemp('demo'))


def test_all_pictures_are_written_and_not_blank(written: dict[str, Path]) -> None:
    assert set(written) == {'perception', 'candidates', 'pick', 'pick_animation', 'report'}
    for name in ('perception', 'candidates', 'pick'):
        with Image.open(written[name]) as picture:
            assert picture.width > 800
            assert len(picture.convert('RGB').resize((64, 64)).getcolors(64 * 64) or []) > 50


def test_the_animation_moves_and_is_small(written: dict[str, Path]) -> None:
    with Image.open(written['pick_animation']) as animation:
        assert animation.size == (480, 360)
        assert (
            ANIMATION_FRAMES / 2 < animation.n_frames <= ANIMATION_FRAMES
        )  # equal ones are joined
        first = animation.convert('RGB').tobytes()
        animation.seek(animation.n_frames - 1)
        assert animation.convert('RGB').tobytes() != first
    assert written['pick_animation'].stat().st_size < 3_000_000


def test_the_page_stands_alone(written: dict[str, Path]) -> None:
    page = written['report'].read_text()
    assert page.count('data:image/png;base64,') == 3
    assert page.count('data:image/gif;base64,') == 1
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert 'lifted 0.15 m, held 2.0 s' in page
    assert 'check slipped' in page
    assert '7 of 9 &lt;slipped&gt;' in page
    assert 'dex1b demo --object box --seed 3 --robot xarm7_ability' in page


def test_a_failure_says_why() -> None:
    report = REPORT | {'error_code': 105, 'error': 'NO_OBJECT', 'error_msg': 'nothing in view'}
    page = demo_page(report, Outcome(False, 0.0, 0.0, 'NO_OBJECT'), {}, {}, 'again')
    assert 'not lifted: no_object' in page
    assert '105 NO_OBJECT' in page
    assert 'nothing in view' in page


def test_without_candidates_and_camera_the_rest_is_drawn(
    recording: DemoRecording, tmp_path: Path
) -> None:
    bare = replace(
        recording, candidates=(), executed_id='', colour=None, segmentation=None, stages=()
    )
    written = write_demo_report(REPORT | {'success': False}, bare, tmp_path)
    assert set(written) == {'pick', 'pick_animation', 'report'}
