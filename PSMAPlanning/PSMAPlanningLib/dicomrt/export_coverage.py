"""Coverage as it will be in the planning system: of the exported contours instead of the drawn shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..coverage.lesion_coverage import CoverageCache, LesionVolumeCoverage
from ..imaging.grid import VoxelGrid
from ..settings import CoverageSettings
from .export_plan import PlannedRoi
from .planning_series import PlanningSeries
from .rtstruct_export import exported_occupancy

_MARGIN_VOXELS = 2


@dataclass(frozen=True, eq=False)
class ExportedShape:
    """What the contours of one structure stand for: the share of each voxel, on the CT's voxels around it.

    array: (K, J, I) float32, 0 to 1, as `coverage` takes it.
    """

    array: np.ndarray
    grid: VoxelGrid


def exported_shape(roi: PlannedRoi, series: PlanningSeries) -> ExportedShape | None:
    """Slabs of the contours as written; None for a structure without contours."""
    if not roi.contours:
        return None
    slices = [each.slice_number for each in roi.contours]
    points = np.concatenate([each.points for each in roi.contours])
    low = [min(slices), *np.floor(points.min(axis=0)).astype(int)]
    high = [max(slices), *np.ceil(points.max(axis=0)).astype(int)]
    box = tuple(
        slice(max(0, int(a) - _MARGIN_VOXELS), min(size, int(b) + 1 + _MARGIN_VOXELS))
        for a, b, size in zip(low, high, series.grid.shape_kji, strict=True)
    )
    part = series.grid.crop(box)
    return ExportedShape(np.array(exported_occupancy(roi, series, part).fraction), part)


def coverage_after_export(
    lesions: Sequence[PlannedRoi],
    peaks_ras: Sequence[tuple[float, float, float]] | None,
    volumes: Sequence[PlannedRoi],
    series: PlanningSeries,
    settings: CoverageSettings,
) -> Mapping[str, Mapping[str, LesionVolumeCoverage]]:
    """Coverage of each exported lesion by each exported volume, by their names as written.

    peaks_ras: of the uptake of each lesion; without them the middle of its contours is taken.
    Lesions and volumes without contours are left out.
    """
    cache = CoverageCache()
    shapes = {roi.name: exported_shape(roi, series) for roi in (*lesions, *volumes)}
    peaks = peaks_ras or [_middle_ras(shapes[lesion.name]) for lesion in lesions]
    return {
        lesion.name: {
            volume.name: cache.of(shapes[lesion.name], peak, shapes[volume.name], settings)
            for volume in volumes
            if shapes[volume.name] is not None
        }
        for lesion, peak in zip(lesions, peaks, strict=True)
        if shapes[lesion.name] is not None
    }


def _middle_ras(shape: ExportedShape | None) -> tuple[float, float, float]:
    if shape is None:
        return (0.0, 0.0, 0.0)
    filled = np.argwhere(shape.array > 0)
    return shape.grid.position_of(np.average(filled, axis=0, weights=shape.array[tuple(filled.T)]))
