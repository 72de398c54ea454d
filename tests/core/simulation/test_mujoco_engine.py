"""What only MuJoCo tells."""

import numpy as np
import pytest
from known_grasps import pinch, scene_of, wrapped

from dex1b_core.simulation.hold_protocol import HoldProtocol
from dex1b_core.simulation.mujoco_engine import MujocoEngine
from dex1b_core.simulation.urdf_bodies import TreeSource


def test_mimic_joints_follow_under_load(need_hand):
    grasps = wrapped()
    source = TreeSource.of_hand(need_hand('ability_right'))
    assert source.joint_names == grasps.joint_names
    engine = MujocoEngine(scene_of(source, grasps, HoldProtocol().drive))
    engine.place(grasps.object_T_hand[0], grasps.pregrasp[0], np.eye(4))
    errors, loads = [], []
    for share in np.linspace(0.1, 1.0, 10):
        start, end = grasps.pregrasp[0], grasps.squeeze[0]
        engine.command(start + share * (end - start))
        assert engine.advance(20 * engine.timestep)
        whole = engine.scene.robot.complete(engine.joint_positions())
        errors += [abs(engine.data.joint(name).qpos[0] - q) for name, q in whole.items()]
        loads.append(np.abs(engine.data.actuator_force).max())
    assert max(errors) < 0.01
    assert max(loads) > 0.5  # and they were loaded


def test_breakdown_shows_and_is_forgotten_when_placed_anew(jaws):
    engine = MujocoEngine(scene_of(jaws, pinch()))
    engine.place(np.eye(4), np.array([-0.04]), np.eye(4))
    assert engine.advance(0.1)
    engine.data.qvel[0] = np.nan
    assert not engine.advance(0.1)
    engine.place(np.eye(4), np.array([-0.04]), np.eye(4))
    assert engine.advance(0.1)


def test_speed_is_that_of_the_centre_of_mass(jaws):
    import mujoco

    engine = MujocoEngine(scene_of(jaws, pinch(object_parts=(pinch().object_parts[0] + 0.03,))))
    engine.place(np.eye(4), np.array([-0.04]), np.eye(4))
    number = engine.model.body('object').id
    joint = engine.model.joint('object')
    engine.data.qpos[joint.qposadr[0] + 3 :][:4] = [0.5, 0.5, -0.5, 0.5]
    engine.data.qvel[joint.dofadr[0] :][:6] = [0.1, -0.2, 0.3, 2.0, 1.0, -3.0]
    mujoco.mj_forward(engine.model, engine.data)
    velocity = np.zeros(6)
    kind = mujoco.mjtObj.mjOBJ_BODY
    mujoco.mj_objectVelocity(engine.model, engine.data, kind, number, velocity, 0)
    assert engine.object_speed() == pytest.approx(np.linalg.norm(velocity[3:]))
