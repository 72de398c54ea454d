"""Contacts that MoveIt shall not count: of links that never move with what stands around them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def allow_contacts(matrix: Any, links: Iterable[str], objects: Iterable[str]) -> bool:
    """Let each link touch each object in a `moveit_msgs/AllowedCollisionMatrix`.

    What it says of others stays: a new row holds what held for its pairs without it.

    Returns:
        Whether that changed the matrix.
    """
    links, objects = tuple(links), tuple(objects)
    before = len(matrix.entry_names)
    if links:
        for name in (*links, *objects):
            if name not in matrix.entry_names:
                _append(matrix, name)
    number = {name: index for index, name in enumerate(matrix.entry_names)}
    changed = len(matrix.entry_names) > before
    for link in links:
        for name in objects:
            a, b = number[link], number[name]
            changed |= not matrix.entry_values[a].enabled[b]
            matrix.entry_values[a].enabled[b] = matrix.entry_values[b].enabled[a] = True
    return changed


def _append(matrix: Any, name: str) -> None:
    from moveit_msgs.msg import AllowedCollisionEntry

    defaults = dict(zip(matrix.default_entry_names, matrix.default_entry_values, strict=True))
    row = [bool(defaults.get(other, False)) for other in matrix.entry_names]
    for entry, allowed in zip(matrix.entry_values, row, strict=True):
        entry.enabled = [*entry.enabled, allowed]
    matrix.entry_names = [*matrix.entry_names, name]
    matrix.entry_values = [*matrix.entry_values, AllowedCollisionEntry(enabled=[*row, False])]
