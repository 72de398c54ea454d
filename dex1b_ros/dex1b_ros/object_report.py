"""What is known of every object seen, and how old it is, as diagnostics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from dex1b_core.perception import DepthFrame, Instance, Scene

PROCESSOR = 'processor'
DOUBTFUL = 0.7  # completeness or confidence below which an object is a warning


def objects_msg(
    scene: Scene,
    frames: Sequence[DepthFrame],
    header: Header,
    now_s: float,
    processor_s: Mapping[str, float],
) -> DiagnosticArray:
    """A status for each object, `object LABEL`, for each camera, `camera NAME`, and `processor`.

    Args:
        scene: What was seen.
        frames: That it was seen in.
        header: Of the scene.
        now_s: The node's clock, for ages.
        processor_s: Processor time of the stages [s].
    """
    target = scene.observation.label
    status = [_object(instance, instance.label == target) for instance in scene.instances]
    status += [_camera(frame, now_s) for frame in frames]
    used = {stage: f'{seconds:.6f}' for stage, seconds in processor_s.items()}
    values = [KeyValue(key=key, value=value) for key, value in used.items()]
    status.append(DiagnosticStatus(level=DiagnosticStatus.OK, name=PROCESSOR, values=values))
    return DiagnosticArray(header=header, status=status)


def _object(instance: Instance, is_target: bool) -> DiagnosticStatus:
    seen, box = instance.visibility, instance.box
    doubtful = min(seen.completeness, seen.confidence) < DOUBTFUL
    place = dict(zip('xyz', box.planning_T_box[:3, 3], strict=True))
    size = dict(zip(('length', 'width', 'height'), box.size, strict=True))
    values = {
        'completeness': seen.completeness,
        'confidence': seen.confidence,
        'graspability': instance.graspability,
        **place,
        **size,
    }
    return DiagnosticStatus(
        level=DiagnosticStatus.WARN if doubtful else DiagnosticStatus.OK,
        name=f'object {instance.label}',
        message='target' if is_target else '',
        values=_values({'points': len(instance.points)} | values),
    )


def _camera(frame: DepthFrame, now_s: float) -> DiagnosticStatus:
    values = {'age': now_s - frame.stamp_s, 'span': frame.span_s}
    return DiagnosticStatus(
        level=DiagnosticStatus.OK, name=f'camera {frame.camera}', values=_values(values)
    )


def _values(values: dict[str, float]) -> list[KeyValue]:
    return [
        KeyValue(key=key, value=str(value) if isinstance(value, int) else f'{value:.3f}')
        for key, value in values.items()
    ]
