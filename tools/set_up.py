"""Set up a checkout: `.venv` with everything in it. Run it through `make setup`.

Standard library only: it runs before anything is installed. Each step leaves a stamp keyed on
what it depends on, so that a second run does nothing, an interrupted one resumes, and a changed
message or lock file repeats just the steps concerned.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import setup_interfaces
import setup_machine
import setup_packages
from setup_common import REQUIREMENTS, ROOT, SetupFailed, Stamps, Venv, digest

TOOLS = Path(__file__).resolve().parent


def main() -> int:
    """Run all steps; 0 when the checkout is ready."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--venv', type=Path, default=ROOT / '.venv')
    parser.add_argument('--no-assets', action='store_true', help='do not fetch the models')
    options = parser.parse_args()
    lock = ROOT / f'{options.venv.name}.lock'
    with lock.open('w') as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print('setup: another set-up of this checkout is running, waiting for it', flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            set_up(Venv(options.venv.absolute()), assets=not options.no_assets)
        except SetupFailed as error:
            print(f'setup: {error}', file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print('\nsetup: interrupted; run it again to go on from here', file=sys.stderr)
            return 130
    return 0


class Steps:
    """Runs what is not done yet; `done` counts."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self.done = 0

    def run(self, name: str, key: str, work: Callable[[], None]) -> None:
        """Work that is done again when its key changes."""
        if self._stamps.valid(name, key):
            return
        print(f'setup: {name} ...', flush=True)
        begun = time.monotonic()
        self._stamps.clear(name)
        work()
        self._stamps.write(name, key)
        self.done += 1
        print(f'setup: {name} took {time.monotonic() - begun:.0f} s', flush=True)


def set_up(venv: Venv, *, assets: bool) -> None:
    """All steps, those that are already done skipped."""
    started = time.monotonic()
    ros = setup_machine.sourced_ros()
    setup_machine.check(needs_compiler=not ros)
    setup_packages.create_venv(venv, system_packages=bool(ros))
    steps = Steps(Stamps(venv.state))
    requirements = ['library', 'development'] if ros else ['library', 'development', 'ros_wheels']
    files = [REQUIREMENTS / f'{name}.in' for name in requirements] + [REQUIREMENTS / 'lock.txt']
    installed = digest(files, os.environ.get('TORCH_INDEX_URL', ''))
    steps.run('install', installed, lambda: setup_packages.install(venv, requirements))
    if not ros:
        make_ros(venv, steps, installed)
    sources = [
        ROOT / package / name
        for package in ('dex1b_core', 'dex1b_ros')
        for name in ('pyproject.toml', 'setup.py', 'setup.cfg', 'package.xml')
    ]
    steps.run(
        'register packages',
        digest([*sources, TOOLS / 'setup_packages.py'], installed),
        lambda: setup_packages.register(venv, with_nodes=not ros),
    )
    if assets:
        fetcher = ROOT / 'dex1b_core' / 'dex1b_core' / 'asset_packages.py'
        cache = os.environ.get('DEX1B_CACHE', str(Path.home()))
        key = digest([fetcher], cache)
        steps.run('fetch models', key, lambda: setup_packages.fetch_assets(venv))
    if steps.done:
        print(f'setup: ready after {time.monotonic() - started:.0f} s')
    if ros:
        print(f"setup: ROS 2 '{ros}' is sourced: build the ROS packages with 'colcon build'")


def make_ros(venv: Venv, steps: Steps, installed: str) -> None:
    """What a machine without ROS 2 needs to run nodes; `installed` is the key of the wheels."""
    scripts = [TOOLS / 'setup_interfaces.py', TOOLS / 'python_only_interfaces.cmake']
    key = digest(scripts, installed)
    steps.run('repair wheels', key, lambda: setup_interfaces.repair_wheels(venv))
    wheels = digest([REQUIREMENTS / 'ros_wheels.in'])
    for package, folder in setup_interfaces.PACKAGES.items():
        steps.run(
            f'build {package}',
            digest([folder, *scripts], wheels),
            lambda package=package, folder=folder: setup_interfaces.build(venv, package, folder),
        )
    environment = [TOOLS / 'venv_environment.py', TOOLS / 'setup_packages.py']
    key = digest(environment, installed)
    steps.run('prepare environment', key, lambda: setup_packages.prepare_environment(venv))


if __name__ == '__main__':
    sys.exit(main())
