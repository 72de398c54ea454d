"""The viewer in a web browser: a 3D scene and panels over viser, without ROS.

`dex1b_ros.viewer_node` feeds it from a running stack; `dex1b browse` shows files alone.
"""
