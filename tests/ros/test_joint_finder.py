"""A joint from two looks at a named part, else guessed from one."""

import numpy as np
import pytest

from dex1b_core.articulation import load_articulated
from dex1b_core.benchmark.axis_bench import observed
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import OrientedBox, Plane
from dex1b_core.perception.observation import ObjectObservation
from dex1b_msgs.msg import ArticulationModel
from dex1b_ros.joint_finder import JointFinder

pytestmark = pytest.mark.ros

TARGET = load_articulated('articulated:door-right-101')  # no handle: there is nothing to guess from


@pytest.fixture
def finder(client):
    found = JointFinder(client.node, 'link_base')
    yield found
    found.destroy()


def look(moved: float) -> ObjectObservation:
    random = np.random.default_rng(1)
    points = observed(TARGET, TARGET.start + moved, np.array([0.9, 0.2, 0.6]), random, 3000)
    up = np.tile([0.0, 0.0, 1.0], (len(points), 1))
    plane = Plane(np.array([0.0, 0.0, 1.0]), 0.0)
    return ObjectObservation(
        points, up, np.zeros((0, 3)), plane, OrientedBox(np.eye(4), np.ones(3))
    )


def tell(finder, moved: float):
    whole = look(moved)
    return finder.estimate(whole, np.ones(len(whole.points), dtype=bool), seed=1)


def test_the_second_look_at_a_moved_part_tells_the_joint(finder) -> None:
    with pytest.raises(Dex1bError) as caught:
        tell(finder, 0.0)
    assert caught.value.error_code is ErrorCode.TARGET_NOT_FOUND
    found = tell(finder, 0.5)
    assert found.source == 'two observations'
    assert found.joint.kind == 'revolute'
    assert found.joint.axis @ TARGET.joint.axis > np.cos(np.radians(10.0))
    assert found.joint.lower == pytest.approx(-0.5, abs=0.1)
    assert 0.05 <= found.confidence <= 0.95


def test_a_part_that_did_not_move_tells_nothing(finder) -> None:
    for _ in range(2):
        with pytest.raises(Dex1bError) as caught:
            tell(finder, 0.0)
        assert caught.value.error_code is ErrorCode.TARGET_NOT_FOUND


def test_a_model_of_unknown_type_is_to_be_estimated(finder) -> None:
    assert finder.given(ArticulationModel()) is None
