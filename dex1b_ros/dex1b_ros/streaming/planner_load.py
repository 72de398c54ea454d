"""A processor kept busy as on a real bench: by arm paths, planned one after the other."""

from __future__ import annotations

import sys
from itertools import count

import numpy as np

from dex1b_core.errors import Dex1bError
from dex1b_core.motion.collision import CollisionChecker
from dex1b_core.motion.planner import plan_path
from dex1b_core.motion.robot_model import RobotModel
from dex1b_core.motion.settings import MotionSettings
from dex1b_core.robots import load_robot


def main() -> None:
    """Argument: the robot. Runs until it is killed."""
    settings = MotionSettings()
    model = RobotModel(load_robot(sys.argv[1]))
    checker = CollisionChecker(model, {}, settings=settings)
    rng = np.random.default_rng(0)
    low, high = np.maximum(model.lower, -np.pi), np.minimum(model.upper, np.pi)

    def is_free(positions: np.ndarray) -> bool:
        return checker.is_free(model.configuration(positions))

    def free() -> np.ndarray:
        while not is_free(positions := rng.uniform(low, high)):
            pass
        return positions

    print('planning', flush=True)
    for seed in count():
        try:
            plan_path(
                free(),
                [free()],
                is_free=is_free,
                lower=low,
                upper=high,
                settings=settings,
                seed=seed,
            )
        except Dex1bError:
            continue  # a pair without a path keeps it as busy


if __name__ == '__main__':
    main()
