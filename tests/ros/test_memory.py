"""What was freed goes back to the system."""

import gc
import os
import threading

import numpy as np

from dex1b_ros.memory import release_memory
from dex1b_ros.processes import usage


class Held:
    """Holds blocks that are too small to be mapped by themselves, and itself."""

    def __init__(self) -> None:
        self.itself = self
        self.blocks = [np.ones(8192) for _ in range(1500)]  # 64 KiB each


def test_cycles_and_heaps_of_threads_are_given_back():
    gc.disable()
    try:
        thread = threading.Thread(target=Held)
        thread.start()
        thread.join()
        before = usage(os.getpid()).memory_mb
        release_memory()
        assert before - usage(os.getpid()).memory_mb > 60.0
    finally:
        gc.enable()
