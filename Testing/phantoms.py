"""Closed-form images that tests compare with: uniform spheres seen through a Gaussian."""

import numpy as np
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from scipy.special import erf


def points_of(grid: VoxelGrid) -> np.ndarray:
    """RAS positions of all voxel centres, (K, J, I, 3)."""
    return grid.ras_of(np.stack(np.meshgrid(*map(np.arange, grid.shape_kji), indexing="ij"), -1))


def recovery(radius_mm: np.ndarray, sphere_radius_mm: float, fwhm_mm: float) -> np.ndarray:
    """C(r): uptake at distance r from the centre of a unit sphere blurred by a Gaussian."""
    r = np.maximum(np.asarray(radius_mm, dtype=float), 1e-6)
    sigma = fwhm_mm / 2.354820045
    a, b = sphere_radius_mm - r, sphere_radius_mm + r
    root = np.sqrt(2) * sigma
    return 0.5 * (erf(a / root) + erf(b / root)) - sigma / (r * np.sqrt(2 * np.pi)) * (
        np.exp(-((a / root) ** 2)) - np.exp(-((b / root) ** 2))
    )


def blurred_spheres(
    grid: VoxelGrid,
    spheres: list[tuple[tuple[float, float, float], float, float]],
    background_suv: float = 1.0,
    fwhm_mm: float = 6.0,
) -> Image:
    """PET of spheres (centre RAS, diameter mm, true SUV) in a uniform background, noise-free."""
    points = points_of(grid)
    suv = np.full(grid.shape_kji, float(background_suv))
    for centre, diameter_mm, true_suv in spheres:
        distance_mm = np.linalg.norm(points - np.array(centre), axis=-1)
        suv += (true_suv - background_suv) * recovery(distance_mm, diameter_mm / 2, fwhm_mm)
    return Image(suv.astype(np.float32), grid, Quantity.SUVBW)


def centred_grid(half_width_mm: float, spacing_mm: tuple[float, float, float], direction=None) -> VoxelGrid:
    """A cube around the world's origin with a voxel centre in the middle."""
    halves = [int(half_width_mm / s) for s in spacing_mm]
    grid = VoxelGrid(
        tuple(2 * h + 1 for h in reversed(halves)),
        spacing_mm,
        (0, 0, 0),
        direction or ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    )
    middle = grid.ras_of(halves[::-1])
    return VoxelGrid(grid.shape_kji, spacing_mm, tuple(-middle), grid.direction_ras)


def ball(grid: VoxelGrid, centre_ras, radius_mm: float) -> Mask:
    """Voxels whose centres lie in a ball."""
    return Mask(np.linalg.norm(points_of(grid) - np.array(centre_ras), axis=-1) < radius_mm, grid)
