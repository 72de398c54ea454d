"""Gives memory back that only the allocator or cycles of objects still hold."""

from __future__ import annotations

import ctypes
import gc


def release_memory() -> None:
    """Collect cycles, then return freed pages to the system; for after a large piece of work.

    Images and clouds are freed into the heaps of worker threads, which keep the peak of each
    thread for ever, and cycles that hold some wait for Python's rare full collection.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)  # glibc has it
    if trim is not None:
        trim(0)
