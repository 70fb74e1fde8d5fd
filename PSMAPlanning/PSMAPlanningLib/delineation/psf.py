"""The scanner's point spread: closed form of a sphere seen through a Gaussian, and its fit to a phantom.

value(r) = background + (uptake - background) * C(r); C depends on radius over sigma only. Reference:
Kessler, Ellis, Eden 1984, J Comput Assist Tomogr 8:514 (recalled); van Dalen 2007, Jentzen 2015 use C(R)/C(0)
to threshold. The form here was checked against convolved grids.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
SMALLEST_FWHM_MM = 0.5
LARGEST_FWHM_MM = 30.0
_CENTRE = 1e-3
"""Below this part of sigma the value at the centre is used: the closed form divides by the distance."""


@dataclass(frozen=True)
class PointSpread:
    """Resolution of a reconstructed PET.

    fwhm_mm: full width at half maximum of the Gaussian; source: "entered", "phantom" or "default";
    note: where the number comes from, for people; fwhm_sd_mm: uncertainty used for volume intervals.
    """

    fwhm_mm: float
    source: str
    note: str
    fwhm_sd_mm: float = 1.0

    def __post_init__(self) -> None:
        if not SMALLEST_FWHM_MM <= self.fwhm_mm <= LARGEST_FWHM_MM:
            raise ValueError(f"A FWHM of {self.fwhm_mm} mm is not one of a PET.")
        if self.source not in ("entered", "phantom", "default"):
            raise ValueError(f"Unknown source of a FWHM: {self.source!r}.")
        if not 0 <= self.fwhm_sd_mm < LARGEST_FWHM_MM:
            raise ValueError(f"An uncertainty of {self.fwhm_sd_mm} mm is not one of a FWHM.")

    @property
    def is_measured(self) -> bool:
        return self.source != "default"


# Recalled orders of magnitude of clinical reconstructions, longest name first; none was verified.
_DEFAULT_FWHM_MM = {
    "biograph vision": 5.0,
    "discovery mi": 5.5,
    "biograph mct": 6.0,
    "vereos": 5.5,
    "ingenuity": 7.0,
    "discovery st": 7.5,
}
_USUAL_FWHM_MM = 6.0


def default_point_spread(scanner_model: str | None = None) -> PointSpread:
    """A usual FWHM for a scanner, by its model name (DICOM 0008,1090); it says that it was not measured."""
    model = (scanner_model or "").lower()
    for name, fwhm_mm in _DEFAULT_FWHM_MM.items():
        if name in model:
            note = f"usual value for {name}, recalled and not verified; measure it with a NEMA phantom"
            return PointSpread(fwhm_mm, "default", note)
    return PointSpread(
        _USUAL_FWHM_MM, "default", "usual value for a PET, not this scanner's; measure it with a NEMA phantom"
    )


def sphere_recovery(distance_mm: np.ndarray, radius_mm: float, fwhm_mm: float) -> np.ndarray:
    """C(r): what is seen of a unit sphere at distances from its centre; same shape as `distance_mm`."""
    sigma = fwhm_mm / FWHM_PER_SIGMA
    r = np.asarray(distance_mm, dtype=float)
    at = np.maximum(r, _CENTRE * sigma)
    root = math.sqrt(2.0) * sigma
    below, above = (radius_mm - at) / root, (radius_mm + at) / root
    tails = np.exp(-(below**2)) - np.exp(-(above**2))
    values = 0.5 * (erf(below) + erf(above)) - sigma / (at * math.sqrt(2.0 * math.pi)) * tails
    return np.where(r < _CENTRE * sigma, centre_recovery(2.0 * radius_mm, fwhm_mm), values)


def centre_recovery(diameter_mm: float, fwhm_mm: float) -> float:
    """C(0): what is seen of a unit sphere at its centre; 1 for a sphere much wider than the FWHM."""
    ratio = 0.5 * diameter_mm * FWHM_PER_SIGMA / fwhm_mm
    return math.erf(ratio / math.sqrt(2.0)) - math.sqrt(2.0 / math.pi) * ratio * math.exp(-0.5 * ratio**2)


def boundary_fraction(diameter_mm: float, fwhm_mm: float) -> float:
    """T(D) = C(R) / C(0): the part of the measured contrast at the true edge of a sphere.

    It rises to 1 as the sphere vanishes; below a hundredth of the FWHM it is kept.
    """
    diameter_mm = max(diameter_mm, 1e-2 * fwhm_mm)
    radius_mm = 0.5 * diameter_mm
    edge = float(sphere_recovery(np.array(radius_mm), radius_mm, fwhm_mm))
    return edge / centre_recovery(diameter_mm, fwhm_mm)


def diameter_of_volume_mm(volume_ml: float) -> float:
    """Diameter of the sphere of this volume."""
    return (6000.0 * volume_ml / math.pi) ** (1.0 / 3.0)


def smallest_detectable_mm(uptake_suv: float, threshold_suv: float, fwhm_mm: float) -> float | None:
    """Diameter of the smallest sphere of this true SUV (in no background) whose peak reaches a threshold.

    None when no sphere of this uptake ever reaches it.
    """
    if uptake_suv <= threshold_suv:
        return None
    low, high = 1e-2 * fwhm_mm, 10.0 * fwhm_mm
    for _ in range(60):
        middle = 0.5 * (low + high)
        if uptake_suv * centre_recovery(middle, fwhm_mm) < threshold_suv:
            low = middle
        else:
            high = middle
    return high
