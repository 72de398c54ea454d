"""Inverse kinematics of the arm by damped least squares with restarts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv

from dex1b_core.motion.robot_model import RobotModel

Array = NDArray[np.float64]

_TOLERANCE = 1e-6  # norm of the pose error (m and rad)
_ITERATIONS = 40
_MAX_STEP = 0.5  # rad in one iteration
_DISTINCT = 0.2  # rad in some joint between solutions that count as different


@dataclass(frozen=True)
class IkSolution:
    """An arm posture that places the wrist.

    Attributes:
        positions: (A,) [rad].
        margin: Smallest distance to a joint limit [rad].
        manipulability: Yoshikawa's measure, sqrt(det(J J^T)).
    """

    positions: Array
    margin: float
    manipulability: float


class ArmIk:
    """Solves for the pose of the hand's root link in the planning frame."""

    def __init__(self, robot: RobotModel) -> None:
        self._margin = robot.description.arm.joint_margin
        arm = set(robot.description.arm.joints)
        others = [
            number for number, name in enumerate(robot.model.names) if number and name not in arm
        ]
        self._model: Any = pin.buildReducedModel(
            robot.model, others, robot.configuration(robot.description.arm.home)
        )
        self._data: Any = self._model.createData()
        self._frame = self._model.getFrameId(robot.description.hand.root_link)
        names = list(self._model.names)[1:]
        self._order = np.array([names.index(name) for name in robot.description.arm.joints])
        self._root_T_base = pin.SE3(robot.base_pose())
        self.lower = robot.lower + self._margin
        self.upper = robot.upper - self._margin
        self._hard_lower, self._hard_upper = robot.lower, robot.upper

    def solve(self, base_T_wrist: Array, start: Array, *, margin: bool = True) -> Array | None:
        """Descend from one (A,) start; (A,) positions within the limits, or None.

        With `margin`, limits are tightened by the arm's joint margin.
        """
        lower = self.lower if margin else self._hard_lower
        upper = self.upper if margin else self._hard_upper
        goal = self._root_T_base * pin.SE3(base_T_wrist)
        order, model, data, frame = self._order, self._model, self._data, self._frame
        q = np.empty(len(order))
        q[order] = np.clip(start, lower, upper)
        low, high = np.empty_like(q), np.empty_like(q)
        low[order], high[order] = lower, upper
        best, stalled = np.inf, 0
        for _ in range(_ITERATIONS):
            pin.computeJointJacobians(model, data, q)
            error = pin.log6(pin.updateFramePlacement(model, data, frame).actInv(goal)).vector
            size = float(error @ error) ** 0.5
            if size < _TOLERANCE:
                positions: Array = q[order]
                return positions
            stalled = stalled + 1 if size > 0.9 * best else 0
            best = min(best, size)
            if stalled > 5:
                return None
            jacobian = pin.getFrameJacobian(model, data, frame, pin.LOCAL)
            damping = (1e-8 + 1e-3 * min(size, 1.0) ** 2) * _EYE6
            _, weights, _ = dposv(jacobian @ jacobian.T + damping, error)
            step = jacobian.T @ weights
            largest = max(step.max(), -step.min())
            if largest > _MAX_STEP:
                step *= _MAX_STEP / largest
            q = np.minimum(np.maximum(q + step, low), high)
        return None

    def solutions(
        self,
        base_T_wrist: Array,
        *,
        seeds: Iterable[Array],
        restarts: int,
        rng: np.random.Generator,
        margin: bool = True,
    ) -> Iterator[IkSolution]:
        """Distinct solutions, one after the other as they are found.

        Args:
            base_T_wrist: (4, 4) pose of the hand's root link in the planning frame.
            seeds: (A,) starts tried first; full turns away from the first are taken out.
            restarts: Random starts tried after them.
            rng: Source of the random starts.
            margin: Keep the arm's joint margin.
        """
        starts = [np.asarray(seed, dtype=float) for seed in seeds]
        low, high = np.maximum(self.lower, -np.pi), np.minimum(self.upper, np.pi)
        found: list[Array] = []
        for number in range(len(starts) + restarts):
            start = starts[number] if number < len(starts) else rng.uniform(low, high)
            solution = self.solve(base_T_wrist, start, margin=margin)
            if solution is None:
                continue
            solution = self._unwind(solution, starts[0])
            if all(np.abs(solution - other).max() > _DISTINCT for other in found):
                found.append(solution)
                yield self.describe(solution)

    def jacobian(self, positions: Array) -> Array:
        """(6, A) of the hand's root link in its own frame, at an (A,) posture."""
        q = np.empty(len(self._order))
        q[self._order] = positions
        columns: Array = pin.computeFrameJacobian(self._model, self._data, q, self._frame)
        return columns[:, self._order]

    def describe(self, positions: Array) -> IkSolution:
        """Margin and manipulability of an (A,) posture."""
        jacobian = self.jacobian(positions)
        determinant = float(np.linalg.det(jacobian @ jacobian.T))
        margin = np.minimum(positions - self._hard_lower, self._hard_upper - positions)
        return IkSolution(positions, float(margin.min()), max(determinant, 0.0) ** 0.5)

    def _unwind(self, positions: Array, reference: Array) -> Array:
        """Take out full turns that lead away from the reference."""
        turned = positions - 2 * np.pi * np.round((positions - reference) / (2 * np.pi))
        inside = (turned >= self.lower) & (turned <= self.upper)
        return np.where(inside, turned, positions)


_EYE6 = np.eye(6)
