"""What the slower rules compute, against the same written down plainly with numpy, scipy and SimpleITK."""

import numpy as np
import pytest
import SimpleITK as sitk
from PSMAPlanningLib.delineation.psf import FWHM_PER_SIGMA
from PSMAPlanningLib.delineation.rules.gradient import _basin, _deblurred
from PSMAPlanningLib.delineation.rules.histogram import _histogram
from PSMAPlanningLib.delineation.rules.random_walker import _walk
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

EDGES = np.linspace(-0.7, 33.3, 1025, dtype=np.float32)
SAMPLES = {
    "gamma": np.random.default_rng(3).gamma(2.0, 1.5, 200_000).astype(np.float32),
    # Every edge and its two neighbours: where rounding decides.
    "edges": np.concatenate(
        [EDGES, np.nextafter(EDGES[1:], np.float32(-99)), np.nextafter(EDGES[:-1], np.float32(99))]
    ),
    # So little spread that the edges are themselves rounded by a good part of a bin.
    "narrow": np.random.default_rng(4).uniform(900, 901, 50_000).astype(np.float32),
    "flat": np.full(10, 4.2, dtype=np.float32),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_histogram_is_that_of_numpy(name):
    counts, edges = _histogram(SAMPLES[name])
    expected_counts, expected_edges = np.histogram(SAMPLES[name], bins=1024)
    assert np.array_equal(edges, expected_edges)
    assert np.array_equal(counts, expected_counts)


def noisy_sphere(shape: tuple[int, int, int], radius: float, seed: int = 5) -> np.ndarray:
    """Uptake from 0 to about 1 with a soft edge and noise with a grain, float32."""
    axes = np.indices(shape)
    distance = np.sqrt(sum((axis - (n - 1) / 2) ** 2 for axis, n in zip(axes, shape, strict=True)))
    grain = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.0)
    return (1 / (1 + np.exp((distance - radius) / 1.5)) + 0.05 * grain / grain.std()).astype(np.float32)


def test_random_walk_solves_its_system():
    """Against a direct solution of the Laplacian, row by row from the definition."""
    uptake, spacing, beta = noisy_sphere((17, 16, 18), 5), (0.9, 1.1, 1.0), 100.0
    around = uptake >= 0.1
    # At the edge of the box there is no step outwards.
    around[0] = True
    core = uptake >= 0.7
    free = around & ~core
    number = np.full(uptake.shape, -1)
    number[free] = np.arange(free.sum())
    matrix, right_side = sparse.lil_array((free.sum(), free.sum())), np.zeros(free.sum())
    for kji in np.argwhere(free):
        row = number[tuple(kji)]
        for axis, side in np.ndindex(3, 2):
            there = kji.copy()
            there[axis] += 2 * side - 1
            if not 0 <= there[axis] < uptake.shape[axis]:
                continue
            slope = float(uptake[tuple(there)] - uptake[tuple(kji)]) / spacing[axis]
            weight = (np.exp(-beta * slope**2) + 1e-6) / spacing[axis] ** 2
            matrix[row, row] += weight
            if core[tuple(there)]:
                right_side[row] += weight
            elif free[tuple(there)]:
                matrix[row, number[tuple(there)]] -= weight
    expected = spsolve(matrix.tocsc(), right_side)
    probability, converged = _walk(uptake, free, core, spacing, beta)
    assert converged
    assert not probability[~free].any()
    assert probability[free] == pytest.approx(expected, abs=0.01)
    differing = np.count_nonzero((probability[free] >= 0.5) != (expected >= 0.5))
    assert differing <= 0.002 * free.sum()


def test_nowhere_to_walk():
    uptake = np.ones((3, 3, 3), dtype=np.float32)
    probability, converged = _walk(uptake, uptake < 0, uptake > 0, (1.0, 1.0, 1.0), 100.0)
    assert converged
    assert not probability.any()


def test_deblurring_is_the_landweber_iteration():
    suv, spacing, fwhm_mm = 10 * noisy_sphere((24, 30, 27), 7), np.array([1.6, 1.5, 1.9]), 6.0
    part = (slice(3, 20), slice(0, 30), slice(5, 22))
    sigma = fwhm_mm / FWHM_PER_SIGMA / spacing
    estimate = suv.astype(float)
    for _ in range(30):
        missing = suv - ndimage.gaussian_filter(estimate, sigma, mode="nearest")
        estimate += 1.8 * ndimage.gaussian_filter(missing, sigma, mode="nearest")
        np.maximum(estimate, 0, out=estimate)
    found = _deblurred(suv, spacing, (12, 15, 13), fwhm_mm, 30, part)
    assert found == pytest.approx(estimate[part], abs=1e-3)
    assert np.abs(estimate - suv).max() > 1


def test_deblurring_on_every_other_voxel_reads_splines_between():
    """A part of the answer is the answer of a part."""
    suv, spacing = 10 * noisy_sphere((30, 33, 31), 9), np.array([0.7, 0.7, 0.7])
    whole = tuple(slice(0, n) for n in suv.shape)
    part = (slice(4, 23), slice(1, 30), slice(6, 31))
    arguments = (suv, spacing, (15, 16, 15), 6.0, 10)
    assert np.array_equal(_deblurred(*arguments, part), _deblurred(*arguments, whole)[part])


@pytest.mark.parametrize("seed", range(3))
def test_basin_is_the_watershed_of_the_gradient(seed):
    """Not rounded to levels, and with a far steeper edge nearby that must not cost any."""
    suv, spacing = 10 * noisy_sphere((40, 40, 40), 10, seed), np.array([1.0, 1.0, 1.0])
    suv[:, :, 38:] = 800
    axes = np.indices(suv.shape)
    around = sum((axis - 19.5) ** 2 for axis in axes) < 15**2
    core = (suv >= 8) & around
    markers = np.where(core, 1, np.where(around, 0, 2)).astype(np.uint8)
    magnitude = np.sqrt(sum(step**2 for step in np.gradient(suv, *spacing)))
    basins = sitk.MorphologicalWatershedFromMarkers(
        sitk.GetImageFromArray(magnitude.astype(np.float32)), sitk.GetImageFromArray(markers), False, False
    )
    expected = sitk.GetArrayFromImage(basins) == 1
    found = _basin(suv, around, spacing, core)
    assert np.count_nonzero(found != expected) <= 0.003 * np.count_nonzero(expected)
    assert np.count_nonzero(expected) > 1.5 * np.count_nonzero(core)
