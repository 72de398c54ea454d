"""docs/interfaces.md lists what the nodes really have."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dex1b_core.config import StrictModel
from dex1b_ros.node import NodeParameters
from dex1b_ros.node_list import ARTICULATE_ARGUMENTS, GRASP_ARGUMENTS

PAGE = (Path(__file__).resolve().parents[2] / 'docs' / 'interfaces.md').read_text()
NODES = {
    'perception': 'perception_node.PerceptionNode',
    'generator': 'generator_node.GeneratorNode',
    'sim_check': 'sim_check_node.SimCheckNode',
    'grasp_server': 'grasp_server.GraspServer',
    'articulation_server': 'articulation_server.ArticulationServer',
    'executor': 'executor_node.Executor',
    'safety_monitor': 'safety_monitor.SafetyMonitor',
    'sim_robot': 'sim_robot_node.SimRobotNode',
    'mock_robot': 'mock_robot_node.MockRobotNode',
    'viewer': 'viewer_node.ViewerNode',
}


def parameters(node: str) -> Iterator[tuple[str, Any]]:
    """Name and default of what a node has beside what every node has."""
    module, name = NODES[node].split('.')
    model = getattr(importlib.import_module(f'dex1b_ros.{module}'), name).Parameters
    for key, field in model.model_fields.items():
        if key in NodeParameters.model_fields:
            continue
        kind = field.annotation
        group = isinstance(kind, type) and issubclass(kind, StrictModel)
        yield (f'{key}.*', None) if group else (key, field.get_default())


@pytest.mark.parametrize('node', NODES)
def test_parameters_are_listed_with_their_defaults(node: str) -> None:
    section = re.split(r'\n### ', PAGE.split(f'\n### {node}\n')[1])[0]
    listed = dict(re.findall(r'^\| `([^`]+)` \|(?: `([^`]*)`)? \|', section, re.MULTILINE))
    expected = {name: shown(default) for name, default in parameters(node)}
    assert {name: text.strip().strip('"') for name, text in listed.items()} == expected


def shown(default: Any) -> str:
    if default is None:
        return ''
    if isinstance(default, bool):
        return str(default).lower()
    return str(list(default)) if isinstance(default, tuple) else str(default)


def test_launch_arguments_are_listed() -> None:
    section = PAGE.split('## Launch arguments')[1].split('\n## ')[0]
    assert set(GRASP_ARGUMENTS) | set(ARTICULATE_ARGUMENTS) <= set(re.findall(r'`(\w+)`', section))
