"""The command line as a process."""

import subprocess
import sys

from dex1b_core.cli import PANELS


def test_help_loads_no_heavy_library():
    """Commands load what they need when they run: completion and help must answer at once."""
    heavy = ('torch', 'sapien', 'mujoco', 'open3d', 'rclpy')
    script = (
        'import sys\n'
        'from dex1b_core.cli import main\n'
        "sys.argv = ['dex1b', '--help']\n"
        'try:\n    main()\nexcept SystemExit:\n    pass\n'
        f'print([name for name in {heavy} if name in sys.modules], file=sys.stderr)\n'
    )
    found = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, check=True
    )
    assert 'synth' in found.stdout
    for heading in PANELS:
        assert heading in found.stdout
    assert '─ Commands ─' not in found.stdout  # each has a heading of its own
    assert found.stderr.strip().splitlines()[-1] == '[]'
