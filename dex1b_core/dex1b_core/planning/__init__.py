"""The pipeline as a library: what /plan_grasp calls."""

from dex1b_core.planning.candidate import (
    CheckResult,
    FailureReason,
    GraspCandidate,
    Reachability,
    ReachResult,
    SimCheck,
)
from dex1b_core.planning.rejection import Rejection, merge_rejections

__all__ = [
    'CheckResult',
    'FailureReason',
    'GraspCandidate',
    'ReachResult',
    'Reachability',
    'Rejection',
    'SimCheck',
    'merge_rejections',
]
