"""The CT of the drawn patient: CT numbers, cortical bone, tissue texture, scanner blur and noise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from ..grid import Box, VoxelGrid, bounding_box, grow_box
from .tissues import BONE, TISSUES

_CORTEX_HU = {"hip": 680, "femur": 620, "vertebra": 420, "sacrum": 430, "rib": 620}
_CORTEX_MM = 1.9
_TILE = (24, 160, 160)
_NOISE_SLICES = 16
_THREADS = 2


def make_ct(
    labels: np.ndarray, grid: VoxelGrid, noise_hu: float, generator: np.random.Generator
) -> np.ndarray:
    """CT numbers, (K, J, I) int16.

    The noise has a standard deviation of `noise_hu` before rounding and a grain of about two pixels. It is
    drawn once for a few slices, which are shifted at random for each slice of the scan.
    """
    numbers = np.array([t.hounsfield for t in TISSUES] + [-1000] * (256 - len(TISSUES)), np.int16)
    gains = np.zeros(256, np.int16)
    gains[: len(TISSUES)] = [round(16 * t.texture) for t in TISSUES]
    body = body_box(labels)
    cortex = _cortex_of(labels, body, grid)
    tile = _texture_tile(grid, body, generator)
    pool = _noise_pool(labels.shape[1:], noise_hu, generator)
    couch = _couch(labels.shape[1:], body, grid)
    shifts = generator.integers(0, 4096, (labels.shape[0], 2))
    picks = generator.integers(0, len(pool), labels.shape[0])
    result = np.empty(labels.shape, np.int16)

    def do_slice(k: int) -> None:
        plane = couch + np.roll(pool[picks[k]], tuple(shifts[k]), axis=(0, 1))
        if body[0].start <= k < body[0].stop:
            part = body[1:]
            here = labels[k][part]
            drawn = numbers[here]
            rim = cortex[k - body[0].start]
            np.copyto(drawn, rim, where=rim != 0)
            texture = tile[(k * 7 + shifts[0, 0]) % len(tile)]
            drawn += (texture * gains[here]) >> 4
            np.copyto(drawn, couch[part], where=here == 0)
            drawn = _blurred(drawn)
            plane[part] += drawn - couch[part]
        np.clip(plane, -1024, 3071, out=result[k])

    with ThreadPoolExecutor(_THREADS) as pool_of_threads:
        list(pool_of_threads.map(do_slice, range(labels.shape[0])))
    return result


def body_box(labels: np.ndarray) -> Box:
    """The box around everything that is not air, two voxels larger in the plane."""
    flat = labels.reshape(labels.shape[0], -1)
    levels = np.flatnonzero(flat.any(axis=1))
    plane = bounding_box(labels.any(axis=0)[None])
    box = (slice(int(levels[0]), int(levels[-1]) + 1), plane[1], plane[2])
    return grow_box(box, (0, 3, 3), labels.shape)


def _cortex_of(labels: np.ndarray, body: Box, grid: VoxelGrid) -> np.ndarray:
    """CT number of the dense rim of each bone, zero elsewhere; for the body's box."""
    here = labels[body]
    bone = BONE[here]
    inner = bone.copy()
    for axis in (1, 2):
        steps = max(1, round(_CORTEX_MM / grid.spacing_kji_mm[axis]))
        for _ in range(steps):
            inner = _eroded(inner, axis)
    inner = _eroded(inner, 0) if grid.spacing_mm[2] <= 4.0 else inner
    table = np.zeros(256, np.int16)
    for code, tissue in enumerate(TISSUES):
        for key, number in _CORTEX_HU.items():
            if BONE[code] and tissue.name.startswith(key) and "shaft" not in tissue.name:
                table[code] = number
    rim = np.zeros(here.shape, np.int16)
    where = np.flatnonzero((bone & ~inner).ravel())
    rim.ravel()[where] = table[here.ravel()[where]]
    return rim


def _eroded(mask: np.ndarray, axis: int) -> np.ndarray:
    result = mask.copy()
    near, far = [slice(None)] * 3, [slice(None)] * 3
    near[axis], far[axis] = slice(1, None), slice(None, -1)
    result[tuple(near)] &= mask[tuple(far)]
    result[tuple(far)] &= mask[tuple(near)]
    return result


def _texture_tile(grid: VoxelGrid, body: Box, generator: np.random.Generator) -> np.ndarray:
    """A periodic field of fat streaks and lobules, repeated to cover the body's box; 20 HU for gain 16."""
    raw = generator.standard_normal(_TILE, dtype=np.float32)
    spacing = np.array(grid.spacing_kji_mm)
    fine = gaussian_filter(raw, 1.7 / spacing, mode="wrap")
    coarse = gaussian_filter(raw[:, ::-1, ::-1], 5.0 / spacing, mode="wrap")
    tile = 13.0 * fine / fine.std() + 9.0 * coarse / coarse.std()
    tile = tile.astype(np.int16)
    rows, columns = (part.stop - part.start for part in body[1:])
    repeats = (1, -(-rows // _TILE[1]), -(-columns // _TILE[2]))
    return np.tile(tile, repeats)[:, :rows, :columns]


def _noise_pool(shape_ji: tuple[int, int], noise_hu: float, generator: np.random.Generator) -> np.ndarray:
    raw = generator.standard_normal((_NOISE_SLICES, *shape_ji), dtype=np.float32)
    for axis in (1, 2):
        raw = gaussian_filter1d(raw, 0.75, axis=axis, mode="wrap", truncate=3.0)
    return np.rint(raw * (noise_hu / raw.std())).astype(np.int16)


def _couch(shape_ji: tuple[int, int], body: Box, grid: VoxelGrid) -> np.ndarray:
    """The table top as a curved shell behind the patient, one slice of CT numbers."""
    rows, columns = np.indices(shape_ji, dtype=np.float32)
    x = (columns - shape_ji[1] / 2) * grid.spacing_mm[0]
    y = (rows - body[1].stop) * grid.spacing_mm[1]
    depth = y - 4.0 + 0.0009 * x**2
    inside = np.abs(x) < 205
    shell = inside & (depth > 0) & (depth < 34)
    skin = inside & (((depth > 0) & (depth < 2.2)) | ((depth > 31) & (depth < 34)))
    return np.where(skin, -40, np.where(shell, -930, -1000)).astype(np.int16)


def _blurred(plane: np.ndarray) -> np.ndarray:
    """1-2-1 binomial blur in both directions, the softness of a standard kernel."""
    wide = plane.copy()
    wide[:, 1:-1] = (plane[:, :-2] + 2 * plane[:, 1:-1] + plane[:, 2:]) >> 2
    tall = wide.copy()
    tall[1:-1] = (wide[:-2] + 2 * wide[1:-1] + wide[2:]) >> 2
    return tall
