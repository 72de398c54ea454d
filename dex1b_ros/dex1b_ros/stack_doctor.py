"""Checks of `dex1b doctor` on a running stack: nodes, controllers, topics, clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import rclpy
from builtin_interfaces.msg import Time
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, qos_check_compatible
from rosgraph_msgs.msg import Clock

from dex1b_core.doctor import DoctorOptions, Finding, Status
from dex1b_ros.moveit_settings import SERVICES, MoveItSettings
from dex1b_ros.node_list import StackOptions, grasp_nodes
from dex1b_ros.robot_doctor import RobotDoctor, verdict

ANSWER_S = 3.0


def check_stack(options: DoctorOptions) -> Iterator[Finding]:
    """Look for a running stack, then at its parts; one skipped finding when there is none."""
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = Node('dex1b_doctor', namespace=options.namespace, context=context)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        _spin(executor, options.discovery_s)
        expected = [spec.name for spec in grasp_nodes(StackOptions())]
        namespace = node.get_namespace()
        present = {
            name for name, where in node.get_node_names_and_namespaces() if where == namespace
        }
        if not present & {*expected, 'mock_robot'}:
            detail = f'no node found in namespace {namespace} within {options.discovery_s:.0f} s'
            yield Finding('stack', Status.SKIPPED, detail, 'dex1b up grasp')
            if not node.count_publishers(node.resolve_topic_name('joint_states')):
                return
            checks = _robot_checks(node, options)  # drivers alone
        else:
            checks = _all_checks(node, executor, expected, present, options)
        findings = []
        for finding in checks:
            findings.append(finding)
            yield finding
        yield verdict(findings)
    finally:
        context.try_shutdown()


def _all_checks(
    node: Node,
    executor: SingleThreadedExecutor,
    expected: list[str],
    present: set[str],
    options: DoctorOptions,
) -> Iterator[Finding]:
    yield from check_nodes(node, executor, expected, present)
    if 'executor' in present:
        yield from check_motion_backend(node, executor)
    yield from check_topics(node, executor)
    yield check_clock(node, executor)
    yield from _robot_checks(node, options)


def _robot_checks(node: Node, options: DoctorOptions) -> Iterator[Finding]:
    with RobotDoctor(node.context, options) as doctor:
        yield from doctor.checks()


def _spin(executor: SingleThreadedExecutor, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        executor.spin_once(timeout_sec=left)


def check_nodes(
    node: Node, executor: SingleThreadedExecutor, expected: list[str], present: set[str]
) -> Iterator[Finding]:
    """Whether each node of the stack runs, and its lifecycle state."""
    if 'sim_robot' not in present:
        expected = [name for name in expected if name != 'sim_robot']
        if 'mock_robot' in present:
            expected.insert(0, 'mock_robot')
        else:
            yield Finding('robot', Status.SKIPPED, 'not simulated: its own drivers should run')
    for name in expected:
        if name not in present:
            detail = 'not running'
            yield Finding(f'node {name}', Status.FAIL, detail, "see its output in 'dex1b up'")
            continue
        state = lifecycle_state(node, executor, name)
        if state == 'active':
            yield Finding(f'node {name}', Status.OK, 'active')
        else:
            full = f'{node.get_namespace().rstrip("/")}/{name}'
            step = 'configure' if state == 'unconfigured' else 'activate'
            mend = f'its log names the reason; then: ros2 lifecycle set {full} {step}'
            yield Finding(f'node {name}', Status.FAIL, state, mend)


def lifecycle_state(node: Node, executor: SingleThreadedExecutor, name: str) -> str:
    """Label of a node's lifecycle state, or why there is none."""
    answer = _ask(node, executor, GetState, f'{name}/get_state', GetState.Request())
    return answer.current_state.label if answer else f'gives no answer within {ANSWER_S:.0f} s'


def check_motion_backend(node: Node, executor: SingleThreadedExecutor) -> Iterator[Finding]:
    """Whether move_group serves what the executor asks, where it asks that."""
    request = GetParameters.Request(names=['motion_backend', 'moveit.namespace'])
    answer = _ask(node, executor, GetParameters, 'executor/get_parameters', request)
    values = [value.string_value for value in answer.values] if answer else []
    if values[:1] != ['moveit']:
        return
    settings = MoveItSettings(namespace=values[1])
    names = [node.resolve_service_name(settings.service(name)) for name in SERVICES]
    missing = [name for name in names if not node.count_services(name)]
    if missing:
        mend = "start move_group, or set the executor's motion_backend to 'dex1b'"
        yield Finding('MoveIt', Status.FAIL, f'nobody serves {missing}', mend)
    else:
        yield Finding('MoveIt', Status.OK, f'serves {names}; it finds the way to the grasp')


def _ask(
    node: Node, executor: SingleThreadedExecutor, kind: Any, name: str, request: Any
) -> Any | None:
    """A service's answer; None where there is none in time."""
    client = node.create_client(kind, name)
    try:
        end = time.monotonic() + ANSWER_S
        while not client.service_is_ready() and time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)
        future = client.call_async(request)
        executor.spin_until_future_complete(future, timeout_sec=ANSWER_S)
        return future.result() if future.done() else None
    finally:
        node.destroy_client(client)


def check_topics(node: Node, executor: SingleThreadedExecutor) -> Iterator[Finding]:
    """Whether publishers and subscriptions that share a topic also understand each other."""
    shared = 0
    for topic, _ in node.get_topic_names_and_types():
        publishers = node.get_publishers_info_by_topic(topic)
        subscriptions = node.get_subscriptions_info_by_topic(topic)
        shared += bool(publishers and subscriptions)
        for publisher in publishers:
            for subscription in subscriptions:
                verdict, reason = qos_check_compatible(
                    publisher.qos_profile, subscription.qos_profile
                )
                if verdict == QoSCompatibility.ERROR:
                    detail = f'{publisher.node_name} -> {subscription.node_name}: {reason}'
                    mend = "set the driver's QoS to what the subscription asks for"
                    yield Finding(f'QoS of {topic}', Status.FAIL, detail, mend)
    yield Finding('QoS', Status.OK, f'{shared} topics have publishers and subscriptions')


def check_clock(node: Node, executor: SingleThreadedExecutor) -> Finding:
    """Whether simulated time runs, where something publishes it."""
    if not node.count_publishers('/clock'):
        return Finding('clock', Status.OK, 'wall time: nothing publishes /clock')
    stamps: list[Time] = []
    subscription = node.create_subscription(
        Clock, '/clock', lambda message: stamps.append(message.clock), 1
    )
    begun = time.monotonic()
    while (not stamps or stamps[-1] == stamps[0]) and time.monotonic() - begun < ANSWER_S:
        executor.spin_once(timeout_sec=0.1)
    node.destroy_subscription(subscription)
    if not stamps or stamps[-1] == stamps[0]:
        mend = 'the simulation hangs: see its log and start it again'
        return Finding('clock', Status.FAIL, f'/clock stands still for {ANSWER_S:.0f} s', mend)
    return Finding('clock', Status.OK, 'simulated time runs')
