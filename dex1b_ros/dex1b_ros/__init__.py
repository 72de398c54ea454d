"""ROS 2 nodes of dex1b: they convert, check and call dex1b_core."""
