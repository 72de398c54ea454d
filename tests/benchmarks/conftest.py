import sys
from pathlib import Path

# benchmarks run from the repository's root and are not installed
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'core' / 'simulation'))
