"""Fixtures of the node tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import client, ros_domain  # noqa: F401  (fixtures)
