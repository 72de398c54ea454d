"""Lines of the YAML files that describe robots and hands, for people to read and correct."""

from __future__ import annotations

import yaml

from dex1b_core.robots.joint_group import Interface, JointGroup

COMMENT_COLUMN = 60


def line(key: str, value: str, comment: str) -> str:
    """A key, its value and, in a column of its own, a comment."""
    return f'{key}: {value}'.ljust(COMMENT_COLUMN) + f'  # {comment}'


def text(value: str) -> str:
    """A scalar, quoted where YAML would read it as something else."""
    written: str = yaml.safe_dump(value, width=10_000, allow_unicode=True)
    return written.removesuffix('\n').removesuffix('\n...')


def names(values: tuple[str, ...]) -> str:
    """A list of names."""
    return '[' + ', '.join(text(value) for value in values) + ']'


def numbers(values: tuple[float, ...]) -> str:
    """A list of numbers."""
    return '[' + ', '.join(f'{value:g}' for value in values) + ']'


def controller_lines(group: JointGroup) -> list[str]:
    """How a group is commanded; what is at its default is left out."""
    takes = f'takes {group.interface}'
    lines = [line('controller', text(group.controller), takes)]
    if group.interface is not Interface.FOLLOW_JOINT_TRAJECTORY:
        lines.append(f'interface: {group.interface}')
    if group.topic:
        lines.append(f'topic: {text(group.topic)}')
    if group.interface.streamed:
        lines.append(line('rate', f'{group.rate:g}', '[Hz]'))
    if group.command_joints:
        order = names(group.command_joints)
        lines.append(line('command_joints', order, 'order of a message without names'))
    return lines
