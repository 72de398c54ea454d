"""URDFs with everything that can be wrong in them: refused by name."""

import sys
from pathlib import Path

import pytest

from dex1b_core.errors import ConfigurationError
from dex1b_core.robots.urdf_file import check_urdf

sys.path.insert(0, str(Path(__file__).parent))
from small_urdfs import CHAIN, LIMIT, joint, write

pytestmark = pytest.mark.usefixtures('own_cache')


@pytest.mark.parametrize(
    ('second', 'message'),
    [
        (joint('b', 'near', 'far', xyz='0 nan 0'), r"joint 'b': origin xyz=\"0 nan 0\".*finite"),
        (joint('b', 'near', 'far', xyz='0 0'), r"joint 'b': origin xyz=\"0 0\" is not 3"),
        (joint('b', 'near', 'far', xyz='0 0 o.1'), r"joint 'b': origin xyz=\"0 0 o.1\""),
        (joint('b', 'near', 'far', inside='<limit lower="0" upper="inf"/>'), r'limit upper="inf"'),
        (joint('b', 'near', 'far', inside='<limit lower="2" upper="1"/>'),
         r"joint 'b': its lower limit 2 is above the upper limit 1"),
        (joint('b', 'near', 'far', inside=LIMIT + '<mimic joint="c"/>'),
         r"joint 'b' mimics 'c', which is not in the file; joints are: a, b"),
        (joint('b', 'near', 'far', inside=LIMIT + '<mimic joint="b"/>'), r'in a circle: b -> b'),
        (joint('b', 'near', 'far', inside=LIMIT + '<mimic joint="a" multiplier="x"/>'),
         r"joint 'b': mimic multiplier=\"x\" is not a finite number"),
        (joint('b', 'near', 'far', kind='floating'), r"joint 'b' of type 'floating'.*known are"),
        (joint('b', 'near', 'far', kind='prismatic', inside=''), r"'b' has no limits"),
        (joint('b', 'near', 'tip'), r"joint 'b': its child link 'tip' is not in the file"),
        (joint('b', 'palm', 'near'), r"link 'near' has two parents"),
        (joint('b', 'near', 'far').replace('0 1 0', '0 0 0'), r"joint 'b': its axis is zero"),
        (joint('a', 'near', 'far'), r"joint names used twice: \['a'\]"),
        ('', r"do not form one tree; roots: \['palm', 'far'\]"),
        (joint('b', 'far', 'far'), r"loop through link 'far'|roots"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, second, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        check_urdf(write(tmp_path, CHAIN[0], second))
    assert 'hand.urdf' in caught.value.message


def test_mimic_joints_in_a_circle_are_named(tmp_path):
    parts = (joint('a', 'palm', 'near', inside=LIMIT + '<mimic joint="b"/>'),
             joint('b', 'near', 'far', inside=LIMIT + '<mimic joint="a"/>'))  # fmt: skip
    with pytest.raises(ConfigurationError, match='circle: a -> b -> a; one of them must be driven'):
        check_urdf(write(tmp_path, *parts))


def test_a_closed_loop_of_joints_is_named(tmp_path):
    parts = (joint('a', 'palm', 'near'), joint('b', 'near', 'palm'))
    with pytest.raises(ConfigurationError, match='no root: joints form a loop'):
        check_urdf(write(tmp_path, *parts, links=('palm', 'near')))
