from setuptools import setup

# the rest is in pyproject.toml; colcon needs the marker and the manifest
setup(
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/dex1b_core']),
        ('share/dex1b_core', ['package.xml']),
    ],
)
