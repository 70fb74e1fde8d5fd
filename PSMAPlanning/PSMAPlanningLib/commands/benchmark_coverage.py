"""What psma-planning benchmark times of coverage: lesions against volumes, beside one full distance map each.

The peer computes SimpleITK's signed distance map of every volume on the whole CT and reads it off in the
voxels of every lesion: distances to a voxel, no sub-voxel surface, no bounds, no direction yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..coverage.lesion_coverage import CoverageCache
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from ..imaging.image_file import sitk_image
from ..rtvolumes.margins import SixMargins, grow
from ..settings import CoverageSettings
from .benchmark_volumes import nodal_volume
from .benchmark_works import Sides, Work

LESIONS = 60
_SETTINGS = CoverageSettings()
_DIAMETERS_MM = (5.0, 18.0)


def twelve_volumes() -> tuple[Mask, ...]:
    """Four clinical targets and two planning targets around each, on 512 x 512 x 200 voxels."""
    whole = nodal_volume()
    grid = whole.grid
    points = [origin + s * np.arange(n) for origin, s, n in zip(
        grid.origin_ras, grid.spacing_mm, reversed(grid.shape_kji), strict=True)]  # fmt: skip
    right, anterior, superior = points
    bed = (
        (right[None, None, :] / 27.0) ** 2
        + ((anterior[None, :, None] + 20.0) / 24.0) ** 2
        + ((superior[:, None, None] + 75.0) / 30.0) ** 2
    ) < 1.0
    lower = whole.array & (superior < 20.0)[:, None, None]
    upper = whole.array & (superior >= 20.0)[:, None, None]
    clinical = [whole, Mask(bed, grid), Mask(lower, grid), Mask(upper, grid)]
    return tuple(
        volume
        for each in clinical
        for volume in (each, grow(each, SixMargins.uniform(5.0)), grow(each, SixMargins.uniform(8.0)))
    )


def sixty_lesions(grid: VoxelGrid, volume: Mask) -> tuple[Mask, ...]:
    """Balls of 5 to 18 mm within 60 mm of a nodal volume, on the voxels of a PET, cut out as contours are."""
    random = np.random.default_rng(7)
    inside = volume.points_ras()
    found = []
    for diameter in random.uniform(*_DIAMETERS_MM, LESIONS):
        away = random.normal(size=3)
        away *= random.uniform(0.0, 60.0) / np.linalg.norm(away)
        found.append(_ball(inside[random.integers(len(inside))] + away, diameter / 2))
    return tuple(found)


def _ball(centre_ras: np.ndarray, radius_mm: float) -> Mask:
    """A ball on voxels of 1 mm, as contours are after interpolation of the PET."""
    count = int(np.ceil(radius_mm)) + 1
    axis = np.arange(-count, count + 1.0)
    squared = axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2
    grid = VoxelGrid(squared.shape, (1.0, 1.0, 1.0), tuple(float(x) for x in centre_ras - count))
    return Mask(squared <= radius_mm**2, grid)


def distance_maps(volumes: tuple[Mask, ...], lesions: tuple[Mask, ...]) -> list[list[float]]:
    """The peer: greatest distance of each lesion's voxels from each volume."""
    places = []
    for lesion in lesions:
        kji = np.rint(volumes[0].grid.kji_of(lesion.points_ras())).astype(np.intp)
        upper = np.array(volumes[0].array.shape) - 1
        places.append(tuple(np.clip(kji, 0, upper).T))
    table = []
    for volume in volumes:
        image = sitk_image(volume.array.view(np.uint8), volume.grid)
        field = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
        distance = sitk.GetArrayViewFromImage(field)
        table.append([float(distance[place].max()) for place in places])
    return table


def _with_places(lesions: tuple[Mask, ...]) -> list[tuple[Mask, tuple[float, float, float]]]:
    """Each with its centroid, which stands for the hottest voxel that a case keeps of every lesion."""
    return [(lesion, lesion.centroid_ras()) for lesion in lesions]


def _table(cache: CoverageCache, lesions: list, volumes: tuple[Mask, ...]) -> None:
    cache.table(lesions, volumes, _SETTINGS)


@contextmanager
def _from_nothing() -> Iterator[Sides]:
    volumes = twelve_volumes()
    lesions = sixty_lesions(volumes[0].grid, volumes[0])
    placed = _with_places(lesions)
    yield Sides(lambda: _table(CoverageCache(), placed, volumes), lambda: distance_maps(volumes, lesions))


@contextmanager
def _one_lesion_edited() -> Iterator[Sides]:
    volumes = twelve_volumes()
    lesions = sixty_lesions(volumes[0].grid, volumes[0])
    placed, cache = _with_places(lesions), CoverageCache()
    _table(cache, placed, volumes)
    turn = iter(range(1_000_000))

    def edit() -> None:
        number = next(turn) % LESIONS
        mask, peak_ras = placed[number]
        # A new mask: what was known of the old one does not count.
        placed[number] = (replace(mask, array=mask.array.copy()), peak_ras)
        _table(cache, placed, volumes)

    yield Sides(edit, lambda: distance_maps(volumes, lesions))


@contextmanager
def _one_volume_changed() -> Iterator[Sides]:
    volumes = twelve_volumes()
    lesions = _with_places(sixty_lesions(volumes[0].grid, volumes[0]))
    cache = CoverageCache()
    _table(cache, lesions, volumes)

    def change() -> None:
        changed = replace(volumes[4], array=volumes[4].array.copy())
        _table(cache, lesions, (*volumes[:4], changed, *volumes[5:]))

    yield Sides(change, lambda: _table(CoverageCache(), lesions, volumes))


WORKS = (
    Work(
        "coverage",
        "SimpleITK SignedMaurerDistanceMap of every volume on the whole CT, read off in the lesions' voxels",
        10.0,
        "60 lesions x 12 volumes on 512 x 512 x 200 voxels from nothing: surfaces, fractions with bounds, "
        "distances, missing margins, directions",
        _from_nothing,
    ),
    Work(
        "coverage_after_edit",
        "the same distance maps, all anew",
        300.0,
        "one lesion of 60 edited to the complete table of 60 x 12",
        _one_lesion_edited,
    ),
    Work(
        "coverage_one_volume",
        "our own table of 60 lesions x 12 volumes from nothing",
        5.0,
        "one volume of 12 replaced to the complete table; only its column is computed",
        _one_volume_changed,
    ),
)
