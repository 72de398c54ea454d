"""Start the grasp stack: ros2 launch dex1b_ros grasp.launch.py object:=mug execute:=true."""

from launch import LaunchDescription

from dex1b_ros.launching import stack_actions


def generate_launch_description():
    return LaunchDescription(stack_actions('grasp'))
