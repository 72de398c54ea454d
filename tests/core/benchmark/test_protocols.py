"""Protocols as published."""

import math

import pytest

from dex1b_core.benchmark.protocols import PROTOCOLS, protocol_named
from dex1b_core.errors import UnknownNameError
from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.lift_protocol import LiftProtocol


def test_every_protocol_goes_by_its_name_and_says_where_it_is_from():
    assert list(PROTOCOLS) == ['dexgraspbench', 'dexgraspnet', 'dex1b', 'lift', 'strict']
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        assert len(protocol.source) > 40
        assert protocol.engines


def test_dexgraspbench_is_as_published():
    check = protocol_named('dexgraspbench').check
    assert isinstance(check, HoldProtocol)
    assert (check.friction, check.torsion, check.mass, check.force) == (0.6, 0.02, 0.1, 1.0)
    assert (check.max_shift, check.max_turn) == (0.05, pytest.approx(math.radians(15)))
    assert (check.hold_s, check.needed, check.max_start_overlap) == (2.0, 6, 0.01)


def test_dexgraspnet_is_as_published():
    check = protocol_named('dexgraspnet').check
    assert isinstance(check, HoldProtocol)
    assert (check.friction, check.density, check.needed) == (3.0, 500.0, 6)
    assert check.hold_s == pytest.approx(100 / 60)
    assert not check.keeps_pose
    assert not check.from_pregrasp
    assert not check.squeezes
    assert check.push_on(2.0) == pytest.approx(2.0 * 9.8)
    assert check.mass_of(1e-3) == pytest.approx(0.5)


def test_dex1b_asks_for_one_direction_and_shallow_penetration():
    check = protocol_named('dex1b').check
    assert isinstance(check, HoldProtocol)
    assert (check.needed, check.max_penetration, check.squeezes) == (1, 0.005, False)


def test_lift_goes_up_by_40_cm_with_two_fingers():
    check = protocol_named('lift').check
    assert isinstance(check, LiftProtocol)
    assert (check.settings.lift, check.settings.mass) == (0.4, 0.1)
    assert not check.settings.needs_thumb


def test_ours_is_the_strictest():
    strict = protocol_named('strict')
    assert set(strict.engines) == {'mujoco', 'sapien'}
    assert strict.worlds > 1
    assert strict.check.needed == 6


def test_unknown_protocol_names_those_known():
    with pytest.raises(UnknownNameError, match='dex1b, dexgraspbench, dexgraspnet, lift, strict'):
        protocol_named('dexgrasp')
