"""Helper modules of these tests, and a hand that is simple enough to reckon with."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import known_grasps


@pytest.fixture
def jaws(tmp_path):
    return known_grasps.jaws_source(tmp_path)
