"""The PET of the drawn patient.

A PET value is the true uptake, constant within each CT voxel and exact within each lesion, convolved with a
Gaussian point spread function and read at the centre of the PET voxel. The convolution is separable, so
resampling and blurring are one matrix per axis.

Noise: value + c * sqrt(value) * n, where n is a Gaussian field of unit variance with the correlation of a
Gaussian filter of `noise_fwhm_mm` sampled on the PET grid, and c = noise * sqrt(5), so that a voxel of SUV 5
has a coefficient of variation of `noise`. Values below zero become zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import erf

from ..grid import Box, VoxelGrid
from .ct import body_box
from .products import bands, product
from .tissues import TISSUES
from .tracers import Tracer

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
NOISE_REFERENCE_SUV = 5.0
_LESION_STEPS = 40
_LESION_STEP_RANGE_MM = (0.2, 1.0)
_REACH_SIGMAS = 5.0
_ROWS_AT_ONCE = 16


def uptake_table(tracer: Tracer) -> np.ndarray:
    """SUV of every label, a table of 256."""
    table = np.zeros(256, np.float32)
    table[: len(TISSUES)] = [tracer.uptake[t.uptake] for t in TISSUES]
    return table


@dataclass(frozen=True)
class PetScan:
    """What a noise-free PET follows from: labels on the CT's grid, the PET's grid, uptake and blur.

    body: the part of the labels that is not all air, looked for when not given.
    """

    labels: np.ndarray
    ct: VoxelGrid
    pet: VoxelGrid
    tracer: Tracer
    fwhm_mm: float
    body: Box | None = None

    @property
    def sigma_mm(self) -> float:
        """Standard deviation of the point spread function."""
        return self.fwhm_mm / FWHM_PER_SIGMA

    @cached_property
    def _matrices(self) -> list[np.ndarray]:
        """Per axis, the weight of each voxel of the body in each voxel of the PET."""
        body = self.body or body_box(self.labels)
        return [_axis_matrix(self.ct, body, self.pet, axis, self.sigma_mm) for axis in range(3)]

    @cached_property
    def reach(self) -> Box:
        """The part of the PET that the body's uptake gets to."""
        box = []
        for matrix in self._matrices:
            used = np.flatnonzero(matrix.any(axis=1))
            box.append(slice(int(used[0]), int(used[-1]) + 1))
        return tuple(box)

    def blurred_uptake(self) -> np.ndarray:
        """Noise-free PET without lesions, (K, J, I) float32."""
        along_k, along_j, along_i = (
            matrix[part] for matrix, part in zip(self._matrices, self.reach, strict=True)
        )
        body = self.labels[self.body or body_box(self.labels)]
        table = uptake_table(self.tracer)
        at_i, at_j = bands(along_i, _ROWS_AT_ONCE), bands(along_j, _ROWS_AT_ONCE)
        planes = np.empty((len(along_j), len(body), len(along_i)), np.float32)
        part = np.empty(body.shape[1:], np.float32)
        across = np.empty((len(part), len(along_i)), np.float32)
        for k, plane in enumerate(body):
            np.take(table, plane, out=part, mode="clip")
            for wanted, near, weights in at_i:
                across[:, wanted] = product(part[:, near], weights.T)
            for wanted, near, weights in at_j:
                planes[wanted, k] = product(weights, across[near])
        volume = np.empty((len(along_j), len(along_k), len(along_i)), np.float32)
        for wanted, near, weights in bands(along_k, _ROWS_AT_ONCE):
            volume[:, wanted] = product(weights, planes[:, near])
        result = np.zeros(self.pet.shape_kji, np.float32)
        result[self.reach] = np.moveaxis(volume, 1, 0)
        return result

    def add_lesion(
        self, pet_array: np.ndarray, centre_ras: Sequence[float], diameter_mm: float, true_suv: float
    ) -> None:
        """Replace the uptake within a sphere by the lesion's, before the blur; adds the blurred difference.

        The sphere is drawn on a grid of its own, about 40 steps across.
        """
        centre, radius = np.asarray(centre_ras, dtype=float), diameter_mm / 2
        step = float(np.clip(diameter_mm / _LESION_STEPS, *_LESION_STEP_RANGE_MM))
        count = int(np.ceil((radius + step) / step)) * 2 + 1
        offsets = (np.arange(count) - count // 2) * step
        x, y, z = offsets[None, None, :], offsets[None, :, None], offsets[:, None, None]
        share = np.clip((radius - np.sqrt(x * x + y * y + z * z)) / step + 0.5, 0.0, 1.0)
        share *= (4 / 3 * np.pi * radius**3) / (share.sum() * step**3)
        excess = share * (true_suv - self._uptake_around(centre, offsets))
        middle, spacing = self.pet.kji_of(centre), np.array(self.pet.spacing_kji_mm)
        reach = (radius + _REACH_SIGMAS * self.sigma_mm) / spacing
        low = np.maximum(np.ceil(middle - reach), 0).astype(int)
        high = np.minimum(np.floor(middle + reach) + 1, self.pet.shape_kji).astype(int)
        if (low >= high).any():
            return
        height = step / (np.sqrt(2 * np.pi) * self.sigma_mm)
        weights = []
        for axis in range(3):
            targets = _axis_positions(self.pet, axis)[low[axis] : high[axis]]
            distance = (centre[2 - axis] + offsets)[None, :] - targets[:, None]
            weights.append(np.exp(-0.5 * (distance / self.sigma_mm) ** 2) * height)
        excess = product(weights[1], product(excess, weights[2].T))
        excess = product(weights[0], excess.reshape(count, -1)).reshape(high - low)
        pet_array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] += excess.astype(np.float32)

    def _uptake_around(self, centre: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Uptake without the lesion on a cube of offsets about a RAS position."""
        nearest = []
        for axis, size in enumerate(self.labels.shape):
            places = (centre[2 - axis] + offsets - self.ct.origin_ras[2 - axis]) / _step(self.ct, axis)
            nearest.append(np.clip(np.rint(places).astype(int), 0, size - 1))
        return uptake_table(self.tracer)[self.labels[np.ix_(*nearest)]]


def noise_field(
    shape_kji: tuple[int, ...], grid: VoxelGrid, fwhm_mm: float, generator: np.random.Generator
) -> np.ndarray:
    """A Gaussian field of unit variance with the correlation described at the top of this file."""
    field = generator.standard_normal(shape_kji, dtype=np.float32)
    for axis, spacing in enumerate(grid.spacing_kji_mm):
        sigma = fwhm_mm / FWHM_PER_SIGMA / spacing
        if sigma > 0.05:
            kernel = gaussian_filter1d(np.eye(1, 64, 32)[0], sigma, mode="wrap", truncate=3.5)
            field = gaussian_filter1d(field, sigma, axis=axis, mode="wrap", truncate=3.5)
            field *= np.float32(1.0 / np.sqrt(np.sum(kernel**2)))
    return field


def add_noise(values: np.ndarray, field: np.ndarray, noise: float) -> None:
    """Give a PET, or the part of it that is not all zero, its noise; in place."""
    values_above = np.maximum(values, np.float32(0))
    spread = np.sqrt(values_above)
    spread *= np.float32(noise * np.sqrt(NOISE_REFERENCE_SUV))
    spread *= field
    values_above += spread
    np.maximum(values_above, np.float32(0), out=values)


def _axis_positions(grid: VoxelGrid, axis: int) -> np.ndarray:
    """RAS coordinate of the voxel centres along K, J or I of an axis-aligned grid."""
    return grid.origin_ras[2 - axis] + _step(grid, axis) * np.arange(grid.shape_kji[axis])


def _step(grid: VoxelGrid, axis: int) -> float:
    return grid.direction_ras[2 - axis][2 - axis] * grid.spacing_mm[2 - axis]


def _axis_matrix(ct: VoxelGrid, box: Box, pet: VoxelGrid, axis: int, sigma_mm: float) -> np.ndarray:
    sources = _axis_positions(ct, axis)[box[axis]]
    weights = _weights(_axis_positions(pet, axis), sources, ct.spacing_kji_mm[axis], sigma_mm)
    if axis == 0:
        # The patient goes on beyond the ends of the scan: repeat the end slices instead of fading into air.
        total = weights.sum(axis=1, keepdims=True)
        weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0.05)
    return weights.astype(np.float32)


def _weights(targets: np.ndarray, sources: np.ndarray, width_mm: float, sigma_mm: float) -> np.ndarray:
    """Share of the point spread function around each target that falls into each source interval."""
    distance = sources[None, :] - targets[:, None]
    scale = 1.0 / (np.sqrt(2.0) * sigma_mm)
    return 0.5 * (erf((distance + width_mm / 2) * scale) - erf((distance - width_mm / 2) * scale))
