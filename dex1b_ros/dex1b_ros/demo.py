"""The demo: a simulated robot looks at an object, plans, picks and holds; ground truth judges."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dex1b_core.assets import object_mesh_path
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots import load_robot
from dex1b_core.versions import versions
from dex1b_core.viz.recording import DemoRecording
from dex1b_core.viz.report import write_demo_report
from dex1b_ros.bringup import Stack, own_domain
from dex1b_ros.coordinator_client import CoordinatorClient
from dex1b_ros.demo_recorder import DemoRecorder, longest_hold
from dex1b_ros.node_list import StackOptions

LIFT_M = 0.10
HOLD_S = 2.0
READY_TIMEOUT_S = 60.0
VELOCITY_SCALING = 0.5


def run_demo(
    object_name: str,
    *,
    seed: int,
    robot: str,
    folder: Path,
    on_stage: Callable[[Any], None] = lambda stage: None,
) -> dict[str, Any]:
    """Run the whole stack on one object and write report.json, report.html and pictures.

    Args:
        object_name: YCB object or mesh file.
        seed: Of scene, camera noise and plan.
        robot: Name under config/robots.
        folder: Where everything is written.
        on_stage: Called with a text or a feedback message when a stage begins.

    Returns:
        The report, with 'success' by ground truth.

    Raises:
        Dex1bError: unknown robot or object, or the stack did not start. A pick that fails does
            not raise: the report says why.
    """
    mesh = object_mesh_path(object_name)
    _require_usable(object_name)
    load_robot(robot)
    own_domain()
    start = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    options = StackOptions(robot=robot, object=object_name, seed=seed, execute=True)
    on_stage('start')
    with Stack(options, log_folder=folder / 'log') as stack:
        report, recorder = _pick(stack, seed, on_stage, start)
        on_stage('stop')
    times, heights = recorder.height_curve()
    hold_s = longest_hold(times, heights, LIFT_M)
    report |= {
        'success': bool(hold_s >= HOLD_S),
        'object': mesh.stem,
        'robot': robot,
        'lift_height_m': round(float(heights.max(initial=0.0)), 4),
        'hold_s': round(hold_s, 3),
        'versions': versions(),
    }
    on_stage('report')
    recording = recorder.recording(
        times, heights, robot=robot, seed=seed, object_mesh=str(mesh), object_name=mesh.stem,
        executed_id=report['executed_id'],
    )  # fmt: skip
    pictures = _timed_pictures(report, recording, folder)
    report['wall_s'] = round(time.monotonic() - start, 2)
    report['pictures'] = {name: path.name for name, path in pictures.items()}
    (folder / 'report.json').write_text(json.dumps(report, indent=2) + '\n')
    return report


def _require_usable(object_name: str) -> None:
    """Refuse here what the simulated bench would refuse in its log; its work is kept for it."""
    from dex1b_core.geometry.object_model import load_object

    try:
        load_object(object_name)
    except Dex1bError as error:
        words = f'{error.message} (the demo takes metres; dex1b synth has --units)'
        raise Dex1bError(error.error_code, words) from error


def _pick(
    stack: Stack, seed: int, on_stage: Callable[[Any], None], start: float
) -> tuple[dict[str, Any], DemoRecorder]:
    from dex1b_ros.commander import Commander
    from dex1b_ros.reports import pick_report

    with Commander(use_sim_time=True) as commander:
        recorder = ready_recorder(commander, stack, 'grasp_server')
        started = time.monotonic() - start
        result = commander.pick(
            seed=seed,
            velocity_scaling=VELOCITY_SCALING,
            hold_duration=HOLD_S + 0.5,
            on_feedback=on_stage,
        )
        report = pick_report(result)
        report['stages'].insert(0, {'stage': 'start', 'seconds': round(started, 3)})
    return report, recorder


def ready_recorder(commander: CoordinatorClient, stack: Stack, planner: str) -> DemoRecorder:
    """A recorder once the stack is ready and a picture and ground truth are there.

    Raises:
        Dex1bError: NODE_UNAVAILABLE, NO_DEPTH.
    """
    recorder = DemoRecorder(commander.node, planner)
    commander.wait_until_ready(READY_TIMEOUT_S, stack.require_alive)
    deadline = time.monotonic() + READY_TIMEOUT_S
    while recorder.colour is None or not recorder.poses:
        stack.require_alive()
        if time.monotonic() > deadline:
            raise Dex1bError(
                ErrorCode.NO_DEPTH,
                f'no camera image or ground truth within {READY_TIMEOUT_S:.0f} s; '
                'see the log of sim_robot',
            )
        time.sleep(0.1)
    recorder.drop_camera()
    return recorder


def _timed_pictures(
    report: dict[str, Any], recording: DemoRecording, folder: Path
) -> dict[str, Path]:
    start = time.monotonic()
    recording.save(folder / 'recording.npz')
    pictures = write_demo_report(report, recording, folder)
    report['stages'].append({'stage': 'report', 'seconds': round(time.monotonic() - start, 3)})
    return pictures
