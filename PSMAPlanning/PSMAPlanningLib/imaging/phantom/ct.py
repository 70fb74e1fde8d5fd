"""The CT of the drawn patient: CT numbers, cortical bone, tissue texture, scanner blur and noise."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from ..grid import Box, VoxelGrid
from .filling import members
from .grain import Grain
from .tissues import BONE, TISSUES

_CORTEX_HU = {"hip": 680, "femur": 620, "vertebra": 420, "sacrum": 430, "rib": 620}
_CORTEX_MM = 1.9
_LOWEST_HU, _HIGHEST_HU = -1024, 3071
_AIR_HU = -1000
_SLICES_AT_ONCE = 8
_BODY_MARGIN = 3


@dataclass(frozen=True)
class CtScan:
    """What a CT follows from: the labels, their grid, the box around the patient, and texture."""

    labels: np.ndarray
    grid: VoxelGrid
    body: Box
    grain: Grain

    def acquire(self, empty: np.ndarray, helpers: Executor) -> np.ndarray:
        """CT numbers, (K, J, I) int16, put into a scan of the empty scanner; the helpers share the slices."""
        starts = range(0, len(empty), _SLICES_AT_ONCE)
        for _ in helpers.map(lambda first: self._fill(empty, first), starts):
            pass
        return empty

    def _fill(self, result: np.ndarray, first: int) -> None:
        """Some slices, one after the other so that each stays in the processor's cache."""
        part, count = self.body[1:], min(_SLICES_AT_ONCE, len(result) - first)
        low, high = max(0, first - 1), min(len(result), first + count + 1)
        labels = np.ascontiguousarray(self.labels[(slice(low, high), *part)])
        inside = slice(first - low, first - low + count)
        rims, labels = self._rims(labels)[inside], labels[inside]
        # The look-up gives two numbers per voxel: height above air and gain of the texture.
        pairs = np.empty(labels[0].shape, np.int32)
        drawn, spare = np.empty(pairs.shape, np.int16), np.empty(pairs.shape, np.int16)
        for n, plane in enumerate(result[first : first + count]):
            np.take(_PAIRS, labels[n], out=pairs, mode="clip")
            np.copyto(drawn, pairs, casting="unsafe")
            rim = np.flatnonzero(rims[n])
            drawn.put(rim, _RIM_HEIGHT.take(labels[n].take(rim)))
            pairs >>= 16
            np.copyto(spare, pairs, casting="unsafe")
            spare *= self.grain.texture_of(first + n)[part]
            spare >>= 4
            drawn += spare
            _blur(drawn, spare)
            plane[part] += drawn
            np.clip(plane, _LOWEST_HU, _HIGHEST_HU, out=plane)

    def _rims(self, labels: np.ndarray) -> np.ndarray:
        """Which voxels of neighbouring slices of the body's box are the dense rim of a bone."""
        bone = members(labels.reshape(-1), BONE)
        rows, columns = labels.shape[1:]
        steps = [max(1, round(_CORTEX_MM / spacing)) for spacing in self.grid.spacing_mm]
        inner = _eroded(_eroded(bone, 1, steps[0]), columns, steps[1])
        if self.grid.spacing_mm[2] <= 4.0:
            inner = _eroded(inner, rows * columns, 1)
        return np.greater(bone, inner).reshape(len(labels), -1)


def empty_scan(labels: np.ndarray, grid: VoxelGrid, grain: Grain) -> np.ndarray:
    """A scan of the couch, with its noise, not yet limited to the range of CT numbers; (K, J, I) int16.

    labels: the patient with his back in place, which is what the couch is put under.
    """
    couch = _couch(labels.shape[1:], body_box(labels), grid)
    result = np.empty(labels.shape, np.int16)
    for k, plane in enumerate(result):
        np.add(couch, grain.noise_of(k), out=plane)
    return result


def body_box(labels: np.ndarray) -> Box:
    """All slices of the part of the plane in which there is more than air, three voxels larger."""
    plane = np.bitwise_or.reduce(labels, axis=0) != 0
    box = [slice(0, len(labels))]
    for axis, size in zip((1, 0), plane.shape, strict=True):
        hits = np.flatnonzero(plane.any(axis=axis))
        box.append(slice(max(0, int(hits[0]) - _BODY_MARGIN), min(size, int(hits[-1]) + 1 + _BODY_MARGIN)))
    return tuple(box)


def _eroded(mask: np.ndarray, stride: int, steps: int) -> np.ndarray:
    """True where no neighbour along an axis, some steps to either side, is false.

    The mask is flat and the axis is told by its stride; where rows meet there is no bone.
    """
    result = mask.copy()
    for reach in range(stride, stride * steps + 1, stride):
        result[reach:] &= mask[:-reach]
        result[:-reach] &= mask[reach:]
    return result


def _couch(shape_ji: tuple[int, int], body: Box, grid: VoxelGrid) -> np.ndarray:
    """The table top as a curved shell behind the patient, one slice of CT numbers."""
    rows, columns = np.indices(shape_ji, dtype=np.float32)
    x = (columns - shape_ji[1] / 2) * grid.spacing_mm[0]
    y = (rows - body[1].stop) * grid.spacing_mm[1]
    depth = y - 4.0 + 0.0009 * x**2
    inside = np.abs(x) < 205
    shell = inside & (depth > 0) & (depth < 34)
    skin = inside & (((depth > 0) & (depth < 2.2)) | ((depth > 31) & (depth < 34)))
    return np.where(skin, -40, np.where(shell, -930, _AIR_HU)).astype(np.int16)


def _blur(plane: np.ndarray, spare: np.ndarray) -> None:
    """1-2-1 binomial blur in both directions, the softness of a standard kernel; in place.

    Both arrays are gone through as one long row: where rows meet there is air on either side.
    """
    source, target = plane.reshape(-1), spare.reshape(-1)
    for reach in (1, plane.shape[1]):
        blurred = target[reach:-reach]
        np.add(source[: -2 * reach], source[2 * reach :], out=blurred)
        blurred += source[reach:-reach]
        blurred += source[reach:-reach]
        blurred >>= 2
        target[:reach] = target[-reach:] = 0
        source, target = target, source


def _pairs() -> np.ndarray:
    """Of every label, height above air in HU and, 65536 times over, the gain of the texture in sixteenths."""
    pairs = np.zeros(256, np.int32)
    pairs[: len(TISSUES)] = [(round(16 * t.texture) << 16) + t.hounsfield - _AIR_HU for t in TISSUES]
    return pairs


def _rim_heights() -> np.ndarray:
    """Height above air of the dense rim of each bone; of shafts, which are dense throughout, their own."""
    heights = _pairs().astype(np.int16)
    for code, tissue in enumerate(TISSUES):
        for key, number in _CORTEX_HU.items():
            if BONE[code] and tissue.name.startswith(key) and "shaft" not in tissue.name:
                heights[code] = number - _AIR_HU
    return heights


_PAIRS, _RIM_HEIGHT = _pairs(), _rim_heights()
