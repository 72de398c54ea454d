"""Start the stack that opens things: ros2 launch dex1b_ros articulate.launch.py execute:=true."""

from launch import LaunchDescription

from dex1b_ros.launching import stack_actions


def generate_launch_description():
    return LaunchDescription(stack_actions('articulate'))
