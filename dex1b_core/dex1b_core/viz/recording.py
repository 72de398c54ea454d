"""What happened in a demo, complete enough to draw it again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.planning import (
    CheckResult,
    FailureReason,
    GraspCandidate,
    Reachability,
    ReachResult,
    SimCheck,
)

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

_POSTURES = ('planning_T_wrist', 'pregrasp', 'grasp', 'squeeze', 'approach')
_ARRAYS = ('times', 'joint_positions', 'object_poses', 'lift_heights')
_IMAGES = ('colour', 'segmentation')


@dataclass(frozen=True)
class DemoRecording:
    """One pick, sampled over simulated time; T samples of J joints.

    Attributes:
        robot: Name under config/robots.
        object_mesh: Path of the object's mesh file.
        object_name: What to call it in pictures.
        seed: Of scene, camera noise and plan.
        times: (T,) simulated time [s], increasing.
        joint_names: (J,) names of the URDF; mimic joints may be among them.
        joint_positions: (T, J) [rad].
        object_poses: (T, 4, 4) planning_T_object, ground truth.
        stages: (simulated time [s], name) of each stage's start, in order.
        colour: (H, W, 3) what the camera saw, None without a camera.
        segmentation: (H, W, 3) perception's picture of the instances, None without one.
        candidates: Grasps kept by planning, best first.
        executed_id: Id of the candidate that was executed; '' when none was.
        lift_heights: (T,) height of the object above its start [m].
    """

    robot: str
    object_mesh: str
    object_name: str
    seed: int
    times: Array
    joint_names: tuple[str, ...]
    joint_positions: Array
    object_poses: Array
    stages: tuple[tuple[float, str], ...]
    colour: Image | None
    segmentation: Image | None
    candidates: tuple[GraspCandidate, ...]
    executed_id: str
    lift_heights: Array

    def __post_init__(self) -> None:
        count, joints = len(self.times), len(self.joint_names)
        expected = {
            'times': (count,),
            'joint_positions': (count, joints),
            'object_poses': (count, 4, 4),
            'lift_heights': (count,),
        }
        for name, shape in expected.items():
            actual = np.shape(getattr(self, name))
            if actual != shape or count == 0:
                raise Dex1bError(
                    ErrorCode.INVALID_REQUEST,
                    f'recording: {name} has shape {actual}; expected {shape} with at least one '
                    'sample; record until the stack has published joint states',
                )

    def joints_at(self, index: int) -> dict[str, float]:
        """Joint positions [rad] by name at a sample."""
        return dict(zip(self.joint_names, self.joint_positions[index].tolist(), strict=True))

    def index_at(self, time: float) -> int:
        """Sample nearest to a simulated time [s]."""
        return int(np.abs(self.times - time).argmin())

    def executed(self) -> GraspCandidate | None:
        """The candidate that was executed, None when there is none."""
        return next((c for c in self.candidates if c.id and c.id == self.executed_id), None)

    def save(self, path: Path) -> None:
        """Write to an .npz file; folders are made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {
            'robot': self.robot,
            'object_mesh': self.object_mesh,
            'object_name': self.object_name,
            'seed': self.seed,
            'joint_names': list(self.joint_names),
            'stages': [[time, name] for time, name in self.stages],
            'executed_id': self.executed_id,
            'candidates': [_candidate_to_json(candidate) for candidate in self.candidates],
        }
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays |= {n: getattr(self, n) for n in _IMAGES if getattr(self, n) is not None}
        np.savez_compressed(path, json=np.array(json.dumps(plain)), **arrays)

    @classmethod
    def load(cls, path: Path) -> DemoRecording:
        """Read what `save` wrote.

        Raises:
            Dex1bError: INVALID_REQUEST, the file is missing or is no recording.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                plain = json.loads(str(file['json']))
                arrays: dict[str, Any] = {name: file[name] for name in _ARRAYS}
                images = {name: file.get(name) for name in _IMAGES}
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f"'{path}' is no readable recording ({error}); expected the recording.npz that "
                "'dex1b demo' writes",
            ) from error
        return cls(
            robot=plain['robot'],
            object_mesh=plain['object_mesh'],
            object_name=plain['object_name'],
            seed=plain['seed'],
            joint_names=tuple(plain['joint_names']),
            stages=tuple((time, name) for time, name in plain['stages']),
            executed_id=plain['executed_id'],
            candidates=tuple(_candidate_from_json(item) for item in plain['candidates']),
            **arrays,
            **images,
        )


def _candidate_to_json(candidate: GraspCandidate) -> dict[str, Any]:
    plain = asdict(candidate)
    plain |= {name: plain[name].tolist() for name in _POSTURES}
    plain['reachability']['positions'] = plain['reachability']['positions'].tolist()
    return plain


def _candidate_from_json(plain: dict[str, Any]) -> GraspCandidate:
    check = SimCheck(**plain['sim_check'])
    reach = Reachability(**plain['reachability'])
    plain = plain | {name: np.array(plain[name], dtype=float) for name in _POSTURES}
    plain['joint_names'] = tuple(plain['joint_names'])
    plain['sim_check'] = replace(
        check, result=CheckResult(check.result), reason=FailureReason(check.reason)
    )
    plain['reachability'] = replace(
        reach,
        result=ReachResult(reach.result),
        joint_names=tuple(reach.joint_names),
        positions=np.array(reach.positions, dtype=float),
    )
    return GraspCandidate(**plain)
