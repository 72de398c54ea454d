"""The demo that opens something: one depth camera, a joint's model, an arm; ground truth judges."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from std_msgs.msg import Header

from dex1b_core.articulation import ArticulatedObject, load_articulated
from dex1b_core.articulation.protocol import ArticulationProtocol
from dex1b_core.articulation.world import FurniturePlacement, moved_joint
from dex1b_core.robots import load_robot
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.versions import versions
from dex1b_core.viz.opening_report import write_opening_report
from dex1b_msgs.msg import ArticulationModel, ExecutorStatus
from dex1b_ros.articulation_conversions import model_msg
from dex1b_ros.bringup import Stack, own_domain
from dex1b_ros.demo import VELOCITY_SCALING, ready_recorder
from dex1b_ros.demo_recorder import DemoRecorder
from dex1b_ros.node_list import StackOptions

BEYOND = 1.15  # the part is led so far beyond what counts as opened,
LEAVE = 0.9  # but no farther than this part of what the joint has left


@dataclass(frozen=True)
class OpeningTask:
    """What a demo asks for.

    Attributes:
        target: The object in the simulated world.
        joint: Its joint there, planning frame, its position 0 where it stands.
        goal: Displacement from which it counts as opened: Dex1B's criterion [rad or m].
        displacement: Asked for [rad or m].
    """

    target: ArticulatedObject
    joint: ObjectJoint
    goal: float
    displacement: float

    @classmethod
    def of(cls, object_name: str, seed: int) -> OpeningTask:
        """For an object as the simulated world places it with this seed."""
        target = load_articulated(object_name)
        joint = moved_joint(target.joint, FurniturePlacement().draw(target, seed))
        start = target.start
        joint = replace(joint, lower=joint.lower - start, upper=joint.upper - start)
        goal = ArticulationProtocol().goal(target)
        return cls(target, joint, goal, min(BEYOND * goal, LEAVE * target.travel))

    @property
    def unit(self) -> str:
        """Of displacements."""
        return 'm' if self.joint.slides else 'rad'

    def outcome(self, moved: float) -> dict[str, Any]:
        """What reports say of a part that was moved so far [rad or m]."""
        return {
            'moved': round(moved, 4),
            'goal': round(self.goal, 4),
            'displacement': round(self.displacement, 4),
            'unit': self.unit,
        }


def run_articulate_demo(
    object_name: str,
    *,
    seed: int,
    robot: str,
    folder: Path,
    given_model: bool = True,
    on_stage: Callable[[Any], None] = lambda stage: None,
) -> dict[str, Any]:
    """Open one object with the whole stack; write report.json, report.html and pictures.

    Args:
        object_name: `articulated:CATEGORY-N`, or a URDF.
        seed: Of the object's place, camera noise and plan.
        robot: Name under config/robots.
        folder: Where everything is written.
        given_model: Whether the request carries the joint; otherwise it is guessed from the view.
        on_stage: Called with a text or a feedback message when a stage begins.

    Returns:
        The report, with 'success' by ground truth.

    Raises:
        Dex1bError: unknown robot or object, or the stack did not start. What is not opened does
            not raise: the report says why.
    """
    task = OpeningTask.of(object_name, seed)
    frame = load_robot(robot).base_link
    own_domain()
    start = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    options = StackOptions(robot=robot, object=object_name, seed=seed, execute=True)
    on_stage('start')
    model = model_msg(task.joint, Header(frame_id=frame)) if given_model else ArticulationModel()
    with Stack(options, log_folder=folder / 'log', name='articulate') as stack:
        report, recorder = _open(stack, task, model, seed, on_stage, start)
        on_stage('stop')
    times, positions = recorder.joint_curve()
    held = held_displacement(recorder, task)
    report |= {
        'success': held >= task.goal,
        'object': object_name,
        'robot': robot,
        'seed': seed,
        'model': 'given' if given_model else 'guessed',
        **task.outcome(held),
        'versions': versions(),
    }
    on_stage('report')
    recording = recorder.recording(
        times, positions - task.target.start, robot=robot, seed=seed, object_mesh=object_name,
        object_name=object_name.removeprefix('articulated:'), executed_id=report['executed_id'],
    )  # fmt: skip
    recording.save(folder / 'recording.npz')
    report['wall_s'] = round(time.monotonic() - start, 2)
    pictures = write_opening_report(report, recording, folder)
    report['pictures'] = {name: path.name for name, path in pictures.items()}
    (folder / 'report.json').write_text(json.dumps(report, indent=2) + '\n')
    return report


def held_displacement(recorder: DemoRecorder, task: OpeningTask) -> float:
    """How far the joint had moved when the hand let go, or in the end [rad or m].

    A lid that falls shut afterwards was opened; one that was thrown open was not.
    """
    times, positions = recorder.joint_curve()
    if not len(times):
        return 0.0
    let_go = [stamp for stamp, stage in recorder.stages if stage == ExecutorStatus.RETREAT]
    index = int(np.searchsorted(times, let_go[0])) if let_go else -1
    return float(positions[min(index, len(times) - 1)] - task.target.start)


def _open(
    stack: Stack,
    task: OpeningTask,
    model: ArticulationModel,
    seed: int,
    on_stage: Callable[[Any], None],
    start: float,
) -> tuple[dict[str, Any], DemoRecorder]:
    from dex1b_ros.articulation_commander import ArticulationCommander
    from dex1b_ros.reports import articulation_report

    with ArticulationCommander(use_sim_time=True) as commander:
        recorder = ready_recorder(commander, stack, 'articulation_server')
        started = time.monotonic() - start
        result = commander.open_part(
            model,
            task.displacement,
            seed=seed,
            velocity_scaling=VELOCITY_SCALING,
            on_feedback=on_stage,
        )
        report = articulation_report(result)
        report['stages'].insert(0, {'stage': 'start', 'seconds': round(started, 3)})
    return report, recorder
