"""A hand's description found from its URDF alone: palm, fingers, thumb, directions, postures.

Everything is judged by geometry and motion. Names only decide which finger is the thumb where
geometry leaves that open.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dex1b_core.assets import asset_path, cache_folder
from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.hand_description import (
    FingerDescription,
    HandDescription,
    PalmDescription,
    Vector3,
)
from dex1b_core.robots.hand_structure import FingerChain, HandStructure, find_structure
from dex1b_core.robots.kinematics import HandKinematics
from dex1b_core.robots.link_geometry import collision_hulls
from dex1b_core.robots.link_tree import LinkTree
from dex1b_core.robots.urdf_file import check_urdf

Array = NDArray[np.float64]

SAMPLES = 2000  # postures from which motion is judged
THUMB_SAMPLES = 6000  # postures of the thumb among which the ready one is chosen
TIE = 0.2  # relative margin below which names decide which finger is the thumb
SNAP = math.cos(math.radians(18.0))  # directions nearer to an axis are taken as that axis
TIP_FRAME_DISTANCE = 0.02  # [m] a link so near to the end of the distal link is the tip
FLEXION_COSINE = 0.7  # joints so parallel to a finger's last joint bend it
READY_FRACTION, OPEN_FRACTION = 0.3, 0.1  # of a bending joint's range, from straight
THUMB_BENT = (0.15, 0.6)  # between these fractions the ready posture's thumb is bent
DEFAULT_EFFORT = 2.0  # [N m] where the URDF gives none that makes sense
HIGHEST_EFFORT = 50.0  # [N m] above this it does not
HIGHEST_VELOCITY = 4.0  # [rad/s]


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
    draft = _draft(
        structure, hulls, _relative(path), name or path.stem, root, licence, checked.path
    )
    motion = _Motion(draft, structure, _palm_centre(draft, structure, hulls))
    return motion.described(checked.repairs)


def _relative(path: Path) -> str:
    assets = cache_folder() / 'assets'
    return str(path.relative_to(assets) if path.is_relative_to(assets) else path)


def _draft(
    structure: HandStructure,
    hulls: dict[str, list[object]],
    urdf: str,
    name: str,
    root: str | None,
    licence: str,
    checked: Path,
) -> HandDescription:
    """Everything that needs no motion; directions and postures are placeholders."""
    tree = structure.tree
    root_link = _root_link(structure, root, hulls)
    below = {root_link}
    for joint in tree.joints:
        if joint.parent in below:
            below.add(joint.child)
    driven = [
        joint
        for joint in tree.joints
        if joint.kind != 'fixed' and joint.mimic is None and joint.parent in below
    ]
    names = [joint.name for joint in driven]
    fingers = {}
    for number, chain in enumerate(structure.fingers):
        tip, offset = _tip(structure, chain, hulls)
        joints = tuple(joint.name for joint in chain.joints if joint.name in names)
        if not joints:
            raise ConfigurationError(
                f"{urdf}: the finger to link '{chain.links[-1]}' has no driven joint of its own; "
                'grippers whose fingers share one joint are not supported'
            )
        fingers[f'finger_{number}'] = FingerDescription(
            links=tuple(link for link in chain.links if hulls[link] or link in chain.distal[:1]),
            tip=tip, joints=joints, tip_offset=offset,
        )  # fmt: skip
    limits = _joint_limits(checked, names)
    count = len(names)
    return HandDescription(
        key=name,
        urdf=urdf,
        licence=licence,
        root_link=root_link,
        joints=tuple(names),
        open=(0.0,) * count,
        velocity_limits=tuple(v for _, v in limits),
        acceleration_limits=tuple(round(5.0 * v, 2) for _, v in limits),
        effort_limits=tuple(e for e, _ in limits),
        squeeze_offset=0.35 if count <= 1.5 * len(fingers) else 0.15,
        controller=f'{name}_controller',
        palm=PalmDescription(link=root_link, normal=(1.0, 0.0, 0.0), fingers=(0.0, 0.0, 1.0)),
        fingers=fingers,
    )


def _root_link(structure: HandStructure, root: str | None, hulls: dict[str, list[object]]) -> str:
    """The first link of the palm's rigid body that belongs to the hand and has geometry."""
    way = [structure.palm]
    above = {joint.child: joint for joint in structure.tree.joints}
    while way[-1] != root and way[-1] in above and above[way[-1]].kind == 'fixed':
        way.append(above[way[-1]].parent)
    if way[-1] in above and way[-1] != root:
        return structure.palm  # it hangs on an arm or a wrist, whose parts are not the hand's
    while len(way) > 1 and not hulls[way[-1]]:
        way.pop()
    return way[-1]


def _palm_centre(
    draft: HandDescription, structure: HandStructure, hulls: dict[str, list[object]]
) -> Array:
    """Middle of the palm's collision geometry in the root link [m]; its origin if it has none."""
    poses = structure.tree.link_poses(structure.tree.complete({}))
    rigid = {draft.root_link}
    for joint in structure.tree.joints:
        if joint.parent in rigid and joint.kind == 'fixed':
            rigid.add(joint.child)
    points = [
        np.asarray(hull.vertices) @ pose[:3, :3].T + pose[:3, 3]  # type: ignore[attr-defined]
        for link in rigid
        for pose in [np.linalg.inv(poses[draft.root_link]) @ poses[link]]
        for hull in hulls[link]
    ]
    if not points:
        return np.zeros(3)
    cloud = np.concatenate(points)
    centre: Array = 0.5 * (cloud.min(axis=0) + cloud.max(axis=0))
    return centre


def _tip(
    structure: HandStructure, chain: FingerChain, hulls: dict[str, list[object]]
) -> tuple[str, Vector3 | None]:
    """The link at the end of a finger, or its name and place in the distal link if none is."""
    poses = structure.tree.link_poses(structure.tree.complete({}))
    body_T = {link: np.linalg.inv(poses[chain.distal[0]]) @ poses[link] for link in chain.distal}
    points = [
        np.asarray(hull.vertices) @ pose[:3, :3].T + pose[:3, 3]  # type: ignore[attr-defined]
        for link, pose in body_T.items()
        for hull in hulls[link]
    ]
    if not points:
        raise ConfigurationError(
            f"link '{chain.distal[0]}' ends a finger but has no collision geometry"
        )
    cloud = np.concatenate(points)
    outwards = cloud.mean(axis=0) / max(float(np.linalg.norm(cloud.mean(axis=0))), 1e-9)
    along = cloud @ outwards
    cap = cloud[along > along.max() - 0.003]
    end = 0.5 * (cap.min(axis=0) + cap.max(axis=0))
    near = {
        link: float(np.linalg.norm(pose[:3, 3] - end))
        for link, pose in body_T.items()
        if pose[:3, 3] @ outwards > 0.4 * along.max()
    }
    if near and min(near.values()) < TIP_FRAME_DISTANCE:
        return min(near, key=lambda link: near[link]), None
    last = [link for link in chain.links if hulls[link]][-1]
    offset = np.linalg.inv(body_T[last])[:3] @ [*end, 1.0]
    x, y, z = (round(float(value), 4) for value in offset)
    return f'{last}_tip', (x, y, z)


def _joint_limits(path: Path, names: list[str]) -> list[tuple[float, float]]:
    """Effort [N m] and velocity [rad/s] of joints."""
    import xml.etree.ElementTree as ElementTree

    limits = {j.get('name'): j.find('limit') for j in ElementTree.parse(path).findall('joint')}
    found = []
    for name in names:
        limit = limits[name]
        effort, velocity = (
            0.0 if limit is None else float(limit.get(key, '0')) for key in ('effort', 'velocity')
        )
        found.append((
            round(effort, 3) if 0.0 < effort <= HIGHEST_EFFORT else DEFAULT_EFFORT,
            round(min(velocity, HIGHEST_VELOCITY), 3) if velocity > 0.0 else HIGHEST_VELOCITY,
        ))  # fmt: skip
    return found


class _Motion:
    """What a hand's motion tells about it; everything in the root link's frame."""

    def __init__(
        self, draft: HandDescription, structure: HandStructure, palm_centre: Array
    ) -> None:
        self.draft, self.structure = draft, structure
        self.kinematics = HandKinematics(draft)
        self.lower = self.kinematics.lower.double().numpy()
        self.upper = self.kinematics.upper.double().numpy()
        self.fingers = tuple(draft.fingers.values())
        random = np.random.default_rng(0)
        self.postures = random.uniform(self.lower, self.upper, (SAMPLES, len(self.lower)))
        self.tips, self.bases, self.axes = self._measure(self.postures)
        self.reach = np.linalg.norm(self.tips - self.bases, axis=-1).max(axis=0)
        self.straight = self._straight(palm_centre)
        self.notes: list[str] = []

    def _poses(self, postures: Array) -> Array:
        """(N, L, 4, 4) link poses at (N, J) postures."""
        poses = self.kinematics.forward(torch.tensor(postures, dtype=torch.float32))
        result: Array = poses.double().numpy()
        return result

    def _measure(self, postures: Array) -> tuple[Array, Array, Array]:
        """(N, F, 3) tips, bases and axes of the last joints at (N, J) postures."""
        names = self.kinematics.link_names
        poses: Array = self._poses(postures)
        tips = poses[:, [names.index(f.tip) for f in self.fingers]][..., :3, 3]
        firsts = [chain.joints[0].child for chain in self.structure.fingers]
        bases = poses[:, [names.index(link) for link in firsts]][..., :3, 3]
        lasts = [chain.joints[-1] for chain in self.structure.fingers]
        axes = [poses[:, names.index(joint.child), :3, :3] @ joint.axis for joint in lasts]
        return tips, bases, np.stack(axes, axis=1)

    def _straight(self, palm_centre: Array) -> Array:
        """(J,) posture in which every tip is as far from the palm's middle as it gets."""
        posture: Array = 0.5 * (self.lower + self.upper)
        steps = np.linspace(0.0, 1.0, 41)
        for _ in range(3):
            for index, finger in enumerate(self.fingers):
                for name in finger.joints:
                    column = self.draft.joints.index(name)
                    sweep = np.repeat(posture[None], len(steps), axis=0)
                    low, high = self.lower[column], self.upper[column]
                    sweep[:, column] = low + steps * (high - low)
                    away = np.linalg.norm(self._measure(sweep)[0][:, index] - palm_centre, axis=1)
                    best = away > away.max() - 1e-4  # turns about the finger's own axis: the middle
                    posture[column] = sweep[best, column].mean()
        return posture

    def _places(self, thumb: int) -> Array:
        """(F, 3) where fingers stand: their bases, but of the thumb the middle of its reach."""
        places: Array = self.bases.mean(axis=0)
        places[thumb] = self.tips[:, thumb].mean(axis=0)
        return places

    def described(self, repairs: tuple[str, ...]) -> ImportedHand:
        thumb = self._thumb()
        order = [thumb, *(f for f in range(len(self.fingers)) if f != thumb)]
        others = order[1:] or order
        normal, along, lateral = self._directions(others)
        bending = self._bending()
        closing = self._closing(thumb, normal, bending)
        ready = self._ready(thumb, others, closing)
        is_open = np.where(closing != 0, self._part_closed(closing, OPEN_FRACTION), ready)
        names = _finger_names(self.structure, order, self._places(thumb) @ lateral, thumb)
        hand = self.draft.model_copy(
            update={
                'palm': PalmDescription(
                    link=self.draft.root_link, normal=_vector(normal), fingers=_vector(along)
                ),
                'fingers': {name: self.fingers[f] for name, f in zip(names, order, strict=True)},
                'open': _rounded(is_open),
                'ready': _rounded(ready),
                'closing': {
                    name: int(sign) for name, sign in zip(self.draft.joints, closing, strict=True)
                },
            }
        )
        return ImportedHand(_ordered(hand), (*repairs, *self.notes))

    def _thumb(self) -> int:
        """The finger least like the others in direction, bending axis and place.

        Two fingers compare by the angle between their mean directions, the overlap of the axes of
        their last joints over all postures, and the distance of their bases from the others'.
        """
        count = len(self.fingers)
        if count == 1:
            return 0
        outwards = (self.tips - self.bases).mean(axis=0)
        outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
        spread = np.einsum('nfi,nfj->fij', self.axes, self.axes) / len(self.axes)
        spread /= np.linalg.norm(spread, axis=(1, 2), keepdims=True)
        overlap = np.einsum('fij,gij->fg', spread, spread)
        unlike = (1.0 - outwards @ outwards.T) + (1.0 - overlap)
        bases = self.bases.mean(axis=0)
        size = float(self.reach.mean())
        scores = np.empty(count)
        for f in range(count):
            rest = [g for g in range(count) if g != f]
            away = np.linalg.norm(bases[f] - bases[rest].mean(axis=0)) / size
            scores[f] = unlike[f, rest].mean() + 0.25 * away
        close = np.flatnonzero(scores > (1.0 - TIE) * scores.max())
        if len(close) == 1:
            return int(close[0])
        named = [
            f for f in close
            if 'thumb' in self.structure.fingers[f].name or 'th_' in self.structure.fingers[f].name
        ]  # fmt: skip
        if named:
            return int(named[0])
        best = int(scores.argmax())
        self.notes.append(
            f'which finger is the thumb is not clear; taken: the one with link '
            f"'{self.fingers[best].links[-1]}'; reorder `fingers` if that is wrong"
        )
        return best

    def _directions(self, others: list[int]) -> tuple[Array, Array, Array]:
        """Unit palm normal, direction of straight fingers, and the axis about which they bend."""
        tips, bases, _ = self._measure(self.straight[None])
        straight = tips[0, others]
        along = _unit(straight - bases[0, others]).mean(axis=0)
        spread = np.einsum('nfi,nfj->ij', self.axes[:, others], self.axes[:, others])
        lateral = np.linalg.eigh(spread)[1][:, -1]
        along = _snapped(along - (along @ lateral) * lateral)
        lateral = _snapped(lateral - (lateral @ along) * along)
        normal = np.cross(lateral, along)
        swept = (self.tips[:, others].mean(axis=0) - straight).mean(axis=0)
        return (normal if swept @ normal > 0 else -normal), along, lateral

    def _bending(self) -> NDArray[np.bool_]:
        """(J,) which driven joints bend their finger: parallel to its last joint on average."""
        rotations = self._poses(self.postures)[..., :3, :3]
        names = self.kinematics.link_names
        bending = np.zeros(len(self.draft.joints), dtype=bool)
        for chain in self.structure.fingers:
            last = chain.joints[-1]
            reference = rotations[:, names.index(last.child)] @ last.axis
            for joint in chain.joints:
                if joint.name in self.draft.joints and joint.kind == 'revolute':
                    axis = rotations[:, names.index(joint.child)] @ joint.axis
                    cosine = np.abs((axis * reference).sum(axis=1)).mean()
                    bending[self.draft.joints.index(joint.name)] = cosine > FLEXION_COSINE
        return bending

    def _closing(self, thumb: int, normal: Array, bending: NDArray[np.bool_]) -> Array:
        """(J,) signs in which bending joints close: the tip comes to the palm's front.

        For the thumb, which moves across the palm, it is the direction with more range from where
        the thumb is straightest.
        """
        signs = np.zeros(len(bending))
        middle = 0.5 * (self.lower + self.upper)
        for index, finger in enumerate(self.fingers):
            for name in finger.joints:
                column = self.draft.joints.index(name)
                if not bending[column]:
                    continue
                if index == thumb:
                    sweep = np.repeat(middle[None], 41, axis=0)
                    sweep[:, column] = np.linspace(self.lower[column], self.upper[column], 41)
                    tips, bases, _ = self._measure(sweep)
                    best = np.linalg.norm(tips - bases, axis=-1)[:, index].argmax()
                    value = self.straight[column] = sweep[best, column]
                    more_above = self.upper[column] - value > value - self.lower[column]
                    signs[column] = 1.0 if more_above else -1.0
                else:
                    moved = np.repeat(self.straight[None], 2, axis=0)
                    moved[:, column] += (-0.02, 0.02)
                    tips, _, _ = self._measure(moved)
                    signs[column] = np.sign((tips[1, index] - tips[0, index]) @ normal)
        return signs

    def _part_closed(self, closing: Array, fraction: float) -> Array:
        """(J,) bending joints closed by a fraction of their range, others at or next to 0."""
        start = self.straight
        end = np.where(closing > 0, self.upper, self.lower)
        rest = np.clip(0.0, self.lower, self.upper)
        return np.where(closing != 0, start + fraction * (end - start), rest)

    def _pads(self, postures: Array, closing: Array) -> tuple[Array, Array]:
        """(N, F, 3) tips and unit directions in which they move on closing."""
        before, _, _ = self._measure(postures)
        after, _, _ = self._measure(postures + 0.01 * closing)
        return before, _unit(after - before)

    def _ready(self, thumb: int, others: list[int], closing: Array) -> Array:
        """(J,) fingers part closed, the thumb where it opposes its two nearest fingers best."""
        ready = self._part_closed(closing, READY_FRACTION)
        if others == [thumb]:
            return ready
        columns = [self.draft.joints.index(name) for name in self.fingers[thumb].joints]
        random = np.random.default_rng(1)
        postures = np.repeat(ready[None], THUMB_SAMPLES, axis=0)
        part = random.uniform(0.05, 0.95, (THUMB_SAMPLES, len(columns)))
        lower, upper, sign = (values[columns] for values in (self.lower, self.upper, closing))
        start = np.where(sign != 0, self.straight[columns], lower)
        end = np.where(sign < 0, lower, upper)
        fraction = np.where(sign != 0, THUMB_BENT[0] + np.ptp(THUMB_BENT) * part, part)
        postures[:, columns] = start + fraction * (end - start)
        tips, pads = self._pads(postures, closing)
        bases = self.bases.mean(axis=0)
        near = sorted(others, key=lambda f: float(np.linalg.norm(bases[f] - bases[thumb])))[:2]
        target = tips[:, near].mean(axis=1)
        gap = target - tips[:, thumb]
        distance = np.linalg.norm(gap, axis=1)
        gap /= distance[:, None] + 1e-9
        wanted = float(np.clip(0.6 * self.reach[others].mean(), 0.04, 0.08))
        score = (
            (pads[:, thumb] * gap).sum(axis=1)
            - (_unit(pads[:, near].mean(axis=1)) * gap).sum(axis=1)
            - 0.3 * ((distance - wanted) / 0.02) ** 2
            - 0.2 * ((2.0 * part - 1.0) ** 2).mean(axis=1)
        )
        chosen: Array = postures[score.argmax()]
        if score.max() < 0.5:
            self.notes.append(
                'the thumb does not oppose the fingers well in any posture tried; look at the '
                'picture and correct `ready`'
            )
        return chosen


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


def _finger_names(structure: HandStructure, order: list[int], side: Array, thumb: int) -> list[str]:
    """The thumb first; names from the file where they are telling, else by place across the palm.

    Args:
        structure: With the names in the file.
        order: Fingers in the order in which names are wanted.
        side: (F,) where they stand across the palm [m].
        thumb: Which is the thumb.
    """
    usual = {
        'index': 'index', 'middle': 'middle', 'ring': 'ring', 'little': 'little',
        'pinky': 'little', 'ff': 'index', 'mf': 'middle', 'rf': 'ring', 'lf': 'little',
    }  # fmt: skip
    others = [f for f in order if f != thumb]
    found = {}
    for f in others:
        text = structure.fingers[f].name
        words = text.replace('_', ' ').split()
        hits = [usual[key] for key in usual if key in words or (len(key) > 2 and key in text)]
        if hits:
            found[f] = hits[0]
    if len(set(found.values())) != len(others):
        others.sort(key=lambda f: float(side[f]))
        if others and abs(side[others[-1]] - side[thumb]) < abs(side[others[0]] - side[thumb]):
            others.reverse()
        plain = ['index', 'middle', 'ring', 'little']
        found = dict(
            zip(
                others,
                plain if len(others) <= 4 else [f'finger_{i + 1}' for i in range(len(others))],
                strict=False,
            )
        )
    return ['thumb' if f == thumb else found[f] for f in order]


def _unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Array = vectors / np.maximum(lengths, 1e-12)
    return result


def _snapped(direction: Array) -> Array:
    """The unit direction, or the axis that it nearly is."""
    unit = _unit(direction)
    axis = int(np.abs(unit).argmax())
    if abs(unit[axis]) > SNAP:
        unit = np.sign(unit[axis]) * np.eye(3)[axis]
    return unit


def _vector(values: Array) -> Vector3:
    x, y, z = (round(float(value), 4) + 0.0 for value in values)
    return x, y, z


def _rounded(values: Array) -> tuple[float, ...]:
    return tuple(round(float(value), 3) + 0.0 for value in values)
