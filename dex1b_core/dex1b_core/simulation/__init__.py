"""Physics and depth cameras on a CPU: simulated robot, objects, world."""

from dex1b_core.simulation.settings import PhysicsSettings

__all__ = ['PhysicsSettings']
