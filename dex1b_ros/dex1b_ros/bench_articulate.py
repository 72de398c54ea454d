"""Many objects opened in one stack: one camera, a joint's model, the arm; ground truth judges."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header

from dex1b_core.articulation.articulated_object import PREFIX
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.robots import load_robot
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.versions import versions
from dex1b_msgs.msg import ArticulationModel
from dex1b_ros.articulation_commander import ArticulationCommander
from dex1b_ros.articulation_conversions import model_msg
from dex1b_ros.bringup import Stack, own_domain
from dex1b_ros.demo import VELOCITY_SCALING
from dex1b_ros.demo_articulate import OpeningTask, held_displacement
from dex1b_ros.demo_recorder import DemoRecorder
from dex1b_ros.node_list import StackOptions
from dex1b_ros.sim_bench import SimBench

OBJECTS = tuple(
    f'{PREFIX}:{category}-{number}'
    for number in (0, 1)
    for category in ('door-left', 'door-right', 'drawer', 'box', 'toilet')
)
"""Two held-out instances of each category whose moving part shows a face to the robot's side."""
_READY_S = 120.0


@dataclass(frozen=True)
class ArticulateBenchSettings:
    """What is opened.

    Attributes:
        objects: Articulated objects, one after the other.
        seed: Of the first place, noise and plan; the next object's is one higher.
        robot: Name under config/robots.
        given_model: Whether requests carry the joint; otherwise it is guessed from the view.
        base_mass: Of what stands free on the table [kg]; 0 for what is screwed to it.
        locked: Joints do not move.
        axis_off: By which the axes in requests are wrong [rad].
        folder: For the nodes' logs.
    """

    objects: Sequence[str]
    seed: int
    robot: str
    given_model: bool
    base_mass: float
    locked: bool
    axis_off: float
    folder: Path


def bench_articulate(
    settings: ArticulateBenchSettings,
    on_row: Callable[[dict[str, Any]], None] = lambda row: None,
) -> dict[str, Any]:
    """Open each object once.

    Args:
        settings: What is opened.
        on_row: Called with each object's row.

    Returns:
        {'opened', 'n', 'model', 'robot', 'base_mass', 'locked', 'axis_off', 'seed', 'objects',
        'versions', 'rows'}.

    Raises:
        Dex1bError: NODE_UNAVAILABLE when the stack does not start or a node ends.
    """
    own_domain()
    options = StackOptions(
        robot=settings.robot, object=settings.objects[0], seed=settings.seed, execute=True,
        base_mass=settings.base_mass, locked=settings.locked,
    )  # fmt: skip
    rows: list[dict[str, Any]] = []
    with (
        Stack(options, log_folder=settings.folder, name='articulate') as stack,
        ArticulationCommander(use_sim_time=True) as commander,
    ):
        commander.wait_until_ready(_READY_S, stack.require_alive)
        opener = _Opener(commander, settings)
        for number, name in enumerate(settings.objects):
            stack.require_alive()
            rows.append(opener.open(name, settings.seed + number))
            on_row(rows[-1])
    return {
        'opened': sum(row['opened'] for row in rows),
        'n': len(rows),
        'model': 'given' if settings.given_model else 'guessed',
        'robot': settings.robot,
        'base_mass': settings.base_mass,
        'locked': settings.locked,
        'axis_off': settings.axis_off,
        'seed': settings.seed,
        'objects': list(settings.objects),
        'versions': versions(),
        'rows': rows,
    }


def turned(joint: ObjectJoint, angle: float) -> ObjectJoint:
    """The same joint with its axis turned about a line across it, through its origin [rad]."""
    upright = abs(joint.axis[2]) > 0.7
    across = np.cross(joint.axis, [1.0, 0.0, 0.0] if upright else [0.0, 0.0, 1.0])
    turn = Rotation.from_rotvec(angle * across / np.linalg.norm(across))
    return replace(joint, axis=turn.apply(joint.axis))


class _Opener:
    """One object after the other in the same stack."""

    def __init__(self, commander: ArticulationCommander, settings: ArticulateBenchSettings) -> None:
        self._commander, self._settings = commander, settings
        self._bench = SimBench(commander.node)
        self._recorder = DemoRecorder(commander.node, 'articulation_server')
        self._recorder.drop_camera()
        self._frame = load_robot(settings.robot).base_link

    def open(self, name: str, seed: int) -> dict[str, Any]:
        """Put an object on the table and open it."""
        from dex1b_ros.reports import articulation_report

        task = OpeningTask.of(name, seed)
        self._bench.put(name, seed)
        begin = time.monotonic()
        self._recorder.clear()
        self._wait_for_truth()
        model = ArticulationModel()
        if self._settings.given_model:
            joint = turned(task.joint, self._settings.axis_off)
            model = model_msg(joint, Header(frame_id=self._frame))
        result = self._commander.open_part(
            model, task.displacement, seed=seed, velocity_scaling=VELOCITY_SCALING
        )
        time.sleep(0.5)  # the last of the truth is under way
        moved = held_displacement(self._recorder, task)
        report = articulation_report(result)
        shift, turn = self._recorder.base_motion()
        if report['error_code']:
            self._bench.reset()
        return {
            'object': name, 'seed': seed, 'opened': moved >= task.goal,
            **task.outcome(moved), 'base_shift': round(shift, 4), 'base_turn': round(turn, 4),
            'wall_s': round(time.monotonic() - begin, 2),
            **{key: report[key] for key in
               ('error', 'error_msg', 'commanded', 'executed_id', 'stages', 'rejections')},
        }  # fmt: skip

    def _wait_for_truth(self) -> None:
        deadline = time.monotonic() + _READY_S
        while not self._recorder.truth:
            if time.monotonic() > deadline:
                raise Dex1bError(
                    ErrorCode.NODE_UNAVAILABLE,
                    f'no joint of the object within {_READY_S:.0f} s; see the log of sim_robot',
                )
            time.sleep(0.05)
