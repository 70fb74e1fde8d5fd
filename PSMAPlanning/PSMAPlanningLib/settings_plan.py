"""Settings of volumes, coverage, regions, dose and export; `settings.Settings` holds them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from .errors import SettingsError
from .settings_lesions import in_range

HOLE_FORMS = ("xor", "keyhole")
SLICE_FORMS = ("cross-section", "volume")
END_CAPS = ("tapered", "flat")


@dataclass(frozen=True)
class CoverageSettings:
    """Overlap classes: inside above, outside below, partial between (fractions of the lesion's volume).

    covered_from_fraction: a lesion counts as covered when the lower bound of its fraction reaches this.
    """

    inside_above_fraction: float = 0.9
    outside_below_fraction: float = 0.1
    covered_from_fraction: float = 0.99

    def __post_init__(self) -> None:
        in_range("coverage.inside_above_fraction", self.inside_above_fraction, 0, 1)
        in_range("coverage.outside_below_fraction", self.outside_below_fraction, 0, 1)
        in_range("coverage.covered_from_fraction", self.covered_from_fraction, 0.5, 1)
        if self.outside_below_fraction > self.inside_above_fraction:
            raise SettingsError(
                "coverage.outside_below_fraction must not exceed coverage.inside_above_fraction."
            )


@dataclass(frozen=True)
class RegionSettings:
    """How lesions are assigned to regions, and what the disputed regions count as.

    common_iliac_stage: "N" after PROMISE, or "M1a" after AJCC.
    pelvic_bone_group: whether lesions of hip bone, sacrum and coccyx are "extrapelvic" or "pelvic" when the
        impact on the plan is told; they are M1b either way.
    The reaches say how far a lesion's middle may lie beyond its own radius from the structure its region is
    named after, mm: iliac vessels; side wall (the obturator strip is 18 mm wide, Taylor 2005); sacrum (the
    presacral strip is 10 to 15 mm); rectum (mesorectal fat of 15 to 20 mm); aorta or vena cava; bladder.
    bed_above_symphysis_mm: upper end of the prostate bed (RTOG 2010: 3 to 4 cm above the symphysis).
    """

    common_iliac_stage: str = "N"
    pelvic_bone_group: str = "extrapelvic"
    vessel_reach_mm: float = 15.0
    side_wall_reach_mm: float = 18.0
    presacral_reach_mm: float = 15.0
    mesorectal_reach_mm: float = 20.0
    great_vessel_reach_mm: float = 25.0
    bed_reach_mm: float = 15.0
    bed_above_symphysis_mm: float = 40.0

    def __post_init__(self) -> None:
        if self.common_iliac_stage not in ("N", "M1a"):
            raise SettingsError(
                f"regions.common_iliac_stage is {self.common_iliac_stage!r}; it must be N or M1a."
            )
        if self.pelvic_bone_group not in ("extrapelvic", "pelvic"):
            raise SettingsError(
                f"regions.pelvic_bone_group is {self.pelvic_bone_group!r}; it must be extrapelvic or pelvic."
            )
        for each in dataclasses.fields(self):
            if each.name.endswith("_mm"):
                in_range(f"regions.{each.name}", getattr(self, each.name), 1, 100)


@dataclass(frozen=True)
class DoseSettings:
    """How the dose of lesions and structures is told, where there is an RTDOSE.

    isodose_percent: of the prescription, where its field ends.
    in_field_from_fraction, marginal_from_fraction: parts of a lesion's volume inside that isodose (Dawson
        2000, doi:10.1016/S0360-3016(99)00550-7); below the latter the lesion is out-of-field.
    target_holds_from_fraction: from this part of its volume inside a target a lesion goes by that target's
        prescription; our own convention.
    dvh_bin_gy: width of the bins of dose-volume histograms.
    end_caps: how a structure of contours ends in dose figures, half a slice beyond its last contour:
        "tapered" to nothing, as Eclipse's volumes of a real plan tell (Testing/dvh_table.py), or "flat", as
        CERR's do and as coverage and volumes are told in this program. Pepin 2022 (doi:10.1002/mp.15916)
        names it among what parts the dose-volume histograms of five planning systems.
    """

    isodose_percent: float = 95.0
    in_field_from_fraction: float = 0.95
    marginal_from_fraction: float = 0.2
    target_holds_from_fraction: float = 0.5
    dvh_bin_gy: float = 0.1
    end_caps: str = "tapered"

    def __post_init__(self) -> None:
        in_range("dose.isodose_percent", self.isodose_percent, 1, 110)
        in_range("dose.in_field_from_fraction", self.in_field_from_fraction, 0, 1)
        in_range("dose.marginal_from_fraction", self.marginal_from_fraction, 0, 1)
        in_range("dose.target_holds_from_fraction", self.target_holds_from_fraction, 0.01, 1)
        in_range("dose.dvh_bin_gy", self.dvh_bin_gy, 0.01, 5)
        if self.end_caps not in END_CAPS:
            raise SettingsError(
                f"dose.end_caps is {self.end_caps!r}; it must be one of {', '.join(END_CAPS)}."
            )
        if self.marginal_from_fraction > self.in_field_from_fraction:
            raise SettingsError("dose.marginal_from_fraction must not exceed dose.in_field_from_fraction.")


@dataclass(frozen=True)
class VolumeSettings:
    """Which proposed volumes are generated from the anatomy when none were given.

    guidelines: presets by name (see `psma-planning volumes`), or paths of a department's own .json files.
    A guideline for the bed makes a volume only where the user placed its landmarks.
    target_alpha_beta_gy, late_alpha_beta_gy: alpha/beta in Gy that the dose in 2 Gy fractions (EQD2) of a
        prescription is told with: prostate cancer (Brenner and Hall 1999, doi:10.1016/S0360-3016(98)00438-6)
        and late reactions of normal tissue.
    """

    guidelines: tuple[str, ...] = ("rtog2009_nodes",)
    target_alpha_beta_gy: float = 1.5
    late_alpha_beta_gy: float = 3.0

    @property
    def alpha_beta_gy(self) -> tuple[float, float]:
        """Of the target, and of late reactions."""
        return self.target_alpha_beta_gy, self.late_alpha_beta_gy

    def __post_init__(self) -> None:
        in_range("volumes.target_alpha_beta_gy", self.target_alpha_beta_gy, 0.1, 50)
        in_range("volumes.late_alpha_beta_gy", self.late_alpha_beta_gy, 0.1, 50)
        names = [name.strip() for name in self.guidelines]
        if not all(names) or len(set(names)) < len(names):
            raise SettingsError("volumes.guidelines has an empty name or a name twice; list each once.")


@dataclass(frozen=True)
class ExportSettings:
    """How contours are written for the planning system.

    holes: "xor" (contours inside contours, which most planning systems prefer) or "keyhole" (channels).
    contour_tolerance_mm: how far a contour may lie from the line it was simplified from.
    slices: a contour encloses the "cross-section" at the plane of its slice, or what keeps the "volume" of
    its slab.
    """

    holes: str = "xor"
    contour_tolerance_mm: float = 0.1
    slices: str = "cross-section"

    def __post_init__(self) -> None:
        if self.slices not in SLICE_FORMS:
            known = ", ".join(SLICE_FORMS)
            raise SettingsError(f"export.slices is {self.slices!r}; it must be one of {known}.")
        if self.holes not in HOLE_FORMS:
            raise SettingsError(f"export.holes is {self.holes!r}; it must be one of {', '.join(HOLE_FORMS)}.")
        in_range("export.contour_tolerance_mm", self.contour_tolerance_mm, 0.01, 1.0)
