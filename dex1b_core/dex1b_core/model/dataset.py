"""Demonstrations as a network is trained on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dex1b_core.data.demonstrations import Demonstrations
from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.sdf import build_sdf
from dex1b_core.geometry.sdf_batch import SdfBatch
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.joint_lines import JointLines
from dex1b_core.model.training_shape import training_shape
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.object_joint import ObjectJoint

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrainingObject:
    """An object and the grasps on it.

    Attributes:
        samples: To draw clouds from.
        rows: (R,) of the set.
        joint: That moves it; None for a free object.
    """

    samples: SurfaceSamples
    rows: NDArray[np.int64]
    joint: ObjectJoint | None = None


@dataclass(frozen=True)
class GraspDataset:
    """Grasps that held, object frame.

    Attributes:
        rotation, translation, posture: (N, 3, 3), (N, 3) [m], (N, J) [rad] in the hand's order.
        plane: (N, 4) support; NaN where the object floats.
        objects: By name.
        grids: Signed distances, one of each object, packed: 2 MB an object.
    """

    rotation: torch.Tensor
    translation: torch.Tensor
    posture: torch.Tensor
    plane: torch.Tensor
    objects: Mapping[str, TrainingObject]
    grids: SdfBatch

    @classmethod
    def of(cls, rows: Demonstrations, hand: HandModel) -> Self:
        """Load the objects of all rows that held.

        Raises:
            Dex1bError: INVALID_REQUEST when the rows are another hand's, or none held.
        """
        joints = hand.kinematics.joint_names
        if rows.provenance.joints != tuple(joints):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'the data are for joints {", ".join(rows.provenance.joints)}; expected those of '
                f"'{hand.hand.key}': {', '.join(joints)}",
            )
        good = rows.select(rows.held)
        if not len(good):
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'none of {len(rows)} grasps held; train on more or better seeds',
            )
        names = good.values('object')
        objects, grids = {}, []
        for name in dict.fromkeys(names.tolist()):
            shape = training_shape(name)
            own = np.flatnonzero(names == name)
            samples = SurfaceSamples.of_solid(shape.solid)
            objects[name] = TrainingObject(samples, own, shape.joint)
            grids.append(build_sdf(shape.solid.vertices, shape.solid.faces))
        return cls(
            torch.from_numpy(good.vectors('rotation').reshape(-1, 3, 3)),
            torch.from_numpy(good.vectors('translation')),
            torch.from_numpy(good.vectors('grasp')),
            torch.from_numpy(good.vectors('plane')),
            objects,
            SdfBatch.build(grids, torch.arange(len(grids))),
        )

    def __len__(self) -> int:
        return len(self.translation)


@dataclass(frozen=True)
class GraspBatchSample:
    """B grasps on O clouds, turned at random with their objects.

    Attributes:
        clouds: (O, N, 3) [m].
        cloud: (B,) index of each grasp's.
        rotation, translation, posture: Of the grasps.
        height: (O,) see `Conditions`; measured from the mean of the cloud.
        turns: (O, 3, 3) by which objects and grasps were turned.
        sdfs: Of each grasp's object, as it was before.
        joints: Of the clouds' objects, turned; None unless all have one.
    """

    clouds: torch.Tensor
    cloud: torch.Tensor
    rotation: torch.Tensor
    translation: torch.Tensor
    posture: torch.Tensor
    height: torch.Tensor
    turns: torch.Tensor
    sdfs: SdfBatch
    joints: JointLines | None = None


def draw_batch(
    data: GraspDataset,
    rng: np.random.Generator,
    *,
    objects: int,
    each: int,
    points: int,
    seen: float,
) -> GraspBatchSample:
    """Objects evenly, then grasps of each evenly: rare objects count as much as others.

    Args:
        data: To draw from.
        rng: Of all draws.
        objects: O, with repeats.
        each: Grasps of each.
        points: Of each cloud.
        seen: Part of the clouds that show one side only.
    """
    names = list(data.objects)
    drawn = rng.integers(len(names), size=objects)
    clouds, rows, turns, heights = [], [], [], []
    for index in drawn:
        target = data.objects[names[index]]
        row = rng.choice(target.rows)
        plane = data.plane[row].numpy().astype(float)
        floats = np.isnan(plane).any()
        if floats:
            turn = Rotation.random(random_state=int(rng.integers(2**31))).as_matrix()
        else:
            turn = Rotation.from_rotvec(rng.uniform(0.0, 2.0 * np.pi) * plane[:3]).as_matrix()
        if rng.random() < seen:
            view = None if floats else _from_above(plane[:3], rng)
            cloud = target.samples.seen(points, rng, view)
        else:
            cloud = target.samples.full(points, rng)
        mean = cloud.mean(dim=0).numpy().astype(float)
        heights.append(np.nan if floats else float(mean @ plane[:3] + plane[3]))
        clouds.append(cloud @ torch.as_tensor(turn.T, dtype=torch.float32))
        rows.append(rng.choice(target.rows, each))
        turns.append(torch.as_tensor(turn, dtype=torch.float32))
    chosen = torch.as_tensor(np.concatenate(rows))
    cloud_of = torch.arange(objects).repeat_interleave(each)
    turned = torch.stack(turns)
    of_each = turned[cloud_of]
    return GraspBatchSample(
        torch.stack(clouds),
        cloud_of,
        of_each @ data.rotation[chosen],
        (of_each @ data.translation[chosen][..., None])[..., 0],
        data.posture[chosen],
        torch.tensor(heights, dtype=torch.float32),
        turned,
        data.grids.select(torch.as_tensor(drawn).repeat_interleave(each)),
        _joints([data.objects[names[index]].joint for index in drawn], turned),
    )


def _joints(joints: list[ObjectJoint | None], turns: torch.Tensor) -> JointLines | None:
    known = [joint for joint in joints if joint is not None]
    return JointLines.of(known).turned(turns) if len(known) == len(joints) else None


def _from_above(normal: Array, rng: np.random.Generator) -> Array:
    """(3,) direction to a camera 15 to 75 degrees above the support."""
    helper = np.eye(3)[np.abs(normal).argmin()]
    side = np.cross(normal, helper)
    side /= np.linalg.norm(side)
    angle, height = rng.uniform(0.0, 2.0 * np.pi), np.radians(rng.uniform(15.0, 75.0))
    level = np.cos(angle) * side + np.sin(angle) * np.cross(normal, side)
    view: Array = np.cos(height) * level + np.sin(height) * normal
    return view
