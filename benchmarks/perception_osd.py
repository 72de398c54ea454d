"""Segmentation of real depth images against ground truth: overlap precision, recall and F.

Each folder of DATA holds depth.png (uint16 mm, 0 = none) and label.png (0 none, 1 table,
2.. objects), 640x480, a pinhole camera with f = 525 px. Predicted and true objects are matched
one to one; precision and recall count pixels of matched objects that agree.

usage: python benchmarks/perception_osd.py DATA [--json PATH] [--pictures FOLDER]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from dex1b_core.geometry import invert
from dex1b_core.perception import (
    CameraIntrinsics,
    DepthFrame,
    PerceptionSettings,
    find_support_plane,
    observe,
)
from dex1b_core.perception.boxes import plane_frame

INTRINSICS = CameraIntrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)
UP = (0.0, -0.766, -0.643)  # expected in the optical frame: a camera that looks 40 degrees down
SETTINGS = PerceptionSettings(
    workspace_lower=(-2, -2, -0.1),
    workspace_upper=(2, 2, 1),
    plane_max_tilt=0.7,
    min_points=300,
    reconstruct=False,
)


def load(folder: Path) -> tuple[DepthFrame, np.ndarray]:
    """The capture in the frame of its table, and its labels."""
    depth = cv2.imread(str(folder / 'depth.png'), cv2.IMREAD_UNCHANGED).astype(np.float32)
    depth[depth == 0] = np.nan
    depth /= 1000
    points = INTRINSICS.deproject(depth).reshape(-1, 3)
    plane = find_support_plane(points, settings=SETTINGS, up=UP)
    camera_T_plane = plane_frame(plane)
    camera_T_plane[:3, 3] += (
        np.nanmean(points, axis=0) @ camera_T_plane[:3, 0] * camera_T_plane[:3, 0]
    )
    frame = DepthFrame(depth, INTRINSICS, invert(camera_T_plane))
    return frame, cv2.imread(str(folder / 'label.png'), cv2.IMREAD_UNCHANGED)


def overlap(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Pixel counts of the best one-to-one matching, and how many objects reach IoU 0.75."""
    true_ids = [i for i in np.unique(truth) if i >= 2]
    ids = [i for i in np.unique(predicted) if i > 0]
    common = np.array([[((truth == t) & (predicted == p)).sum() for p in ids] for t in true_ids])
    common = common.reshape(len(true_ids), len(ids))
    true_size = np.array([(truth == t).sum() for t in true_ids])
    size = np.array([(predicted == p).sum() for p in ids])
    f = 2 * common / np.maximum(true_size[:, None] + size[None], 1)
    rows, columns = linear_sum_assignment(-f)
    matched = common[rows, columns]
    iou = matched / (true_size[rows] + size[columns] - matched)
    return {
        'matched': float(matched.sum()),
        'predicted': float(size.sum()),
        'true': float(true_size.sum()),
        'objects': len(true_ids),
        'found': len(ids),
        'iou': float(iou.sum()),
        'good': int((iou > 0.75).sum()),
    }


def picture(frame: DepthFrame, predicted: np.ndarray, truth: np.ndarray, path: Path) -> None:
    """Prediction beside truth."""
    random = np.random.default_rng(1)
    colours = random.integers(60, 255, (256, 3)).astype(np.uint8)
    colours[0] = 0
    true_objects = np.where(truth >= 2, truth - 1, 0)
    cv2.imwrite(str(path), np.hstack([colours[predicted % 256], colours[true_objects]]))


def main() -> None:
    """Evaluate all captures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('data', type=Path)
    parser.add_argument('--json', type=Path)
    parser.add_argument('--pictures', type=Path)
    args = parser.parse_args()
    rows = []
    folders = sorted(args.data.glob('learn*'), key=lambda path: int(path.name[5:]))
    for folder in folders:
        frame, truth = load(folder)
        started = time.process_time()
        predicted = observe([frame], settings=SETTINGS).labels[0]
        milliseconds = (time.process_time() - started) * 1000
        row = {'scene': folder.name, 'ms': milliseconds} | overlap(predicted, truth)
        row['F'] = 2 * row['matched'] / (row['predicted'] + row['true'])
        rows.append(row)
        print(f'{folder.name:10} F {row["F"]:.3f}  {row["found"]}/{row["objects"]} objects')
        if args.pictures:
            args.pictures.mkdir(parents=True, exist_ok=True)
            picture(frame, predicted, truth, args.pictures / f'{folder.name}.png')
    precision = np.mean([row['matched'] / max(row['predicted'], 1) for row in rows])
    recall = np.mean([row['matched'] / row['true'] for row in rows])
    summary = {
        'precision': precision,
        'recall': recall,
        'F': 2 * precision * recall / (precision + recall),
        'mean_iou': sum(row['iou'] for row in rows) / sum(row['objects'] for row in rows),
        'over_0.75': sum(row['good'] for row in rows) / sum(row['objects'] for row in rows),
        'ms': np.mean([row['ms'] for row in rows]),
    }
    print('  '.join(f'{key} {value:.3f}' for key, value in summary.items()))
    if args.json:
        args.json.write_text(json.dumps({'summary': summary, 'scenes': rows}, indent=1))


if __name__ == '__main__':
    main()
