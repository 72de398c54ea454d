"""A hand's description found from its URDF alone: palm, fingers, thumb, directions, postures.

Everything is judged by geometry and motion. Names only decide which finger is the thumb where
geometry leaves that open.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dex1b_core.assets import asset_path, cache_folder
from dex1b_core.robots.finger_names import finger_names
from dex1b_core.robots.hand_description import HandDescription, PalmDescription, Vector3
from dex1b_core.robots.hand_directions import find_thumb, palm_directions
from dex1b_core.robots.hand_draft import draft_hand, palm_centre
from dex1b_core.robots.hand_motion import HandMotion
from dex1b_core.robots.hand_postures import find_closing, ready_posture, straight_posture
from dex1b_core.robots.hand_structure import find_structure
from dex1b_core.robots.link_geometry import collision_hulls
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.robots.urdf_file import check_urdf

Array = NDArray[np.float64]

OPEN_FRACTION = 0.1  # of a bending joint's range, from straight


@dataclass(frozen=True)
class ImportedHand:
    """A description and what was noticed on the way.

    Attributes:
        hand: The description.
        notes: Repairs of the URDF and guesses that deserve a look.
    """

    hand: HandDescription
    notes: tuple[str, ...]


def import_hand(
    model: str, *, name: str | None = None, root: str | None = None, licence: str = 'unknown'
) -> ImportedHand:
    """Describe a hand.

    Args:
        model: .urdf, .xacro or MJCF .xml; a path, or a path in the asset cache.
        name: Of the hand; None takes the file's.
        root: Link where the hand begins, for files with an arm; None lets the palm be found.
        licence: Of the model, for people.

    Raises:
        ConfigurationError: the file is malformed or holds no hand.
        AssetError: there is no such file.
    """
    path = Path(model).absolute() if Path(model).is_file() else asset_path(model)
    checked = check_urdf(path)
    tree = LinkTree.from_urdf(checked.path)
    hulls = collision_hulls(checked.path, tree.links)
    structure = find_structure(tree, root, {link for link, parts in hulls.items() if parts})
    draft = draft_hand(
        structure, hulls, checked.path,
        urdf=_relative(path), name=name or path.stem, root=root, licence=licence,
    )  # fmt: skip
    hand, notes = _described(
        HandMotion(draft, structure), palm_centre(draft.root_link, structure, hulls)
    )
    return ImportedHand(hand, (*checked.repairs, *notes))


def _relative(path: Path) -> str:
    assets = cache_folder() / 'assets'
    return str(path.relative_to(assets) if path.is_relative_to(assets) else path)


def _described(motion: HandMotion, palm: Array) -> tuple[HandDescription, tuple[str, ...]]:
    """The draft with what its motion tells, and doubts; `palm` (3,) is the palm's middle [m]."""
    draft, fingers = motion.draft, motion.fingers
    straight = straight_posture(motion, palm)
    thumb, thumb_notes = find_thumb(motion)
    order = [thumb, *(f for f in range(len(fingers)) if f != thumb)]
    others = order[1:] or order
    normal, along, lateral = palm_directions(motion, straight, others)
    closing = find_closing(motion, straight, thumb, normal)
    ready, ready_notes = ready_posture(motion, closing, thumb, others)
    is_open = np.where(closing.signs != 0, closing.part_closed(OPEN_FRACTION), ready)
    places = motion.bases.mean(axis=0)
    places[thumb] = motion.tips[:, thumb].mean(axis=0)  # it stands where it reaches
    names = finger_names(motion.structure.fingers, order, places @ lateral, thumb)
    hand = draft.model_copy(
        update={
            'palm': PalmDescription(
                link=draft.root_link, normal=_vector(normal), fingers=_vector(along)
            ),
            'fingers': {name: fingers[f] for name, f in zip(names, order, strict=True)},
            'open': _rounded(is_open),
            'ready': _rounded(ready),
            'closing': {
                name: int(sign) for name, sign in zip(draft.joints, closing.signs, strict=True)
            },
        }
    )
    return _ordered(hand), (*thumb_notes, *ready_notes)


def _ordered(hand: HandDescription) -> HandDescription:
    """The same with joints in the order of the fingers."""
    names = [joint for finger in hand.fingers.values() for joint in finger.joints]
    names += [joint for joint in hand.joints if joint not in names]
    rows = [hand.joints.index(name) for name in names]
    per_joint = ('joints', 'open', 'ready', 'velocity_limits', 'acceleration_limits',
                 'effort_limits')  # fmt: skip
    change = {key: tuple(getattr(hand, key)[row] for row in rows) for key in per_joint}
    return hand.model_copy(
        update={**change, 'closing': {name: hand.closing[name] for name in names}}
    )


def _vector(values: Array) -> Vector3:
    x, y, z = (round(float(value), 4) + 0.0 for value in values)
    return x, y, z


def _rounded(values: Array) -> tuple[float, ...]:
    return tuple(round(float(value), 3) + 0.0 for value in values)
