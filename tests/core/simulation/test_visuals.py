import numpy as np
import pytest
import trimesh

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots import load_robot
from dex1b_core.simulation import visuals
from dex1b_core.simulation.visuals import FACES_PER_LINK, robot_bodies

URDF = """<robot name="toy">
  <link name="foot"><visual><geometry><box size="0.2 0.2 0.1"/></geometry>
    <material name="red"><color rgba="0.9 0.1 0.1 1"/></material></visual></link>
  <link name="ball"><visual><origin xyz="0 0 0.3"/><geometry>SHAPE</geometry></visual></link>
  <link name="frame"/>
  <joint name="j" type="fixed"><parent link="foot"/><child link="ball"/></joint>
  <joint name="k" type="fixed"><parent link="ball"/><child link="frame"/></joint>
</robot>"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    assets = load_robot('xarm7_ability').urdf_path.parents[3]
    monkeypatch.setenv('DEX1B_CACHE', str(tmp_path))
    (tmp_path / 'assets').symlink_to(assets)
    return tmp_path


def toy(tmp_path, shape):
    path = tmp_path / 'toy.urdf'
    path.write_text(URDF.replace('SHAPE', shape))
    return load_robot('xarm7_ability').model_copy(update={'urdf': str(path), 'name': 'toy'})


def test_the_robot_is_light_enough_to_cast_and_keeps_its_size(cache):
    robot = load_robot('xarm7_ability')
    bodies = {body.name: body for body in robot_bodies(robot)}
    assert {'link_base', 'link7', 'thumb_L2', 'pinky_L1'} <= set(bodies)
    for body in bodies.values():
        assert 0 < len(body.faces) <= FACES_PER_LINK + 50, body.name
    full = trimesh.load(robot.urdf_path.parent / 'meshes/visual/link2.glb', force='mesh')
    np.testing.assert_allclose(np.ptp(bodies['link2'].vertices, axis=0), full.extents, atol=2e-3)


def test_the_second_time_comes_from_the_cache(cache, monkeypatch):
    first = robot_bodies(load_robot('xarm7_ability'))
    monkeypatch.setattr(visuals, '_read_links', lambda *_: pytest.fail('read again'))
    second = robot_bodies(load_robot('xarm7_ability'))
    assert [body.name for body in first] == [body.name for body in second]
    np.testing.assert_array_equal(first[3].vertices, second[3].vertices)


def test_plain_shapes_have_their_place_and_colour(tmp_path):
    foot, ball = robot_bodies(toy(tmp_path, '<sphere radius="0.05"/>'))
    assert (foot.name, ball.name) == ('foot', 'ball')
    np.testing.assert_allclose(foot.colour[0], [0.9, 0.1, 0.1], atol=1e-6)
    np.testing.assert_allclose(ball.vertices.mean(axis=0), [0, 0, 0.3], atol=1e-3)


@pytest.mark.parametrize(
    ('shape', 'text'),
    [('<mesh filename="nowhere.stl"/>', r'nowhere\.stl'), ('<cone/>', "'cone' is not supported")],
)
def test_what_cannot_be_read_is_named(tmp_path, shape, text):
    with pytest.raises(ConfigurationError, match=text):
        robot_bodies(toy(tmp_path, shape))
