#!/bin/bash
# Sources ROS and the workspace, then becomes the command.
set -e
source /opt/ros/jazzy/setup.bash
source /workspace/install/setup.bash
exec "$@"
