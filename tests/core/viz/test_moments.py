from __future__ import annotations

from dataclasses import replace

from dex1b_core.viz.moments import key_moments
from dex1b_core.viz.recording import DemoRecording


def test_the_end_of_each_stage_is_shown_in_order(recording: DemoRecording) -> None:
    moments = key_moments(recording)
    titles = [moment.title for moment in moments]
    assert titles[0] == 'start'
    wanted = ['before the grasp', 'at the object', 'closed', 'lifted', 'held']
    assert [title for title in titles if title in wanted] == wanted
    times = [moment.time for moment in moments]
    assert times == sorted(times)
    assert len(moments) == 8


def test_a_stage_tried_again_is_shown_once(recording: DemoRecording) -> None:
    stages = ((0.0, 'pregrasp'), (1.0, 'approach'), (2.0, 'pregrasp'), (4.0, 'approach'))
    titles = [m.title for m in key_moments(replace(recording, stages=stages))]
    assert titles.count('before the grasp') == 1


def test_without_stages_the_time_is_cut_evenly(recording: DemoRecording) -> None:
    moments = key_moments(replace(recording, stages=()), count=5)
    assert len(moments) == 5
    assert moments[0].title == 'start'
    assert moments[-1].title == 'end'


def test_a_stage_that_ends_after_the_last_sample_ends_with_it(recording: DemoRecording) -> None:
    stages = (*recording.stages, (99.0, 'idle'))
    assert key_moments(replace(recording, stages=stages))[-1].title == 'held'
