"""The set-up's own logic, on small folders instead of a whole environment."""

import subprocess
import sys
from pathlib import Path

import pytest
import setup_common
import setup_interfaces
import setup_machine
import setup_packages
from setup_common import SetupFailed, Stamps, Venv, digest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture
def venv(tmp_path) -> Venv:
    return Venv(tmp_path / 'venv')


def test_a_stamp_holds_for_its_key_until_it_is_cleared(tmp_path):
    stamps = Stamps(tmp_path / 'state')
    assert not stamps.valid('build it', 'a')
    stamps.write('build it', 'a')
    assert stamps.valid('build it', 'a')
    assert not stamps.valid('build it', 'b')
    assert Stamps(tmp_path / 'state').valid('build it', 'a')
    stamps.clear('build it')
    assert not stamps.valid('build it', 'a')


def test_digest_follows_contents_names_and_strings(tmp_path):
    folder = tmp_path / 'folder'
    folder.mkdir()
    (folder / 'a.msg').write_text('one')
    first = digest([folder], 'x')
    assert digest([folder], 'x') == first
    assert digest([folder], 'y') != first
    (folder / 'a.msg').write_text('two')
    assert digest([folder], 'x') != first
    (folder / 'a.msg').write_text('one')
    (folder / 'a.msg').rename(folder / 'b.msg')
    assert digest([folder], 'x') != first
    (folder / 'b.msg').rename(folder / 'a.msg')
    (folder / '__pycache__').mkdir()
    (folder / '__pycache__' / 'a.pyc').touch()
    assert digest([folder], 'x') == first
    assert digest([folder, tmp_path / 'absent'], 'x') != first


def test_a_failed_command_shows_the_end_of_its_log(tmp_path):
    command = [sys.executable, '-c', 'print("the reason"); raise SystemExit(3)']
    with pytest.raises(SetupFailed, match=r'(?s)failed with code 3.*the reason'):
        setup_common.run(command, log=tmp_path / 'log' / 'x.log')


def test_repair_mends_paths_and_leaves_hard_links_alone(venv, tmp_path):
    share = venv.path / 'share'
    export = share / 'a_msgs' / 'cmake' / 'a_msgs__rosidl_generator_pyExport.cmake'
    generator = share / 'rosidl_generator_py/cmake/rosidl_generator_py_generate_interfaces.cmake'
    for file in (export, generator):
        file.parent.mkdir(parents=True)
    export.write_text('  INTERFACE_INCLUDE_DIRECTORIES "/opt/python/a;/opt/python/b"\n')
    generator.write_text(
        'target_include_directories(${lib} PUBLIC ${Python3_INCLUDE_DIRS} ${NumPy})\n'
        'target_include_directories(${lib}\n  PUBLIC\n  ${other})\n'
    )
    cached = tmp_path / 'cached'
    cached.hardlink_to(export)
    setup_interfaces.repair_wheels(venv)
    assert export.read_text() == '  INTERFACE_INCLUDE_DIRECTORIES ""\n'
    assert 'opt/python' in cached.read_text()
    mended = generator.read_text()
    assert 'PRIVATE ${Python3_INCLUDE_DIRS}' in mended
    assert '\n  PUBLIC\n  ${other}' in mended
    setup_interfaces.repair_wheels(venv)
    assert generator.read_text() == mended


def test_another_python_or_a_broken_interpreter_means_a_new_environment(venv, monkeypatch):
    venv.python.parent.mkdir(parents=True)
    venv.python.write_text('#!/bin/sh\necho 3 8\n')
    venv.python.chmod(0o755)
    marker = venv.path / 'old'
    marker.touch()
    made = []
    monkeypatch.setattr(setup_packages, 'run', lambda command, **_: made.append(command))
    setup_packages.create_venv(venv, system_packages=True)
    assert not marker.exists()
    assert made == [[sys.executable, '-m', 'venv', str(venv.path), '--system-site-packages']]


def test_a_fitting_environment_is_kept(venv, monkeypatch):
    venv.python.parent.mkdir(parents=True)
    venv.python.symlink_to(sys.executable)
    monkeypatch.setattr(setup_packages, 'run', lambda command, **_: pytest.fail('made anew'))
    setup_packages.create_venv(venv, system_packages=False)


def test_what_the_machine_lacks_is_said_all_at_once(monkeypatch):
    monkeypatch.setattr(setup_machine, 'compiler', lambda: None)
    monkeypatch.setattr(setup_machine, 'python_header', lambda: Path('/absent/Python.h'))
    with pytest.raises(SetupFailed, match=r'(?s)apt-get install g\+\+.*Python\.h.*-dev'):
        setup_machine.check(needs_compiler=True)


def test_libraries_of_another_environment_do_not_count(monkeypatch, tmp_path):
    """Run from one virtual environment, the set-up of another must not rely on its libraries."""
    monkeypatch.setenv('LD_LIBRARY_PATH', str(tmp_path))
    monkeypatch.delenv('ROS_DISTRO', raising=False)
    seen = []

    def listing(command, *, env, **_):
        seen.append(env)
        return subprocess.CompletedProcess(command, 0, stdout='libusb-1.0.so.0 => not found\n')

    monkeypatch.setattr(setup_machine.subprocess, 'run', listing)
    assert setup_machine.missing_libraries(Path('x.so')) == ['libusb-1.0.so.0']
    assert 'LD_LIBRARY_PATH' not in seen[0]


def test_unsupported_python_is_refused(monkeypatch):
    monkeypatch.setattr(sys, 'version_info', (3, 10, 1))
    with pytest.raises(SetupFailed, match=r'Python 3\.11 or 3\.12 \(this is 3\.10\.1\)'):
        setup_machine.check(needs_compiler=False)


def test_an_old_c_library_is_refused(monkeypatch):
    monkeypatch.setattr(setup_machine.platform, 'libc_ver', lambda: ('glibc', '2.31'))
    with pytest.raises(SetupFailed, match=r'glibc 2\.35 or newer.*2\.31'):
        setup_machine.check(needs_compiler=False)


def test_ros_counts_as_sourced_only_when_it_can_be_imported(monkeypatch):
    monkeypatch.delenv('ROS_DISTRO', raising=False)
    assert setup_machine.sourced_ros() == ''
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    for code, outcome in ((0, 'jazzy'), (1, None)):
        answer = subprocess.CompletedProcess([], code)
        monkeypatch.setattr(setup_machine.subprocess, 'run', lambda *_, a=answer, **__: a)
        if outcome:
            assert setup_machine.sourced_ros() == outcome
        else:
            with pytest.raises(SetupFailed, match='cannot import rclpy'):
                setup_machine.sourced_ros()
    monkeypatch.setenv('ROS_DISTRO', 'humble')
    answer = subprocess.CompletedProcess([], 0)
    monkeypatch.setattr(setup_machine.subprocess, 'run', lambda *_, **__: answer)
    with pytest.raises(SetupFailed, match='needs Jazzy'):
        setup_machine.sourced_ros()


def test_pip_configuration_is_passed_on(monkeypatch, tmp_path):
    for name in ('UV_FIND_LINKS', 'UV_DEFAULT_INDEX', 'SSL_CERT_FILE', 'PIP_FIND_LINKS'):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / 'pip.conf'
    file.write_text('[global]\nindex-url = https://mirror.example/simple\nfind-links = /wheels\n')
    monkeypatch.setenv('PIP_CONFIG_FILE', str(file))
    settings = setup_packages.uv_settings(sys.executable)
    assert settings['UV_FIND_LINKS'] == '/wheels'
    assert settings['UV_DEFAULT_INDEX'] == 'https://mirror.example/simple'
    monkeypatch.setenv('UV_FIND_LINKS', '/mine')
    assert 'UV_FIND_LINKS' not in setup_packages.uv_settings(sys.executable)


def test_the_environment_comes_after_sourced_workspaces(tmp_path):
    code = f'import runpy, os; runpy.run_path({str(TOOLS / "venv_environment.py")!r});'
    code += 'import sys; print(os.environ["AMENT_PREFIX_PATH"], sys.prefix)'
    for before in ('', '/ws/a:/ws/b', f'{sys.base_prefix}:/ws'):
        result = subprocess.run(
            [sys.executable, '-S', '-c', code],
            capture_output=True,
            text=True,
            check=True,
            env={'AMENT_PREFIX_PATH': before},
        )
        path, prefix = result.stdout.split()
        parts = path.split(':')
        kept = [part for part in before.split(':') if part]
        assert parts[: len(kept)] == kept
        assert len(parts) == len(kept) + (prefix not in kept)
