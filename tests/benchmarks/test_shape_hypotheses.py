import json

import pytest
import trimesh

from benchmarks.shape_hypotheses import compare, write
from dex1b_core.geometry.solids import Solid


def cube(side, shift=0.0):
    mesh = trimesh.creation.box(
        [side] * 3, trimesh.transformations.translation_matrix([shift, 0, 0])
    )
    return Solid(mesh.vertices, mesh.faces)


def test_shifted_cube_overlaps_by_a_third():
    found = compare(cube(0.08), cube(0.08, 0.04))
    assert found['iou'] == pytest.approx(1 / 3, abs=0.02)
    # four sides agree over half their length and then stand off by up to 40 mm
    assert found['p95_mm'] == pytest.approx(40, abs=2)
    assert compare(cube(0.08), cube(0.08)) == pytest.approx(
        {'iou': 1.0, 'median_mm': 0.0, 'p95_mm': 0.0}, abs=1e-4
    )


def test_table_has_a_row_for_each_hypothesis_and_counts_those_left_out(tmp_path):
    numbers = {'iou': 0.5, 'median_mm': 1.0, 'p95_mm': 9.0, 'ms': 50, 'cut_ms': 100, 'parts': 4}
    better = numbers | {'iou': 0.7}
    for name, hypotheses in (
        ('mug', {'hull': numbers, 'smooth': better}),
        ('pear', {'hull': better}),
        ('shape:random-100', {'hull': better}),
    ):
        row = {'object': name, 'hypotheses': hypotheses, 'default_ms': 90}
        (tmp_path / f'{name.replace(":", "-")}.s0.json').write_text(json.dumps(row))
    (tmp_path / 'lost.s0.json').write_text(
        json.dumps({'object': 'lost', 'hypotheses': {}, 'error': 'not seen'})
    )
    write(tmp_path, 's0')
    table = (tmp_path / 'shapes.md').read_text()
    assert '| YCB | smooth | 1 of 3 | 0.700 | 0.70 |' in table
    assert '| YCB | hull | 2 of 3 | 0.600 | 0.50 |' in table
    assert 'take 90 ms' in table
    groups = json.loads((tmp_path / 'shapes.json').read_text())['groups']
    assert groups['YCB']['hull']['iou'] == pytest.approx(0.6)
    assert set(groups['procedural']) == {'hull'}
