"""Jaws at a drawer and a door: what opens them, and why they stay shut."""

from dataclasses import replace

import numpy as np
import pytest

from dex1b_core.articulation.check import ArticulationChecker
from dex1b_core.articulation.floating import carrier_joints, mount_frame
from dex1b_core.articulation.generator import CATEGORIES, random_articulated
from dex1b_core.articulation.grasps import key_frames
from dex1b_core.articulation.protocol import NOMINAL, SWEEP, ArticulationProtocol, Condition, Reason
from dex1b_core.geometry import invert
from dex1b_core.simulation.engine import ENGINES
from dex1b_core.simulation.scene_description import Drive

from .conftest import drawer, pinch

STRONG = ArticulationProtocol(drive=Drive(1000.0, 10.0, 20.0, 0.001))


@pytest.mark.parametrize('engine', ENGINES)
@pytest.mark.parametrize('kind', ['prismatic', 'revolute'])
def test_a_firm_pinch_opens_in_every_world(jaws, kind, engine):
    target = drawer(kind, 0.5, 0.2)
    verdict = ArticulationChecker(jaws, target, STRONG, engine).check(pinch(), 0)
    assert (verdict.dex1b, verdict.strict, verdict.condition) == (Reason.NONE, Reason.NONE, '')
    assert len(verdict.trials) == len(SWEEP)
    for trial in verdict.trials:
        assert trial.share == pytest.approx(0.95, abs=0.05)
        assert trial.at_goal >= trial.goal
        assert (trial.fingers, trial.slip < 0.01, trial.load < 20.0) == (2, True, True)


@pytest.mark.parametrize(
    ('category', 'upper', 'friction', 'reason'),
    [
        ('laptop', 1.2, 0.5, Reason.NONE),
        ('laptop', 1.2, 100.0, Reason.LOST),
        ('faucet', 1.8, 0.5, Reason.NONE),
        ('faucet', 1.4, 0.5, None),
        ('box', 1.8, 0.5, None),
    ],
)
def test_dexart_asks_laptops_and_faucets_for_more(jaws, category, upper, friction, reason):
    """95 % of a laptop's range, 1.5 rad of a faucet that turns so far."""
    door = drawer('revolute', friction)
    target = replace(door, category=category, joint=replace(door.joint, upper=upper))
    verdict = ArticulationChecker(jaws, target, STRONG).check(pinch(), 0, (NOMINAL,))
    assert verdict.dexart is reason


def test_the_hand_feels_what_the_joint_resists(jaws):
    trial = ArticulationChecker(jaws, drawer(friction=8.0), STRONG).run(pinch(), 0)
    assert trial.strict is Reason.NONE
    assert 8.0 < trial.load < 13.0  # and damping of 2 N s/m at up to twice the mean speed


@pytest.mark.parametrize(
    ('friction', 'grasp', 'dex1b', 'strict'),
    [
        (0.5, pinch(shift=(0.08, 0.0, 0.0)), Reason.MISSED, Reason.MISSED),
        (0.5, pinch(shift=(0.0, 0.02, 0.0)), Reason.START_OVERLAP, Reason.START_OVERLAP),
        (100.0, pinch(), Reason.LOST, Reason.LOST),
    ],
)  # fmt: skip
def test_failures_are_named(jaws, friction, grasp, dex1b, strict):
    verdict = ArticulationChecker(jaws, drawer(friction=friction), STRONG).check(grasp, 0)
    assert (verdict.dex1b, verdict.strict, verdict.condition) == (dex1b, strict, 'nominal')
    assert len(verdict.trials) == 1


def test_what_is_too_heavy_for_the_base_is_strictly_a_failure(jaws):
    """35 N move the joint, and would move the base."""
    hard = replace(STRONG, drive=Drive(5000.0, 50.0, 60.0, 0.001))
    verdict = ArticulationChecker(jaws, drawer(friction=35.0), hard).check(pinch(squeeze=0.02), 0)
    assert (verdict.dex1b, verdict.strict) == (Reason.NONE, Reason.OVERLOADED)


def test_one_finger_is_too_few(jaws):
    """A jaw hooked behind the handle's edge opens the door alone."""
    target = drawer('revolute', 0.1, 0.05)
    grasp = pinch()
    alone = replace(grasp, **{
        name: np.array([[getattr(grasp, name)[0, 0], 0.05]])
        for name in ('pregrasp', 'grasp', 'squeeze')
    })  # fmt: skip
    trial = ArticulationChecker(jaws, target, STRONG).run(alone, 0)
    assert trial.dex1b in (Reason.TOO_FEW_FINGERS, Reason.LOST, Reason.MISSED)


def test_scraping_is_no_success(jaws):
    """Jaws that slide along a long handle while it follows them slowly have slipped."""
    slippery = Condition('slippery', 0.08)
    trial = ArticulationChecker(jaws, drawer(friction=3.0), STRONG).run(pinch(), 0, slippery)
    assert trial.strict in (Reason.SLIPPED, Reason.LOST, Reason.NOT_OPENED)


def test_worlds_resist_as_they_say(jaws):
    checker = ArticulationChecker(jaws, drawer(friction=1.0, damping=2.0))
    joint = checker.engine(Condition('x', 0.3, damping=3.0, resistance=1.5)).scene.target.joint
    assert (joint.friction, joint.damping) == (1.5, 6.0)
    assert checker.engine(NOMINAL) is checker.engine(NOMINAL)


def test_verdicts_repeat(jaws):
    checker = ArticulationChecker(jaws, drawer(), STRONG)
    assert checker.run(pinch(), 0) == checker.run(pinch(), 0)


def test_goals_are_dex1bs_unless_the_joint_has_less():
    protocol = ArticulationProtocol()
    assert protocol.goal(drawer('revolute')) == 0.5
    assert protocol.goal(drawer()) == 0.15
    short = drawer('revolute')
    short = replace(short, joint=replace(short.joint, upper=0.4))
    assert protocol.goal(short) == pytest.approx(0.3)


def test_stages_are_told(jaws):
    names = []
    ArticulationChecker(jaws, drawer(), STRONG).run(pinch(), 0, on_stage=names.append)
    assert names == ['before', 'closed', 'on the way', 'in the end']


@pytest.mark.parametrize('category', sorted(CATEGORIES))
def test_leading_changes_one_carrier_joint_or_slides(category):
    """The mount lies along the joint: no singular angles, whatever the range."""
    target = random_articulated(category, 1)
    pose = np.eye(4)
    pose[:3, :3] = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    pose[:3, :3] *= np.linalg.det(pose[:3, :3])
    pose[:3, 3] = [0.3, 0.1, 0.2]
    mount = invert(mount_frame(target))
    turns = np.zeros(3)
    found = []
    for frame in key_frames(target, pose, target.travel, 30):
        joints = carrier_joints(mount @ frame, turns)
        turns = joints[3:]
        found.append(joints)
    change = np.array(found[-1]) - found[0]
    if target.joint.slides:
        np.testing.assert_allclose(change, [target.travel, 0, 0, 0, 0, 0], atol=1e-9)
    else:
        np.testing.assert_allclose(change[3:], [target.travel, 0.0, 0.0], atol=1e-9)
        np.testing.assert_allclose(change[0], 0.0, atol=1e-9)


def test_key_frames_keep_contacts_on_the_part():
    target = random_articulated('door-left', 3)
    pose = np.eye(4)
    pose[:3, 3] = [0.4, 0.1, 0.2]
    frames = key_frames(target, pose, 1.0, 5)
    assert frames.shape == (5, 4, 4)
    np.testing.assert_allclose(frames[0], pose)
    contact = np.array([0.01, 0.02, 0.03, 1.0])
    places = [
        invert(target.joint.motion(target.start + moved)) @ frame @ contact
        for frame, moved in zip(frames, np.linspace(0, 1, 5), strict=True)
    ]
    np.testing.assert_allclose(places, np.tile(places[0], (5, 1)), atol=1e-12)


def test_a_floating_hand_is_where_it_is_told(jaws):
    checker = ArticulationChecker(jaws, drawer('revolute'), STRONG)
    engine, grasp = checker.engine(NOMINAL), checker.prepare(pinch(), 0)
    joints = np.r_[
        carrier_joints(invert(grasp.object_T_mount) @ grasp.object_T_hand, np.zeros(3)),
        grasp.grasp,
    ]
    engine.place(grasp.object_T_mount, joints, np.eye(4))
    palm = [body.name for body in engine.scene.robot.bodies].index('palm')
    np.testing.assert_allclose(engine.body_poses()[palm], grasp.object_T_hand, atol=1e-9)
