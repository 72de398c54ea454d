"""Hypothesis strategies for malformed ROS messages and files."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from dex1b_ros.conversions import to_bytes

_INTEGERS = {
    'uint8': (0, 255), 'int8': (-128, 127), 'uint16': (0, 65535), 'int16': (-32768, 32767),
    'uint32': (0, 2**32 - 1), 'int32': (-(2**31), 2**31 - 1), 'uint64': (0, 2**64 - 1),
    'int64': (-(2**63), 2**63 - 1), 'octet': (0, 255), 'byte': (0, 255), 'char': (0, 255),
}  # fmt: skip
_ODD = (0.0, -0.0, 1.0, -1.0, 1e-12, 1e12, 1e300, math.nan, math.inf, -math.inf)
_WORDS = ('.nan', '.inf', '-1', '1e9', '[]', '{}', 'null', 'yes', '"x"', ':')
_MOST = 6  # items of a list drawn anew


def numbers(single: bool) -> st.SearchStrategy[float]:
    """Also those that are none; `single` = within float32."""
    odd = [value for value in _ODD if not single or not math.isfinite(value) or abs(value) < 1e38]
    return st.sampled_from(odd) | st.floats(-10, 10, width=32 if single else 64)


def scalar(kind: str) -> st.SearchStrategy[Any]:
    """A value of a primitive type."""
    if kind in _INTEGERS:
        return st.integers(*_INTEGERS[kind])
    if kind == 'boolean':
        return st.booleans()
    if kind in ('float', 'double'):
        return numbers(kind == 'float')
    return st.text(st.characters(codec='utf-8', exclude_characters='\0'), max_size=12)


@st.composite
def spoiled(draw: st.DrawFn, base: Any, changes: int = 3) -> Any:
    """A copy of a message with one to `changes` fields changed, at any depth."""
    message = copy.deepcopy(base)
    for _ in range(draw(st.integers(1, changes))):
        _spoil(draw, message)
    return message


def _spoil(draw: st.DrawFn, message: Any) -> None:
    fields = message.get_fields_and_field_types()
    name = draw(st.sampled_from(sorted(fields)))
    kind, value = fields[name], getattr(message, name)
    if '[' not in kind and not kind.startswith('sequence'):
        if hasattr(value, 'get_fields_and_field_types'):
            _spoil(draw, value)
        else:
            setattr(message, name, draw(scalar(kind.split('<')[0])))
        return
    item = kind.removeprefix('sequence<').split('>')[0].split(',')[0].split('[')[0]
    if '/' in item:
        _spoil_messages(draw, value)
    elif item == 'uint8':
        setattr(message, name, _spoiled_bytes(draw, bytes(bytearray(value)), '[' in kind))
    else:
        _spoil_values(draw, message, name, item, fixed='[' in kind)


def _spoil_messages(draw: st.DrawFn, items: Any) -> None:
    what = draw(st.sampled_from(('change', 'drop', 'repeat')))
    if not items:
        return
    k = draw(st.integers(0, len(items) - 1))
    if what == 'change':
        _spoil(draw, items[k])
    elif what == 'drop' and isinstance(items, list):
        del items[k]
    elif isinstance(items, list):
        items.append(copy.deepcopy(items[k]))


def _spoiled_bytes(draw: st.DrawFn, data: bytes, fixed: bool) -> Any:
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        if changed:
            changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    if not fixed and draw(st.booleans()):
        changed = changed[: draw(st.integers(0, len(changed)))]
    return np.frombuffer(bytes(changed), np.uint8) if fixed else to_bytes(
        np.frombuffer(bytes(changed), np.uint8))  # fmt: skip


def _spoil_values(draw: st.DrawFn, message: Any, name: str, item: str, *, fixed: bool) -> None:
    values = list(getattr(message, name))
    if fixed or (values and draw(st.booleans())):
        if values:
            values[draw(st.integers(0, len(values) - 1))] = draw(scalar(item))
    elif draw(st.booleans()):
        values = values[: draw(st.integers(0, len(values)))]
    else:
        values = draw(st.lists(scalar(item), max_size=_MOST))
    setattr(message, name, values)


@st.composite
def spoiled_file(draw: st.DrawFn, data: bytes, header: int) -> bytes:
    """A file with bytes changed, cut off, doubled or put in among its first `header` ones."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.sampled_from(('change', 'cut', 'double', 'insert')))
        begin = draw(st.integers(0, max(0, min(len(changed), header) - 1)))
        length = draw(st.integers(1, 40))
        if what == 'cut':
            end = begin + length if draw(st.booleans()) else len(changed)
            del changed[begin:end]
        elif what == 'double':
            changed[begin:begin] = changed[begin : begin + length]
        elif what == 'insert':
            changed[begin:begin] = draw(st.binary(max_size=12))
        elif changed:
            changed[begin] = draw(st.integers(0, 255))
    return bytes(changed)


@st.composite
def spoiled_text(draw: st.DrawFn, text: str) -> bytes:
    """A text file, such as YAML, with a word replaced or a line dropped, doubled or indented."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        k = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(('drop', 'double', 'indent', 'word', 'word', 'word')))
        if what == 'drop' and len(lines) > 1:
            del lines[k]
        elif what == 'double':
            lines.insert(k, lines[k])
        elif what == 'indent':
            lines[k] = ' ' * draw(st.integers(1, 4)) + lines[k]
        else:
            words = lines[k].split(' ')
            word = st.sampled_from(_WORDS) | st.text(max_size=6)
            words[draw(st.integers(0, len(words) - 1))] = draw(word)
            lines[k] = ' '.join(words)
    return '\n'.join(lines).encode('utf-8', 'surrogatepass')
