"""The URDF that a file stands for: itself, an expanded xacro file or a converted MJCF model."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from dex1b_core.errors import ConfigurationError

Element = ElementTree.Element


def read_urdf(source: Path) -> tuple[Element, bool]:
    """The <robot> that a file stands for, and whether that is not what the file says itself.

    Args:
        source: .urdf, .xacro (where the tool xacro is installed) or MJCF .xml.

    Raises:
        ConfigurationError: the file cannot be read, expanded or converted.
    """
    is_xacro = source.suffix == '.xacro'
    try:
        root = ElementTree.fromstring(_expanded(source) if is_xacro else source.read_bytes())
    except OSError as error:
        raise ConfigurationError(f'{source}: cannot be read: {error.strerror}') from error
    except ElementTree.ParseError as error:
        raise ConfigurationError(f'{source}: not a readable URDF: {error}') from error
    is_mjcf = root.tag == 'mujoco'
    if is_mjcf:
        from dex1b_core.robots.mjcf import urdf_of_mjcf

        root = urdf_of_mjcf(root, source)
    if root.tag != 'robot':
        raise ConfigurationError(
            f"{source}: not a readable URDF: its top element is '{root.tag}'; expected 'robot'"
        )
    return root, is_xacro or is_mjcf


def _expanded(source: Path) -> bytes:
    tool = shutil.which('xacro')
    if tool is None:
        raise ConfigurationError(
            f"{source}: needs the tool 'xacro', which is not installed; install it "
            '(apt-get install ros-jazzy-xacro, or pip install xacro) or give the expanded URDF'
        )
    answer = subprocess.run([tool, str(source)], capture_output=True)
    if answer.returncode != 0:
        last = answer.stderr.decode(errors='replace').strip().splitlines()[-3:]
        raise ConfigurationError(f'{source}: xacro failed: {"; ".join(last)}')
    return answer.stdout
