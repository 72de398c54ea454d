from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.viz.recording import DemoRecording


def test_a_recording_is_read_as_it_was_written(recording: DemoRecording, tmp_path: Path) -> None:
    path = tmp_path / 'folder' / 'recording.npz'
    recording.save(path)
    again = DemoRecording.load(path)
    for field in fields(DemoRecording):
        old, new = getattr(recording, field.name), getattr(again, field.name)
        if isinstance(old, np.ndarray):
            np.testing.assert_array_equal(old, new)
        elif field.name != 'candidates':
            assert old == new
    for old, new in zip(recording.candidates, again.candidates, strict=True):
        np.testing.assert_array_equal(old.planning_T_wrist, new.planning_T_wrist)
        np.testing.assert_array_equal(old.squeeze, new.squeeze)
        assert new.sim_check == old.sim_check
        assert new.joint_names == old.joint_names
        assert np.isnan(new.generator_score)


def test_pictures_may_be_missing(recording: DemoRecording, tmp_path: Path) -> None:
    path = tmp_path / 'recording.npz'
    replace(recording, colour=None, segmentation=None).save(path)
    again = DemoRecording.load(path)
    assert again.colour is None
    assert again.segmentation is None


@pytest.mark.parametrize('content', [None, b'', b'not a recording'])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / 'recording.npz'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Dex1bError, match=r'dex1b demo') as caught:
        DemoRecording.load(path)
    assert caught.value.error_code == ErrorCode.INVALID_REQUEST


def test_arrays_that_do_not_fit_are_refused(recording: DemoRecording) -> None:
    with pytest.raises(Dex1bError, match='lift_heights has shape'):
        replace(recording, lift_heights=recording.lift_heights[:-1])


def test_an_empty_recording_is_refused(recording: DemoRecording) -> None:
    with pytest.raises(Dex1bError, match='at least one sample'):
        replace(
            recording,
            times=recording.times[:0],
            joint_positions=recording.joint_positions[:0],
            object_poses=recording.object_poses[:0],
            lift_heights=recording.lift_heights[:0],
        )


def test_the_executed_candidate_is_found_by_its_id(recording: DemoRecording) -> None:
    executed = recording.executed()
    assert executed is not None
    assert executed.id == 'plan-3/1'
    assert replace(recording, executed_id='').executed() is None
