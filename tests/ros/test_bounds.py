"""Requests that are too large are refused with a code, before anything is done with them."""

import numpy as np
import pytest
from builtin_interfaces.msg import Duration
from sensor_msgs.msg import Image
from shape_msgs.msg import Mesh
from std_msgs.msg import Header
from test_generator import scene
from test_grasp_server import plan, server  # noqa: F401  (fixture)

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_msgs.msg import GraspCandidate
from dex1b_ros import bounds, conversions

pytestmark = pytest.mark.ros


def test_numbers_that_are_no_sizes_are_refused_too():
    bounds.require_at_most(3, 3, 'things')
    for value in (4, -1, np.nan, np.inf):
        with pytest.raises(Dex1bError, match='things; at most 3 are taken') as caught:
            bounds.require_at_most(value, 3, 'things')
        assert caught.value.error_code is ErrorCode.INVALID_REQUEST


def test_clouds_and_images():
    cloud = conversions.cloud_msg(np.zeros((4, 3)), Header())
    cloud.width = bounds.MAX_POINTS + 1
    with pytest.raises(Dex1bError, match='points in a cloud'):
        conversions.cloud(cloud)
    image = Image(encoding='mono8', width=bounds.MAX_PIXELS, height=2)
    with pytest.raises(Dex1bError, match='pixels in an image'):
        conversions.image(image)


def test_scenes_with_too_many_points_or_shapes(monkeypatch):
    message = scene()
    monkeypatch.setattr(conversions.scene, 'MAX_OBJECT_POINTS', 100)
    with pytest.raises(Dex1bError, match='500 object points in the scene; at most 100'):
        conversions.observation(message)
    monkeypatch.undo()
    message.shapes = [Mesh()] * (bounds.MAX_SHAPES + 1)
    message.shape_names = ['empty'] * (bounds.MAX_SHAPES + 1)
    with pytest.raises(Dex1bError, match='33 shapes in the scene'):
        conversions.observation(message)


def test_candidates_with_too_many_joints():
    names = [str(number) for number in range(bounds.MAX_JOINTS + 1)]
    with pytest.raises(Dex1bError, match="129 joints of candidate 'c'"):
        conversions.candidate(GraspCandidate(id='c', joint_names=names))


@pytest.mark.parametrize(
    ('fields', 'text'),
    [
        ({'max_candidates': 65}, '65 candidates asked for; at most 64'),
        ({'time_budget': Duration(sec=601)}, '601 seconds of time_budget'),
        ({'time_budget': Duration(sec=-5)}, '-5 seconds of time_budget'),
    ],
)
def test_the_server_refuses_what_would_take_too_long(server, client, fields, text):  # noqa: F811
    reply = plan(client, **fields)
    assert reply.error_code == ErrorCode.INVALID_REQUEST
    assert text in reply.error_msg
    assert server.alive
