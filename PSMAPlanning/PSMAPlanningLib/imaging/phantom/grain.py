"""What makes a CT slice look scanned: quantum noise and the streaks and lobules of tissue.

Neither depends on the anatomy, so both are made while the patient is still being drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfftn, rfftn

from ..grid import VoxelGrid

_TILE = (24, 160, 160)
_STREAKS = ((1.7, 13.0), (5.0, 9.0))  # width in mm, HU
_NOISE_SLICES = 8
_DRIFT = 128
# Standard deviation of a random byte, and of it after the weights 1-2-1 in two directions.
_BYTE_DEVIATION = np.sqrt((256**2 - 1) / 12)
_BLURRED_DEVIATION = 6.0 * _BYTE_DEVIATION


@dataclass(frozen=True)
class Grain:
    """Noise and texture of a whole scan, drawn once for a few slices and shown elsewhere in each slice.

    noise: (few, J + drift, I + drift) int16 HU. texture: (few, J, I) int16, 20 HU for a gain of one.
    picks, shifts: which slice of the noise a slice of the scan takes and from where, (K,) and (K, 2).
    """

    noise: np.ndarray
    texture: np.ndarray
    picks: np.ndarray
    shifts: np.ndarray

    def noise_of(self, k: int) -> np.ndarray:
        """The noise of slice k."""
        (down, right), (rows, columns) = self.shifts[k], self.texture.shape[1:]
        return self.noise[self.picks[k], down : down + rows, right : right + columns]

    def texture_of(self, k: int) -> np.ndarray:
        """The texture of slice k."""
        return self.texture[(k * 7 + self.shifts[0, 0]) % len(self.texture)]


def make_grain(grid: VoxelGrid, noise_hu: float, generator: np.random.Generator) -> Grain:
    """Noise of this standard deviation before rounding, with a grain of about two pixels, and texture."""
    slices, rows, columns = grid.shape_kji
    return Grain(
        texture=_texture(grid, generator),
        noise=_noise((rows + _DRIFT, columns + _DRIFT), noise_hu, generator),
        picks=generator.integers(0, _NOISE_SLICES, slices),
        shifts=generator.integers(0, _DRIFT + 1, (slices, 2)),
    )


def _texture(grid: VoxelGrid, generator: np.random.Generator) -> np.ndarray:
    """A periodic field whose spectrum is that of two independent Gaussian fields, repeated to a slice."""
    raw = generator.standard_normal(_TILE, dtype=np.float32)
    along = [np.fft.fftfreq(n, spacing) for n, spacing in zip(_TILE, grid.spacing_kji_mm, strict=True)]
    along[2] = np.abs(along[2][: _TILE[2] // 2 + 1])
    squared = along[0][:, None, None] ** 2 + along[1][:, None] ** 2 + along[2] ** 2
    power = np.zeros(squared.shape)
    twice = np.full(squared.shape[2], 2.0)
    twice[[0, -1]] = 1.0
    for width_mm, height_hu in _STREAKS:
        part = np.exp(-((2 * np.pi * width_mm) ** 2) * squared)
        power += height_hu**2 * part / ((part * twice).sum() / raw.size)
    field = irfftn(rfftn(raw) * np.sqrt(power).astype(np.float32), _TILE)
    rows, columns = grid.shape_kji[1:]
    repeats = (1, -(-rows // _TILE[1]), -(-columns // _TILE[2]))
    return np.tile(field.astype(np.int16), repeats)[:, :rows, :columns]


def _noise(shape_ji: tuple[int, int], noise_hu: float, generator: np.random.Generator) -> np.ndarray:
    """Random bytes under the weights 1-2-1 both ways: nearly Gaussian at a tenth of the cost."""
    rows, columns = shape_ji
    raw = generator.integers(-128, 128, (_NOISE_SLICES, rows + 2, columns + 2), dtype=np.int8)
    wide = raw[:, :, :-2].astype(np.int16) + raw[:, :, 2:]
    wide += raw[:, :, 1:-1]
    wide += raw[:, :, 1:-1]
    tall = wide[:, :-2] + wide[:, 2:]
    tall += wide[:, 1:-1]
    tall += wide[:, 1:-1]
    # The mean of these bytes is minus one half, that of their weighted sum minus eight.
    scaled = (tall + np.float32(8.0)) * np.float32(noise_hu / _BLURRED_DEVIATION)
    return np.rint(scaled, out=scaled).astype(np.int16)
