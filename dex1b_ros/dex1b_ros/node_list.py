"""The nodes of the stack, declared once: the launch files and `dex1b up` both start this list."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dex1b_core.config import config_folder


@dataclass(frozen=True)
class LaunchArgument:
    """An argument of the launch files and of `dex1b up`."""

    default: str
    description: str
    choices: tuple[str, ...] = ()


DISCOVERY = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
BOOLEAN = ('true', 'false')
LEVELS = ('debug', 'info', 'warn', 'error')

GRASP_ARGUMENTS = {
    'robot': LaunchArgument('xarm7_ability', 'robot description, a name under config/robots'),
    'object': LaunchArgument('mustard_bottle', 'object of the simulated world (YCB name or mesh)'),
    'seed': LaunchArgument('1', 'seed of the simulated world and its camera noise'),
    'generator': LaunchArgument(
        '', "optimizer, dexsimple or heuristic; empty: the parameter file's"
    ),
    'execute': LaunchArgument('false', 'whether the executor may move the robot', BOOLEAN),
    'use_mock_hardware': LaunchArgument(
        'true', 'simulate robot and camera; false = your own drivers are running', BOOLEAN
    ),
    'mock_physics': LaunchArgument(
        'true', 'simulate with physics and camera; false = joints only, no camera', BOOLEAN
    ),
    'use_sim_time': LaunchArgument('auto', 'auto = with simulated physics', ('auto', *BOOLEAN)),
    'params_file': LaunchArgument('', 'parameters; default under config/params'),
    'namespace': LaunchArgument('', 'namespace of every node'),
    'tf_prefix': LaunchArgument('', 'put before every link and joint name'),
    'autostart': LaunchArgument('true', 'configure and activate the nodes at start', BOOLEAN),
    'discovery': LaunchArgument(
        'auto', 'who may find the nodes; auto = $ROS_AUTOMATIC_DISCOVERY_RANGE, else localhost',
        ('auto', 'localhost', 'subnet'),
    ),
    'log_level': LaunchArgument('info', 'least severe message shown', LEVELS),
    'viewer': LaunchArgument(
        'false', 'show the stack in a web browser at http://127.0.0.1:8090', BOOLEAN
    ),
    'use_rviz': LaunchArgument('false', 'start RViz (ROS 2 machines)', BOOLEAN),
    'rviz_config': LaunchArgument('', 'default config/rviz/grasp.rviz'),
}  # fmt: skip


ARTICULATE_ARGUMENTS = GRASP_ARGUMENTS | {
    'object': LaunchArgument(
        'articulated:door-left-3', 'of the simulated world: articulated:CATEGORY-N, or a URDF'
    ),
    'camera': LaunchArgument('robot_side', 'of the simulated world, under config/cameras'),
    'locked': LaunchArgument('false', "whether the simulated object's joint is locked", BOOLEAN),
    'base_mass': LaunchArgument(
        '0', 'of the simulated object, but for its moving part [kg]; 0: screwed to the table'
    ),
    'rviz_config': LaunchArgument('', 'default config/rviz/articulate.rviz'),
}
del ARTICULATE_ARGUMENTS['generator']


@dataclass(frozen=True)
class StackOptions:
    """Values of GRASP_ARGUMENTS and ARTICULATE_ARGUMENTS, typed."""

    robot: str = 'xarm7_ability'
    object: str = 'mustard_bottle'
    seed: int = 1
    generator: str = ''
    execute: bool = False
    use_mock_hardware: bool = True
    mock_physics: bool = True
    use_sim_time: bool | None = None
    params_file: str = ''
    namespace: str = ''
    tf_prefix: str = ''
    autostart: bool = True
    log_level: str = 'info'
    discovery: str = 'localhost'
    viewer: bool = False
    camera: str = ''
    locked: bool = False
    base_mass: float = 0.0

    @classmethod
    def from_strings(cls, values: dict[str, str]) -> StackOptions:
        """Build from launch argument strings; unknown keys are ignored."""
        typed: dict[str, Any] = {}
        for item in fields(cls):
            text = values.get(item.name, '')
            if item.name == 'discovery' and text in ('', 'auto'):
                text = os.environ.get(DISCOVERY, 'localhost').lower()
            if text == '' or text == 'auto':
                continue
            is_flag = isinstance(item.default, bool) or item.name == 'use_sim_time'
            typed[item.name] = text == 'true' if is_flag else type(item.default)(text)
        return cls(**typed)

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the nodes: beyond this machine nobody finds them unless asked."""
        return {DISCOVERY: self.discovery.upper()}

    @property
    def simulated(self) -> bool:
        """Whether the physics simulation stands in for robot and camera."""
        return self.use_mock_hardware and self.mock_physics

    @property
    def sim_time(self) -> bool:
        """Whether nodes run on /clock."""
        return self.simulated if self.use_sim_time is None else self.use_sim_time

    @property
    def parameter_file(self) -> Path:
        """The file given, else the one that fits the hardware."""
        name = 'simulation.yaml' if self.use_mock_hardware else 'real.yaml'
        return Path(self.params_file) if self.params_file else config_folder() / 'params' / name


@dataclass(frozen=True)
class NodeSpec:
    """One node: an executable of dex1b_ros with parameters beside the parameter file's.

    Attributes:
        restarts: Whether it is started again when it dies. Nodes that command the robot, or that
            remember a stop, are not: that takes a human.
    """

    name: str
    executable: str
    parameters: dict[str, Any] = field(default_factory=dict)
    restarts: bool = False


def grasp_nodes(options: StackOptions) -> tuple[NodeSpec, ...]:
    """The nodes of the grasp stack, in the order of the data flow."""
    common = _common(options)
    sim_robot = {'object': options.object, 'seed': options.seed, 'use_sim_time': False}
    backend = {'backend': options.generator} if options.generator else {}
    nodes = _robot(options, common, sim_robot)
    nodes += [
        NodeSpec('perception', 'perception_node', common, restarts=True),
        NodeSpec('generator', 'generator_node', common | backend, restarts=True),
        NodeSpec('sim_check', 'sim_check_node', common, restarts=True),
        NodeSpec('grasp_server', 'grasp_server', common, restarts=True),
        NodeSpec('executor', 'executor_node', common | {'execute': options.execute}),
        NodeSpec('safety_monitor', 'safety_monitor', common),
    ]
    if options.viewer:
        nodes.append(NodeSpec('viewer', 'viewer_node', common))
    return tuple(nodes)


def articulate_nodes(options: StackOptions) -> tuple[NodeSpec, ...]:
    """The nodes of the stack that opens things, in the order of the data flow."""
    from dex1b_core.articulation.seen_part import FURNITURE

    common = _common(options)
    sim_robot = {
        'object': options.object,
        'seed': options.seed,
        'camera': options.camera or ARTICULATE_ARGUMENTS['camera'].default,
        'locked': options.locked,
        'base_mass': options.base_mass,
        'use_sim_time': False,
    }
    scene = {f'scene.{name}': value for name, value in FURNITURE.items()}
    return (
        *_robot(options, common, sim_robot),
        NodeSpec('perception', 'perception_node', common | scene, restarts=True),
        NodeSpec('articulation_server', 'articulation_server', common, restarts=True),
        NodeSpec('executor', 'executor_node', common | {'execute': options.execute}),
        NodeSpec('safety_monitor', 'safety_monitor', common),
    )


STACKS = {
    'grasp': (GRASP_ARGUMENTS, grasp_nodes),
    'articulate': (ARTICULATE_ARGUMENTS, articulate_nodes),
}
"""Arguments and nodes of each stack, by its name."""


def _common(options: StackOptions) -> dict[str, Any]:
    """Parameters of every node."""
    return {
        'robot': options.robot,
        'tf_prefix': options.tf_prefix,
        'autostart': options.autostart,
        'use_sim_time': options.sim_time,
    }


def _robot(
    options: StackOptions, common: dict[str, Any], sim_robot: dict[str, Any]
) -> list[NodeSpec]:
    """What stands in for robot and camera."""
    if options.simulated:
        return [NodeSpec('sim_robot', 'sim_robot_node', common | sim_robot)]
    if options.use_mock_hardware:
        return [NodeSpec('mock_robot', 'mock_robot_node', common)]
    return []
