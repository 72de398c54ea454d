"""A simulated depth camera and the noise of real ones."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dex1b_core.config import StrictModel, config_folder, load_yaml
from dex1b_core.errors import ErrorCode, UnknownNameError
from dex1b_core.geometry import look_at
from dex1b_core.perception.frames import CameraIntrinsics
from dex1b_core.robots.hand_description import Vector3
from dex1b_core.simulation.raycast import RaycastScene, Rendering

Image = NDArray[np.float32]

_REFERENCE = 0.7  # [m] distance at which noise is stated


class DepthNoise(StrictModel):
    """Noise of a stereo or structured-light camera; every share and size 0 is a perfect camera.

    Beside what stands in front there are shadows, which one of the two eyes does not see. They
    grow with the difference of inverse depth, from `shadow_least` on.
    """

    gaussian: float = Field(0.0010, ge=0, description='[m] at 0.7 m, grows with z^2')
    correlation: float = Field(0.0, ge=0, le=5, description='[px] over which noise is alike')
    quantisation: float = Field(0.0010, ge=0, description='[m] at 0.7 m, steps of inverse depth')
    edge_dropout: float = Field(0.4, ge=0, le=1, description='share lost at depth steps')
    shadow_left: float = Field(0.0, ge=0, description='[px m] lost to the left of what is nearer')
    shadow_right: float = Field(0.0, ge=0, description='[px m] lost to the right of it')
    shadow_least: float = Field(0.08, ge=0, description='[1/m] step without a shadow')
    flying_pixels: float = Field(0.15, ge=0, le=1, description='share in between at depth steps')
    edge_step: float = Field(0.015, gt=0, description='[m] what counts as a depth step')
    grazing_cosine: float = Field(
        0.25, ge=0, lt=1, description='cosine of incidence below which returns begin to be lost'
    )

    def apply(self, depth: Image, incidence: Image, *, seed: int) -> Image:
        """A noisy copy of a perfect image.

        Args:
            depth: (H, W) along z [m], NaN where nothing is.
            incidence: (H, W) cosine between ray and surface normal.
            seed: The same seed gives the same noise.
        """
        generator = np.random.default_rng(seed)
        noisy = depth.copy()
        if self.edge_dropout > 0 or self.flying_pixels > 0:
            self._disturb_edges(noisy, depth, generator)
        noisy[self._shadows(depth)] = np.nan
        if self.grazing_cosine > 0:
            lost = 1.0 - incidence / np.float32(self.grazing_cosine)
            noisy[generator.random(depth.shape, dtype=np.float32) < lost] = np.nan
        if self.gaussian > 0:
            sigma = (noisy / np.float32(_REFERENCE)) ** 2 * np.float32(self.gaussian)
            noisy += sigma * self._normal(depth.shape, generator)
        if self.quantisation > 0:
            step = np.float32(self.quantisation / _REFERENCE**2)
            with np.errstate(divide='ignore', invalid='ignore'):
                noisy = 1.0 / (np.rint(1.0 / noisy / step) * step)
        noisy[~np.isfinite(noisy) | (noisy <= 0)] = np.nan
        return noisy.astype(np.float32, copy=False)

    def _normal(self, shape: tuple[int, ...], generator: np.random.Generator) -> Image:
        """Standard normal values, alike within `correlation`."""
        values = generator.standard_normal(shape, dtype=np.float32)
        if self.correlation == 0:
            return values
        import cv2

        size = 2 * math.ceil(3 * self.correlation) + 1
        kernel = cv2.getGaussianKernel(size, self.correlation, cv2.CV_32F)
        kernel /= np.sqrt((kernel**2).sum())
        return np.asarray(cv2.sepFilter2D(values, -1, kernel, kernel))

    def _shadows(self, depth: Image) -> NDArray[np.bool_]:
        """Pixels (H, W) beside something nearer that hides them from the other eye."""
        lost = np.zeros(depth.shape, dtype=bool)
        inverse = np.nan_to_num(1 / depth)
        for reach, toward in ((self.shadow_left, -1), (self.shadow_right, 1)):
            if reach == 0:
                continue
            # k pixels on are lost where the step is over k / reach + least: a falling ramp from
            # every pixel, of which the highest counts
            row = inverse[:, ::toward]
            ramp = np.arange(row.shape[1], dtype=np.float32) / np.float32(reach)
            highest = np.maximum.accumulate(row + ramp, axis=1)
            lost[:, ::toward] |= highest - ramp - np.float32(self.shadow_least) > row
        return lost

    def _disturb_edges(self, noisy: Image, depth: Image, generator: np.random.Generator) -> None:
        far = np.where(np.isnan(depth), np.float32(1e3), depth)
        low, high = far.copy(), far.copy()
        ahead, behind = slice(1, None), slice(None, -1)
        for to, of in (
            (np.s_[ahead, :], np.s_[behind, :]),
            (np.s_[behind, :], np.s_[ahead, :]),
            (np.s_[:, ahead], np.s_[:, behind]),
            (np.s_[:, behind], np.s_[:, ahead]),
        ):
            np.minimum(low[to], far[of], out=low[to])
            np.maximum(high[to], far[of], out=high[to])
        rows, columns = np.nonzero((high - low > self.edge_step) & ~np.isnan(depth))
        chance = generator.random(len(rows), dtype=np.float32)
        mix = generator.random(len(rows), dtype=np.float32)
        ends = high[rows, columns]
        between = low[rows, columns] * (1 - mix) + np.where(ends < 1e2, ends, np.nan) * mix
        values = noisy[rows, columns]
        flying = (chance >= self.edge_dropout) & (chance < self.edge_dropout + self.flying_pixels)
        values[flying] = between[flying]
        values[chance < self.edge_dropout] = np.nan
        noisy[rows, columns] = values


class CameraDescription(StrictModel):
    """A fixed depth camera with aligned colour: config/cameras/NAME.yaml."""

    frame: str = 'camera_optical_frame'
    eye: Vector3 = Field(description='[m] planning frame')
    target: Vector3 = Field(description='[m] planning frame')
    width: int = Field(640, ge=16, le=4096)
    height: int = Field(480, ge=16, le=4096)
    fx: float = Field(525.0, gt=0)
    fy: float = Field(525.0, gt=0)
    cx: float = 319.5
    cy: float = 239.5
    min_depth: float = Field(0.2, ge=0, description='[m]')
    max_depth: float = Field(3.0, gt=0, description='[m]')
    noise: DepthNoise = DepthNoise()

    @property
    def intrinsics(self) -> CameraIntrinsics:
        """Pinhole model of depth and colour."""
        return CameraIntrinsics(self.width, self.height, self.fx, self.fy, self.cx, self.cy)

    @property
    def world_T_camera(self) -> NDArray[np.float64]:  # noqa: N802
        """(4, 4) pose of the optical frame (z forward, x right, y down)."""
        return look_at(self.eye, self.target)


def camera_names() -> list[str]:
    """Names that `load_camera` takes."""
    return sorted(path.stem for path in (config_folder() / 'cameras').glob('*.yaml'))


def load_camera(name: str) -> CameraDescription:
    """Read config/cameras/NAME.yaml, or a YAML file by its path.

    Raises:
        UnknownNameError: no such camera; the message lists those known.
        ConfigurationError: the file is malformed.
    """
    if Path(name).suffix in {'.yaml', '.yml'} and Path(name).is_file():
        return load_yaml(Path(name), CameraDescription)
    if name not in camera_names():
        raise UnknownNameError(ErrorCode.INVALID_CONFIGURATION, 'camera', name, camera_names())
    return load_yaml(config_folder() / 'cameras' / f'{name}.yaml', CameraDescription)


class DepthCamera:
    """Looks at a scene; the same picture is rendered once."""

    def __init__(self, description: CameraDescription, scene: RaycastScene) -> None:
        self.description = description
        self.scene = scene
        self._rendering: Rendering | None = None

    def look(self, *, moved: bool, colour: bool) -> Rendering:
        """What the camera sees, without noise.

        Args:
            moved: Whether anything moved since the last call.
            colour: Whether the colour picture is needed.
        """
        last = self._rendering
        if moved or last is None or (colour and last.colour is None):
            self._rendering = last = self.scene.render(
                self.description.intrinsics, self.description.world_T_camera, colour=colour
            )
        return last

    def measure(self, rendering: Rendering, *, seed: int, noise: bool) -> Image:
        """(H, W) depth [m] as the camera reports it, NaN where it has no return."""
        depth = rendering.depth
        if noise:
            depth = self.description.noise.apply(depth, rendering.incidence, seed=seed)
        limits = self.description.min_depth, self.description.max_depth
        with np.errstate(invalid='ignore'):
            return np.where((depth >= limits[0]) & (depth <= limits[1]), depth, np.float32(np.nan))
