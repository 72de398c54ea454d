"""A hand, an object, grasps on it that nobody judged."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from dex1b_core.data.demonstrations import SCHEMA, Demonstrations, Provenance
from dex1b_core.data.shards import lists
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel

NAME = 'ability_right'


@pytest.fixture(scope='session')
def hand():
    return HandModel(load_hand(NAME))


@pytest.fixture(scope='session')
def demonstrations(hand):
    """30 rows: grasps at random around two shapes, all of them 'held'."""
    rng, count = np.random.default_rng(0), 30
    lower, upper = hand.kinematics.lower.numpy(), hand.kinematics.upper.numpy()
    turns, _ = np.linalg.qr(rng.normal(size=(count, 3, 3)))
    turns[:, :, 2] = np.cross(turns[:, :, 0], turns[:, :, 1])
    postures = rng.uniform(lower, upper, (count, len(lower)))
    planes = np.full((count, 4), np.nan)
    planes[::2] = [0.0, 0.0, 1.0, 0.05]
    columns = {
        'object': ['shape:sphere', 'shape:box'] * (count // 2),
        'plane': lists(planes),
        'translation': lists(0.1 * rng.normal(size=(count, 3))),
        'rotation': lists(turns.reshape(count, 9)),
        'pregrasp': lists(postures),
        'grasp': lists(postures),
        'squeeze': lists(postures),
        'approach': lists(turns[:, :, 0]),
        'point': lists(np.zeros((count, 3))),
        'energies': lists(np.zeros((count, 1))),
        'reason': [''] * count,
        'source': ['optimizer'] * count,
    }
    ones = np.ones(count)
    arrays = [pa.array(columns.get(field.name, ones)).cast(field.type) for field in SCHEMA]
    provenance = Provenance(NAME, tuple(hand.kinematics.joint_names), ('x',), 5.0, 'none', {})
    return Demonstrations(provenance, pa.table(arrays, schema=SCHEMA))


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny tensors: more threads take longer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
