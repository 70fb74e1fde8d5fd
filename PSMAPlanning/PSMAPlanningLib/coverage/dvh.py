"""Dose-volume figures of a structure: D98, D95, D50, D2, mean, and the cumulative dose-volume histogram.

D_v is the least dose received by the best-irradiated part v of the structure, V_d the volume that receives
d or more, near minimum and near maximum D98 and D2 (ICRU Report 83, 2010, doi:10.1093/jicru_ndq009).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..imaging.image import Image
from .dose_on_points import dose_at, structure_points
from .solid import Filled


@dataclass(frozen=True, eq=False)
class StructureDose:
    """The dose of a structure, point by point, where it is known.

    dose_gy, part_ml: (N,), ascending in dose; part_ml: the volume each dose stands for.
    outside_ml: the part of the structure that lies outside the dose grid, whose dose is not known; all
        figures are of the part inside.
    """

    dose_gy: np.ndarray
    part_ml: np.ndarray
    outside_ml: float

    @property
    def known_ml(self) -> float:
        return float(self.part_ml.sum())

    @property
    def volume_ml(self) -> float:
        """The whole structure."""
        return self.known_ml + self.outside_ml

    @property
    def outside_fraction(self) -> float:
        return self.outside_ml / self.volume_ml if self.volume_ml > 0 else 0.0

    @property
    def is_known(self) -> bool:
        """Whether any part of the structure has a dose."""
        return len(self.dose_gy) > 0

    @property
    def mean_gy(self) -> float | None:
        return float(np.average(self.dose_gy, weights=self.part_ml)) if self.is_known else None

    @property
    def min_gy(self) -> float | None:
        return float(self.dose_gy[0]) if self.is_known else None

    @property
    def max_gy(self) -> float | None:
        return float(self.dose_gy[-1]) if self.is_known else None

    def dose_to_percent(self, percent: float) -> float | None:
        """D_v in Gy: `percent` (0 to 100) of the volume receives at least this."""
        return self.dose_to_ml(percent / 100.0 * self.known_ml) if self.is_known else None

    def dose_to_ml(self, volume_ml: float) -> float | None:
        """The dose that `volume_ml` receives at least; the least dose for more than there is."""
        if not self.is_known:
            return None
        # Each point stands for its volume on both sides of its dose.
        below = np.cumsum(self.part_ml) - 0.5 * self.part_ml
        return float(np.interp(self.known_ml - volume_ml, below, self.dose_gy))

    def volume_at_ml(self, dose_gy: float) -> float:
        """V_d in mL: the volume known to receive `dose_gy` or more."""
        return float(self.part_ml[np.searchsorted(self.dose_gy, dose_gy, side="left") :].sum())

    def with_outside_at(self, dose_gy: float) -> StructureDose:
        """The same structure were the dose outside the grid `dose_gy` everywhere."""
        if self.outside_ml <= 0:
            return self
        place = int(np.searchsorted(self.dose_gy, dose_gy))
        return StructureDose(
            np.insert(self.dose_gy, place, dose_gy), np.insert(self.part_ml, place, self.outside_ml), 0.0
        )


@dataclass(frozen=True, eq=False)
class Dvh:
    """Cumulative dose-volume histogram: volume_ml[n] receives bin_gy * n or more, down to 0 at the end.

    total_ml: the whole structure, with the part outside the dose grid, which no bin holds.
    """

    bin_gy: float
    volume_ml: np.ndarray
    total_ml: float

    @property
    def dose_gy(self) -> np.ndarray:
        return self.bin_gy * np.arange(len(self.volume_ml))


def dose_of(filled: Filled, dose: Image) -> StructureDose:
    """The dose of a mask, or of fractions of voxels filled, on sub-voxel points."""
    points = structure_points(filled)
    values = dose_at(dose, points.points_ras)
    known = np.isfinite(values)
    order = np.argsort(values[known], kind="stable")
    outside_ml = float(points.volume_ml[~known].sum())
    return StructureDose(values[known][order], points.volume_ml[known][order], outside_ml)


def cumulative_dvh(structure: StructureDose, bin_gy: float) -> Dvh:
    """The histogram in bins of `bin_gy`; empty structures have one bin of 0 mL."""
    if not structure.is_known:
        return Dvh(bin_gy, np.zeros(1), structure.volume_ml)
    edges = bin_gy * np.arange(int(structure.max_gy / bin_gy) + 2)
    above = np.append(np.cumsum(structure.part_ml[::-1])[::-1], 0.0)
    return Dvh(bin_gy, above[np.searchsorted(structure.dose_gy, edges, side="left")], structure.volume_ml)
