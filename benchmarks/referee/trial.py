"""One candidate through the protocol."""

from __future__ import annotations

from dataclasses import dataclass, field

import mujoco
import numpy as np
from numpy.typing import NDArray

from benchmarks.referee.settings import Settings
from benchmarks.referee.world import World

Array = NDArray[np.float64]

DIRECTIONS = ('+x', '-x', '+y', '-y', '+z', '-z')
AXES = np.kron(np.eye(3), [[1.0], [-1.0]])  # (6, 3), object frame

HASTE = 4.0  # how much faster than now the object may drift later, when `quick`

HELD = 'held'
UNSTABLE = 'unstable'
START = 'initial penetration'
EJECTED = 'ejected while closing'
TURNED = 'turned while closing'
LOST = 'lost contact'
SLIPPED = 'slipped '
BELOW = 'below the support'
NOT_FINITE = 'not finite'


@dataclass
class Trial:
    """What one candidate came to.

    Attributes:
        reason: `HELD`, or why not; `BELOW` where physics held what the support forbids.
        directions: (6,) held 1, failed 0, not tried -1.
        penetration: Hand in object, in the grasp posture [m].
        self_penetration: Hand in itself, in the grasp posture [m].
        start_penetration: Either of them in the pregrasp [m].
        contacts: Between hand and object after closing.
        fingers: That have one.
        below: Deepest hand geometry below the support plane in grasp, pregrasp and approach [m];
            NaN without a plane or approach.
    """

    reason: str = HELD
    directions: NDArray[np.int8] = field(default_factory=lambda: np.full(6, -1, dtype=np.int8))
    penetration: float = np.nan
    self_penetration: float = np.nan
    start_penetration: float = np.nan
    contacts: int = 0
    fingers: int = 0
    below: Array = field(default_factory=lambda: np.full(3, np.nan))


def run_trial(
    world: World,
    object_T_hand: Array,
    postures: tuple[Array, Array, Array],
    settings: Settings,
    plane: Array | None = None,
    approach: Array | None = None,
) -> Trial:
    """Measure and simulate one candidate.

    Args:
        world: Hand and object.
        object_T_hand: (4, 4).
        postures: Pregrasp, grasp, squeeze (J,) [rad].
        settings: The protocol.
        plane: (4,) unit normal and offset of the support, object frame.
        approach: (3,) unit direction of the last stretch, object frame.
    """
    trial = Trial()
    if not all(np.isfinite(values).all() for values in (object_T_hand, *postures)):
        trial.reason = NOT_FINITE
        return trial
    _measure(trial, world, object_T_hand, postures, settings, plane, approach)
    trial.reason = _simulate(trial, world, postures, settings)
    if trial.reason == HELD and np.nanmax(trial.below[:2], initial=0.0) > settings.max_below:
        trial.reason = BELOW
    return trial


def _measure(
    trial: Trial,
    world: World,
    object_T_hand: Array,
    postures: tuple[Array, Array, Array],
    settings: Settings,
    plane: Array | None,
    approach: Array | None,
) -> None:
    """Fill in overlaps and what is below the support; leaves the world in the pregrasp."""
    pregrasp, grasp, _ = postures
    world.place(object_T_hand, grasp)
    trial.penetration, trial.self_penetration = world.overlap()
    if plane is not None:
        trial.below[0] = max(0.0, -world.lowest(plane[:3], plane[3]))
    world.place(object_T_hand, pregrasp)
    trial.start_penetration = max(world.overlap())
    if plane is not None:
        lowest = world.lowest(plane[:3], plane[3])
        trial.below[1] = max(0.0, -lowest)
        if approach is not None and np.isfinite(approach).all():
            change = -settings.approach_distance * float(plane[:3] @ approach)
            trial.below[2] = max(0.0, -(lowest + min(0.0, change)))


def _simulate(
    trial: Trial, world: World, postures: tuple[Array, Array, Array], settings: Settings
) -> str:
    """Close the hand and pull; returns the reason."""
    if trial.start_penetration > settings.max_start_overlap:
        return START
    if not _close(world, postures, settings):
        return UNSTABLE
    moved, turned = world.object_motion()
    if moved > settings.max_shift:
        return EJECTED
    if turned > settings.max_turn:
        return TURNED
    trial.contacts, trial.fingers = world.touching()
    model, data = world.model, world.data
    signature = mujoco.mjtState.mjSTATE_INTEGRATION
    closed = np.empty(mujoco.mj_stateSize(model, signature))
    mujoco.mj_getState(model, data, closed, signature)
    reason = HELD
    for number, axis in enumerate(AXES):
        mujoco.mj_setState(model, data, closed, signature)
        world.push(settings.force * axis)
        result = _hold(world, settings)
        trial.directions[number] = result == HELD
        if result != HELD and reason == HELD:
            slipped = LOST if trial.contacts == 0 else SLIPPED + DIRECTIONS[number]
            reason = result or slipped
            if not settings.all_directions:
                break
        if result == UNSTABLE:
            break
    return reason


def _close(world: World, postures: tuple[Array, Array, Array], settings: Settings) -> bool:
    """Pregrasp to grasp to squeeze; False when the solver broke down."""
    pregrasp, grasp, squeeze = postures
    for start, end in ((pregrasp, grasp), (grasp, squeeze)):
        for stage in range(1, settings.stages + 1):
            world.data.ctrl[:] = start + (end - start) * (stage / settings.stages)
            mujoco.mj_step(world.model, world.data, settings.substeps)
            if world.is_broken():
                return False
    return True


def _hold(world: World, settings: Settings) -> str:
    """`HELD`, `UNSTABLE` or '' when the object left its place."""
    steps = round(settings.hold_s / settings.timestep)
    limits = np.array([settings.max_shift, settings.max_turn])
    before = np.full(2, np.inf)
    checks = settings.checks * (2 if settings.quick else 1)
    for check in range(checks):
        done = steps * check // checks
        mujoco.mj_step(world.model, world.data, steps * (check + 1) // checks - done)
        if world.is_broken():
            return UNSTABLE
        motion = np.array(world.object_motion())
        if (motion > limits).any():
            return ''
        left = checks - 1 - check
        if settings.quick and (motion + HASTE * left * np.abs(motion - before) < limits).all():
            return HELD
        before = motion
    return HELD
