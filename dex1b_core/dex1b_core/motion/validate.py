"""The last look at a trajectory before it is sent; planners and timers are not trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.motion.trajectory import JointTrajectory
from dex1b_core.robots.description import WorkspaceBox

Array = NDArray[np.float64]

_SLACK = 1.01  # of velocity and acceleration limits: rounding and interpolation
_POSITION_SLACK = 1e-4  # rad


@dataclass(frozen=True)
class JointLimits:
    """What joints may do.

    Attributes:
        names: (J,) joints.
        lower, upper: (J,) positions [rad].
        velocity: (J,) [rad/s].
        acceleration: (J,) [rad/s^2].
        jerk: (J,) [rad/s^3]; None where the maker states none.
    """

    names: tuple[str, ...]
    lower: Array
    upper: Array
    velocity: Array
    acceleration: Array
    jerk: Array | None = None


def validate_trajectory(
    trajectory: JointTrajectory,
    limits: JointLimits,
    *,
    scaling: float = 1.0,
    start: ArrayLike | None = None,
    start_tolerance: float = 0.02,
    workspace: WorkspaceBox | None = None,
    wrist_position: Callable[[Array], Array] | None = None,
) -> None:
    """Refuse a trajectory that a controller must not be given.

    Args:
        trajectory: What is about to be sent.
        limits: Of exactly its joints.
        scaling: Fraction of the velocity limits that is allowed, and of the acceleration limits;
            jerk may always be what the robot stands.
        start: (J,) measured positions [rad]; None skips the comparison.
        start_tolerance: Largest difference between measured and first position [rad].
        workspace: Box that the hand's root link must keep to.
        wrist_position: (J,) positions -> (3,) root link position [m]; needed for `workspace`.

    Raises:
        Dex1bError: LIMITS, OUT_OF_WORKSPACE or START_STATE_MISMATCH, naming joint, value, bound.
    """
    _check_shape(trajectory, limits)
    _check_bounds(trajectory, limits, scaling)
    _check_jerk(trajectory, limits)
    if start is not None:
        _check_start(trajectory, np.asarray(start, dtype=float), start_tolerance)
    if workspace is not None and wrist_position is not None:
        _check_workspace(trajectory, workspace, wrist_position)


def _refuse(message: str) -> Dex1bError:
    return Dex1bError(ErrorCode.LIMITS, f'trajectory refused: {message}')


def _check_shape(trajectory: JointTrajectory, limits: JointLimits) -> None:
    if trajectory.names != limits.names:
        raise _refuse(f'joints {list(trajectory.names)}; expected {list(limits.names)}')
    samples = len(trajectory.times)
    if samples < 2:
        raise _refuse(f'{samples} samples; expected at least 2')
    shape = (samples, len(trajectory.names))
    for field in ('positions', 'velocities', 'accelerations'):
        values = getattr(trajectory, field)
        if values.shape != shape:
            raise _refuse(f'{field} of shape {values.shape}; expected {shape}')
        if not np.isfinite(values).all():
            raise _refuse(f'{field} that are not finite')
    if not np.isfinite(trajectory.times).all() or trajectory.times[0] < 0:
        raise _refuse(f'times that are not finite or begin at {trajectory.times[0]:.3f} s')
    steps = np.diff(trajectory.times)
    if (steps <= 0).any():
        k = int(steps.argmin())
        raise _refuse(
            f'time goes from {trajectory.times[k]:.4f} to {trajectory.times[k + 1]:.4f} s'
        )
    if np.abs(trajectory.velocities[-1]).max() > 1e-6:
        raise _refuse(
            f'it ends at {np.abs(trajectory.velocities[-1]).max():.4f} rad/s, not at rest'
        )


def _check_bounds(trajectory: JointTrajectory, limits: JointLimits, scaling: float) -> None:
    times = trajectory.dense_times()
    positions, velocities, accelerations = trajectory.sample(times)
    for bound, sign in ((limits.lower, -1.0), (limits.upper, 1.0)):
        excess = sign * (positions - bound) - _POSITION_SLACK
        if (excess > 0).any():
            k, j = np.unravel_index(int(excess.argmax()), excess.shape)
            raise _refuse(
                f"joint '{limits.names[j]}' at {positions[k, j]:.4f} rad, limit "
                f'{bound[j]:.4f}, after {times[k]:.2f} s'
            )
    checks = (
        ('velocity', 'rad/s', velocities, limits.velocity),
        ('acceleration', 'rad/s^2', accelerations, limits.acceleration),
    )
    for what, unit, values, bound in checks:
        ratio = np.abs(values) / (bound * scaling * _SLACK)
        if ratio.size and ratio.max() > 1:
            k, j = np.unravel_index(int(ratio.argmax()), ratio.shape)
            raise _refuse(
                f"{what} of joint '{limits.names[j]}' {values[k, j]:.3f} {unit}, limit "
                f'{bound[j]:.3f} x scaling {scaling:.2f}, after {times[k]:.2f} s'
            )


def _check_jerk(trajectory: JointTrajectory, limits: JointLimits) -> None:
    if limits.jerk is None:
        return
    jerk = trajectory.peak_jerk()
    ratio = jerk / (limits.jerk * _SLACK)
    j = int(ratio.argmax())
    if ratio[j] > 1:
        raise _refuse(
            f"jerk of joint '{limits.names[j]}' {jerk[j]:.1f} rad/s^3, limit {limits.jerk[j]:.1f}"
        )


def _check_start(trajectory: JointTrajectory, start: Array, tolerance: float) -> None:
    difference = np.abs(trajectory.positions[0] - start)
    j = int(difference.argmax())
    if not difference[j] <= tolerance:
        raise Dex1bError(
            ErrorCode.START_STATE_MISMATCH,
            f"joint '{trajectory.names[j]}' is measured at {start[j]:.4f} rad but the trajectory "
            f'begins at {trajectory.positions[0, j]:.4f}; at most {tolerance:.3f} rad apart is '
            'allowed: plan again from the measured state',
        )


def _check_workspace(
    trajectory: JointTrajectory, box: WorkspaceBox, wrist_position: Callable[[Array], Array]
) -> None:
    for k, positions in enumerate(trajectory.positions):
        point = wrist_position(positions)
        if (point < np.array(box.lower)).any() or (point > np.array(box.upper)).any():
            raise Dex1bError(
                ErrorCode.OUT_OF_WORKSPACE,
                f'the hand is at {point.round(3).tolist()} m after {trajectory.times[k]:.2f} s; '
                f'allowed is {list(box.lower)} to {list(box.upper)} m',
            )
