"""Malformed messages and files by the thousand: each must be taken or refused with a code.

    .venv/bin/python -m benchmarks.fuzz --n 10000 --json out/fuzz.json

Messages go through what the nodes do with them first; files through what reads them. Anything but
an answer or a Dex1bError is a fault, printed with the smallest example that shows it. Exit status 0
only without one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from std_msgs.msg import Header

from benchmarks import message_strategies as spoiling
from dex1b_core.config import config_folder, load_yaml
from dex1b_core.errors import Dex1bError
from dex1b_core.geometry.mesh_file import read_mesh_file
from dex1b_core.model.checkpoint import load_checkpoint
from dex1b_core.model.success_file import load_predictor
from dex1b_core.perception.target import TargetMode
from dex1b_core.robots import load_hand
from dex1b_core.robots.description import RobotDescription
from dex1b_core.robots.hand_description import HandDescription
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.robots.urdf_source import read_urdf
from dex1b_core.simulation.camera import CameraDescription
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_msgs.action import ExecuteArticulation, ExecuteGrasp
from dex1b_msgs.msg import GraspTarget
from dex1b_ros import conversions
from dex1b_ros.articulation_conversions import model_msg
from dex1b_ros.articulation_request import MAX_FORCE_N, articulation_request
from dex1b_ros.bounds import MAX_HOLD_S, MAX_LIFT_M
from dex1b_ros.capture import read_target
from dex1b_ros.faults.mock_bench import example_goal
from dex1b_ros.pick_request import ExecutorParameters, pick_request

_HEADER = 8192  # bytes in which networks are spoiled: what follows is numbers alone
_LINES, _WIDTH = 40, 240  # of a fault's text
LONGEST_S = 5.0  # an answer that takes longer counts as a hang


@dataclass(frozen=True)
class Target:
    """What is fed: `examples` are given to `feed`."""

    examples: st.SearchStrategy[Any]
    feed: Callable[[Any], Any]


def targets(folder: Path) -> dict[str, Target]:
    """Everything that reads something from outside."""
    return _messages() | _files(folder)


def _messages() -> dict[str, Target]:
    goal = example_goal(now=1000.0)
    header = Header(frame_id='link_base')
    image = conversions.image_msg(np.ones((6, 8), np.uint16), '16UC1', header)
    grasp_target = GraspTarget(
        header=header, mode=int(TargetMode.POINT), point=Point(x=0.4),
        cloud=conversions.cloud_msg(np.ones((5, 3)), header), mask=image,
    )  # fmt: skip
    drawer = ObjectJoint('prismatic', np.array([-1.0, 0.0, 0.0]), np.zeros(3), 0.0, 0.3)
    articulation = ExecuteArticulation.Goal(
        scene=goal.scene, candidates=goal.candidates, displacement=0.15, max_force=80.0,
        velocity_scaling=0.5, model=model_msg(drawer, header),
    )  # fmt: skip
    parameters = ExecutorParameters()

    def execute(message: ExecuteGrasp.Goal) -> Any:
        request = pick_request(message, parameters, frame='link_base', now=1000.0)
        assert 0 < request.velocity_scaling <= parameters.max_velocity_scaling
        assert 0 < request.lift_height <= MAX_LIFT_M
        assert 0 < request.hold_duration <= MAX_HOLD_S
        for candidate in request.candidates:
            assert np.isfinite(candidate.planning_T_wrist).all()
            assert np.isfinite([candidate.pregrasp, candidate.grasp, candidate.squeeze]).all()

    def articulate(message: ExecuteArticulation.Goal) -> Any:
        request = articulation_request(message, parameters, frame='link_base', now=1000.0)
        assert 0 < request.velocity_scaling <= parameters.max_velocity_scaling
        assert 0 < request.limits.max_force <= MAX_FORCE_N
        assert 0 < request.displacement <= request.joint.upper + 1e-6
        assert np.isfinite([*request.joint.axis, *request.joint.origin]).all()

    def target(message: GraspTarget) -> Any:
        return read_target(message, 'link_base', lambda frame: np.eye(4))

    return {
        'execute_grasp': Target(spoiling.spoiled(goal), execute),
        'execute_articulation': Target(spoiling.spoiled(articulation), articulate),
        'scene': Target(spoiling.spoiled(goal.scene), conversions.observation),
        'candidate': Target(spoiling.spoiled(goal.candidates[0]), conversions.candidate),
        'target': Target(spoiling.spoiled(grasp_target), target),
        'image': Target(spoiling.spoiled(image), conversions.image),
    }


def _files(folder: Path) -> dict[str, Target]:
    config, hand = config_folder(), HandModel(load_hand('ability_right'))
    scratch = folder / 'scratch'

    def text(path: Path, read: Callable[[Path], Any]) -> Target:
        return of(spoiling.spoiled_text(path.read_text()), path.suffix, read)

    def binary(path: Path, read: Callable[[Path], Any]) -> Target:
        return of(spoiling.spoiled_file(path.read_bytes(), _HEADER), path.suffix, read)

    def of(examples: st.SearchStrategy[bytes], suffix: str, read: Callable[[Path], Any]) -> Target:
        def feed(data: bytes) -> Any:
            path = scratch.with_suffix(suffix)
            path.write_bytes(data)
            return read(path)

        return Target(examples, feed)

    checkpoints = config / 'checkpoints'
    mesh = folder / 'tetrahedron.obj'
    mesh.write_text('v 0 0 0\nv .1 0 0\nv 0 .1 0\nv 0 0 .1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n')
    urdf = folder / 'small.urdf'
    urdf.write_text(_URDF)
    return {
        'robot file': text(
            config / 'robots' / 'xarm7_ability.yaml', lambda p: load_yaml(p, RobotDescription)
        ),
        'hand file': text(
            config / 'hands' / 'ability_right.yaml', lambda p: load_yaml(p, HandDescription)
        ),
        'camera file': text(
            config / 'cameras' / 'front_side.yaml', lambda p: load_yaml(p, CameraDescription)
        ),
        'URDF': text(urdf, read_urdf),
        'mesh': text(mesh, read_mesh_file),
        'network': binary(
            checkpoints / 'ability_right.safetensors', lambda p: load_checkpoint(p, hand)
        ),
        'predictor': binary(
            checkpoints / 'ability_right.success.safetensors', lambda p: load_predictor(p, hand)
        ),
    }


_URDF = """<robot name="small">
  <link name="a"><visual><geometry><box size="1 1 1"/></geometry></visual></link>
  <link name="b"/>
  <joint name="j" type="revolute">
    <parent link="a"/><child link="b"/><axis xyz="0 0 1"/>
    <limit lower="-1" upper="1" effort="1" velocity="1"/>
  </joint>
</robot>
"""


def fuzz(target: Target, count: int) -> dict[str, Any]:
    """Feed so many examples; the same each time.

    Returns:
        {'n', 'taken', 'refused' (by code), 'longest_s', 'fault' (a traceback, or '')}.
    """
    codes: Counter[str] = Counter()
    longest = 0.0

    def feed(example: Any) -> None:
        nonlocal longest
        begin = time.monotonic()
        try:
            target.feed(example)
            codes['taken'] += 1
        except Dex1bError as error:
            codes[error.error_code.name] += 1
        elapsed = time.monotonic() - begin
        longest = max(longest, elapsed)
        assert elapsed < LONGEST_S, f'took {elapsed:.1f} s'

    checks = settings(
        max_examples=count, database=None, derandomize=True, deadline=None,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
    )  # fmt: skip
    fault = ''
    try:
        checks(given(target.examples)(feed))()
    except Exception:
        lines = traceback.format_exc().splitlines()
        fault = '\n'.join(line[:_WIDTH] for line in lines[-_LINES:])
    taken = codes.pop('taken', 0)
    return {
        'n': taken + sum(codes.values()), 'taken': taken, 'refused': dict(codes),
        'longest_s': round(longest, 3), 'fault': fault,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--n', type=int, default=10_000, help='examples, of all targets together')
    parser.add_argument('--only', default='', help="part of the targets' names")
    parser.add_argument('--json', type=Path)
    arguments = parser.parse_args()
    report = {}
    with tempfile.TemporaryDirectory() as folder:
        chosen = {k: v for k, v in targets(Path(folder)).items() if arguments.only in k}
        for name, target in chosen.items():
            report[name] = fuzz(target, -(-arguments.n // len(chosen)))
            row = report[name]
            print(
                f'{name}: {row["n"]} fed, {row["taken"]} taken, refused {row["refused"]}, at most '
                f'{row["longest_s"]} s\n{row["fault"]}', flush=True,
            )  # fmt: skip
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + '\n')
    sys.exit(int(any(row['fault'] for row in report.values())))


if __name__ == '__main__':
    main()
