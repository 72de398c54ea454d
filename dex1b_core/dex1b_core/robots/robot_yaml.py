"""A robot's description as a small YAML file that a person can read and correct."""

from __future__ import annotations

from collections.abc import Iterable

from dex1b_core.robots.description import DriveSettings, RobotDescription
from dex1b_core.robots.yaml_lines import controller_lines, line, names, numbers, text


def robot_yaml(robot: RobotDescription, hand: str, remarks: Iterable[str] = ()) -> str:
    """The file for config/robots; `load_robot` reads it back to the same description.

    Args:
        robot: What to write.
        hand: Its hand: a name under config/hands, or a file.
        remarks: Put on top as comments.
    """
    assert robot.mount is not None
    mount = (
        f'{{link: {text(robot.mount.link)}, xyz: {numbers(robot.mount.xyz)}, '
        f'rpy: {numbers(robot.mount.rpy)}}}'
    )
    arm = robot.arm
    lines = [f'# {remark}' for remark in remarks]
    lines += [
        f'name: {text(robot.name)}',
        line('arm_urdf', text(robot.arm_urdf), 'absolute, or in the asset cache'),
        line('mount', mount, '[m], [rad]'),
        f'licence: {text(robot.licence)}',
        line('base_link', text(robot.base_link), 'planning frame of this robot'),
        '',
        'arm:',
        f'  joints: {names(arm.joints)}',
        line('  home', numbers(arm.home), '[rad]'),
        line('  velocity_limits', numbers(arm.velocity_limits), '[rad/s]'),
        line('  acceleration_limits', numbers(arm.acceleration_limits), '[rad/s^2]'),
        line('  joint_margin', f'{arm.joint_margin:g}', '[rad] kept to every limit'),
        *(f'  {entry}' for entry in controller_lines(arm)),
        '',
        line('hand', text(hand), 'a name under config/hands, or a file'),
        '',
        'simulation:',
        f'  arm: {_drive(robot.simulation.arm)}',
        f'  hand: {_drive(robot.simulation.hand)}',
        '',
        'collision:',
        '  # beside neighbours in the tree: links that touch by design',
        '  disabled_groups:',
        *(f'    - {names(group)}' for group in robot.collision.disabled_groups),
        '',
        "workspace:  # the hand's root link never leaves this box, planning frame [m]",
        f'  lower: {numbers(robot.workspace.lower)}',
        f'  upper: {numbers(robot.workspace.upper)}',
    ]
    if not robot.collision.disabled_groups:
        lines[lines.index('  disabled_groups:')] = '  disabled_groups: []'
    return '\n'.join(lines) + '\n'


def _drive(drive: DriveSettings) -> str:
    return (
        f'{{stiffness: {drive.stiffness:.6g}, damping: {drive.damping:.6g}, '
        f'effort_limits: {numbers(drive.effort_limits)}, armature: {drive.armature:.6g}}}'
    )
