"""Dexterous grasps from point clouds: synthesis, physics checks, motion. No ROS in here."""

__version__ = '0.1.0'
