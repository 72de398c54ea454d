"""A hand's description as a small YAML file that a person can read and correct."""

from __future__ import annotations

from dex1b_core.robots.hand_description import HandDescription
from dex1b_core.robots.yaml_lines import controller_lines
from dex1b_core.robots.yaml_lines import line as _line
from dex1b_core.robots.yaml_lines import names as _names
from dex1b_core.robots.yaml_lines import numbers as _numbers
from dex1b_core.robots.yaml_lines import text as _text


def hand_yaml(hand: HandDescription, remarks: tuple[str, ...] = ()) -> str:
    """The file for config/hands; `load_hand` reads it back to the same description.

    Args:
        hand: What to write.
        remarks: Put on top as comments.
    """
    lines = [f'# {remark}' for remark in remarks]
    lines += [
        f'key: {_text(hand.key)}',
        _line('urdf', _text(hand.urdf), 'absolute, or in the asset cache'),
        f'licence: {_text(hand.licence)}',
        _line('root_link', _text(hand.root_link), 'grasps place this link'),
        _line('joints', _names(hand.joints), 'driven; mimics follow'),
        _line('open', _numbers(hand.open), '[rad] before contact'),
    ]
    if hand.ready is not None:
        lines.append(_line('ready', _numbers(hand.ready), '[rad] where synthesis starts'))
    if hand.closing:
        signs = [hand.closing.get(joint, 0) for joint in hand.joints]
        pairs = zip(hand.joints, signs, strict=True)
        text = '{' + ', '.join(f'{_text(joint)}: {sign}' for joint, sign in pairs) + '}'
        lines.append(_line('closing', text, 'direction that closes a finger; 0: none'))
    lines += [
        _line('velocity_limits', _numbers(hand.velocity_limits), '[rad/s]'),
        _line('acceleration_limits', _numbers(hand.acceleration_limits), '[rad/s^2]'),
        _line('effort_limits', _numbers(hand.effort_limits), '[N m]'),
        _line('squeeze_offset', f'{hand.squeeze_offset:g}', '[rad] command past contact'),
        *controller_lines(hand),
    ]
    defaults = type(hand).model_fields
    for name in ('contacts_per_finger', 'contact_margin', 'spheres_per_link'):
        if getattr(hand, name) != defaults[name].default:
            lines.append(f'{name}: {getattr(hand, name):g}')
    lines += [
        'palm:',
        f'  link: {_text(hand.palm.link)}',
        _line('  normal', _numbers(hand.palm.normal), 'out of the palm, towards a held object'),
        _line('  fingers', _numbers(hand.palm.fingers), 'along the straight fingers'),
        '# the thumb first; links from the palm outwards, the last is the distal one',
        'fingers:',
    ]
    for name, finger in hand.fingers.items():
        lines.append(f'  {_text(name)}:')
        lines.append(f'    links: {_names(finger.links)}')
        lines.append(f'    joints: {_names(finger.joints)}')
        lines.append(f'    tip: {_text(finger.tip)}')
        if finger.tip_offset is not None:
            lines.append(
                _line('    tip_offset', _numbers(finger.tip_offset), '[m] in the distal link')
            )
        if finger.contacts is not None:
            lines.append(f'    contacts: {finger.contacts}')
    return '\n'.join(lines) + '\n'
