"""MoveIt's error codes in our terms."""

from __future__ import annotations

from dex1b_core.errors import Dex1bError, ErrorCode

INSTEAD = "; or set the executor's parameter motion_backend to 'dex1b'"
SETUP = 'make sure that its robot model, its SRDF and moveit.group are those of this robot'

_NO_WAY = 'move obstacles, choose another grasp or allow more motion.planning_time'
_SCENE = (
    'it sees something that our own check does not: compare its robot model, its scene (our '
    "objects are 'dex1b/...') and its padding with the robot"
)
_STALE = 'make sure that it hears %s, by the same clock (use_sim_time)'
_LOG = "see move_group's log"
_OTHER = f'unexpected for a request of this kind; {_LOG}'

_MEANINGS = {
    # move_group says this of every request that a planning pipeline refuses
    99999: (ErrorCode.NO_PATH, 'FAILURE', f'{_LOG} for the reason; if it found none, {_NO_WAY}'),
    0: (ErrorCode.NO_PATH, 'UNDEFINED', f'its answer is empty; {_LOG}'),
    -1: (ErrorCode.NO_PATH, 'PLANNING_FAILED', _NO_WAY),
    -2: (ErrorCode.NO_PATH, 'INVALID_MOTION_PLAN', f'its own check refused its path; {_LOG}'),
    -3: (
        ErrorCode.NO_PATH, 'MOTION_PLAN_INVALIDATED_BY_ENVIRONMENT_CHANGE',
        'its scene changed meanwhile: ask again',
    ),
    -4: (ErrorCode.NO_PATH, 'CONTROL_FAILED', _OTHER),
    -5: (ErrorCode.PRECONDITION, 'UNABLE_TO_AQUIRE_SENSOR_DATA', _STALE % 'its sensors'),
    -6: (ErrorCode.DEADLINE, 'TIMED_OUT', _NO_WAY),
    -7: (ErrorCode.NO_PATH, 'PREEMPTED', 'somebody ended its search: ask again'),
    -10: (ErrorCode.SCENE_COLLISION, 'START_STATE_IN_COLLISION', _SCENE),
    -11: (
        ErrorCode.INVALID_CONFIGURATION, 'START_STATE_VIOLATES_PATH_CONSTRAINTS',
        'no constraints are asked for: remove those that its pipeline adds',
    ),
    -12: (ErrorCode.SCENE_COLLISION, 'GOAL_IN_COLLISION', _SCENE),
    -13: (
        ErrorCode.INVALID_CONFIGURATION, 'GOAL_VIOLATES_PATH_CONSTRAINTS',
        'no constraints are asked for: remove those that its pipeline adds',
    ),
    -14: (ErrorCode.NO_PATH, 'GOAL_CONSTRAINTS_VIOLATED', f'its path misses the goal; {_LOG}'),
    -15: (ErrorCode.INVALID_CONFIGURATION, 'INVALID_GROUP_NAME', SETUP),
    -16: (ErrorCode.INVALID_CONFIGURATION, 'INVALID_GOAL_CONSTRAINTS', SETUP),
    -17: (ErrorCode.INVALID_CONFIGURATION, 'INVALID_ROBOT_STATE', SETUP),
    -18: (ErrorCode.INVALID_CONFIGURATION, 'INVALID_LINK_NAME', SETUP),
    -19: (ErrorCode.NO_PATH, 'INVALID_OBJECT_NAME', _OTHER),
    -21: (ErrorCode.INVALID_CONFIGURATION, 'FRAME_TRANSFORM_FAILURE', SETUP),
    -22: (ErrorCode.NODE_UNAVAILABLE, 'COLLISION_CHECKING_UNAVAILABLE', _LOG),
    -23: (ErrorCode.PRECONDITION, 'ROBOT_STATE_STALE', _STALE % 'the joint states'),
    -24: (ErrorCode.PRECONDITION, 'SENSOR_INFO_STALE', _STALE % 'its sensors'),
    -25: (ErrorCode.NODE_UNAVAILABLE, 'COMMUNICATION_FAILURE', _LOG),
    -26: (
        ErrorCode.INVALID_CONFIGURATION, 'START_STATE_INVALID',
        f'the arm may be beyond limits that MoveIt has for it; {SETUP}',
    ),
    -27: (
        ErrorCode.INVALID_CONFIGURATION, 'GOAL_STATE_INVALID',
        f'the goal may be beyond limits that MoveIt has for the arm; {SETUP}',
    ),
    -28: (ErrorCode.INVALID_CONFIGURATION, 'UNRECOGNIZED_GOAL_TYPE',
          'its planner takes no joint goals: choose another moveit.planner'),
    -29: (ErrorCode.NODE_UNAVAILABLE, 'CRASH', _LOG),
    -30: (ErrorCode.NO_PATH, 'ABORT', _LOG),
    -31: (ErrorCode.NO_PATH, 'NO_IK_SOLUTION', _OTHER),
}  # fmt: skip


def refusal(code: int, message: str = '') -> Dex1bError:
    """The error that a value of MoveItErrorCodes stands for, with what to do about it.

    Args:
        code: `val`, any but SUCCESS.
        message: What MoveIt adds itself.
    """
    unknown = ErrorCode.NO_PATH, 'an error code that is not known here', _LOG
    kind, name, mend = _MEANINGS.get(code, unknown)
    said = f', {message!r}' if message else ''
    return Dex1bError(kind, f'MoveIt found no path: {name} ({code}){said}; {mend}{INSTEAD}')
