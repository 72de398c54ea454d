"""ROS parameters declared from a pydantic model and validated into it."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic.fields import FieldInfo
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, ParameterException
from rclpy.node import Node

from dex1b_core.config import StrictModel, validate
from dex1b_core.errors import ConfigurationError

Model = TypeVar('Model', bound=StrictModel)


def declare(node: Node, model: type[StrictModel], prefix: str = '') -> None:
    """Declare every field of the model; a nested model's fields become 'group.field'.

    Raises:
        ConfigurationError: a value given on the command line or in a file has the wrong type.
    """
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, StrictModel):
            declare(node, field.annotation, f'{prefix}{name}.')
            continue
        default = field.get_default(call_default_factory=True)
        value = list(default) if isinstance(default, tuple) else default
        try:
            node.declare_parameter(prefix + name, value, _descriptor(field, value))
        except (InvalidParameterTypeException, ParameterException) as error:
            raise ConfigurationError(
                f"parameter '{prefix}{name}' of node '{node.get_name()}': {error}; "
                f'expected {type(value).__name__}, e.g. {value!r}'
            ) from error


def read(node: Node, model: type[Model]) -> Model:
    """Collect declared parameters and validate them into the model.

    Raises:
        ConfigurationError: a value does not fit; the message names parameter and expectation.
    """
    return validate(_collect(node, model, ''), model, f"parameters of node '{node.get_name()}'")


def _collect(node: Node, model: type[StrictModel], prefix: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, StrictModel):
            values[name] = _collect(node, field.annotation, f'{prefix}{name}.')
            continue
        value = node.get_parameter(prefix + name).value
        values[name] = tuple(value) if isinstance(value, (list, tuple)) else value
        if hasattr(value, 'tolist'):
            values[name] = tuple(value.tolist())
    return values


def _descriptor(field: FieldInfo, default: Any) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=field.description or '')
    lower = next((m.ge for m in field.metadata if hasattr(m, 'ge')), None)
    upper = next((m.le for m in field.metadata if hasattr(m, 'le')), None)
    if lower is None or upper is None or isinstance(default, bool):
        return descriptor
    if isinstance(default, int):
        descriptor.integer_range = [IntegerRange(from_value=lower, to_value=upper)]
    elif isinstance(default, float):
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(lower), to_value=float(upper))
        ]
    return descriptor
