import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dex1b_core.geometry import from_xyzw, to_xyzw

ANGLES = st.floats(-math.pi, math.pi)
PLACES = st.floats(-10, 10)


@given(ANGLES, ANGLES, ANGLES, st.tuples(PLACES, PLACES, PLACES))
def test_there_and_back(a, b, c, position):
    from scipy.spatial.transform import Rotation

    quaternion = Rotation.from_euler('xyz', [a, b, c]).as_quat()
    transform = from_xyzw(position, quaternion)
    found_position, found = to_xyzw(transform)
    np.testing.assert_allclose(found_position, position, atol=1e-9)
    assert abs(np.dot(found, quaternion)) == pytest.approx(1.0)


@pytest.mark.parametrize(('position', 'quaternion', 'text'), [
    ([0, 0, 0], [0, 0, 0, 0], 'is not a rotation'),
    ([0, 0, 0], [math.nan, 0, 0, 1], 'is not a rotation'),
    ([math.nan, 0, 0], [0, 0, 0, 1], 'position .* is not finite'),
    ([0, math.inf, 0], [0, 0, 0, 1], 'position .* is not finite'),
])  # fmt: skip
def test_what_is_no_pose_is_refused(position, quaternion, text):
    with pytest.raises(ValueError, match=text):
        from_xyzw(position, quaternion)
