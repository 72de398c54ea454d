"""Reports count criteria, categories and reasons as they are."""

import json

import numpy as np
import pytest

from dex1b_core.articulation.check import ArticulationChecker, ArticulationVerdict
from dex1b_core.articulation.protocol import Reason
from dex1b_core.articulation.trial import ArticulationTrial
from dex1b_core.benchmark.articulation_bench import (
    ArticulationBenchSettings,
    ObjectResult,
    articulated_names,
    articulation_report,
    bench_articulation,
)
from dex1b_core.errors import Dex1bError
from dex1b_core.viz.articulation_film import draw_articulation

from .conftest import drawer, pinch

NONE, SLIPPED, LOST = Reason.NONE, Reason.SLIPPED, Reason.LOST


def result(name, category, *reasons, dexart=None):
    verdicts = tuple(
        ArticulationVerdict(
            first, second, dexart, condition, (ArticulationTrial(first, second, 0.5),)
        )
        for first, second, condition in reasons
    )
    return ObjectResult(name, category, pinch(), verdicts, 1.5, 0.5)


def test_reports_have_rates_by_category_and_reason():
    results = [
        result('articulated:box-1', 'box', (NONE, NONE, ''), (NONE, SLIPPED, 'slippery')),
        result('articulated:lever-2', 'lever', (LOST, LOST, 'nominal'), (NONE, NONE, '')),
    ]
    settings = ArticulationBenchSettings('jaws', ('a', 'b'), count=2, seed=7)
    report = json.loads(json.dumps(articulation_report(settings, results, {'c': 'why'})))
    dex1b, strict = report['criteria']['dex1b'], report['criteria']['strict']
    assert (dex1b['success'], dex1b['n'], dex1b['reasons']) == (0.75, 4, {'lost': 1})
    assert (strict['success'], strict['n']) == (0.5, 4)
    assert strict['reasons'] == {'slipped': 1, 'lost': 1}
    assert strict['failed_in'] == {'nominal': 1, 'slippery': 1, 'stiff': 0, 'loose': 0}
    assert strict['by_category']['box'] == {'success': 0.5, 'n': 2, 'reasons': {'slipped': 1}}
    assert dex1b['object_success'] == 1.0
    assert report['by_object']['articulated:lever-2'] == {'dex1b': 0.5, 'strict': 0.5}
    assert (report['seed'], report['hand'], report['making_s']) == (7, 'jaws', 3.0)
    assert report['failed_objects'] == {'c': 'why'}
    assert {'dex1b_core', 'mujoco', 'torch'} <= set(report['versions'])


def test_dexarts_criterion_counts_where_it_is_asked():
    results = [
        result('articulated:box-1', 'box', (NONE, NONE, '')),
        result('articulated:faucet-1', 'faucet', (NONE, NONE, ''), dexart=Reason.NOT_OPENED),
        result('articulated:laptop-1', 'laptop', (NONE, NONE, ''), (NONE, NONE, ''), dexart=NONE),
    ]
    settings = ArticulationBenchSettings('jaws', ('a', 'b', 'c'))
    report = articulation_report(settings, results, {})
    dexart = report['criteria']['dexart']
    assert (dexart['n'], dexart['success'], dexart['object_success']) == (3, 0.6667, 0.5)
    assert set(dexart['by_category']) == {'faucet', 'laptop'}
    assert report['by_object']['articulated:box-1'] == {'dex1b': 1.0, 'strict': 1.0}
    assert 'dexart' not in articulation_report(settings, results[:1], {})['criteria']


def test_the_split_is_what_is_held_out():
    names = articulated_names('split')
    assert 'articulated:microwave-0' in names
    assert 'articulated:box-0' in names
    assert 'articulated:box-100' not in names
    assert articulated_names('articulated:box-3,door.urdf') == ['articulated:box-3', 'door.urdf']


def test_objects_that_cannot_be_read_are_told_and_none_at_all_is_an_error(need_hand):
    need_hand('ability_right')
    told = {}
    settings = ArticulationBenchSettings('ability_right', ('articulated:window-1',), count=1)
    with pytest.raises(Dex1bError, match=r'window-1.*is not known'):
        bench_articulation(settings, told.__setitem__)
    assert 'expected articulated:CATEGORY-N' in told['articulated:window-1']


def test_pictures_show_the_stages(jaws, tmp_path):
    from PIL import Image

    path = tmp_path / 'film.png'
    checker = ArticulationChecker(jaws, drawer())
    trial = draw_articulation(path, checker, pinch(), 0)
    assert trial == checker.run(pinch(), 0)
    with Image.open(path) as picture:
        tiles = np.asarray(picture.convert('RGB'))[70:350, 30:].astype(float)
    assert tiles.shape[1] > 1200
    first, last = tiles[:, :290], tiles[:, -310:-20]
    assert np.abs(first - last[:, : first.shape[1]]).mean() > 1.0
