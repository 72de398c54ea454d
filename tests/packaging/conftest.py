import sys
from pathlib import Path

# the set-up runs as a script from its folder, so its modules import each other by bare names
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools'))
