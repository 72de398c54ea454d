"""The packages say the same thing wherever they say it."""

import ast
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ('dex1b_core', 'dex1b_msgs', 'dex1b_ros')


def manifest(package: str) -> ElementTree.Element:
    return ElementTree.parse(ROOT / package / 'package.xml').getroot()


def setup_arguments(package: str) -> dict[str, ast.expr]:
    """Keyword arguments of the call of setup() in a package's setup.py."""
    tree = ast.parse((ROOT / package / 'setup.py').read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    call = next(node for node in calls if ast.unparse(node.func) == 'setup')
    return {item.arg: item.value for item in call.keywords if item.arg}


def requirement_names(text: str) -> set[str]:
    lines = (line.split('#')[0].strip() for line in text.splitlines())
    names = (re.split(r'[\[<>=!~; ]', line)[0] for line in lines if line)
    return {name.lower().replace('_', '-') for name in names}


def test_one_command_of_ros_bumps_every_version(tmp_path):
    """catkin_prepare_release finds all of them; nothing else holds the number."""
    package_version = pytest.importorskip('catkin_pkg.package_version')
    packages = pytest.importorskip('catkin_pkg.packages')
    version = manifest('dex1b_core').findtext('version')
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        for name in ('package.xml', 'setup.py'):
            if (ROOT / package / name).is_file():
                shutil.copy(ROOT / package / name, tmp_path / package)
    found = packages.find_packages(str(tmp_path))
    package_version.update_versions({tmp_path / key: found[key] for key in found}, '98.76.54')
    left = [file.name for file in tmp_path.rglob('*.*') if version in file.read_text()]
    assert left == []
    assert version not in (ROOT / 'dex1b_core' / 'dex1b_core' / '__init__.py').read_text()


def test_the_wheel_carries_its_configuration(tmp_path):
    """From a checkout without build folders; it is found from the unpacked wheel alone."""
    without = shutil.ignore_patterns('build', '*.egg-info', '__pycache__')
    shutil.copytree(ROOT / 'dex1b_core', tmp_path / 'dex1b_core', ignore=without)
    (tmp_path / 'config').symlink_to(ROOT / 'config')
    command = [sys.executable, 'setup.py', '-q', 'bdist_wheel', '-d', str(tmp_path)]
    built = subprocess.run(command, cwd=tmp_path / 'dex1b_core', capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob('*.whl')
    shutil.unpack_archive(wheel, tmp_path / 'site', 'zip')
    code = 'import os; os.environ.pop("AMENT_PREFIX_PATH", None)\n'
    code += 'from dex1b_core.config import config_folder; print(config_folder())'
    found = subprocess.run(
        [sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={'PYTHONPATH': str(tmp_path / 'site')},
    ).stdout.strip()  # fmt: skip
    assert found == str(tmp_path / 'site' / 'dex1b_core' / 'config_files')
    files = {str(path.relative_to(found)) for path in Path(found).rglob('*') if path.is_file()}
    config = ROOT / 'config'
    assert files == {str(path.relative_to(config)) for path in config.rglob('*') if path.is_file()}
    assert any(name.endswith('.safetensors') for name in files)
    assert list(tmp_path.glob('site/*.dist-info/licenses/LICENSE'))


@pytest.mark.parametrize('package', PACKAGES)
def test_manifests_agree_on_version_and_licence(package):
    root = manifest(package)
    assert root.findtext('name') == package
    assert root.findtext('version') == manifest('dex1b_core').findtext('version')
    assert root.findtext('license') == 'Apache-2.0'


@pytest.mark.parametrize('package', ['dex1b_core', 'dex1b_ros'])
def test_setup_agrees_with_the_manifest(package):
    arguments = setup_arguments(package)
    root = manifest(package)
    assert ast.literal_eval(arguments['name']) == package
    for key in ('version', 'description', 'license'):
        assert ast.literal_eval(arguments[key]) == root.findtext(key), key


def test_changelog_has_the_version_or_unreleased_changes():
    text = (ROOT / 'CHANGELOG.md').read_text()
    version = manifest('dex1b_core').findtext('version')
    assert '## [Unreleased]' in text or f'## [{version}]' in text


def test_each_executable_has_its_module():
    tree = ast.parse((ROOT / 'dex1b_ros' / 'setup.py').read_text())
    assignment = next(
        node
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == 'NODES'
    )
    for name in ast.literal_eval(assignment.value):
        source = (ROOT / 'dex1b_ros' / 'dex1b_ros' / f'{name}.py').read_text()
        assert 'def main() -> None:' in source, name


def test_ros_imports_are_declared():
    declared = {item.text for item in manifest('dex1b_ros') if item.tag.endswith('depend')}
    imported = set()
    for file in [*(ROOT / 'dex1b_ros').rglob('*.py'), *(ROOT / 'launch').glob('*.py')]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split('.')[0])
    of_ros = {
        name
        for name in imported
        if name.endswith('_msgs') or name in {'rclpy', 'launch', 'launch_ros', 'tf2_ros'}
    }
    of_ros |= imported & {'ament_index_python', 'builtin_interfaces', 'std_srvs'}
    aliases = {'tf2_ros': 'tf2_ros_py'}
    asked_for = {'moveit_msgs'}  # imported only where the executor's motion_backend wants it
    assert {aliases.get(name, name) for name in of_ros - asked_for} <= declared


def test_core_never_imports_ros():
    pattern = re.compile(r'^\s*(?:import|from) (rclpy|dex1b_ros|\w+_msgs|tf2_ros)\b', re.M)
    offenders = {
        str(file): found
        for file in (ROOT / 'dex1b_core').rglob('*.py')
        if (found := pattern.findall(file.read_text()))
    }
    assert offenders == {}


def third_party_imports(folder: Path) -> set[str]:
    """Top-level modules that the files of a folder import, without Python's own."""
    found = set()
    for file in folder.rglob('*.py'):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split('.')[0])
    return found - sys.stdlib_module_names


def test_library_declares_what_it_imports_and_no_more():
    modules = {
        'PIL': 'pillow',
        'cv2': 'opencv-python-headless',
        'pinocchio': 'pin',
        'skimage': 'scikit-image',
        'yaml': 'pyyaml',
    }
    imported = third_party_imports(ROOT / 'dex1b_core' / 'dex1b_core') - {'dex1b_core'}
    imported |= {'pytransform3d'}  # of dex1b_ros, which declares ROS packages alone
    optional = {'ray'}  # of the extra 'cluster'
    assert optional <= imported
    imported -= optional
    declared = requirement_names('\n'.join(core_requirements()))
    assert {modules.get(name, name).lower().replace('_', '-') for name in imported} == declared


def core_requirements() -> list[str]:
    source = (ROOT / 'dex1b_core' / 'setup.py').read_text()
    return re.findall(r"^    '([a-zA-Z0-9_-]+[>=][^']*)'", source, re.M)


def test_every_requirement_is_installed_locked_and_explained():
    library = requirement_names((ROOT / 'requirements' / 'library.in').read_text())
    locked = requirement_names((ROOT / 'requirements' / 'lock.txt').read_text())
    explained = (ROOT / 'docs' / 'dependencies.md').read_text().lower().replace('_', '-')
    bounded = requirement_names('\n'.join(core_requirements()))
    assert len(bounded) > 15
    assert bounded == library
    for kind in ('library', 'development', 'ros_wheels'):
        names = requirement_names((ROOT / 'requirements' / f'{kind}.in').read_text())
        assert names <= locked, kind
    assert [name for name in library if not re.search(rf'\b{name}\b', explained)] == []


def test_dockerfile_passes_its_linter():
    hadolint = shutil.which('hadolint', path=str(ROOT / '.venv' / 'bin')) or shutil.which(
        'hadolint'
    )
    if hadolint is None:
        pytest.skip('hadolint is not installed')
    result = subprocess.run([hadolint, str(ROOT / 'Dockerfile')], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
