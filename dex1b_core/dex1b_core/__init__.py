"""Dexterous grasps from point clouds: synthesis, physics checks, motion. No ROS in here."""


def __getattr__(name: str) -> str:
    """`__version__`, of the installed package: only manifest and setup.py hold the number."""
    if name == '__version__':
        from importlib.metadata import version  # takes as long as all the rest

        return version('dex1b_core')
    raise AttributeError(f"module 'dex1b_core' has no attribute '{name}'")
