"""Batched differentiable kinematics of a hand, mimic joints included."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytorch_kinematics
import torch

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.hand_description import HandDescription


class HandKinematics:
    """Forward kinematics of the part of a URDF below the hand's root link.

    Attributes:
        link_names: Links of the hand, the root first.
        joint_names: Driven joints, in the order of the description.
        lower: (J,) lower limits of the driven joints [rad]; joints that mimic them are within
            their own limits too.
        upper: (J,) upper limits [rad].
    """

    def __init__(self, hand: HandDescription) -> None:
        tree = hand_urdf(hand)
        self._chain = pytorch_kinematics.build_chain_from_urdf(ElementTree.tostring(tree))
        self._chain = self._chain.to(dtype=torch.float32)
        self.joint_names: tuple[str, ...] = hand.joints
        names = list(self._chain.get_joint_parameter_names())
        self._matrix, self._offset = _mimic_map(tree, names, list(self.joint_names))
        self.lower, self.upper = _driven_limits(tree, names, self._matrix, self._offset)
        root = hand.root_link
        links = [link.get('name', '') for link in tree.findall('link')]
        self.link_names: tuple[str, ...] = (root, *(name for name in links if name != root))
        self._all_names = names

    @property
    def all_joint_names(self) -> tuple[str, ...]:
        """Every moving joint, mimic joints included, in the order of `all_joints`."""
        return tuple(self._all_names)

    def all_joints(self, driven: torch.Tensor) -> torch.Tensor:
        """Positions [rad] (B, M) of every moving joint from (B, J) of the driven ones."""
        return driven @ self._matrix.T + self._offset

    def forward(self, driven: torch.Tensor) -> torch.Tensor:
        """Link poses.

        Args:
            driven: (B, J) driven joints [rad].

        Returns:
            (B, L, 4, 4) `root_T_link`, in the order of `link_names`.
        """
        poses = self._chain.forward_kinematics(self.all_joints(driven))
        batch = driven.shape[0]
        matrices = [poses[name].get_matrix().expand(batch, 4, 4) for name in self.link_names]
        return torch.stack(matrices, dim=1)


def hand_urdf(hand: HandDescription) -> ElementTree.Element:
    """The URDF's links and joints below the hand's root link, without geometry.

    Raises:
        ConfigurationError: the description names links or joints that the URDF lacks.
    """
    root = ElementTree.parse(hand.urdf_path).getroot()
    links = {str(link.get('name')): link for link in root.findall('link')}
    joints = root.findall('joint')
    named = [hand.root_link, hand.palm.link]
    named += [link for finger in hand.fingers.values() for link in (*finger.links, finger.tip)]
    _require(named, links, 'link', hand)
    _require(list(hand.joints), {str(j.get('name')): j for j in joints}, 'joint', hand)
    tree = ElementTree.Element('robot', name=hand.key)
    pending = [hand.root_link]
    while pending:
        name = pending.pop(0)
        tree.append(ElementTree.Element('link', name=name))
        for joint in joints:
            if _end(joint, 'parent') == name:
                tree.append(joint)
                pending.append(_end(joint, 'child'))
    _require(named, {str(link.get('name')): link for link in tree.findall('link')}, 'link', hand)
    return tree


def _require(
    names: list[str], known: dict[str, ElementTree.Element], kind: str, hand: HandDescription
) -> None:
    missing = sorted({name for name in names if name not in known})
    if missing:
        raise ConfigurationError(
            f"hand '{hand.key}': {kind}s {missing} are not below '{hand.root_link}' in "
            f'{hand.urdf}; known are: {", ".join(sorted(known))}'
        )


def _end(joint: ElementTree.Element, side: str) -> str:
    element = joint.find(side)
    return '' if element is None else str(element.get('link'))


def _mimic_map(
    tree: ElementTree.Element, names: list[str], driven: list[str]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Matrix (M, J) and offset (M,) with all = matrix @ driven + offset."""
    mimics = {str(j.get('name')): j.find('mimic') for j in tree.findall('joint')}
    matrix = torch.zeros(len(names), len(driven))
    offset = torch.zeros(len(names))
    for row, name in enumerate(names):
        mimic = mimics[name]
        if name in driven:
            matrix[row, driven.index(name)] = 1.0
        elif mimic is not None and mimic.get('joint') in driven:
            column = driven.index(str(mimic.get('joint')))
            matrix[row, column] = float(mimic.get('multiplier', 1.0))
            offset[row] = float(mimic.get('offset', 0.0))
        else:
            raise ConfigurationError(
                f"joint '{name}' is neither driven nor mimics a driven joint; driven are: "
                f'{", ".join(driven)}'
            )
    return matrix, offset


def _driven_limits(
    tree: ElementTree.Element, names: list[str], matrix: torch.Tensor, offset: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    lower = torch.full((matrix.shape[1],), -torch.inf)
    upper = torch.full((matrix.shape[1],), torch.inf)
    joints = {str(j.get('name')): j for j in tree.findall('joint')}
    for row, name in enumerate(names):
        limit = joints[name].find('limit')
        if limit is None:
            continue
        column = int(matrix[row].abs().argmax())
        factor = float(matrix[row, column])
        ends = [
            (float(limit.get(k, 0.0)) - float(offset[row])) / factor for k in ('lower', 'upper')
        ]
        lower[column] = max(float(lower[column]), min(ends))
        upper[column] = min(float(upper[column]), max(ends))
    return lower, upper
