"""What a plain pipeline finds: Open3D's voxels, RANSAC plane and DBSCAN clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dex1b_core.perception import DepthFrame

VOXEL = 0.005  # [m]
PLANE_TOLERANCE = 0.008  # [m]
TRIALS = 500  # of RANSAC
NEIGHBOURS = 10  # of a core point of DBSCAN
REACH = 0.015  # of DBSCAN [m]
LEAST_VOXELS = 40  # of an object


@dataclass(frozen=True)
class Clusters:
    """Voxels that are objects.

    Attributes:
        points: (N, 3) planning frame.
        labels: (N,) 1..
    """

    points: NDArray[np.float64]
    labels: NDArray[np.int32]


def plain_clusters(frame: DepthFrame, *, seed: int = 0) -> Clusters:
    """Voxel grid, RANSAC plane, DBSCAN of what is above the plane."""
    import open3d

    points = frame.points()
    points = points[np.isfinite(points[..., 2])].astype(float)
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
    cloud = cloud.voxel_down_sample(VOXEL)
    open3d.utility.random.seed(seed)
    plane = np.array(cloud.segment_plane(PLANE_TOLERANCE, 3, TRIALS)[0])
    plane *= np.sign(plane[2])
    height = np.asarray(cloud.points) @ plane[:3] + plane[3]
    cloud = cloud.select_by_index(np.flatnonzero(height > PLANE_TOLERANCE).tolist())
    found = np.asarray(cloud.cluster_dbscan(REACH, NEIGHBOURS), dtype=int)
    large = np.bincount(found + 1, minlength=1) >= LEAST_VOXELS
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0)[found + 1]
    return Clusters(np.asarray(cloud.points)[numbers > 0], numbers[numbers > 0].astype(np.int32))


def cluster_image(clusters: Clusters, frame: DepthFrame) -> NDArray[np.int32]:
    """Label image (H, W): each pixel takes the label of the voxel it lies in, 0 = none."""
    from scipy.spatial import cKDTree

    points = frame.points()
    labels = np.zeros(points.shape[:2], np.int32)
    if len(clusters.labels) == 0:
        return labels
    known = np.isfinite(points[..., 2])
    reach = VOXEL * np.sqrt(3)
    distance, nearest = cKDTree(clusters.points).query(points[known], distance_upper_bound=reach)
    near = np.isfinite(distance)
    labels[known] = np.where(near, clusters.labels[np.where(near, nearest, 0)], 0)
    return labels
