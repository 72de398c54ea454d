"""The viewer in a real browser: what clicks do, and what they must not do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from chromium import click, opened, tick, wait_until

from dex1b_core.motion import PlannedMotion
from dex1b_core.planning import CheckResult, FailureReason, SimCheck
from dex1b_core.viz.browser.controls import StackStatus
from dex1b_core.viz.browser.server import address

READY = StackStatus('idle', True, False, 'ok', '', 0.0)


def test_a_plan_is_asked_for_and_told(browser, desk):
    with opened(browser, address(desk.server)) as page:
        click(page, 'Plan')
        page.get_by_text('seed 7').wait_for()
        page.get_by_text('no ik').wait_for()
        desk.controls.fails = True
        click(page, 'Plan')
        page.get_by_text('NODE_UNAVAILABLE').wait_for()
    assert desk.controls.names() == ['plan', 'plan']


def test_a_pick_needs_execution_and_a_tick_each_time(browser, desk):
    panel = desk.viewer.stack.panel
    panel.show_status(replace(READY, execution_enabled=False))
    with opened(browser, address(desk.server)) as page:
        page.get_by_text('execution off').wait_for()
        assert page.get_by_label('Arm the pick').first.is_disabled()
        click(page, 'Pick')
        panel.show_status(READY)
        page.get_by_text('execution on').wait_for()
        click(page, 'Pick')  # not armed
        tick(page, 'Arm the pick')
        wait_until(lambda: not panel._pick.disabled)
        click(page, 'Pick')
        page.get_by_text('object held').wait_for()
        wait_until(lambda: panel._pick.disabled and not panel._arm.value)
    assert desk.controls.names() == ['pick']


def test_stop_and_reset(browser, desk):
    panel = desk.viewer.stack.panel
    with opened(browser, address(desk.server)) as page:
        tick(page, 'Arm the pick')
        wait_until(lambda: panel._arm.value)
        click(page, 'STOP')
        page.get_by_text('executor/stop: stopping').wait_for()
        panel.show_status(StackStatus('stopped', True, False, 'stop', 'estop pressed', 0.0))
        page.get_by_text('estop pressed').wait_for()
        assert not panel._arm.value
        click(page, 'Reset after the stop')
        wait_until(lambda: desk.controls.names() == ['stop', 'reset'])


def test_candidates_are_listed_and_chosen(browser, desk, recording):
    good = recording.candidates[0]
    bad = replace(good, sim_check=SimCheck(CheckResult.FAILED, FailureReason.SLIPPED), score=0.1)
    desk.viewer.stack.show_plan(kept=(good,), rejected=(bad,))
    with opened(browser, address(desk.server)) as page:
        page.get_by_text('#0 · held 6/6 · 0.90').first.wait_for()
        click(page, 'Rejected')
        click(page, 'rejected #0 · slipped · 0.10')
        page.get_by_text('slipped, 0 of 0 trials').wait_for()


def test_a_click_on_a_cloud_chooses_the_target(browser, desk):
    """The middle of the picture is the point that the camera looks at."""
    stack = desk.viewer.stack
    grid = np.stack(np.meshgrid(*2 * [np.linspace(-0.3, 0.3, 61)]), axis=-1).reshape(-1, 2)
    points = np.column_stack([grid + np.array([0.32, 0.0]), np.full(len(grid), 0.15)])
    stack.scene.show_obstacles(points)
    stack.scene.layers.show('robot', False)
    with opened(browser, address(desk.server)) as page:
        tick(page, 'Choose by a click')
        wait_until(lambda: stack.panel._choosing.value)
        page.wait_for_timeout(3000)  # the browser hears that clicks are wanted
        page.mouse.click(360, 280)
        page.get_by_text('Target: the object at (').wait_for()
        click(page, 'Plan')
        wait_until(lambda: desk.controls.names() == ['plan'])
    target = desk.controls.calls[0][1]
    np.testing.assert_allclose(target, [0.32, 0.0, 0.15], atol=0.04)


def test_the_planned_motion_is_played(browser, desk, robot):
    names = (*robot.arm.joints, *robot.hand.joints)
    start = np.array([*robot.arm.home, *robot.hand.open])
    motion = PlannedMotion(names, np.array([0.0, 1.0]), np.stack([start, start + 0.1]))
    desk.viewer.stack.motion.show(motion)
    with opened(browser, address(desk.server)) as page:
        click(page, 'Play')
        wait_until(lambda: desk.viewer.stack.motion._time.value == 1.0)


def test_grasps_and_reports_are_opened(browser, desk):
    panel = desk.viewer.data
    assert [entry.kind for entry in panel._entries.values()] == ['grasps', 'page']
    with opened(browser, address(desk.server)) as page:
        click(page, 'Data')
        click(page, 'Open')
        page.get_by_text('box.npz: 2 grasps').wait_for()
        click(page, 'next')
        page.get_by_text('row 1').wait_for()
        panel._file.value = 'report.html'
        click(page, 'Open')
        page.frame_locator('iframe').get_by_text('Lifted & held').wait_for()


def test_it_fits_a_phone(browser, desk):
    with opened(browser, address(desk.server), 390, 844) as page:
        click(page, 'STOP')
        wait_until(lambda: desk.controls.names() == ['stop'])
        assert page.evaluate('document.documentElement.scrollWidth') <= 390
