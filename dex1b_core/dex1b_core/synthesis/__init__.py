"""Grasp candidates for an observed object, by optimisation or by rule."""

from dex1b_core.synthesis.generator import (
    BACKENDS,
    GenerationResult,
    GraspGenerator,
    make_generator,
)

__all__ = ['BACKENDS', 'GenerationResult', 'GraspGenerator', 'make_generator']
