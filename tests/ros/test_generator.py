"""The generator node as a real process: candidates for a scene, errors for bad scenes."""

import numpy as np
import pytest
import trimesh
from harness import Client, NodeProcess, node_process
from std_msgs.msg import Header

from dex1b_core.errors import ErrorCode
from dex1b_core.geometry import OrientedBox, Plane, make_transform
from dex1b_core.perception.observation import ObjectObservation, ShapeHypothesis
from dex1b_msgs.srv import GenerateGrasps
from dex1b_ros import conversions

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def node(ros_domain):
    with node_process('generator_node', backend='heuristic', count=8) as process:
        probe = Client('probe')
        service = probe.node.create_client(GenerateGrasps, 'generate_grasps')
        assert service.wait_for_service(120.0), process.output
        probe.close()
        yield process


def scene(frame='link_base', shapes=True):
    mesh = trimesh.creation.box([0.05, 0.07, 0.12])
    mesh.apply_translation([0.45, 0.0, 0.06])
    points, faces = trimesh.sample.sample_surface(mesh, 500, seed=0)
    shape = ShapeHypothesis('true', np.asarray(mesh.vertices), np.asarray(mesh.faces))
    observation = ObjectObservation(
        points=points,
        normals=mesh.face_normals[faces],
        obstacles=np.zeros((0, 3)),
        support_plane=Plane(np.array([0.0, 0.0, 1.0]), 0.0),
        box=OrientedBox(make_transform(np.eye(3), [0.45, 0.0, 0.06]), mesh.extents),
        shapes=(shape,) if shapes else (),
    )
    return conversions.snapshot_msg(observation, Header(frame_id=frame))


def ask(client, message, **fields):
    request = GenerateGrasps.Request(scene=message, **fields)
    return client.call(GenerateGrasps, 'generate_grasps', request, timeout_s=90.0)


def test_a_flood_of_candidates_is_refused(node, client):
    reply = ask(client, scene(), count=5000)
    assert reply.error_code == ErrorCode.INVALID_REQUEST
    assert '5000 candidates asked for; at most 4096' in reply.error_msg


def test_candidates_are_best_first_and_the_seed_decides(node, client):
    first = ask(client, scene(), seed=3)
    assert (first.error_code, first.error_msg) == (ErrorCode.NONE, '')
    assert (first.seed, first.backend, len(first.candidates)) == (3, 'heuristic', 8)
    scores = [candidate.score for candidate in first.candidates]
    assert scores == sorted(scores, reverse=True)
    best = first.candidates[0]
    assert (best.wrist_frame, best.hand) == ('base', 'ability_right')
    assert len(best.squeeze_positions) == len(best.joint_names) == 6
    assert sum(rejection.count for rejection in first.rejections) > 0
    again = ask(client, scene(), seed=3, count=3)
    assert [c.wrist_pose for c in again.candidates] == [c.wrist_pose for c in first.candidates[:3]]
    other = ask(client, scene())
    assert other.seed != 0
    assert other.candidates[0].wrist_pose != best.wrist_pose


def broken(part):
    message = scene()
    if part == 'open mesh':
        message.shapes[0].triangles = message.shapes[0].triangles[:-1]
    elif part == 'no triangles':
        message.shapes[0].triangles = []
    elif part == 'index':
        message.shapes[0].triangles[0].vertex_indices = [0, 1, 99]
    elif part == 'nan':
        message.shapes[0].vertices[0].x = float('nan')
    elif part == 'plane':
        message.summary.support_plane.coef = [0.0, 0.0, 0.0, 0.0]
    elif part == 'cloud':
        message.object_cloud.width = 0
    elif part == 'frame':
        message.header.frame_id = 'camera'
    return message


@pytest.mark.parametrize(
    ('part', 'code', 'text'),
    [
        ('open mesh', ErrorCode.SHAPE_INVALID, 'not closed'),
        ('no triangles', ErrorCode.SHAPE_INVALID, 'closed mesh'),
        ('index', ErrorCode.SHAPE_INVALID, '99'),
        ('nan', ErrorCode.SHAPE_INVALID, 'finite'),
        ('plane', ErrorCode.NO_PLANE, 'normal'),
        ('cloud', ErrorCode.NO_OBJECT, 'no object points'),
        ('frame', ErrorCode.INVALID_REQUEST, "expected 'link_base'"),
    ],
)
def test_bad_scenes_get_their_code_and_the_node_lives_on(node, client, part, code, text):
    reply = ask(client, broken(part))
    assert reply.error_code == code
    assert text in reply.error_msg
    assert not reply.candidates
    assert node.alive


def test_scene_without_shapes_and_unknown_hand(node, client):
    assert ask(client, scene(shapes=False)).error_code == ErrorCode.SHAPE_INVALID
    reply = ask(client, scene(), hand='shadow_left')
    assert reply.error_code == ErrorCode.INVALID_REQUEST
    assert 'known are: ability_right' in reply.error_msg


def test_object_out_of_reach_names_what_was_dropped(node, client):
    message = scene()
    for vertex in message.shapes[0].vertices:
        vertex.x += 3.0
    reply = ask(client, message, seed=1)
    assert reply.error_code == ErrorCode.NO_CANDIDATES
    assert 'workspace' in reply.error_msg


@pytest.mark.parametrize(
    ('parameter', 'value', 'known'),
    [
        ('backend', 'magic', 'dexsimple, heuristic, optimizer'),
        ('robot', 'gripper', 'panda_ability'),
    ],
)
def test_unknown_name_fails_to_configure(parameter, value, known):
    process = NodeProcess('generator_node', **{parameter: value})
    try:
        process.wait_for_output(f'known are: {known}', timeout_s=60.0)
        assert process.alive
    finally:
        process.stop(timeout_s=30.0)
