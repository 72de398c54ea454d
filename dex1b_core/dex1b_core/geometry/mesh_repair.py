"""Closed bodies from meshes that are not quite, with a report of what was mended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.geometry.mesh_holes import boundary_loops, fill, width
from dex1b_core.geometry.mesh_winding import overlaps_itself, winding_grid
from dex1b_core.geometry.solids import Solid, bodies, is_closed, union
from dex1b_core.geometry.surface import exact_signed_distance, sample_surface, surface_distance

Array = NDArray[np.float64]

CELLS = 80
"""Cells along the longest side when a mesh has to be made anew from a grid."""

_SAME = 1e-6  # of the longest side: vertices nearer than this are one
_FLAT = 1e-4  # of the longest side: thinner is no body
_FRAGMENT = 1e-4  # of the volume: smaller bodies are dropped


@dataclass(frozen=True)
class Repaired:
    """A closed body and what was done to close it.

    Attributes:
        solid: Closed, wound outwards, not passing through itself.
        repairs: A sentence each, empty when nothing was needed.
        error: Largest measured distance [m] of the body's surface from the mesh, 0 unless it was
            made anew from a grid. Covers over holes are guesses and not counted; what was lost of
            the mesh is told in `repairs`.
    """

    solid: Solid
    repairs: tuple[str, ...]
    error: float = 0.0


def repair(mesh: Solid, *, name: str = 'mesh') -> Repaired:
    """Make a closed body of a triangle mesh.

    Duplicate vertices and faces go, faces are wound alike and outwards, holes are filled, several
    bodies are united, and cavities, which no hand reaches, are filled. What then is still not
    closed or passes through itself is made anew from a grid.

    Args:
        mesh: Triangles [m].
        name: For messages.

    Raises:
        Dex1bError: SHAPE_INVALID when the mesh is empty, not finite, flat or encloses nothing.
    """
    _require_body(mesh, name)
    notes: list[str] = []
    clean = _wound_alike(_without_duplicates(mesh, notes, name), notes)
    loops = boundary_loops(clean.faces)
    filled = fill(clean, loops)
    if loops:
        widest = max(width(clean.vertices[loop]) for loop in loops)
        notes.append(
            f'filled {_count(len(loops), "hole")} up to {1e3 * widest:.1f} mm wide: the surface '
            'there is a guess'
        )
    if is_closed(filled):
        solid = _united(filled, notes)
        if solid is not None:
            return Repaired(solid, tuple(notes))
    return _remade(filled, notes, name)


def _require_body(mesh: Solid, name: str) -> None:
    if len(mesh.vertices) == 0 or len(mesh.faces) == 0:
        raise _invalid(
            name,
            f'is empty ({len(mesh.vertices)} vertices, {len(mesh.faces)} faces)',
            'a surface of triangles',
        )
    if not np.isfinite(mesh.vertices).all():
        broken = int((~np.isfinite(mesh.vertices)).any(axis=1).sum())
        raise _invalid(
            name,
            f'has {broken} of {len(mesh.vertices)} vertices that are not finite',
            'numbers only: export it again',
        )
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise _invalid(
            name,
            f'has faces of vertices {mesh.faces.min()} to {mesh.faces.max()}',
            f'indices of its {len(mesh.vertices)} vertices',
        )
    used = mesh.vertices[np.unique(mesh.faces)]
    sizes = np.linalg.svd(used - used.mean(axis=0), compute_uv=False) / np.sqrt(len(used))
    if len(used) < 4 or sizes[-1] <= _FLAT * sizes[0]:
        raise _invalid(name, 'is flat', 'a body with a volume: give the sheet a thickness')


def _without_duplicates(mesh: Solid, notes: list[str], name: str) -> Solid:
    """One vertex for those at one place, no faces without area or twice."""
    vertices, faces = _merged(mesh, notes)
    collapsed = (faces == np.roll(faces, 1, axis=1)).any(axis=1)
    if collapsed.any():
        notes.append(f'dropped {_count(int(collapsed.sum()), "face")} without area')
        faces = faces[~collapsed]
    if len(faces) == 0:
        raise _invalid(name, 'has only faces without area', 'a surface of triangles')
    faces = _once(faces, notes)
    used, faces = np.unique(faces, return_inverse=True)
    return Solid(vertices[used], faces.reshape(-1, 3).astype(np.int64))


def _merged(mesh: Solid, notes: list[str]) -> tuple[Array, NDArray[np.int64]]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    # many formats repeat a vertex for each of its faces: that alone is no damage
    vertices, index = np.unique(mesh.vertices, axis=0, return_inverse=True)
    faces = index.reshape(-1)[mesh.faces]
    reach = _SAME * float(np.ptp(vertices, axis=0).max())
    pairs = cKDTree(vertices).query_pairs(reach, output_type='ndarray')
    if len(pairs) == 0:
        return vertices, faces
    links = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(vertices),) * 2)
    count, group = connected_components(links, directed=False)
    notes.append(f'merged {len(vertices) - count} vertices with others within {reach * 1e6:.2g} um')
    kept = np.zeros((count, 3))
    kept[group] = vertices
    return kept, group[faces].astype(np.int64)


def _once(faces: NDArray[np.int64], notes: list[str]) -> NDArray[np.int64]:
    """Of faces over the same corners, one; none where two bodies touch back to back."""
    _, first, index, counts = np.unique(
        np.sort(faces, axis=1), axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    if counts.max() == 1:
        return faces
    turn = np.where(_is_even(faces), 1, -1)
    balance = np.zeros(len(counts))
    np.add.at(balance, index.reshape(-1), turn)
    single, without_inner = np.sort(first), np.sort(first[(balance != 0) | (counts == 1)])
    keep = min(single, without_inner, key=lambda kept: _open_edges(faces[kept]))
    what = 'duplicate face' if len(keep) == len(single) else 'duplicate or inner face'
    notes.append(f'dropped {_count(len(faces) - len(keep), what)}')
    return np.asarray(faces[keep])


def _open_edges(faces: NDArray[np.int64]) -> int:
    """How many edges have an odd number of faces."""
    edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    return int((np.unique(edges, axis=0, return_counts=True)[1] % 2).sum())


def _is_even(faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether sorting the three indices of each face takes an even number of swaps."""
    a, b, c = faces.T
    return np.asarray(((a < b).astype(int) + (b < c) + (a < c)) % 2 == 1)


def _wound_alike(mesh: Solid, notes: list[str]) -> Solid:
    """Faces turned so that neighbours agree, most of each patch staying as they are."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    first, second, against = _neighbours(mesh.faces)
    count = len(mesh.faces)
    links = coo_matrix((1.0 + against, (first, second)), shape=(count + 1, count + 1))
    patch = connected_components(links, directed=False)[1][:count]
    _, starts = np.unique(patch, return_index=True)
    # one root beside the faces reaches every patch
    to_starts = (np.ones(len(starts)), (np.full(len(starts), count), starts))
    links = (links + coo_matrix(to_starts, shape=links.shape)).tocsr()
    links = links.maximum(links.T)
    order, parents = breadth_first_order(links, count, directed=False)
    differs = np.asarray(links[order[1:], parents[order[1:]]]).ravel() > 1.5
    flip = np.zeros(count + 1, dtype=bool)
    for face, parent, differ in zip(order[1:], parents[order[1:]], differs, strict=True):
        flip[face] = flip[parent] ^ differ
    flip = flip[:count]
    most = np.bincount(patch, flip) > 0.5 * np.bincount(patch)
    flip ^= most[patch]
    if flip.any():
        notes.append(f'turned {_count(int(flip.sum()), "face")} wound against the neighbours')
    return Solid(mesh.vertices, np.where(flip[:, None], mesh.faces[:, ::-1], mesh.faces))


def _neighbours(
    faces: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Pairs of faces that alone share an edge, and whether they run along it in one direction."""
    edges = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    owner = np.repeat(np.arange(len(faces)), 3)
    forward = edges[:, 0] < edges[:, 1]
    _, index, counts = np.unique(
        np.sort(edges, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    index = index.reshape(-1)
    order = np.argsort(index, kind='stable')
    order = order[counts[index[order]] == 2]
    first, second = order[0::2], order[1::2]
    return owner[first], owner[second], forward[first] == forward[second]


def _united(mesh: Solid, notes: list[str]) -> Solid | None:
    """One body of all closed shells; None when a shell passes through itself."""
    shells = bodies(mesh)
    whole = sum(abs(shell.volume) for shell in shells)
    if whole <= 0.0:
        return None
    large = [shell for shell in shells if abs(shell.volume) > _FRAGMENT * whole]
    if len(large) < len(shells):
        notes.append(f'dropped {_count(len(shells) - len(large), "fragment")} of next to no volume')
    outer: list[Solid] = []
    signs: list[bool] = []
    inverted = cavities = nested = 0
    for shell in large:
        positive = shell.volume > 0.0
        around = next((i for i, other in enumerate(outer) if _within(shell, other)), None)
        if around is None:
            inverted += not positive
            outer.append(shell if positive else Solid(shell.vertices, shell.faces[:, ::-1]))
            signs.append(positive)
        elif signs[around] != positive:
            cavities += 1
        else:
            nested += 1
    if any(overlaps_itself(shell) for shell in outer):
        return None
    if inverted:
        notes.append(f'turned {_count(inverted, "body")} inside out: the faces looked inwards')
    if cavities:
        notes.append(f'filled {_count(cavities, "enclosed cavity")}')
    if nested:
        notes.append(f'dropped {_count(nested, "body")} inside others')
    if len(outer) > 1:
        notes.append(f'united {_count(len(outer), "body")}')
    return union(outer)


def _within(shell: Solid, other: Solid) -> bool:
    """Whether a shell lies inside another whole."""
    inside = (shell.vertices >= other.vertices.min(0)) & (shell.vertices <= other.vertices.max(0))
    return bool(inside.all() and (exact_signed_distance(other, shell.vertices) < 0.0).all())


def _remade(mesh: Solid, notes: list[str], name: str) -> Repaired:
    """The zero level of the signed distance on a grid, signed by winding numbers."""
    from skimage import measure

    cell = float(mesh.extents.max()) / CELLS
    lower = mesh.vertices.min(axis=0) - 2.3 * cell
    counts = np.ceil((mesh.extents + 4.6 * cell) / cell).astype(int) + 1
    axes = [lower[i] + cell * np.arange(counts[i]) for i in range(3)]
    winding = np.abs(winding_grid(mesh, axes))
    points = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1)
    inside = winding > 0.5
    inside[[0, -1]] = inside[:, [0, -1]] = inside[:, :, [0, -1]] = False
    if not inside.any():
        raise _invalid(name, 'encloses no volume', 'a closed surface: give the sheet a thickness')
    signed = np.where(inside, -1.0, 1.0) * surface_distance(mesh, points)
    vertices, faces, _, _ = measure.marching_cubes(signed, 0.0, gradient_direction='ascent')
    made = Solid(lower + vertices * cell, faces.astype(np.int64))
    solid = _united(_without_duplicates(made, [], name), [])
    if solid is None:
        raise _invalid(name, 'cannot be closed', 'a surface around a volume: repair it by hand')
    off = surface_distance(mesh, sample_surface(solid, 5000).points)
    notes.append(
        f'made anew from a grid of {1e3 * cell:.2g} mm cells, because it is not closed or passes '
        f'through itself: within {1e3 * np.percentile(off, 95):.2g} mm of the mesh (95 %), '
        f'{1e3 * off.max():.2g} mm at most'
    )
    lost = (surface_distance(solid, sample_surface(mesh, 5000).points) > cell).mean()
    if lost > 0.01:
        notes.append(
            f'lost {100 * lost:.0f} % of the surface: walls thinner than a cell, or what was inside'
        )
    return Repaired(solid, tuple(notes), float(off.max()))


def _count(number: int, what: str) -> str:
    plural = f'{what[:-1]}ies' if what.endswith('y') else f'{what}s'
    return f'{number} {what if number == 1 else plural}'


def _invalid(name: str, wrong: str, expected: str) -> Dex1bError:
    return Dex1bError(ErrorCode.SHAPE_INVALID, f'{name} {wrong}; expected {expected}')
