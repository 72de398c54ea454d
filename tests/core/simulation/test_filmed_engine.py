import numpy as np
import pytest
from known_grasps import JAWS, pinch

from dex1b_core.simulation.engine import ENGINES, make_engine
from dex1b_core.simulation.filmed_engine import FilmedEngine
from dex1b_core.simulation.hold_check import DIRECTIONS, HoldChecker, Postures
from dex1b_core.simulation.urdf_bodies import read_body_tree


@pytest.mark.parametrize('engine', ENGINES)
def test_moments_are_those_of_the_check_which_goes_as_without_a_film(jaws, engine):
    films = []

    def filmed(scene):
        films.append(FilmedEngine(make_engine(engine, scene, published=JAWS.published_contacts)))
        return films[0]

    grasps, tree = pinch(), read_body_tree(jaws)
    postures = Postures(grasps.pregrasp[0], grasps.grasp[0], grasps.squeeze[0])
    pose = grasps.object_T_hand[0]
    trial = HoldChecker(tree, grasps.object_parts, JAWS, filmed).run(pose, postures)
    moments = films[0].finish()
    assert [moment.name for moment in moments] == ['start', 'closed', *DIRECTIONS]
    assert np.allclose(moments[0].object_pose, np.eye(4), atol=1e-6)
    assert len({moment.object_pose.tobytes() for moment in moments}) == len(moments)
    plain = HoldChecker(tree, grasps.object_parts, JAWS, engine).run(pose, postures)
    assert plain.reason is trial.reason
    assert plain.directions.tolist() == trial.directions.tolist()
