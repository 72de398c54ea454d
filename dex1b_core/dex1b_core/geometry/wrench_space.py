"""What contacts with friction can do to a body: cones, wrench spaces, quality, tasks.

Wrenches are (force [N], torque / torque_length [N]) about a centre; contacts push inwards.
Contact frames have the inward normal as first column, then two tangents.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from dex1b_core.errors import Dex1bError, ErrorCode

Array = NDArray[np.float64]

EDGES = 8
"""Edges of the pyramids that stand for friction cones."""

_TOLERANCE = 1e-6  # of the quality
_PUSHED = 20  # facets pushed out before hulls are taken anew


@dataclass(frozen=True)
class ForceBalance:
    """Contact forces that come closest to a wanted wrench.

    Attributes:
        forces: (n, 3) [N] in contact frames: normal, two tangents.
        residual: Length of what is missing of the wrench.
    """

    forces: Array
    residual: float


def contact_frames(inward: torch.Tensor) -> torch.Tensor:
    """(..., 3, 3) right-handed frames whose first column is the unit normal (..., 3)."""
    helper = torch.zeros_like(inward)
    helper.scatter_(-1, inward.detach().abs().argmin(dim=-1, keepdim=True), 1.0)
    first = torch.nn.functional.normalize(torch.linalg.cross(inward, helper), dim=-1)
    return torch.stack([inward, first, torch.linalg.cross(inward, first)], dim=-1)


def grasp_matrix(
    points: torch.Tensor, inward: torch.Tensor, centre: torch.Tensor, *, torque_length: float
) -> torch.Tensor:
    """Maps from contact forces in contact frames to wrenches, differentiable.

    Args:
        points: (..., n, 3) contacts [m].
        inward: (..., n, 3) unit normals into the object.
        centre: (3,) or (..., 1, 3) point about which torques are taken [m].
        torque_length: Arm [m] at which a torque weighs as much as a force.

    Returns:
        (..., n, 6, 3).
    """
    frames = contact_frames(inward)
    arms = ((points - centre) / torque_length).unsqueeze(-1).expand_as(frames)
    return torch.cat([frames, torch.linalg.cross(arms, frames, dim=-2)], dim=-2)


def friction_pyramid(friction: float, edges: int = EDGES) -> torch.Tensor:
    """(edges, 3) float64 forces with unit normal part, along the edges of a linearised cone.

    The pyramid lies inside the cone: (1, mu cos, mu sin).

    Raises:
        Dex1bError: INVALID_REQUEST for a negative friction or fewer than three edges.
    """
    if not (math.isfinite(friction) and friction >= 0.0 and edges >= 3):
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'friction {friction} with {edges} edges; expected friction >= 0 and at least 3 edges',
        )
    angle = 2.0 * math.pi * torch.arange(edges, dtype=torch.float64) / edges
    normal = torch.ones_like(angle)
    return torch.stack([normal, friction * torch.cos(angle), friction * torch.sin(angle)], dim=-1)


def primitive_wrenches(grasp: torch.Tensor, friction: float, edges: int = EDGES) -> torch.Tensor:
    """Wrenches of unit normal forces along the edges of each contact's pyramid.

    Args:
        grasp: (..., n, 6, 3) from `grasp_matrix`.
        friction: Coulomb coefficient.
        edges: Of the pyramid.

    Returns:
        (..., n, edges, 6).
    """
    pyramid = friction_pyramid(friction, edges).to(grasp)
    return torch.einsum('...nwi,ei->...new', grasp, pyramid)


def epsilon_quality(
    grasp: torch.Tensor, friction: float, *, edges: int = EDGES, each_contact: bool = False
) -> float:
    """Radius of the largest ball of wrenches around zero that the contacts can resist.

    Ferrari and Canny, ICRA 1992: with normal forces that add up to 1 (their Q1: the convex hull
    of all primitive wrenches), or of at most 1 at each contact (the Minkowski sum of the cones).
    Solved without the Minkowski sum, by pushing out the nearest facet of an inner hull until it
    lies on the boundary (Zheng, IEEE T-RO 2013). DexGraspNet's Q1 has friction 1, 8 edges,
    torque_length 0.1 m, the frame's origin as centre, and is cut off at 1.

    Args:
        grasp: (n, 6, 3) from `grasp_matrix`.
        friction: Coulomb coefficient.
        edges: Of the pyramids.
        each_contact: Whether each normal force is bounded by 1 instead of their sum.

    Returns:
        0 when some wrench cannot be resisted at all.
    """
    wrenches = primitive_wrenches(grasp, friction, edges).detach().double().cpu().numpy()
    if len(wrenches) < 2 or np.linalg.matrix_rank(wrenches.reshape(-1, 6), tol=1e-6) < 6:
        return 0.0
    points = [np.zeros(6)]
    points += [
        _farthest(wrenches, sign * axis, each_contact) for axis in np.eye(6) for sign in (1, -1)
    ]
    points += [wrench for contact in wrenches for wrench in contact]
    while True:
        hull = _hull(np.array(points))
        if hull is None:
            return 0.0
        hull = hull[np.argsort(-hull[:, 6])]
        outer = [_farthest(wrenches, facet[:6], each_contact) for facet in hull[:_PUSHED]]
        if float(outer[0] @ hull[0, :6]) <= -hull[0, 6] + _TOLERANCE:
            return max(0.0, float(-hull[0, 6]))
        points += outer


def balance(
    grasp: torch.Tensor,
    wrench: ArrayLike,
    friction: float,
    *,
    edges: int = EDGES,
    squeeze: float | None = None,
) -> ForceBalance:
    """Contact forces within friction pyramids that come closest to a wrench.

    min |G f - w| over f = sum_e l_e (edge e), l >= 0: non-negative least squares, the residual of
    BODex's and DexGraspBench's QP metrics.

    Args:
        grasp: (n, 6, 3) from `grasp_matrix`.
        wrench: (6,) wanted.
        friction: Coulomb coefficient.
        edges: Of the pyramids.
        squeeze: What the normal forces add up to [N]; None leaves them free. With a wrench of
            zeros the residual tells how far from force closure the contacts are.
    """
    from scipy.optimize import nnls

    wanted = np.asarray(wrench, dtype=float)
    matrix = primitive_wrenches(grasp, friction, edges).detach().double().cpu().numpy()
    columns = matrix.reshape(-1, 6).T
    if squeeze is None:
        rows, right = columns, wanted
    else:
        # a heavy row makes the sum an equation
        weight = 1e3
        rows = np.vstack([columns, np.full(columns.shape[1], weight)])
        right = np.append(wanted, weight * squeeze)
    amounts, _ = nnls(rows, right)
    residual = float(np.linalg.norm(columns @ amounts - wanted))
    pyramid = friction_pyramid(friction, edges).double().numpy()
    return ForceBalance(amounts.reshape(-1, edges) @ pyramid, residual)


def mean_residual(
    grasp: torch.Tensor, friction: float, *, force: float = 0.1, squeeze: float = 1.0
) -> float:
    """Mean residual of `balance` over forces along the six axes, at a given squeeze.

    0 when the contacts resist all of them; at most about `force` + `squeeze`.
    """
    signs = np.vstack([np.eye(6)[:3], -np.eye(6)[:3]])
    return float(
        np.mean(
            [balance(grasp, force * axis, friction, squeeze=squeeze).residual for axis in signs]
        )
    )


def prismatic_task(
    axis: ArrayLike, count: int, *, cone: float = math.radians(30.0)
) -> torch.Tensor:
    """Wrenches that move a prismatic joint: forces in a cone around its axis, zero torque.

    Args:
        axis: (3,) direction of opening, any length.
        count: How many, the axis itself first.
        cone: Angle between axis and the cone's side [rad].

    Returns:
        (count, 6) unit wrenches, float32.

    Raises:
        Dex1bError: INVALID_REQUEST for an axis without a direction or no count.
    """
    direction = _direction(axis, count)
    frame = contact_frames(direction[None])[0]
    share = torch.arange(count) / max(1, count - 1)
    height = 1.0 - share * (1.0 - math.cos(cone))
    radius = torch.sqrt((1.0 - height**2).clamp_min(0.0))
    angle = math.pi * (1.0 + math.sqrt(5.0)) * torch.arange(count)
    local = torch.stack([height, radius * torch.cos(angle), radius * torch.sin(angle)], dim=-1)
    force = local @ frame.T
    return torch.cat([force, torch.zeros_like(force)], dim=-1)


def revolute_task(
    axis: ArrayLike,
    origin: ArrayLike,
    centre: ArrayLike,
    count: int,
    *,
    torque_length: float,
    largest_force: float = 1.0,
) -> torch.Tensor:
    """Wrenches that turn a revolute joint: torque along its axis with arbitrary forces.

    At the joint's origin each has a unit torque along the axis and a force of any direction, up
    to `largest_force` times the force that this torque is at `torque_length`. They are then taken
    about the centre: a force at the joint has an arm there.

    Args:
        axis: (3,) direction of opening, any length.
        origin: (3,) a point on the axis [m].
        centre: (3,) point about which the wrenches are given [m].
        count: How many, the pure torque first.
        torque_length: Arm [m] at which a torque weighs as much as a force.
        largest_force: See above.

    Returns:
        (count, 6) unit wrenches, float32.

    Raises:
        Dex1bError: INVALID_REQUEST for an axis without a direction or no count.
    """
    direction = _direction(axis, count)
    index = torch.arange(count, dtype=torch.float32)
    z = 1.0 - (2.0 * index + 1.0) / count
    angle = math.pi * (1.0 + math.sqrt(5.0)) * index
    radius = torch.sqrt(1.0 - z**2)
    sphere = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle), z], dim=-1)
    # another irrational than that of the directions, or sizes would depend on them
    size = largest_force * torch.frac(index * math.sqrt(2.0)) ** (1.0 / 3.0)
    force = size[:, None] * sphere
    arm = torch.as_tensor(np.asarray(origin, dtype=float) - np.asarray(centre, dtype=float))
    lever = torch.linalg.cross(arm.float().expand_as(force) / torque_length, force)
    return torch.nn.functional.normalize(torch.cat([force, direction + lever], dim=-1), dim=-1)


def _direction(axis: ArrayLike, count: int) -> torch.Tensor:
    vector = np.asarray(axis, dtype=float)
    length = float(np.linalg.norm(vector))
    if vector.shape != (3,) or not math.isfinite(length) or length < 1e-9 or count < 1:
        raise Dex1bError(
            ErrorCode.INVALID_REQUEST,
            f'joint axis {vector.tolist()} with {count} wrenches; expected a vector of three '
            'numbers that is not zero, and at least one wrench',
        )
    return torch.as_tensor(vector / length, dtype=torch.float32)


def _farthest(wrenches: Array, direction: Array, each_contact: bool) -> Array:
    """The wrench that reaches farthest along a direction under the bound on normal forces."""
    values = wrenches @ direction
    best = values.argmax(axis=1)
    ends = np.take_along_axis(wrenches, best[:, None, None], axis=1)[:, 0]
    reach = np.maximum(values.max(axis=1), 0.0)
    if each_contact:
        return np.asarray(ends[reach > 0.0].sum(axis=0))
    return np.asarray(ends[reach.argmax()] if reach.max() > 0.0 else np.zeros(6))


def _hull(points: Array) -> Array | None:
    """(F, 7) outward unit normals and offsets of the facets; None for flat points."""
    from scipy.spatial import ConvexHull, QhullError

    distinct = np.unique(np.round(points, 7), axis=0)
    # joggling is for facets that rounding errors make concave
    for options in ('Qx', 'QJ'):
        try:
            return np.asarray(ConvexHull(distinct, qhull_options=options).equations)
        except QhullError:
            continue
    return None
