"""Run at the start of every Python of the virtual environment: the environment is a ROS prefix.

Workspaces that are sourced keep precedence over it.
"""

import os
import sys

_prefixes = [path for path in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if path]
if sys.prefix not in _prefixes:
    os.environ['AMENT_PREFIX_PATH'] = os.pathsep.join([*_prefixes, sys.prefix])
