"""Frames added to a model."""

import sys
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.extra_frame import ExtraFrame
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.robots.urdf_file import check_urdf

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import CHAIN, write

pytestmark = pytest.mark.usefixtures('own_cache')


def test_frames_are_added_where_the_model_lacks_them(tmp_path):
    path = write(tmp_path, *CHAIN)
    frames = (ExtraFrame('tip', 'far', (0.0, 0.0, 0.03)), ExtraFrame('near', 'far', (1.0, 0, 0)))
    tree = LinkTree.from_urdf(check_urdf(path, frames).path)
    poses = tree.link_poses({})
    np.testing.assert_allclose(poses['tip'][:3, 3], [0, 0, 0.13], atol=1e-12)
    with pytest.raises(ConfigurationError, match="fixed to link 'thumb', which is not in the file"):
        check_urdf(path, (ExtraFrame('tip', 'thumb', (0.0, 0.0, 0.0)),))
