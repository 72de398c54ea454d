"""Does colour tell objects apart, where they touch and where they are hidden in part?

Faces of real captures, as depth cuts them: for every two that meet in the image, how far their mean
colours are apart in Lab, how much of their border bends in or has a gap, and whether both are on
one object by the truth. Then what a bar across an object would leave of it, the first and last 30 %
by column and by row: how far both ends are apart in a* and b*, and how far different objects of a
scene are. An AUC of 0.5 is chance.

usage: python -m benchmarks.colour_borders --data DIR
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from dex1b_core.benchmark.captures import FIRST_OBJECT, LabelledCapture, read_captures
from dex1b_core.benchmark.perception_bench import CAPTURE_SETTINGS
from dex1b_core.perception import segment
from dex1b_core.perception.instances import grid_surface
from dex1b_core.perception.occlusion import ALIKE
from dex1b_core.perception.patches import find_contacts, label_patches

LEAST_FACE, LEAST_BORDER = 60, 8  # [px]
ENDS = (0.3, 0.7)  # of an object's columns or rows, between which a bar would hide it
CONTESTED = (0.2, 0.8)  # share of a border that is smooth where depth is undecided


@dataclass(frozen=True)
class Border:
    """Between two faces: on one object or not, distance in Lab, share that meets smoothly."""

    one: bool
    colour: float
    smooth: float


def borders(capture: LabelledCapture) -> Iterator[Border]:
    """Of all faces that meet."""
    cloud = segment([capture.frame], settings=CAPTURE_SETTINGS).clouds[0]
    window, step, surface = grid_surface(cloud.frame, cloud.points, cloud.above)
    gap, concave = CAPTURE_SETTINGS.edge_gap, CAPTURE_SETTINGS.concave_angle
    faces = label_patches(surface, gap=gap, concave=concave)
    contacts = find_contacts(faces, surface, gap=gap, concave=concave)
    picture = cv2.cvtColor(capture.frame.colour, cv2.COLOR_RGB2LAB).astype(float)
    picture, truth = picture[window][::step, ::step], capture.truth[window][::step, ::step]
    owner, mean = {}, {}
    for face in range(1, int(faces.max()) + 1):
        mask = faces == face
        if mask.sum() > LEAST_FACE:
            owner[face] = int(np.bincount(truth[mask]).argmax())
            mean[face] = picture[mask].mean(axis=0)
    for a, b in combinations(owner, 2):
        touching = int(contacts.touching[a, b])
        if touching >= LEAST_BORDER and min(owner[a], owner[b]) >= FIRST_OBJECT:
            smooth = (touching - contacts.concave[a, b]) / (touching + contacts.apart[a, b])
            distance = float(np.linalg.norm(mean[a] - mean[b]))
            yield Border(owner[a] == owner[b], distance, float(smooth))


def chroma(capture: LabelledCapture, pixels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean a* and b* of what (H, W) `pixels` show."""
    colours = capture.frame.colour[pixels][None].astype(np.float32) / 255
    return cv2.cvtColor(colours, cv2.COLOR_RGB2LAB)[0, :, 1:].mean(axis=0, dtype=float)


def ends(mask: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """What a bar across the middle would leave of (H, W) pixels."""
    for image, turned in ((mask, False), (mask.T, True)):
        places = np.nonzero(image)[1]
        low, high = np.quantile(places, ENDS)
        column = np.arange(image.shape[1])
        pair = image & (column < low), image & (column > high)
        if min(part.sum() for part in pair) > LEAST_FACE:
            yield (pair[0].T, pair[1].T) if turned else pair


def chroma_distances(capture: LabelledCapture) -> tuple[list[float], list[float]]:
    """Between the ends of one object, and between different objects."""
    names = [name for name in np.unique(capture.truth) if name >= FIRST_OBJECT]
    masks = [capture.truth == name for name in names]
    one = [(chroma(capture, a), chroma(capture, b)) for mask in masks for a, b in ends(mask)]
    other = list(combinations([chroma(capture, mask) for mask in masks], 2))
    apart = [[float(np.linalg.norm(a - b)) for a, b in pairs] for pairs in (one, other)]
    return apart[0], apart[1]


def auc(one: list[float], other: list[float]) -> float | None:
    """Chance that a value of the second kind is larger than one of the first."""
    if not one or not other:
        return None
    ranks = rankdata([*one, *other])[len(one) :]
    return float((ranks.sum() - len(other) * (len(other) + 1) / 2) / (len(one) * len(other)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', type=Path, required=True)
    captures = [
        capture
        for capture in read_captures(parser.parse_args().data, CAPTURE_SETTINGS)
        if capture.frame.colour is not None
    ]
    found = [border for capture in captures for border in borders(capture)]
    one, other = ([b for b in found if b.one is kind] for kind in (True, False))
    contested = [
        [b for b in kind if CONTESTED[0] < b.smooth < CONTESTED[1]] for kind in (one, other)
    ]
    halves, objects = (
        list(chain.from_iterable(pairs))
        for pairs in zip(*map(chroma_distances, captures), strict=True)
    )
    report = {
        'borders': [len(one), len(other)],
        'auc_depth': auc([-b.smooth for b in one], [-b.smooth for b in other]),
        'auc_colour': auc([b.colour for b in one], [b.colour for b in other]),
        'contested': [len(kind) for kind in contested],
        'auc_colour_contested': auc(*([b.colour for b in kind] for kind in contested)),
        'hidden': [len(halves), len(objects)],
        'auc_chroma_hidden': auc(halves, objects),
        'alike': [float((np.array(kind) < ALIKE).mean()) for kind in (halves, objects)],
    }
    print(json.dumps(report, indent=2))


if __name__ == '__main__':
    main()
