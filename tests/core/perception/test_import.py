import subprocess
import sys


def test_perception_imports_without_heavy_libraries() -> None:
    heavy = ('torch', 'sapien', 'open3d', 'trimesh', 'skimage', 'pinocchio', 'rclpy')
    code = f'import sys, dex1b_core.perception; print([m for m in {heavy!r} if m in sys.modules])'
    found = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == '[]'
