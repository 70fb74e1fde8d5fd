"""What a phantom is made from, checked once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np

from ...errors import PhantomError
from .tracers import TRACERS, Tracer

REGIONS = (
    "anastomosis", "retrovesical", "obturator", "external iliac", "internal iliac", "presacral", "mesorectal",
    "common iliac", "retroperitoneal", "pelvic bone",
)  # fmt: skip
SIDES = ("left", "right", "midline")


@dataclass(frozen=True)
class PhantomLesion:
    """A lesion to be put into the phantom.

    region: one of REGIONS; decides the place when no centre is given.
    centre_ras: middle in the phantom's RAS millimetres; None places it by the region's anatomy.
    true_suv: uptake inside before the scanner's blur.
    side: left, right or midline, used for placing.
    """

    name: str
    region: str
    centre_ras: tuple[float, float, float] | None = None
    diameter_mm: float = 10.0
    true_suv: float = 15.0
    side: str = "midline"

    def __post_init__(self) -> None:
        if self.region not in REGIONS:
            raise PhantomError(
                f"Lesion {self.name}: region {self.region!r} is unknown; use one of {', '.join(REGIONS)}."
            )
        if self.side not in SIDES:
            raise PhantomError(
                f"Lesion {self.name}: side {self.side!r} is unknown; use left, right or midline."
            )
        if not (_is_number(self.diameter_mm) and 1.0 <= self.diameter_mm <= 80.0):
            raise PhantomError(
                f"Lesion {self.name}: diameter_mm is {self.diameter_mm}; give a diameter between 1 and 80 mm."
            )
        if not (_is_number(self.true_suv) and self.true_suv >= 0):
            raise PhantomError(
                f"Lesion {self.name}: true_suv is {self.true_suv}; uptake must be zero or more."
            )
        if self.centre_ras is not None:
            centre = tuple(self.centre_ras)
            if len(centre) != 3 or not all(_is_number(x) for x in centre):
                raise PhantomError(f"Lesion {self.name}: centre_ras must be three finite numbers of mm.")
            object.__setattr__(self, "centre_ras", tuple(float(x) for x in centre))


@dataclass(frozen=True)
class RigidOffset:
    """How the patient lies differently on the planning couch: rotations about R, A, S, then a shift."""

    shift_ras_mm: tuple[float, float, float] = (3.0, -4.0, 6.0)
    rotation_degrees: tuple[float, float, float] = (1.5, -1.0, 2.0)

    def __post_init__(self) -> None:
        numbers = (*self.shift_ras_mm, *self.rotation_degrees)
        if len(numbers) != 6 or not all(_is_number(x) for x in numbers):
            raise PhantomError(
                "planning_offset needs three finite shifts (mm) and three finite rotations (degrees)."
            )
        if max(map(abs, self.shift_ras_mm)) > 100 or max(map(abs, self.rotation_degrees)) > 30:
            raise PhantomError(
                "planning_offset is meant to be small; keep within shifts of 100 mm and turns of 30 degrees."
            )


@dataclass(frozen=True)
class PhantomParameters:
    """All that decides a phantom; the same parameters make the same voxels.

    seed: draws anatomy, lesion places and noise.
    variant: "full", or "small" with coarser voxels for tests.
    tracer: a name in TRACERS.
    fwhm_mm: full width at half maximum of the PET's point spread function.
    noise: coefficient of variation of a PET voxel of SUV 5; the variance is proportional to the uptake.
    noise_fwhm_mm: correlation length of that noise.
    ct_noise_hu: standard deviation of the CT's noise in soft tissue.
    ct_spacing_mm, pet_spacing_mm: I, J, K; None takes the variant's.
    planning_offset: makes a second CT of the patient lying differently.
    lesions: None draws the standard ten from the seed.
    """

    seed: int = 1
    variant: str = "full"
    tracer: str = "68Ga-PSMA-11"
    fwhm_mm: float = 6.0
    noise: float = 0.10
    noise_fwhm_mm: float = 5.0
    ct_noise_hu: float = 11.0
    ct_spacing_mm: tuple[float, float, float] | None = None
    pet_spacing_mm: tuple[float, float, float] | None = None
    planning_offset: RigidOffset | None = None
    lesions: tuple[PhantomLesion, ...] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, np.integer)) or self.seed < 0:
            raise PhantomError(f"seed is {self.seed!r}; use a whole number of zero or more.")
        object.__setattr__(self, "seed", int(self.seed))
        if self.variant not in ("full", "small"):
            raise PhantomError(f'variant is {self.variant!r}; use "full" or "small".')
        if self.tracer not in TRACERS:
            raise PhantomError(f"tracer {self.tracer!r} is unknown; use one of {', '.join(TRACERS)}.")
        _within("fwhm_mm", self.fwhm_mm, 1.0, 20.0)
        _within("noise", self.noise, 0.0, 1.0)
        _within("noise_fwhm_mm", self.noise_fwhm_mm, 0.0, 20.0)
        _within("ct_noise_hu", self.ct_noise_hu, 0.0, 100.0)
        for name, low, high in (("ct_spacing_mm", 0.5, 6.0), ("pet_spacing_mm", 1.0, 8.0)):
            spacing = getattr(self, name)
            if spacing is not None:
                if len(tuple(spacing)) != 3:
                    raise PhantomError(f"{name} needs three numbers, for the axes I, J and K.")
                for number in spacing:
                    _within(name, number, low, high)
                object.__setattr__(self, name, tuple(float(s) for s in spacing))
        if self.lesions is not None:
            object.__setattr__(self, "lesions", tuple(self.lesions))
            if not all(isinstance(lesion, PhantomLesion) for lesion in self.lesions):
                raise PhantomError(
                    "lesions must be PhantomLesion objects; leave it out for the standard ten."
                )
            names = [lesion.name for lesion in self.lesions]
            if len(set(names)) != len(names):
                raise PhantomError("lesions have names that repeat; give each lesion a name of its own.")

    @property
    def tracer_data(self) -> Tracer:
        return TRACERS[self.tracer]

    @property
    def ct_spacing(self) -> tuple[float, float, float]:
        """Spacing of the CT along I, J, K in mm."""
        return self.ct_spacing_mm or (
            (0.9765625, 0.9765625, 3.0) if self.variant == "full" else (2.4, 2.4, 4.0)
        )

    @property
    def pet_spacing(self) -> tuple[float, float, float]:
        """Spacing of the PET along I, J, K in mm."""
        return self.pet_spacing_mm or ((4.0, 4.0, 3.0) if self.variant == "full" else (4.0, 4.0, 4.0))


def _is_number(value: object) -> bool:
    """A finite number, neither text nor a truth value."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not _is_number(value) or not low <= value <= high:
        raise PhantomError(f"{name} is {value}; give a number between {low:g} and {high:g}.")
