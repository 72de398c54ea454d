"""How verdicts of engines and worlds add up; the judge's own verdicts are tested elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.benchmark.evaluation import Evaluation, evaluate
from dex1b_core.benchmark.protocols import protocol_named
from dex1b_core.data import GraspSet
from dex1b_core.planning import FailureReason
from dex1b_core.simulation.hold_check import HoldTrial
from dex1b_core.simulation.verdicts import Verdicts

STRICT = replace(protocol_named('strict'), worlds=5, share=0.75)
LOST = HoldTrial(FailureReason.SLIPPED, '+x')


def grasps(count):
    """Told apart by where they are."""
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, 0, 3] = np.arange(count)
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    posture = np.zeros((count, 1))
    return GraspSet(
        'hand', 'cube', ('joint',), poses, posture, posture, posture, (corners,), np.full(4, np.nan)
    )


class Oracle:
    """A judge that knows which worlds a grasp is lost in, by engine."""

    def __init__(self, lost):
        self.lost = lost
        self.asked = []

    def judge(self, some, check, engine, *, perturbations, cancelled, on_progress):
        names = some.object_T_hand[:, 0, 3].astype(int).tolist()
        first = 0 if len(perturbations) == 1 else 1
        self.asked.append((engine, first, names))
        worlds = range(first, first + len(perturbations))
        return tuple(
            Verdicts.of(
                [LOST if world in self.lost.get((engine, name), ()) else HoldTrial()
                 for name in names],
                [0.5] * len(names),
            )
            for world in worlds
        )  # fmt: skip


def test_success_in_both_engines_with_at_most_a_quarter_of_perturbed_worlds_lost():
    oracle = Oracle({('mujoco', 1): {2}, ('sapien', 2): {1, 4}, ('sapien', 3): {1}})
    found = evaluate(oracle, grasps(4), STRICT)
    assert found.success.tolist() == [True, True, False, True]
    assert found.reason[2] == FailureReason.SLIPPED
    assert (found.engine[2], found.stage[2]) == ('sapien', '+x')
    assert found.reasons() == {'slipped': 1}
    assert found.trials.tolist() == [10, 10, 10, 10]
    assert found.held.tolist() == [10, 9, 8, 9]


def test_what_is_lost_is_not_tried_further():
    oracle = Oracle({('mujoco', 0): {0}, ('sapien', 1): {0}})
    found = evaluate(oracle, grasps(3), STRICT)
    assert oracle.asked == [
        ('mujoco', 0, [0, 1, 2]),
        ('sapien', 0, [1, 2]),
        ('mujoco', 1, [2]),
        ('sapien', 1, [2]),
    ]
    assert found.trials.tolist() == [1, 2, 10]
    assert found.seconds == pytest.approx(0.5 * 13)


def test_engines_may_be_chosen():
    oracle = Oracle({('mujoco', 0): {0}})
    assert evaluate(oracle, grasps(1), STRICT, engines=('sapien',)).success.all()


def test_nothing_to_evaluate():
    found = evaluate(Oracle({}), grasps(0), STRICT)
    assert len(found.success) == 0
    assert found.reasons() == {}


def test_file_holds_everything(tmp_path):
    found = evaluate(Oracle({('mujoco', 0): {0}}), grasps(2), STRICT)
    found.save(tmp_path / 'found.npz')
    again = Evaluation.load(tmp_path / 'found.npz')
    assert again.protocol == 'strict'
    assert again.seconds == found.seconds
    for name in ('success', 'reason', 'engine', 'stage', 'trials', 'held'):
        assert (getattr(again, name) == getattr(found, name)).all()
