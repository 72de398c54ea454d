from setuptools import setup

# The rest is in pyproject.toml. colcon needs marker and manifest installed and cannot read a
# requires-python from there; setuptools of 2023 and 2025 disagree on how it states a license.
setup(
    license='Apache-2.0',
    python_requires='>=3.11,<3.13',
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/dex1b_core']),
        ('share/dex1b_core', ['package.xml']),
    ],
)
