import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

# what config_folder() looks for in the package
PACKAGED_CONFIG = 'config_files'
CONFIG = Path(__file__).resolve().parent.parent / 'config'
REQUIREMENTS = [
    'coacd>=1.0.5,<2',
    'coal>=3.0,<4',
    'manifold3d>=3,<4',
    'matplotlib>=3.8,<4',
    'mujoco>=3.3,<5',
    'numpy>=2.0,<3',
    'ompl>=1.7,<3',
    'open3d>=0.19,<1',
    'opencv-python-headless>=4.10,<6',
    'packaging>=23',
    'pillow>=10,<14',
    'pin>=3.4,<5',
    'pyarrow>=17,<27',
    'pydantic>=2.7,<3',
    'pytransform3d>=3.5,<4',
    'pyyaml>=6,<7',
    'rich>=13,<17',
    'safetensors>=0.4.3,<1',
    'sapien>=3.0,<4',
    'scikit-image>=0.25,<1',
    'scipy>=1.13,<2',
    'toppra>=0.6.3,<1',
    'torch>=2.4,<3',
    'trimesh>=4.4,<6',
    'typer>=0.12,<1',
    'viser>=1.1,<2',
]


class BuildWithConfig(build_py):
    """Puts the checkout's config/ into the package, so that a wheel works by itself."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        if not CONFIG.is_dir():
            raise SystemExit(f'{CONFIG} is missing: build dex1b_core inside of its repository')
        target = Path(self.build_lib) / 'dex1b_core' / PACKAGED_CONFIG
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(CONFIG, target)


setup(
    name='dex1b_core',
    version='0.1.0',
    description='Dexterous grasps from point clouds: synthesis, physics checks, motion. ROS-free.',
    license='Apache-2.0',
    maintainer='dex1b maintainers',
    maintainer_email='maintainers@dex1b.org',
    python_requires='>=3.11,<3.13',
    install_requires=REQUIREMENTS,
    extras_require={'cluster': ['ray>=2.9,<3'], 'test': ['pytest']},
    cmdclass={'build_py': BuildWithConfig},
    packages=find_packages(include=['dex1b_core', 'dex1b_core.*']),
    package_data={'dex1b_core': ['py.typed']},
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/dex1b_core']),
        ('share/dex1b_core', ['package.xml']),
    ],
    entry_points={
        'console_scripts': ['dex1b = dex1b_core.cli:main'],
        'dex1b.commands': [
            'assets = dex1b_core.commands.assets:register',
            'camera = dex1b_core.commands.camera:register',
            'doctor = dex1b_core.commands.doctor:register',
            'browse = dex1b_core.commands.browse:register',
            'bench = dex1b_core.commands.bench:register',
            'check = dex1b_core.commands.check:register',
            'synth = dex1b_core.commands.synth:register',
            'engine = dex1b_core.commands.engine:register',
            'exchange = dex1b_core.commands.exchange:register',
            'hand = dex1b_core.commands.hand:register',
            'robot = dex1b_core.commands.robot:register',
        ],
    },
)
