"""What psma-planning benchmark times of the surfaces that lesions are drawn by, beside Slicer's conversion.

Sixty balls of 3 to 12 mm, spread over a PET/CT from thigh to skull, drawn on the CT's voxels. As in Slicer
they lie in one label image, and Slicer converts one segment after the other with its default settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import vtk

from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from ..scene.headless import HeadlessSlicer
from ..scene.slicer_conversion import default_surfaces, one_layer
from ..scene.surfaces import enclosed_volume_ml, smooth_surface
from .benchmark_works import Sides, Work

LESIONS = 60
_SEED = 11
GRID = VoxelGrid((330, 512, 512), (0.9765625, 0.9765625, 3.0), (-250.0, -250.0, -900.0))
_RADII_MM = (3.0, 12.0)
_BODY_HALF_MM = (150.0, 90.0, 450.0)
_APART_MM = 6.0
_RESOLUTION = 60


@dataclass(frozen=True, eq=False)
class Ball:
    """A lesion whose volume and surface are known in closed form."""

    center_ras: np.ndarray
    radius_mm: float
    mask: Mask

    @property
    def volume_ml(self) -> float:
        return 4 / 3 * np.pi * self.radius_mm**3 / 1000

    def surface(self) -> vtk.vtkPolyData:
        source = vtk.vtkSphereSource()
        source.SetCenter(*self.center_ras)
        source.SetRadius(self.radius_mm)
        source.SetThetaResolution(_RESOLUTION)
        source.SetPhiResolution(_RESOLUTION)
        source.Update()
        return source.GetOutput()


def balls(count: int = LESIONS) -> tuple[Ball, ...]:
    """Balls that do not touch, each with its mask on the CT's voxels, cropped."""
    random = np.random.default_rng(_SEED)
    middle = GRID.ras_of((np.array(GRID.shape_kji) - 1) / 2)
    found: list[Ball] = []
    while len(found) < count:
        center = middle + random.uniform(-1, 1, 3) * _BODY_HALF_MM
        radius_mm = random.uniform(*_RADII_MM)
        gaps = [np.linalg.norm(center - b.center_ras) - radius_mm - b.radius_mm for b in found]
        if min(gaps, default=np.inf) > _APART_MM:
            found.append(Ball(center, radius_mm, _drawn(center, radius_mm)))
    return tuple(found)


def quality_of(surfaces: list[vtk.vtkPolyData], lesions: tuple[Ball, ...]) -> dict[str, float]:
    """Mean volume error in % and mean Hausdorff distance in mm, against the balls themselves."""
    volumes = [
        abs(enclosed_volume_ml(s) - b.volume_ml) / b.volume_ml for s, b in zip(surfaces, lesions, strict=True)
    ]
    distances = [_hausdorff_mm(s, b.surface()) for s, b in zip(surfaces, lesions, strict=True)]
    return {
        "volume error %": 100 * float(np.mean(volumes)),
        "Hausdorff mm": float(np.mean(distances)),
    }


def _drawn(center: np.ndarray, radius_mm: float) -> Mask:
    """The ball's voxels by their centres, on a crop of the CT's grid."""
    low, high = (GRID.kji_of(center + sign * radius_mm) for sign in (-1, 1))
    box = tuple(slice(int(a) - 1, int(b) + 3) for a, b in zip(low, high, strict=True))
    grid = GRID.crop(box)
    points = grid.ras_of(np.moveaxis(np.indices(grid.shape_kji), 0, -1))
    return Mask(np.linalg.norm(points - center, axis=-1) <= radius_mm, grid).cropped()


def _hausdorff_mm(one: vtk.vtkPolyData, other: vtk.vtkPolyData) -> float:
    distance = vtk.vtkHausdorffDistancePointSetFilter()
    distance.SetInputData(0, one)
    distance.SetInputData(1, other)
    distance.SetTargetDistanceMethodToPointToCell()
    distance.Update()
    return distance.GetHausdorffDistance()


@contextmanager
def _surfaces() -> Iterator[Sides]:
    with HeadlessSlicer():
        lesions = balls()
        segmentation = one_layer([ball.mask for ball in lesions], GRID)

        def ours() -> list[vtk.vtkPolyData]:
            return [smooth_surface(ball.mask) for ball in lesions]

        def peer() -> list[vtk.vtkPolyData]:
            return default_surfaces(segmentation)

        def quality() -> dict[str, float | bool]:
            mine, theirs = quality_of(ours(), lesions), quality_of(peer(), lesions)
            both = {f"{name}, ours": value for name, value in mine.items()}
            both |= {f"{name}, Slicer": value for name, value in theirs.items()}
            return {**both, "met": all(mine[name] <= theirs[name] for name in mine)}

        yield Sides(ours, peer, quality)


WORKS = (
    Work(
        "surfaces",
        "Slicer's default closed-surface conversion of the segmentation",
        15.0,
        "surfaces with normals of 60 lesions from masks in memory; volume and distance against the balls",
        _surfaces,
    ),
)
