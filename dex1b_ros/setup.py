from pathlib import Path

from setuptools import find_packages, setup

NODES = (
    'articulation_server',
    'executor_node',
    'generator_node',
    'grasp_server',
    'mock_robot_node',
    'perception_node',
    'safety_monitor',
    'sim_check_node',
    'sim_robot_node',
    'viewer_node',
)
SHARE = 'share/dex1b_ros'
ROOT = Path(__file__).resolve().parent


def shared(folder):
    """Files below a folder of the repository root, by the share folder they are installed to."""
    found = {}
    for file in sorted((ROOT.parent / folder).rglob('*')):
        if file.is_file() and '__pycache__' not in file.parts:
            target = f'{SHARE}/{file.parent.relative_to(ROOT.parent)}'
            found.setdefault(target, []).append(f'../{file.relative_to(ROOT.parent)}')
    return list(found.items())


setup(
    name='dex1b_ros',
    version='0.1.0',
    description='Nodes of dex1b: depth cameras in, grasps and joint commands out.',
    license='Apache-2.0',
    maintainer='dex1b maintainers',
    maintainer_email='maintainers@dex1b.org',
    packages=find_packages(include=['dex1b_ros', 'dex1b_ros.*']),
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/dex1b_ros']),
        (SHARE, ['package.xml']),
        *shared('launch'),
        *shared('config'),
    ],
    install_requires=['setuptools'],
    extras_require={'test': ['pytest']},
    zip_safe=True,
    entry_points={
        'console_scripts': [f'{node} = dex1b_ros.{node}:main' for node in NODES],
        'dex1b.commands': ['nodes = dex1b_ros.commands:register'],
        'dex1b.doctor': ['ros = dex1b_ros.doctor:checks'],
    },
)
