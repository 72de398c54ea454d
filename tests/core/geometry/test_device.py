"""Moving values to other devices; the meta device stands in for one that this machine lacks."""

import pytest
import torch

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.device import moved, usable_device
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.synthesis.objective import GraspObjective


def tensors(value):
    """Every tensor in a value."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors(item)
    elif type(value).__module__.startswith('dex1b_core.') and hasattr(value, '__dict__'):
        yield from tensors(vars(value))


def test_all_tensors_of_an_objective_move_and_the_original_stays():
    objective = GraspObjective(HandModel(load_hand('allegro_right')))
    there = moved(objective, 'meta')
    before, after = list(tensors(objective)), list(tensors(there))
    assert len(before) == len(after) > 50
    assert {tensor.device.type for tensor in after} == {'meta'}
    assert {tensor.device.type for tensor in before} == {'cpu'}
    assert [tensor.shape for tensor in before] == [tensor.shape for tensor in after]


def test_plain_values_are_shared():
    names = ('a', 'b')
    assert moved({'names': names, 'count': 3}, 'meta') == {'names': names, 'count': 3}


def test_unknown_devices_are_refused_with_those_there_are():
    assert usable_device('cpu').type == 'cpu'
    for name in ('cuda:99', 'tpu', 'meta'):
        with pytest.raises(Dex1bError, match='there are: cpu') as caught:
            usable_device(name)
        assert caught.value.error_code == ErrorCode.DEVICE_ERROR
