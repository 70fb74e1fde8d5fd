"""What a threshold cannot see: the smallest sphere whose blurred peak reaches it, for a few true uptakes.

Closed form of a uniform sphere seen through a Gaussian (see `psf`): peak = background + (uptake -
background) * C(0). A 6 mm node of true SUV 10 in a background of 1 peaks at 3.6, one of SUV 5 at 2.2, at
6 mm FWHM. Noise and voxel size make it worse, so the sizes are lower bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import RuleError
from .psf import PointSpread, centre_recovery, smallest_detectable_mm

CONTRAST_SUV = (5.0, 10.0, 20.0)


@dataclass(frozen=True)
class Detectability:
    """Smallest spheres seen at a threshold.

    background_suv: uptake around them; fwhm_source: as in PointSpread;
    smallest_mm: (true SUV, diameter in mm) pairs, None for an uptake that never reaches the threshold.
    """

    threshold_suv: float
    fwhm_mm: float
    fwhm_source: str
    background_suv: float
    smallest_mm: tuple[tuple[float, float | None], ...]

    def to_document(self) -> dict[str, object]:
        return {
            "threshold_suv": self.threshold_suv,
            "fwhm_mm": self.fwhm_mm,
            "fwhm_source": self.fwhm_source,
            "background_suv": self.background_suv,
            "smallest_mm": {f"{suv:g}": size for suv, size in self.smallest_mm},
        }

    def sentence(self) -> str:
        """One sentence for people."""
        sizes = ", ".join(
            f"SUV {suv:g}: none" if size is None else f"SUV {suv:g}: {size:.1f} mm"
            for suv, size in self.smallest_mm
        )
        return (
            f"Smallest sphere that reaches SUV {self.threshold_suv:.3g} by its true uptake, without noise: "
            f"{sizes} (FWHM {self.fwhm_mm:g} mm, {self.fwhm_source}; background {self.background_suv:.2g})."
        )


def peak_suv(diameter_mm: float, uptake_suv: float, fwhm_mm: float, background_suv: float = 0.0) -> float:
    """The highest value seen of a uniform sphere in a uniform background."""
    return background_suv + (uptake_suv - background_suv) * centre_recovery(diameter_mm, fwhm_mm)


def detectability(
    threshold_suv: float,
    point_spread: PointSpread,
    background_suv: float = 0.0,
    contrasts_suv: Sequence[float] = CONTRAST_SUV,
) -> Detectability:
    """The smallest spheres of a few true uptakes that reach a threshold.

    Raises RuleError for a background that is below zero or at the threshold.
    """
    if not 0 <= background_suv < threshold_suv:
        raise RuleError(
            f"The background is SUV {background_suv:g}; it must lie between 0 and the threshold of "
            f"{threshold_suv:g}."
        )
    sizes = tuple(
        (
            float(suv),
            # Subtracting the background leaves a sphere in none.
            smallest_detectable_mm(
                suv - background_suv, threshold_suv - background_suv, point_spread.fwhm_mm
            ),
        )
        for suv in contrasts_suv
    )
    return Detectability(threshold_suv, point_spread.fwhm_mm, point_spread.source, background_suv, sizes)


def nothing_found_sentence(threshold_suv: float) -> str:
    """What may be said where no lesion is found; never that there is no disease."""
    return f"No lesion found at this threshold (SUV {threshold_suv:g}); this does not mean no disease."
