"""Fixtures of all tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from chromium import browser  # noqa: F401  (fixture)
