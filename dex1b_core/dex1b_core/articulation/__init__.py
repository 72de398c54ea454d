"""Objects with a joint: doors, drawers, lids, faucets, levers; grasps that move them."""

from dex1b_core.articulation.articulated_object import ArticulatedObject, load_articulated
from dex1b_core.articulation.urdf_writer import write_articulated

__all__ = ['ArticulatedObject', 'load_articulated', 'write_articulated']
