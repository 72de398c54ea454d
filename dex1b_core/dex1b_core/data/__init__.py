"""Grasps on disk."""

from dex1b_core.data.grasp_set import GraspSet, read_grasps, write_grasps

__all__ = ['GraspSet', 'read_grasps', 'write_grasps']
