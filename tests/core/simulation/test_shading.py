import numpy as np
import trimesh

from dex1b_core.simulation.shading import corner_normals, planks


def test_a_ball_is_shaded_round_and_a_box_with_edges():
    ball = trimesh.creation.icosphere(2, 1.0)
    normals = corner_normals(ball.vertices, ball.faces)
    np.testing.assert_allclose(normals, ball.vertices[ball.faces], atol=0.03)
    box = trimesh.creation.box([1, 2, 3])
    normals = corner_normals(box.vertices, box.faces)
    np.testing.assert_allclose(normals, np.repeat(box.face_normals[:, None], 3, 1), atol=1e-6)


def test_a_ball_can_be_shaded_flat():
    ball = trimesh.creation.icosphere(1, 1.0)
    normals = corner_normals(ball.vertices, ball.faces, smooth=False)
    np.testing.assert_allclose(normals, np.repeat(ball.face_normals[:, None], 3, 1), atol=1e-5)


def test_vertices_at_one_place_are_one_vertex():
    ball = trimesh.creation.icosphere(2, 1.0)
    split = ball.vertices[ball.faces].reshape(-1, 3)
    faces = np.arange(len(split)).reshape(-1, 3)
    np.testing.assert_allclose(
        corner_normals(split, faces), corner_normals(ball.vertices, ball.faces), atol=1e-6
    )


def test_planks_have_seams_and_a_quiet_tone():
    x = np.linspace(0, 1, 2000, dtype=np.float32)
    factor = planks(np.stack([x, 0.3 * np.ones_like(x), np.zeros_like(x)], axis=1))[:, 0]
    assert 0.9 < np.median(factor) < 1.1
    assert factor.min() < 0.9
    assert (factor < 0.88).mean() < 0.06
