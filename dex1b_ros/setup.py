from glob import glob

from setuptools import find_packages, setup

setup(
    name='dex1b_ros',
    version='0.1.0',
    packages=find_packages(include=['dex1b_ros', 'dex1b_ros.*']),
    install_requires=['setuptools'],
    zip_safe=True,
)
