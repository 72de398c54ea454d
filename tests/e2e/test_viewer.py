"""The viewer at the real stack, in a real browser: plan, choose, refuse to pick, stop, reset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from chromium import click, opened, wait_until

from dex1b_ros.bringup import Stack
from dex1b_ros.commander import Commander
from dex1b_ros.node_list import StackOptions

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ADDRESS = re.compile(r'viewer at (http://127\.0\.0\.1:\d+)')


@pytest.fixture(scope='module')
def address(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the viewer of a stack that may not execute."""
    folder = tmp_path_factory.mktemp('viewer')
    data = yaml.safe_load(StackOptions().parameter_file.read_text())
    data['/**/grasp_server']['ros__parameters']['time_budget'] = 300.0  # a busy machine
    data['/**/viewer'] = {'ros__parameters': {'port': 0, 'data_folder': str(folder)}}
    parameters = folder / 'parameters.yaml'
    parameters.write_text(yaml.safe_dump(data))
    options = StackOptions(viewer=True, generator='heuristic', params_file=str(parameters))
    with Stack(options, log_folder=folder) as stack:
        with Commander(use_sim_time=True) as commander:
            commander.wait_until_ready(180.0, stack.require_alive)
        log = folder / 'viewer.log'
        wait_until(lambda: ADDRESS.search(log.read_text()), 180.0)
        yield ADDRESS.search(log.read_text()).group(1)  # type: ignore[union-attr]


def test_a_click_on_plan_fills_the_list(browser: Any, address: str) -> None:
    with opened(browser, address) as page:
        page.get_by_text('safety OK').first.wait_for()
        assert page.get_by_label('Arm the pick').first.is_disabled()  # execution is off
        click(page, 'Plan')
        page.get_by_text(', best first;').wait_for(timeout=400_000)
        page.get_by_text('#0 · held').first.wait_for()
        page.get_by_text('Planned motion').wait_for()


def test_stop_reaches_the_executor_and_reset_ends_it(browser: Any, address: str) -> None:
    with opened(browser, address) as page:
        page.get_by_text('execution off').first.wait_for()
        click(page, 'STOP')
        page.get_by_text('stopped').first.wait_for()
        click(page, 'Reset after the stop')
        page.get_by_text('idle').first.wait_for()


def test_plans_of_others_are_shown_to_who_comes_late(browser: Any, address: str) -> None:
    with opened(browser, address) as page:
        page.get_by_text('#0 · held').first.wait_for()
