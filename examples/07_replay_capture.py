"""A recorded depth image through perception: plane, objects, and the full shape of one of them.

    python examples/07_replay_capture.py FOLDER --picture stages.png
    python examples/07_replay_capture.py FOLDER --focal 615 615 --centre 320 240 --pixel 310 200

FOLDER holds depth.png (16 bit, millimetres, 0 = not measured) and, if you like, label.png (0 not
measured, 1 table, 2.. objects) to score against. The camera's pose is not needed: the table gives
the frame, z upwards from it.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from dex1b_core.benchmark.captures import FIRST_OBJECT, UP
from dex1b_core.benchmark.perception_bench import CAPTURE_SETTINGS
from dex1b_core.benchmark.segmentation_metrics import score_segmentation
from dex1b_core.geometry import invert
from dex1b_core.perception import (
    CameraIntrinsics,
    DepthFrame,
    Target,
    TargetMode,
    decode_depth,
    find_support_plane,
    observe,
)
from dex1b_core.perception.boxes import plane_frame

SETTINGS = CAPTURE_SETTINGS.model_copy(update={'reach_centre': (0.0, 0.0, 0.1)})


def read_frame(path: Path, focal: list[float], centre: list[float] | None) -> DepthFrame:
    """The image, placed such that the table is z = 0 and the camera looks down on it."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise SystemExit(f'{path} is no image of one channel of 16 bit; expected millimetres')
    height, width = pixels.shape
    middle = centre or [(width - 1) / 2, (height - 1) / 2]
    camera = CameraIntrinsics(width, height, *focal, *middle)
    depth = decode_depth(pixels, '16UC1')
    points = camera.deproject(depth).reshape(-1, 3)
    camera_T_table = plane_frame(find_support_plane(points, settings=SETTINGS, up=UP))
    along = camera_T_table[:3, 0]  # the origin into the middle of what is seen
    camera_T_table[:3, 3] += np.nanmean(points, axis=0) @ along * along
    return DepthFrame(depth, camera, invert(camera_T_table))


def main() -> None:
    """Read the command line, perceive, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--focal', type=float, nargs=2, default=[525.0, 525.0], metavar='PX')
    parser.add_argument('--centre', type=float, nargs=2, metavar='PX', help="default: the image's")
    parser.add_argument('--pixel', type=int, nargs=2, metavar=('U', 'V'), help='of the target')
    parser.add_argument('--picture', type=Path, help='draw every stage (.png)')
    options = parser.parse_args()

    frame = read_frame(options.folder / 'depth.png', options.focal, options.centre)
    target = Target(TargetMode.PIXEL, pixel=tuple(options.pixel)) if options.pixel else None
    scene = observe([frame], settings=SETTINGS, target=target)
    print(f'{len(scene.instances)} objects on the table')
    for instance in scene.instances:
        size = ' x '.join(f'{1e3 * side:.0f}' for side in instance.box.size)
        print(f'  {instance.label}: {len(instance.points)} points, {size} mm, '
              f'graspability {instance.graspability:.2f}')  # fmt: skip
    print(f'target: {scene.observation.label or "what was named"}')
    for shape in scene.observation.shapes:
        extent = ' x '.join(f'{1e3 * side:.0f}' for side in np.ptp(shape.vertices, axis=0))
        print(f'  shape {shape.name}: {len(shape.faces)} faces, {extent} mm')
    truth = cv2.imread(str(options.folder / 'label.png'), cv2.IMREAD_UNCHANGED)
    if truth is not None:
        score = score_segmentation(scene.labels[0], np.where(truth >= FIRST_OBJECT, truth, 0))
        print(f'F {score.f_score:.3f}, IoU of each object {score.ious.round(2).tolist()}')
    if options.picture:
        from dex1b_core.viz.perception_stages import draw_stages

        draw_stages(options.picture, frame, SETTINGS, title=options.folder.name)


if __name__ == '__main__':
    main()
