"""Start the grasp stack: ros2 launch dex1b_ros grasp.launch.py object:=mug execute:=true."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch_ros.actions import Node

from dex1b_core.config import config_folder
from dex1b_ros.node_list import GRASP_ARGUMENTS, StackOptions, grasp_nodes


def start_nodes(context):
    values = dict(context.launch_configurations)
    options = StackOptions.from_strings(values)
    actions = [SetEnvironmentVariable(*item) for item in options.environment.items()]
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
        for spec in grasp_nodes(options)
    ]
    if values['use_rviz'] == 'true':
        rviz_config = values['rviz_config'] or str(config_folder() / 'rviz' / 'grasp.rviz')
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


def generate_launch_description():
    arguments = [
        DeclareLaunchArgument(
            name,
            default_value=argument.default,
            description=argument.description,
            choices=list(argument.choices) or None,
        )
        for name, argument in GRASP_ARGUMENTS.items()
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start_nodes)])
