"""URDFs of a few boxes, written where a test wants them, and what is read off them."""

from __future__ import annotations

from pathlib import Path

from dex1b_core.robots.hand_draft import draft_hand
from dex1b_core.robots.hand_motion import HandMotion
from dex1b_core.robots.hand_structure import find_structure
from dex1b_core.robots.link_geometry import collision_hulls
from dex1b_core.robots.link_tree import LinkTree

BOX = '<collision><geometry><box size="0.02 0.02 0.05"/></geometry></collision>'
LIMIT = '<limit lower="0" upper="1.5" effort="1" velocity="1"/>'


def joint(name, parent, child, *, kind='revolute', inside=LIMIT, xyz='0 0 0.05', axis='0 1 0'):
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}" rpy="0 0 0"/><axis xyz="{axis}"/>{inside}</joint>'
    )


def write(folder: Path, *parts, links=('palm', 'near', 'far'), name='hand.urdf', shape=BOX) -> Path:
    text = ''.join(f'<link name="{link}">{shape}</link>' for link in links) + ''.join(parts)
    path = folder / name
    path.write_text(f'<robot name="hand">{text}</robot>')
    return path


CHAIN = (joint('a', 'palm', 'near'), joint('b', 'near', 'far'))


def write_gripper(folder: Path, *, far: str = LIMIT) -> Path:
    """Two fingers along z that bend towards each other; `far` goes into their last joints."""
    parts = [
        joint(f'{side}_{part}', parent, f'{side}_{part}', axis=axis,
              inside=far if part == 'far' else LIMIT, xyz=f'{x if part == "near" else 0} 0 0.05')
        for side, x, axis in (('left', 0.04, '0 -1 0'), ('right', -0.04, '0 1 0'))
        for part, parent in (('near', 'palm'), ('far', f'{side}_near'))
    ]  # fmt: skip
    links = ('palm', 'left_near', 'left_far', 'right_near', 'right_far')
    shape = BOX.replace('<geometry>', '<origin xyz="0 0 0.025"/><geometry>')
    return write(folder, *parts, links=links, shape=shape)


def structure_of(path: Path):
    """Palm and fingers of a URDF, and its hulls."""
    tree = LinkTree.from_urdf(path)
    hulls = collision_hulls(path, tree.links)
    return find_structure(tree, None, {link for link, parts in hulls.items() if parts}), hulls


def motion_of(path: Path) -> HandMotion:
    """A URDF's hand in motion."""
    structure, hulls = structure_of(path)
    draft = draft_hand(
        structure, hulls, path, urdf=str(path), name='a', root=None, licence='none'
    )  # fmt: skip
    return HandMotion(draft, structure)
