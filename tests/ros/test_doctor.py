"""The doctor's view of an installation and of running nodes."""

import fcntl

import pytest
from harness import node_process
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

from dex1b_core.doctor import DoctorOptions, Status
from dex1b_ros import doctor
from dex1b_ros.stack_doctor import check_stack

pytestmark = pytest.mark.ros


def findings(discovery_s: float = 3.0) -> dict:
    return {item.check: item for item in check_stack(DoctorOptions(discovery_s=discovery_s))}


def test_installation(ros_domain):
    for check in (doctor.check_ros, doctor.check_middleware, doctor.check_messages):
        finding = check()
        assert finding.status is Status.OK, finding


def test_unknown_middleware_names_the_variable(monkeypatch):
    def refuse(**_):
        raise RuntimeError('no rmw_other')

    monkeypatch.setattr('rclpy.init', refuse)
    finding = doctor.check_middleware()
    assert finding.status is Status.FAIL
    assert 'RMW_IMPLEMENTATION' in finding.mend


def test_definitions_that_were_changed_after_the_build_are_named(tmp_path):
    source, share = tmp_path / 'source', tmp_path / 'share'
    for folder in (source, share):
        (folder / 'msg').mkdir(parents=True)
        (folder / 'msg' / 'Same.msg').write_text('bool a\n')
    (source / 'msg' / 'New.msg').write_text('bool b\n')
    assert doctor.stale_definitions(source, share) == ['New.msg']
    (share / 'msg' / 'Same.msg').write_text('bool other\n')
    assert doctor.stale_definitions(source, share) == ['New.msg', 'Same.msg']
    assert doctor.stale_definitions(tmp_path / 'no_checkout', share) == []


def test_wheels_that_are_not_mended_are_found(tmp_path):
    file = tmp_path / 'share' / 'a_msgs' / 'cmake' / 'a_msgs__rosidl_generator_pyExport.cmake'
    file.parent.mkdir(parents=True)
    file.write_text('INTERFACE_INCLUDE_DIRECTORIES "/opt/python/x"')
    assert doctor.check_wheels(tmp_path).status is Status.FAIL
    file.write_text('INTERFACE_INCLUDE_DIRECTORIES ""')
    assert doctor.check_wheels(tmp_path).status is Status.OK


def test_only_segments_of_dead_processes_count_as_leftovers(tmp_path):
    for name in ('fastrtps_dead', 'fastrtps_dead_el', 'fastrtps_alive', 'fastrtps_alive_el'):
        (tmp_path / name).touch()
    with (tmp_path / 'fastrtps_alive_el').open() as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        left = doctor.abandoned_segments(tmp_path)
        assert {file.name for file in left} == {'fastrtps_dead', 'fastrtps_dead_el'}
        assert doctor.check_shared_memory(tmp_path).status is Status.WARN


def test_nothing_running_is_no_failure(ros_domain):
    found = findings(discovery_s=1.0)
    assert [item.status for item in found.values()] == [Status.SKIPPED]


def test_running_and_missing_nodes_and_controllers(ros_domain):
    broken = {'robot': 'nobody', 'motion_backend': 'moveit', 'moveit__namespace': '/lab'}
    with node_process('mock_robot_node'), node_process('executor_node', **broken):
        found = findings(discovery_s=8.0)
    assert found['node mock_robot'].status is Status.OK
    assert found['arm controller'].status is Status.OK
    assert found['hand controller'].status is Status.OK
    assert found['node perception'].status is Status.FAIL
    assert found['node executor'].status is Status.FAIL
    assert found['MoveIt'].status is Status.FAIL
    assert "'/lab/plan_kinematic_path'" in found['MoveIt'].detail
    assert found['node executor'].detail == 'unconfigured'
    assert 'ros2 lifecycle set /executor configure' in found['node executor'].mend


def test_publisher_and_subscription_that_do_not_match(client):
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    reliable = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    client.node.create_publisher(String, 'words', best_effort)
    client.node.create_subscription(String, 'words', lambda message: None, reliable)
    with node_process('mock_robot_node'):
        found = findings(discovery_s=6.0)
    assert found['QoS of /words'].status is Status.FAIL
    assert 'test_client' in found['QoS of /words'].detail
