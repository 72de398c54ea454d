"""The planning pipeline over stages with known answers."""

from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry import OrientedBox, Plane
from dex1b_core.perception.observation import ObjectObservation
from dex1b_core.planning import (
    CheckResult,
    FailureReason,
    GraspCandidate,
    Reachability,
    ReachResult,
    Rejection,
    SimCheck,
    merge_rejections,
)
from dex1b_core.planning.pipeline import GraspPlanner, PlanningError, PlanOptions, with_ids

OBSERVATION = ObjectObservation(
    points=np.zeros((1, 3)),
    normals=np.array([[0.0, 0.0, 1.0]]),
    obstacles=np.zeros((0, 3)),
    support_plane=Plane(np.array([0.0, 0.0, 1.0]), 0.0),
    box=OrientedBox(np.eye(4), np.ones(3)),
)


def candidate(score: float) -> GraspCandidate:
    posture = np.zeros(1)
    return GraspCandidate(
        'hand', np.eye(4), ('j',), posture, posture, posture, np.array([0.0, 0.0, -1.0]), 0.1,
        generator_score=score,
    )  # fmt: skip


class Stages:
    """Candidates 0..n-1 by generator score; sets say which ones fail where."""

    def __init__(self, count=6, unreachable=(), failing=(), pathless=()):
        self.count, self.unreachable = count, unreachable
        self.failing, self.pathless = failing, pathless
        self.calls = []

    def generate(self, observation, *, count, seed):
        self.calls.append(('generate', count, seed))
        return tuple(candidate(float(i)) for i in range(self.count)), (
            Rejection(ErrorCode.HAND_PENETRATES_TABLE, 'generate', 2, 'too low'),
        )

    def reach(self, candidates, observation, *, seed):
        return tuple(
            replace(
                c,
                reachability=Reachability(
                    ReachResult.NO_IK if c.generator_score in self.unreachable
                    else ReachResult.REACHABLE
                ),
            )
            for c in candidates
        )  # fmt: skip

    def check(self, candidates, observation, *, seed, enough, time_budget_s):
        self.calls.append(('check', len(candidates), enough))
        return tuple(
            replace(
                c,
                score=c.generator_score,
                sim_check=SimCheck(CheckResult.FAILED, FailureReason.SLIPPED)
                if c.generator_score in self.failing
                else SimCheck(CheckResult.PASSED, FailureReason.NONE),
            )
            for c in candidates
        )

    def plan_motion(self, candidate, observation, *, seed):
        if candidate.generator_score in self.pathless:
            raise Dex1bError(ErrorCode.NO_PATH, 'blocked')
        return f'motion {candidate.generator_score}'


def plan(stages, **options):
    return GraspPlanner(stages, PlanOptions(**options)).plan(OBSERVATION, seed=7)


def test_ranks_by_score_and_plans_the_best():
    result = plan(Stages(), max_candidates=2)
    assert [c.score for c in result.candidates] == [5.0, 4.0]
    assert result.motion == 'motion 5.0'
    assert result.seed == 7
    assert result.proposed == 6
    assert [stage for stage, _ in result.timings] == ['generate', 'reach', 'check', 'motion']


def test_counts_every_rejection_by_reason():
    result = plan(Stages(unreachable={0.0, 1.0}, failing={5.0}, pathless={4.0}))
    counts = {(r.stage, r.code): r.count for r in result.rejections}
    assert counts == {
        ('generate', ErrorCode.HAND_PENETRATES_TABLE): 2,
        ('reach', ErrorCode.NO_IK): 2,
        ('check', ErrorCode.CHECK_SLIPPED): 1,
        ('motion', ErrorCode.NO_PATH): 1,
    }
    assert len(result.rejected) == 4
    assert [c.score for c in result.candidates] == [3.0, 2.0]


@pytest.mark.parametrize(
    ('stages', 'code'),
    [
        (Stages(count=0), ErrorCode.NO_CANDIDATES),
        (Stages(count=1, unreachable={0.0}), ErrorCode.NO_IK),
        (Stages(count=1, failing={0.0}), ErrorCode.ALL_FAILED),
        (Stages(count=1, pathless={0.0}), ErrorCode.NO_PATH),
    ],
)
def test_a_stage_that_leaves_nothing_says_why(stages, code):
    with pytest.raises(PlanningError) as caught:
        plan(stages)
    assert caught.value.error_code == code
    assert 'HAND_PENETRATES_TABLE' in caught.value.message
    assert caught.value.plan.rejections


def test_skip_sim_check_goes_without_physics():
    stages = Stages(failing={5.0})
    result = plan(stages, skip_sim_check=True)
    assert 'check' not in [call[0] for call in stages.calls]
    assert result.candidates[0].sim_check.result == CheckResult.NOT_RUN


def test_only_max_checked_go_to_physics():
    stages = Stages(count=20)
    plan(stages, max_checked=3, enough=2)
    assert ('check', 3, 2) in stages.calls


def test_cancel_ends_between_stages():
    planner = GraspPlanner(Stages(), PlanOptions(), cancelled=lambda: True)
    with pytest.raises(Dex1bError) as caught:
        planner.plan(OBSERVATION, seed=1)
    assert caught.value.error_code == ErrorCode.CANCELED


def test_ids_carry_plan_and_rank():
    assert [c.id for c in with_ids([candidate(1.0), candidate(0.0)], 'p')] == ['p/0', 'p/1']


def test_merged_rejections_add_up_and_come_largest_first():
    merged = merge_rejections(
        [
            Rejection(ErrorCode.NO_IK, 'reach', 1, 'a'),
            Rejection(ErrorCode.NO_PATH, 'motion', 5, 'b'),
            Rejection(ErrorCode.NO_IK, 'reach', 2, 'c'),
        ]
    )
    assert [(r.code, r.count, r.example) for r in merged] == [
        (ErrorCode.NO_PATH, 5, 'b'),
        (ErrorCode.NO_IK, 3, 'a'),
    ]


def test_other_draws_are_tried_while_nothing_survives() -> None:
    class Second(Stages):
        def reach(self, candidates, observation, *, seed):
            self.unreachable = range(6) if seed == 7 else ()
            return super().reach(candidates, observation, seed=seed)

    with pytest.raises(PlanningError, match='reaches none'):
        GraspPlanner(Second(), PlanOptions()).plan(OBSERVATION, seed=7)
    plan = GraspPlanner(Second(), PlanOptions(attempts=2)).plan(OBSERVATION, seed=7)
    assert plan.seed == 7
    assert plan.proposed == 12
    assert {r.code: r.count for r in plan.rejections}[ErrorCode.NO_IK] == 6


def test_no_other_draw_begins_that_the_budget_has_no_time_for() -> None:
    stages = Stages(unreachable=range(6))
    options = PlanOptions(attempts=5, time_budget_s=0.0)
    with pytest.raises(PlanningError) as caught:
        GraspPlanner(stages, options).plan(OBSERVATION, seed=7)
    assert [call[0] for call in stages.calls] == ['generate']
    assert caught.value.plan.seed == 7
