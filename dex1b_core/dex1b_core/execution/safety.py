"""What is unsafe, and how it is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

from dex1b_core.robots import RobotDescription
from dex1b_core.robots.link_tree import LinkTree

Array = NDArray[np.float64]


class SafetyLevel(IntEnum):
    """Equal to the levels of dex1b_msgs/msg/SafetyStatus."""

    UNKNOWN = 0
    OK = 1
    WARN = 2
    STOP = 3


class SafetyReason(IntFlag):
    """Equal to the reasons of dex1b_msgs/msg/SafetyStatus."""

    NONE = 0
    ESTOP = 1
    STALE_JOINT_STATE = 2
    STALE_CAMERA = 4
    STALE_TF = 8
    CONTROLLER_INACTIVE = 16
    TRACKING_ERROR = 32
    EFFORT_LIMIT = 64
    VELOCITY_LIMIT = 128
    POSITION_LIMIT = 256
    WORKSPACE_BOUND = 512
    HAND_FAULT = 1024
    HEARTBEAT_LOST = 2048


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        reason: Which.
        level: WARN, STOP, or UNKNOWN for what has not been seen yet.
        message: What was measured, what is allowed.
    """

    reason: SafetyReason
    level: SafetyLevel
    message: str


class SafetyLatch:
    """Adds up findings; STOP stays until it is reset after its cause has gone."""

    def __init__(self) -> None:
        self._latched: dict[SafetyReason, Finding] = {}
        self._present: dict[SafetyReason, Finding] = {}

    def update(self, findings: Iterable[Finding]) -> None:
        """Replace the present findings; those that mean STOP are kept."""
        self._present = {finding.reason: finding for finding in findings}
        for finding in self._present.values():
            if finding.level is SafetyLevel.STOP:
                self._latched.setdefault(finding.reason, finding)

    def reset(self) -> list[Finding]:
        """Forget what is over; returns the causes that are still present and forbid a reset."""
        stops = [f for f in self._present.values() if f.level is SafetyLevel.STOP]
        if not stops:
            self._latched.clear()
        return stops

    @property
    def _all(self) -> dict[SafetyReason, Finding]:
        return self._present | self._latched

    @property
    def level(self) -> SafetyLevel:
        """STOP before UNKNOWN before WARN before OK."""
        levels = {finding.level for finding in self._all.values()}
        order = (SafetyLevel.STOP, SafetyLevel.UNKNOWN, SafetyLevel.WARN)
        return next((level for level in order if level in levels), SafetyLevel.OK)

    @property
    def reasons(self) -> SafetyReason:
        """All reasons, present and latched."""
        reasons = SafetyReason.NONE
        for reason in self._all:
            reasons |= reason
        return reasons

    @property
    def message(self) -> str:
        """The findings in words, the gravest first."""
        findings = sorted(self._all.values(), key=lambda finding: -finding.level)
        return '; '.join(finding.message for finding in findings)


@dataclass(frozen=True)
class GuardSettings:
    """Margins of the joint guard.

    Attributes:
        position_margin: Beyond a joint limit [rad].
        velocity_factor: Of the velocity limits.
        effort_factor: Of the hand's effort limits; 0 = not watched.
        persistence: Seconds that velocity, effort and tracking may be beyond.
        tracking_tolerance: Arm setpoint to position [rad].
    """

    position_margin: float
    velocity_factor: float
    effort_factor: float
    persistence: float
    tracking_tolerance: float


class JointGuard:
    """Compares joint states with limits; excesses of dynamic quantities must persist."""

    def __init__(self, robot: RobotDescription, settings: GuardSettings) -> None:
        self._robot = robot
        self._settings = settings
        self.names = (*robot.arm.joints, *robot.hand.joints)
        tree = LinkTree.from_urdf(robot.urdf_path)
        limits = {joint.name: joint.limits for joint in tree.joints}
        self._lower = np.array([limits[name][0] for name in self.names])
        self._upper = np.array([limits[name][1] for name in self.names])
        self._velocity = np.array((*robot.arm.velocity_limits, *robot.hand.velocity_limits))
        self._effort = np.full(len(self.names), np.inf)
        if settings.effort_factor > 0:
            self._effort[len(robot.arm.joints) :] = robot.hand.effort_limits
            self._effort *= settings.effort_factor
        self._since: dict[SafetyReason, float] = {}

    def check(
        self, positions: Array, velocities: Array, efforts: Array, now: float
    ) -> list[Finding]:
        """Findings for (J,) states in the order of `names` at a time `now` [s]; NaN = unknown."""
        findings = []
        if not np.isfinite(positions).all():
            bad = [n for n, p in zip(self.names, positions, strict=True) if not np.isfinite(p)]
            reason = (
                SafetyReason.HAND_FAULT
                if set(bad) <= set(self._robot.hand.joints)
                else SafetyReason.STALE_JOINT_STATE
            )
            findings.append(
                Finding(reason, SafetyLevel.STOP, f'joints {bad} report no finite position')
            )
        margin = self._settings.position_margin
        over = np.maximum(self._lower - positions, positions - self._upper)
        if np.nanmax(over) > margin:
            j = int(np.nanargmax(over))
            findings.append(
                Finding(
                    SafetyReason.POSITION_LIMIT,
                    SafetyLevel.STOP,
                    f"joint '{self.names[j]}' is at {positions[j]:.3f} rad; allowed is "
                    f'{self._lower[j]:.3f} to {self._upper[j]:.3f} +- {margin:.3f}',
                )
            )
        bound = self._velocity * self._settings.velocity_factor
        findings += self._lasting(
            SafetyReason.VELOCITY_LIMIT, 'turns at', 'rad/s', np.abs(velocities), bound, now
        )
        findings += self._lasting(
            SafetyReason.EFFORT_LIMIT, 'pushes with', 'N m', np.abs(efforts), self._effort, now
        )
        return findings

    def check_tracking(self, errors: Mapping[str, float], now: float) -> list[Finding]:
        """Findings for setpoint-to-position errors [rad] of named arm joints."""
        names = [name for name in self._robot.arm.joints if name in errors]
        values = np.abs([errors[name] for name in names])
        bound = np.full(len(names), self._settings.tracking_tolerance)
        return self._lasting(
            SafetyReason.TRACKING_ERROR, 'is off its setpoint by', 'rad', values, bound, now, names
        )

    def _lasting(
        self,
        reason: SafetyReason,
        verb: str,
        unit: str,
        values: Array,
        bound: Array,
        now: float,
        names: Iterable[str] = (),
    ) -> list[Finding]:
        excess = np.nan_to_num(values / bound)
        if not len(excess) or excess.max() <= 1:
            self._since.pop(reason, None)
            return []
        since = self._since.setdefault(reason, now)
        if now - since < self._settings.persistence:
            return []
        j = int(excess.argmax())
        name = (tuple(names) or self.names)[j]
        return [
            Finding(
                reason,
                SafetyLevel.STOP,
                f"joint '{name}' {verb} {values[j]:.3f} {unit} for {now - since:.2f} s; allowed "
                f'is {bound[j]:.3f}',
            )
        ]


class WorkspaceGuard:
    """Keeps the hand's root link inside of the robot's workspace box."""

    def __init__(self, robot: RobotDescription) -> None:
        self._robot = robot
        self._box = robot.workspace
        chain = {joint.child: joint for joint in LinkTree.from_urdf(robot.urdf_path).joints}
        link, joints = robot.hand.root_link, []
        while link != robot.base_link and link in chain:
            joints.append(chain[link])
            link = chain[link].parent
        self._chain = joints[::-1]

    def check(self, positions: Mapping[str, float]) -> list[Finding]:
        """Findings for arm positions [rad] by name."""
        pose = np.eye(4)
        for joint in self._chain:
            pose = pose @ joint.transform(positions.get(joint.name, 0.0))
        point = pose[:3, 3]
        lower, upper = np.array(self._box.lower), np.array(self._box.upper)
        if (point >= lower).all() and (point <= upper).all():
            return []
        return [
            Finding(
                SafetyReason.WORKSPACE_BOUND,
                SafetyLevel.STOP,
                f"'{self._robot.hand.root_link}' is at {point.round(3).tolist()} m; allowed is "
                f'{lower.tolist()} to {upper.tolist()} m',
            )
        ]
