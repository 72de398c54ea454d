"""Which bodies of a robot overlap by design, so that their contact means nothing."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from dex1b_core.simulation.body_tree import SLIDES, TURNS, BodyTree

POSTURES = 60  # in which it is seen which bodies overlap
BY_DESIGN = 0.6  # part of the postures in which they do


@lru_cache(maxsize=16)
def overlapping_by_design(tree: BodyTree) -> frozenset[tuple[int, int]]:
    """Pairs of bodies, lower index first, whose overlap says nothing about a grasp.

    Those with nothing but a joint between them, and those that overlap with all joints at 0 (or
    as close as they can get) or in most of `POSTURES` random postures: the hulls then are fatter
    than the links, because the maker's hand does not collide with itself at rest.
    """
    import mujoco

    from dex1b_core.simulation.mujoco_model import MujocoSettings, robot_model

    pairs = tree.neighbours()
    spec = robot_model(tree, MujocoSettings())
    for one, other in sorted(pairs):
        spec.add_exclude(bodyname1=tree.bodies[one].name, bodyname2=tree.bodies[other].name)
    model = spec.compile()
    data = mujoco.MjData(model)
    index = {body.name: i for i, body in enumerate(tree.bodies)}
    owner = [index.get(model.body(i).name, -1) for i in range(model.nbody)]
    joints = tree.joints
    carriers = {*SLIDES, *TURNS}
    limits = [(0.0, 0.0) if name in carriers else joints[name].limits for name in tree.joint_names]
    lower, upper = np.clip(np.array(limits).T, -np.pi, np.pi)
    rng = np.random.default_rng(0)
    postures = [np.clip(0.0, lower, upper), *rng.uniform(lower, upper, (POSTURES, len(lower)))]
    counts: dict[tuple[int, int], int] = {}
    for number, posture in enumerate(postures):
        for name, position in tree.complete(posture).items():
            data.qpos[model.joint(name).qposadr[0]] = position
        mujoco.mj_fwdPosition(model, data)
        bodies = model.geom_bodyid[data.contact.geom[data.contact.dist < 0.0]]
        found = {(min(owner[a], owner[b]), max(owner[a], owner[b])) for a, b in bodies}
        for pair in found:
            counts[pair] = counts.get(pair, 0) + (POSTURES if number == 0 else 1)
    pairs |= {pair for pair, count in counts.items() if count >= BY_DESIGN * POSTURES}
    return frozenset(pairs)
