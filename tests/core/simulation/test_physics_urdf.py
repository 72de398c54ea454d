import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from dex1b_core.robots import load_robot
from dex1b_core.simulation.physics_urdf import physics_urdf


@pytest.fixture(scope='module')
def description():
    return load_robot('xarm7_ability')


def inertias(text):
    for link in ElementTree.fromstring(text).findall('link'):
        values = link.find('inertial/inertia').attrib
        xx, xy, xz, yy, yz, zz = (
            float(values[k]) for k in ('ixx', 'ixy', 'ixz', 'iyy', 'iyz', 'izz')
        )
        moments = np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        yield link.attrib['name'], float(link.find('inertial/mass').attrib['value']), moments


def test_every_link_gets_an_inertia_that_a_body_can_have(description):
    for name, mass, moments in inertias(physics_urdf(description)):
        assert moments[0] > 0, name
        assert moments[0] + moments[1] >= moments[2] * 0.999, name
        if name.startswith(('thumb_L', 'index_L', 'middle_L', 'ring_L', 'pinky_L')):
            assert np.sqrt(moments[2] / mass) < 0.03, name  # fingers are centimetres thick


def test_inertias_are_kept_when_not_to_be_corrected(description):
    kept = description.model_copy(
        update={'simulation': description.simulation.model_copy(update={'correct_inertias': False})}
    )
    moments = {name: m for name, _, m in inertias(physics_urdf(kept))}
    assert moments['index_L1'][2] == pytest.approx(3.82e-4, rel=0.01)  # as published


def test_visuals_go_and_mesh_paths_become_absolute(description):
    robot = ElementTree.fromstring(physics_urdf(description))
    assert robot.find('.//visual') is None
    files = [Path(mesh.attrib['filename']) for mesh in robot.iter('mesh')]
    assert files
    assert all(file.is_absolute() and file.is_file() for file in files)
