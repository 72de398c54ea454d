"""Grasps from a trained network, on conditions of one's choice."""

from __future__ import annotations

import torch

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.model.dexsimple import Conditions, DexSimple
from dex1b_core.model.grasp_code import GraspCode
from dex1b_core.model.joint_lines import JointLines
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.simulation.object_joint import ObjectJoint
from dex1b_core.synthesis.batch import GraspBatch

LEAST_POINTS = 16
LARGEST = 1.0  # [m] an object farther across than any hand grasps


class GraspSampler:
    """Draws grasps of one hand."""

    def __init__(self, hand: HandModel, model: DexSimple) -> None:
        self.hand, self.model = hand, model
        self._code = GraspCode(hand.kinematics)

    @torch.no_grad()
    def sample(
        self,
        cloud: torch.Tensor,
        count: int,
        generator: torch.Generator,
        *,
        plane: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
        heading: torch.Tensor | None = None,
        joint: ObjectJoint | None = None,
        temperature: float = 1.0,
        steps: int | None = None,
        each: int = 1,
    ) -> GraspBatch:
        """Grasps in the cloud's frame; pregrasp and grasp are the same.

        Args:
            cloud: (N, 3) of the object [m].
            count: How many.
            generator: Of all draws.
            plane: (4,) support, unit normal and offset; None when the object floats.
            weights: (N,) how often each point is to be associated; evenly by default.
            heading: (3,) or (count, 3) unit direction of the fingers; open by default.
            joint: That is to be moved, frame of the cloud; for networks that are told of one.
            each: So many of `count` in a row share a condition; `count` is a multiple of it.
            temperature: Scale of the noise: less is likelier and less diverse.
            steps: See `GraspDecoder.sample`; fewer are faster and less diverse.

        Raises:
            Dex1bError: TOO_FEW_POINTS, or INVALID_REQUEST for a cloud that is not finite or not of
                an object's size, or without the joint that the network asks for.
        """
        _require_cloud(cloud)
        features = self.model.encoder(cloud[self._resampled(cloud, generator)][None])
        likely = torch.ones(len(cloud)) if weights is None else weights
        places = torch.multinomial(likely, count // each, replacement=True, generator=generator)
        wanted = features.points.shape[1]
        features = self.model.encoder.append(features, cloud[places][None])
        point = wanted + torch.arange(len(places)).repeat_interleave(each)
        told = torch.zeros(count, 3) if heading is None else heading.expand(count, 3)
        height = torch.full((count,), torch.nan)
        if plane is not None:
            height[:] = features.centre[0] @ plane[:3] + plane[3]
        first = torch.zeros(count, dtype=torch.int64)
        moved = (
            None if joint is None else JointLines.of([joint]).told(first, features.points[0, point])
        )
        conditions = Conditions(first, point, told, height, moved)
        condition = self.model.condition(features, conditions)
        code = self.model.decoder.sample(condition, generator, temperature, steps)
        rotation, translation, posture = self._code.decode(code, features.centre.expand(count, 3))
        approach = torch.nn.functional.normalize(features.points[0, point] - translation, dim=1)
        return GraspBatch(rotation, translation, posture, posture, approach)

    def _resampled(self, cloud: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Indices of as many points as the network was trained on."""
        wanted = self.model.settings.cloud_points
        order = torch.randperm(len(cloud), generator=generator)
        if len(cloud) >= wanted:
            return order[:wanted]
        extra = torch.randint(len(cloud), (wanted - len(cloud),), generator=generator)
        return torch.cat([order, extra])


def _require_cloud(cloud: torch.Tensor) -> None:
    if cloud.ndim != 2 or cloud.shape[1] != 3:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, f'cloud of shape {tuple(cloud.shape)}; expected (N, 3) [m]'
        )
    if len(cloud) < LEAST_POINTS:
        raise Dex1bError(
            ErrorCode.TOO_FEW_POINTS,
            f'{len(cloud)} points on the object; expected at least {LEAST_POINTS}: move the camera '
            'closer or loosen the segmentation',
        )
    if not bool(torch.isfinite(cloud).all()):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST, 'points that are not finite; leave out pixels without depth'
        )
    extent = float((cloud.amax(dim=0) - cloud.amin(dim=0)).max())
    if extent > LARGEST:
        hint = 'looks like millimetres or centimetres' if extent > 3.0 else 'segment one object'
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'the cloud is {extent:.3g} m across; expected at most {LARGEST:g} m: {hint}',
        )
