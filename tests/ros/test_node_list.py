"""One declared list feeds launch file and CLI."""

import os
import signal
import time

import pytest

from dex1b_core.errors import Dex1bError
from dex1b_ros import bringup
from dex1b_ros.bringup import node_command
from dex1b_ros.commands import parse_arguments
from dex1b_ros.demo_recorder import longest_hold
from dex1b_ros.node_list import (
    ARTICULATE_ARGUMENTS,
    DISCOVERY,
    GRASP_ARGUMENTS,
    StackOptions,
    articulate_nodes,
    grasp_nodes,
)


def names(**values: str) -> list[str]:
    return [spec.name for spec in grasp_nodes(StackOptions.from_strings(values))]


def test_defaults_are_simulated_and_do_not_execute(monkeypatch):
    monkeypatch.delenv(DISCOVERY, raising=False)
    options = StackOptions.from_strings({n: a.default for n, a in GRASP_ARGUMENTS.items()})
    assert options == StackOptions()
    assert options.simulated
    assert options.sim_time
    executor = next(s for s in grasp_nodes(options) if s.name == 'executor')
    assert executor.parameters['execute'] is False


def test_the_stack_that_opens_things_does_not_execute_by_default_and_sees_the_front():
    values = {name: argument.default for name, argument in ARTICULATE_ARGUMENTS.items()}
    nodes = {spec.name: spec for spec in articulate_nodes(StackOptions.from_strings(values))}
    assert list(nodes) == [
        'sim_robot', 'perception', 'articulation_server', 'executor', 'safety_monitor'
    ]  # fmt: skip
    assert nodes['executor'].parameters['execute'] is False
    assert nodes['sim_robot'].parameters['object'].startswith('articulated:')
    assert nodes['sim_robot'].parameters['camera'] == 'robot_side'


def test_hardware_choices_start_the_right_stand_in():
    assert names()[0] == 'sim_robot'
    assert names(mock_physics='false')[0] == 'mock_robot'
    assert names(use_mock_hardware='false')[0] == 'perception'


def test_real_hardware_runs_on_wall_time_with_its_own_parameters():
    options = StackOptions.from_strings({'use_mock_hardware': 'false'})
    assert not options.sim_time
    assert options.parameter_file.name == 'real.yaml'


def test_nobody_beyond_this_machine_finds_the_nodes_unless_asked(monkeypatch):
    monkeypatch.delenv(DISCOVERY, raising=False)
    assert StackOptions.from_strings({}).environment == {DISCOVERY: 'LOCALHOST'}
    assert StackOptions.from_strings({'discovery': 'auto'}).environment[DISCOVERY] == 'LOCALHOST'
    assert StackOptions.from_strings({'discovery': 'subnet'}).environment[DISCOVERY] == 'SUBNET'
    monkeypatch.setenv(DISCOVERY, 'SUBNET')
    assert StackOptions.from_strings({'discovery': 'auto'}).environment[DISCOVERY] == 'SUBNET'
    assert StackOptions.from_strings({'discovery': 'localhost'}).environment[DISCOVERY] == (
        'LOCALHOST'
    )


def test_commands_carry_namespace_parameters_and_level():
    options = StackOptions(namespace='lab', log_level='debug', object='mug')
    command = node_command(grasp_nodes(options)[0], options)
    text = ' '.join(command)
    assert '__ns:=/lab' in text
    assert '--log-level debug' in text
    assert "object:='mug'" in text
    assert 'simulation.yaml' in text


def test_arguments_are_checked():
    assert parse_arguments(['object:=mug']) == {'object': 'mug'}
    with pytest.raises(Dex1bError, match='expected NAME:=VALUE'):
        parse_arguments(['objekt:=mug'])
    with pytest.raises(Dex1bError, match='true, false'):
        parse_arguments(['execute:=yes'])


def test_longest_hold_counts_only_unbroken_time():
    times = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert longest_hold(times, [0.0, 0.2, 0.2, 0.0, 0.2, 0.2], 0.1) == 1.0
    assert longest_hold(times, [0.0, 0.2, 0.2, 0.2, 0.2, 0.0], 0.1) == 3.0
    assert longest_hold(times, [0.0] * 6, 0.1) == 0.0


def test_only_nodes_that_plan_are_started_again(monkeypatch, tmp_path):
    options = StackOptions(mock_physics=False)
    specs = [s for s in grasp_nodes(options) if s.name in ('mock_robot', 'grasp_server')]
    monkeypatch.setitem(bringup.STACKS, 'grasp', (GRASP_ARGUMENTS, lambda options: specs))
    with bringup.Stack(options, log_folder=tmp_path) as stack:
        for _ in range(bringup.MOST_RESTARTS):
            end(stack, 'grasp_server')
            assert stack.mend() == ['grasp_server']
            assert stack.dead() == {}
        end(stack, 'grasp_server')
        with pytest.raises(Dex1bError, match='grasp_server'):
            stack.mend()
    with bringup.Stack(options, log_folder=tmp_path) as stack:
        end(stack, 'mock_robot')
        with pytest.raises(Dex1bError, match='mock_robot'):
            stack.mend()


def end(stack: bringup.Stack, name: str) -> None:
    os.kill(stack.pids[name], signal.SIGKILL)
    deadline = time.monotonic() + 5.0
    while name not in stack.dead() and time.monotonic() < deadline:
        time.sleep(0.02)
