"""Errors that carry a code; a node's reply takes code and message straight from them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ErrorCode(IntEnum):
    """Why a request failed, in ranges by stage; equal to dex1b_msgs/msg/ErrorCode."""

    NONE = 0

    INVALID_REQUEST = 1
    INVALID_CONFIGURATION = 2
    UNKNOWN_ROBOT = 3
    UNKNOWN_OBJECT = 4
    ASSET_MISSING = 5
    NODE_UNAVAILABLE = 6
    BUSY = 7

    NO_DEPTH = 101
    STALE_DEPTH = 102
    TF_ERROR = 103
    NO_PLANE = 104
    NO_OBJECT = 105
    TOO_FEW_POINTS = 106
    ROBOT_OCCLUDES = 107
    CAMERA_SKEW = 108
    DEPTH_ENCODING = 109
    DEPTH_EMPTY = 110
    CAMERA_INFO_MISMATCH = 111
    TARGET_NOT_FOUND = 112
    SCENE_MOVING = 113

    MODEL_NOT_LOADED = 201
    NO_CANDIDATES = 202
    DEVICE_ERROR = 203
    SHAPE_INVALID = 204
    HAND_PENETRATES_OBJECT = 211
    HAND_PENETRATES_TABLE = 212
    HAND_PENETRATES_OBSTACLE = 213
    HAND_PENETRATES_ITSELF = 214
    NO_CONTACT = 215
    NO_OPPOSITION = 216
    APPROACH_BLOCKED = 217

    ALL_FAILED = 301
    CHECK_TIMEOUT = 302
    SIM_ERROR = 303
    CHECK_UNKNOWN = 310
    CHECK_INITIAL_PENETRATION = 312
    CHECK_MISSED = 313
    CHECK_SLIPPED = 314
    CHECK_DROPPED = 315
    CHECK_ROTATED = 316
    CHECK_TABLE_HIT = 317
    CHECK_TOO_FEW_FINGERS = 318
    CHECK_UNSTABLE = 319
    CHECK_UNREACHABLE = 320

    NO_IK = 401
    TABLE_COLLISION = 402
    SCENE_COLLISION = 403
    NO_PATH = 404
    LIMITS = 405
    SELF_COLLISION = 406
    JOINT_MARGIN = 407
    OUT_OF_WORKSPACE = 408

    CONTROLLER_UNAVAILABLE = 501
    GOAL_REJECTED = 502
    TRACKING = 503
    DEADLINE = 504
    START_STATE_MISMATCH = 505
    HAND_FAULT = 506
    NOT_HELD = 507
    SAFETY_STOP = 508
    PRECONDITION = 509
    EXECUTION_DISABLED = 510

    PREEMPTED = 900
    CANCELED = 901
    UNKNOWN = 999


class Dex1bError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        error_code: Why it failed.
        message: What was wrong, what was expected and what to do.
    """

    def __init__(self, error_code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.message = message


class ConfigurationError(Dex1bError):
    """A configuration file or parameter is malformed."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.INVALID_CONFIGURATION, message)


class UnknownNameError(Dex1bError):
    """A name is not among the known ones; the message lists them."""

    def __init__(self, code: ErrorCode, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(code, f"unknown {kind} '{name}'; known are: {', '.join(sorted(known))}")
