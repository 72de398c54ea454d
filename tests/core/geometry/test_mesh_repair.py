"""Damaged boxes, balls and composites become closed bodies of the right volume, and it is told."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.mesh_holes import boundary_loops
from dex1b_core.geometry.mesh_repair import CELLS, repair
from dex1b_core.geometry.random_shapes import random_shape
from dex1b_core.geometry.solids import Solid, bodies, fuse, is_closed


def solid_of(mesh):
    return Solid(np.asarray(mesh.vertices, dtype=float), np.asarray(mesh.faces, dtype=np.int64))


BOX = solid_of(trimesh.creation.box([0.06, 0.05, 0.09]).subdivide().subdivide())
BALL = solid_of(trimesh.creation.icosphere(subdivisions=3, radius=0.04))
COMPOSITES = [fuse(random_shape(seed)) for seed in (4, 10, 13, 31)]
WHOLE = [BOX, BALL, *COMPOSITES]


def closed(result):
    mesh = trimesh.Trimesh(result.solid.vertices, result.solid.faces, process=False)
    return is_closed(result.solid) and mesh.is_watertight and mesh.volume > 0


def flipped(mesh, chosen):
    return Solid(mesh.vertices, np.where(chosen[:, None], mesh.faces[:, ::-1], mesh.faces))


@pytest.mark.parametrize('mesh', WHOLE)
def test_a_closed_body_is_left_alone(mesh):
    result = repair(mesh)
    assert result.repairs == ()
    assert result.error == 0.0
    assert result.solid.volume == pytest.approx(mesh.volume, rel=1e-5)


@given(st.integers(0, 10**6), st.sampled_from(range(len(WHOLE))))
@settings(max_examples=40, deadline=None)
def test_random_damage_is_repaired(seed, which):
    random = np.random.default_rng(seed)
    whole = WHOLE[which]
    faces = whole.faces
    # triangles each with their own corners, shuffled, some turned, some twice, one missing
    vertices = whole.vertices[faces].reshape(-1, 3)
    faces = random.permutation(np.arange(len(vertices)).reshape(-1, 3))
    faces = np.where(random.random((len(faces), 1)) < random.uniform(0, 0.6), faces[:, ::-1], faces)
    faces = np.vstack([faces, faces[random.integers(len(faces), size=random.integers(0, 5))]])
    faces = np.vstack([faces, np.repeat(faces[:2, :1], 3, axis=1)])
    result = repair(Solid(vertices, faces))
    assert closed(result)
    assert result.solid.volume == pytest.approx(whole.volume, rel=0.02)
    assert any('without area' in note for note in result.repairs)


@given(st.integers(0, 10**6), st.sampled_from([BOX, BALL]), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_holes_are_filled_and_told(seed, whole, count):
    random = np.random.default_rng(seed)
    missing = random.choice(len(whole.faces), size=count, replace=False)
    result = repair(Solid(whole.vertices, np.delete(whole.faces, missing, axis=0)))
    assert closed(result)
    assert result.solid.volume == pytest.approx(whole.volume, rel=0.05)
    assert 'hole' in result.repairs[0]
    assert 'a guess' in result.repairs[0]


def test_the_width_of_a_hole_is_told():
    keep = BALL.vertices[BALL.faces].mean(axis=1)[:, 2] < 0.03
    result = repair(Solid(BALL.vertices, BALL.faces[keep]))
    # the rim lies near z = 30 mm: 2 sqrt(40^2 - 30^2) = 53 mm
    width = float(result.repairs[0].split('up to ')[1].split(' mm')[0])
    assert width == pytest.approx(53, abs=6)
    assert result.solid.vertices[:, 2].max() < 0.034


def test_a_body_inside_out_is_turned():
    result = repair(Solid(BOX.vertices, BOX.faces[:, ::-1]))
    assert result.solid.volume == pytest.approx(BOX.volume)
    assert result.repairs == ('turned 1 body inside out: the faces looked inwards',)


@pytest.mark.parametrize('inverted', [False, True])
def test_cavities_are_filled(inverted):
    inner = Solid(0.7 * BALL.vertices, BALL.faces[:, ::-1])
    faces = np.vstack([BALL.faces, inner.faces + len(BALL.vertices)])
    shell = Solid(np.vstack([BALL.vertices, inner.vertices]), faces[:, ::-1] if inverted else faces)
    result = repair(shell)
    assert closed(result)
    assert result.solid.volume == pytest.approx(BALL.volume, rel=1e-6)
    assert 'filled 1 enclosed cavity' in result.repairs


def test_several_bodies_are_united_and_crumbs_dropped():
    crumb = Solid(0.02 * BALL.vertices, BALL.faces).moved(np.array([0.1, 0, 0]))
    other = BALL.moved(np.array([0.03, 0, 0]))
    vertices = np.vstack([BALL.vertices, other.vertices, crumb.vertices])
    faces = np.vstack([BALL.faces + i * len(BALL.vertices) for i in range(3)])
    result = repair(Solid(vertices, faces))
    assert closed(result)
    # two balls of radius r whose centres are d apart share pi (4r + d) (2r - d)^2 / 12
    r, d = 0.04, 0.03
    lens = np.pi * (4 * r + d) * (2 * r - d) ** 2 / 12
    assert result.solid.volume == pytest.approx(2 * BALL.volume - lens, rel=0.02)
    assert len(bodies(result.solid)) == 1
    assert result.repairs == ('dropped 1 fragment of next to no volume', 'united 2 bodies')


def bent_tube():
    """A tube bent by more than a full turn: its ends lie in each other."""
    turns = np.linspace(0.0, 2.3 * np.pi, 80)
    angle = np.linspace(0, 2 * np.pi, 17)[:-1]
    radius = 0.04 + 0.01 * np.cos(angle)
    rings = [
        np.stack([radius * np.cos(t), radius * np.sin(t), 0.01 * np.sin(angle)], axis=-1)
        for t in turns
    ]
    vertices = np.vstack([*rings, rings[0].mean(0)[None], rings[-1].mean(0)[None]])
    faces = []
    for k in range(len(turns) - 1):
        for i in range(16):
            a, b = 16 * k + i, 16 * k + (i + 1) % 16
            faces += [[a, a + 16, b], [b, a + 16, b + 16]]
    first, last = len(vertices) - 2, len(vertices) - 1
    end = 16 * (len(turns) - 1)
    for i in range(16):
        faces += [[first, i, (i + 1) % 16], [last, end + (i + 1) % 16, end + i]]
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    trimesh.repair.fix_normals(mesh)
    return solid_of(mesh)


def test_a_body_that_passes_through_itself_is_made_anew_with_its_error():
    mesh = bent_tube()
    torus = 2 * np.pi**2 * 0.04 * 0.01**2
    assert mesh.volume > 1.1 * torus
    result = repair(mesh)
    assert closed(result)
    assert 'made anew from a grid of 1.2 mm cells' in result.repairs[-2]
    # the two ends inside the tube are 3.5 % of its surface, their rims near the outside
    assert result.repairs[-1].startswith('lost 2 %')
    assert result.solid.volume == pytest.approx(torus, rel=0.06)
    assert 0.0 < result.error < 0.1 / CELLS * np.sqrt(3)


def test_edges_with_three_faces_are_mended():
    fin = np.array([[BOX.faces[0][0], BOX.faces[0][1], len(BOX.vertices)]])
    mesh = Solid(np.vstack([BOX.vertices, [[0.1, 0.1, 0.1]]]), np.vstack([BOX.faces, fin]))
    result = repair(mesh)
    assert closed(result)
    assert result.solid.volume == pytest.approx(BOX.volume, rel=0.06)


def test_loops_around_two_holes_that_share_a_corner():
    faces = BOX.faces
    corner = faces[0][0]
    at_corner = np.flatnonzero((faces == corner).any(axis=1))
    edge_of = [set(faces[i]) - {corner} for i in at_corner]
    other = next(i for i, e in zip(at_corner, edge_of, strict=True) if not e & edge_of[0])
    loops = boundary_loops(np.delete(faces, [at_corner[0], other], axis=0))
    assert sorted(len(loop) for loop in loops) == [3, 3]


SQUARE = np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0.1, 0.1, 0]], dtype=float)


@pytest.mark.parametrize(
    ('vertices', 'faces', 'text'),
    [
        (np.zeros((0, 3)), np.zeros((0, 3), int), 'part 7 is empty'),
        (SQUARE, np.zeros((0, 3), int), '0 faces'),
        (np.where(BOX.vertices > 0.04, np.nan, BOX.vertices), BOX.faces, 'not finite'),
        (np.where(BOX.vertices > 0.04, np.inf, BOX.vertices), BOX.faces, 'not finite'),
        (SQUARE, np.array([[0, 1, 2], [1, 3, 2]]), 'is flat'),
        (np.zeros((8, 3)), BOX.faces[:3] % 8, 'is flat'),
        (SQUARE, np.array([[0, 1, 9]]), 'vertices 0 to 9'),
        (BOX.vertices, np.array([[0, 0, 1], [2, 2, 1]]), 'is flat'),
        (BOX.vertices, np.repeat(BOX.faces[:, :1], 3, axis=1), 'only faces without area'),
    ],
)
def test_what_is_no_body_is_refused(vertices, faces, text):
    with pytest.raises(Dex1bError, match=text) as caught:
        repair(Solid(vertices, faces), name='part 7')
    assert caught.value.error_code == ErrorCode.SHAPE_INVALID
