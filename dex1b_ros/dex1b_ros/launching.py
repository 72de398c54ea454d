"""What launch files start: the nodes of a stack of `node_list`, and RViz."""

from __future__ import annotations

from typing import Any

from dex1b_core.config import config_folder
from dex1b_ros.node_list import STACKS, StackOptions


def stack_actions(stack: str) -> list[Any]:
    """Launch actions of a stack: its arguments, and its nodes with these."""
    from launch.actions import DeclareLaunchArgument, OpaqueFunction

    arguments = [
        DeclareLaunchArgument(
            name,
            default_value=argument.default,
            description=argument.description,
            choices=list(argument.choices) or None,
        )
        for name, argument in STACKS[stack][0].items()
    ]
    return [*arguments, OpaqueFunction(function=lambda context: _start(stack, context))]


def _start(stack: str, context: Any) -> list[Any]:
    from launch.actions import SetEnvironmentVariable
    from launch_ros.actions import Node

    values = dict(context.launch_configurations)
    options = StackOptions.from_strings(values)
    actions: list[Any] = [SetEnvironmentVariable(*item) for item in options.environment.items()]
    actions += [
        Node(
            package='dex1b_ros',
            executable=spec.executable,
            name=spec.name,
            namespace=options.namespace,
            parameters=[str(options.parameter_file), spec.parameters],
            ros_arguments=['--log-level', options.log_level],
            output='screen',
            sigterm_timeout='8',
            respawn=spec.restarts,
            respawn_delay=1.0,
        )
        for spec in STACKS[stack][1](options)
    ]
    if values['use_rviz'] == 'true':
        rviz_config = values['rviz_config'] or str(config_folder() / 'rviz' / f'{stack}.rviz')
        actions.append(
            Node(
                package='rviz2',
                executable='rviz2',
                namespace=options.namespace,
                arguments=['-d', rviz_config],
                parameters=[{'use_sim_time': options.sim_time}],
            )
        )
    return actions
