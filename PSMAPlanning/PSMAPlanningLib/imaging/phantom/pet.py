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

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import erf

from ..grid import Box, VoxelGrid
from .ct import body_box
from .tissues import TISSUES
from .tracers import Tracer

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
NOISE_REFERENCE_SUV = 5.0
_LESION_STEPS = 40
_LESION_STEP_RANGE_MM = (0.2, 1.0)
_REACH_SIGMAS = 5.0
_SLICES_AT_ONCE = 24


def uptake_table(tracer: Tracer) -> np.ndarray:
    """SUV of every label, a table of 256."""
    table = np.zeros(256, np.float32)
    table[: len(TISSUES)] = [tracer.uptake[t.uptake] for t in TISSUES]
    return table


@dataclass(frozen=True)
class PetScan:
    """What a noise-free PET follows from: labels on the CT's grid, the PET's grid, uptake and blur."""

    labels: np.ndarray
    ct: VoxelGrid
    pet: VoxelGrid
    tracer: Tracer
    fwhm_mm: float

    @property
    def sigma_mm(self) -> float:
        """Standard deviation of the point spread function."""
        return self.fwhm_mm / FWHM_PER_SIGMA

    def blurred_uptake(self) -> np.ndarray:
        """Noise-free PET without lesions, (K, J, I) float32."""
        table = uptake_table(self.tracer)
        box = body_box(self.labels)
        matrices = [_axis_matrix(self.ct, box, self.pet, axis, self.sigma_mm) for axis in range(3)]
        used = [np.flatnonzero(m.any(axis=1)) for m in matrices[1:]]
        along_k, along_j = matrices[0], matrices[1][used[0]]
        along_i = np.ascontiguousarray(matrices[2][used[1]].T)
        body = self.labels[box]
        planes = np.empty((len(body), len(used[0]), len(used[1])), np.float32)
        for first in range(0, len(body), _SLICES_AT_ONCE):
            part = table[body[first : first + _SLICES_AT_ONCE]]
            across = (part.reshape(-1, part.shape[2]) @ along_i).reshape(*part.shape[:2], -1)
            down = along_j @ np.moveaxis(across, 1, 0).reshape(part.shape[1], -1)
            planes[first : first + len(part)] = np.moveaxis(down.reshape(len(along_j), len(part), -1), 0, 1)
        volume = (along_k @ planes.reshape(len(planes), -1)).reshape(-1, *planes.shape[1:])
        result = np.zeros(self.pet.shape_kji, np.float32)
        result[np.ix_(np.arange(self.pet.shape_kji[0]), *used)] = volume
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
        for axis in (2, 1, 0):
            targets = _axis_positions(self.pet, axis)[low[axis] : high[axis]]
            distance = (centre[2 - axis] + offsets)[None, :] - targets[:, None]
            weights = np.exp(-0.5 * (distance / self.sigma_mm) ** 2) * height
            excess = np.moveaxis(np.tensordot(weights, excess, axes=(1, axis)), 0, axis)
        pet_array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] += excess.astype(np.float32)

    def _uptake_around(self, centre: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Uptake without the lesion on a cube of offsets about a RAS position."""
        around = np.stack(np.meshgrid(offsets, offsets, offsets, indexing="ij"), axis=-1)[..., ::-1]
        nearest = np.rint(self.ct.kji_of(centre + around)).astype(int)
        nearest = np.clip(nearest, 0, np.array(self.labels.shape) - 1)
        return uptake_table(self.tracer)[self.labels[tuple(np.moveaxis(nearest, -1, 0))]]


def add_noise(
    pet_array: np.ndarray, grid: VoxelGrid, noise: float, noise_fwhm_mm: float, generator: np.random.Generator
) -> np.ndarray:
    """The PET with the noise described at the top of this file."""
    if noise == 0:
        return np.maximum(pet_array, 0)
    levels, rows, columns = (np.flatnonzero(pet_array.any(axis=a)) for a in ((1, 2), (0, 2), (0, 1)))
    box = tuple(slice(n[0], n[-1] + 1) for n in (levels, rows, columns))
    values = pet_array[box]
    field = generator.standard_normal(values.shape, dtype=np.float32)
    for axis, spacing in enumerate(grid.spacing_kji_mm):
        sigma = noise_fwhm_mm / FWHM_PER_SIGMA / spacing
        if sigma > 0.05:
            field = gaussian_filter1d(field, sigma, axis=axis, mode="wrap", truncate=3.5)
            kernel = gaussian_filter1d(np.eye(1, 64, 32)[0], sigma, mode="wrap", truncate=3.5)
            field *= 1.0 / np.sqrt(np.sum(kernel**2))
    result = np.zeros_like(pet_array)
    strength = noise * np.sqrt(NOISE_REFERENCE_SUV)
    result[box] = np.maximum(values + strength * np.sqrt(np.maximum(values, 0)) * field, 0)
    return result


def _axis_positions(grid: VoxelGrid, axis: int) -> np.ndarray:
    """RAS coordinate of the voxel centres along K, J or I of an axis-aligned grid."""
    ras = 2 - axis
    step = grid.direction_ras[ras][ras] * grid.spacing_mm[ras]
    return grid.origin_ras[ras] + step * np.arange(grid.shape_kji[axis])


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
