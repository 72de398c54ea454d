"""Enums of the library equal the constants of the messages that carry them."""

import re
from enum import IntEnum
from pathlib import Path

import pytest

from dex1b_core.errors import ConfigurationError, Dex1bError, ErrorCode, UnknownNameError
from dex1b_core.execution.safety import SafetyLevel, SafetyReason
from dex1b_core.motion.plan import Stage
from dex1b_core.perception.target import TargetMode
from dex1b_core.planning.candidate import CheckResult, FailureReason, ReachResult

MESSAGES = Path(__file__).resolve().parents[2] / 'dex1b_msgs' / 'msg'


def constants(message: str) -> dict[str, int]:
    """Constants that a message file declares."""
    text = (MESSAGES / f'{message}.msg').read_text()
    return {name: int(value) for name, value in re.findall(r'^uint\d+ ([A-Z_]+)=(\d+)', text, re.M)}


def members(enum: type[IntEnum]) -> dict[str, int]:
    return {item.name: int(item) for item in enum}


def test_error_codes_equal_the_message():
    assert members(ErrorCode) == constants('ErrorCode')


@pytest.mark.parametrize(
    ('enum', 'message'),
    [(ReachResult, 'Reachability'), (Stage, 'ExecutorStatus'), (TargetMode, 'GraspTarget')],
)
def test_enums_equal_the_message(enum, message):
    assert members(enum) == constants(message)


def test_safety_levels_and_reasons_equal_the_message():
    reasons = {item.name: int(item) for item in SafetyReason}
    assert members(SafetyLevel) | reasons == constants('SafetyStatus')


def test_check_results_and_reasons_equal_the_message():
    found = constants('SimCheck')
    reasons = {key[7:]: value for key, value in found.items() if key.startswith('REASON_')}
    results = {key: value for key, value in found.items() if not key.startswith('REASON_')}
    assert members(CheckResult) == results
    assert members(FailureReason) == reasons


def test_each_failure_of_the_check_has_its_error_code():
    for reason in FailureReason:
        if reason is not FailureReason.NONE:
            assert ErrorCode(310 + reason).name == f'CHECK_{reason.name}'


def test_every_reply_carries_code_and_message():
    folder = MESSAGES.parent
    for file in [*folder.glob('srv/*.srv'), *folder.glob('action/*.action')]:
        reply = file.read_text().split('---')[1]
        assert re.search(r'^uint16 error_code\b', reply, re.M), file.name
        assert re.search(r'^string error_msg\b', reply, re.M), file.name


def test_an_error_keeps_code_and_message():
    error = Dex1bError(ErrorCode.NO_PLANE, 'no plane in view')
    assert error.error_code is ErrorCode.NO_PLANE
    assert error.message == str(error) == 'no plane in view'


def test_configuration_errors_have_their_code():
    assert ConfigurationError('x').error_code is ErrorCode.INVALID_CONFIGURATION


def test_unknown_names_list_the_known_ones():
    with pytest.raises(Dex1bError, match=r"unknown robot 'x'; known are: a, b") as caught:
        raise UnknownNameError(ErrorCode.UNKNOWN_ROBOT, 'robot', 'x', ['b', 'a'])
    assert caught.value.error_code is ErrorCode.UNKNOWN_ROBOT
