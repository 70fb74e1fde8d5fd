"""Ureters: thin, smooth, even tubes on their way from the kidneys to the bladder.

Standing urine and a node look alike as spots; only a tube is called ureter. A spot stays undecided, and so
does every tube where the urine is not hot, since then it is no ureter.
"""

from __future__ import annotations

from ..imaging.image import Image
from .avid_regions import AvidRegion
from .body_frame import BodyFrame
from .tubes import Tube, tube_of

_LARGEST_ML = 12.0
_SHORTEST_MM = 24.0
_LEAST_SLENDER = 3.3
_WIDEST_FWHM = 1.7
"""Widths over the FWHM: a tube of 3 to 5 mm is seen about as wide as the blur."""
_LARGEST_BEND_MM = 3.0
_LARGEST_KNOB = 1.45
_LARGEST_TILT_DEGREES = 50.0
_ASIDE_MM = (12.0, 72.0)
_LUMBAR_DEPTH = (0.3, 0.62)
_PELVIS_MM = 75.0
"""The ureter crosses the iliac vessels this far above the bladder's middle; below it runs behind that."""
_BEHIND_BLADDER_MM = 5.0
_LOWEST_MM = 45.0


def is_ureter(
    region: AvidRegion,
    pet: Image,
    frame: BodyFrame,
    kidney_s_mm: float,
    bladder_ras: tuple[float, float, float],
    fwhm_mm: float,
) -> bool:
    """Whether a region is a tube in a ureter's course.

    kidney_s_mm: level of the kidneys' middle; bladder_ras: middle of a bladder with hot urine.
    """
    if region.volume_ml > _LARGEST_ML or not _on_course(region, frame, kidney_s_mm, bladder_ras):
        return False
    tube = tube_of(region, pet)
    return _is_thin_and_even(tube, fwhm_mm) and tube.tilt_degrees <= _LARGEST_TILT_DEGREES


def _is_thin_and_even(tube: Tube, fwhm_mm: float) -> bool:
    return (
        tube.length_mm >= _SHORTEST_MM
        and tube.slenderness >= _LEAST_SLENDER
        and tube.width_mm <= _WIDEST_FWHM * fwhm_mm
        and tube.bend_mm <= _LARGEST_BEND_MM
        and tube.knob <= _LARGEST_KNOB
    )


def _on_course(
    region: AvidRegion, frame: BodyFrame, kidney_s_mm: float, bladder_ras: tuple[float, float, float]
) -> bool:
    right_mm, depth = frame.place(region.centroid_ras)
    above_bladder_mm = region.centroid_ras[2] - bladder_ras[2]
    if not (
        _ASIDE_MM[0] <= abs(right_mm) <= _ASIDE_MM[1]
        and above_bladder_mm >= -_LOWEST_MM
        and region.centroid_ras[2] <= kidney_s_mm
    ):
        return False
    if above_bladder_mm < _PELVIS_MM:
        return region.centroid_ras[1] <= bladder_ras[1] - _BEHIND_BLADDER_MM
    return _LUMBAR_DEPTH[0] <= depth <= _LUMBAR_DEPTH[1]
