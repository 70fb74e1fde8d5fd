"""The threshold at which uptake counts as avid: fixed, from liver or blood pool, PERCIST, qPSMA.

Formulae: Wahl 2009, 10.2967/jnumed.108.057307 (PERCIST; there on SUL); Gafita 2019,
10.2967/jnumed.118.224055 (qPSMA, recalled: the liver's uptake cancels, only its COV remains).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ..errors import RuleError
from ..imaging.image import Image, Mask
from ..settings import DetectionSettings
from .avid_regions import (
    TWENTY_SIX_CONNECTED,
    AvidRegion,
    AvidRegions,
    find_avid_regions,
    part_of,
    renumbered,
)
from .bone_mask import bone_mask
from .reference_proposals import reference_regions
from .reference_regions import ReferenceRegion, reference_numbers
from .rules import patient_threshold

QPSMA_BONE_SUV = 3.0
_NEEDS = {
    "fixed_suv": (),
    "liver_mean_percent": ("liver",),
    "liver_max": ("liver",),
    "blood_pool": ("blood_pool",),
    "percist": ("liver",),
    "qpsma": ("liver",),
}
_MAY_USE = {"percist": ("liver", "blood_pool")}


@dataclass(frozen=True)
class DetectionThreshold:
    """What counts as avid in this patient.

    threshold_suv: in soft tissue, and everywhere unless bone has its own; bone_threshold_suv: None then.
    references: what it was taken from, none for a fixed SUV.
    """

    method: str
    threshold_suv: float
    bone_threshold_suv: float | None = None
    references: tuple[ReferenceRegion, ...] = ()

    @property
    def lowest_suv(self) -> float:
        """The lower of the two thresholds."""
        bone = self.bone_threshold_suv
        return self.threshold_suv if bone is None else min(bone, self.threshold_suv)

    def to_document(self) -> dict[str, object]:
        return {
            "method": self.method,
            "threshold_suv": self.threshold_suv,
            "bone_threshold_suv": self.bone_threshold_suv,
            "references": [region.to_document() for region in self.references],
        }


@dataclass(frozen=True, eq=False)
class Detection:
    """Avid regions of a patient, the threshold they were found at, and settings that hold it.

    settings: with the lowest threshold as `threshold_suv`, for what follows (classification, contours).
    references: every reference region that was measured on the way; bone: where bone has its own threshold.
    """

    avid: AvidRegions
    threshold: DetectionThreshold
    settings: DetectionSettings
    references: Mapping[str, ReferenceRegion]
    bone: Mask | None = None


def needed_references(method: str) -> tuple[str, ...]:
    """Names of the reference regions a method is taken from. Raises RuleError for an unknown method."""
    if method not in _NEEDS:
        raise RuleError(f"There is no detection threshold {method!r}; use one of {', '.join(_NEEDS)}.")
    return _MAY_USE.get(method, _NEEDS[method])


def detection_threshold(
    method: str,
    fixed_suv: float,
    references: Mapping[str, ReferenceRegion],
    has_bone: bool,
    given: Mapping[str, float] | None = None,
) -> DetectionThreshold:
    """The threshold by a method; fixed_suv: that of the method "fixed_suv".

    given: numbers that stand for measured ones (liver_mean, liver_sd, liver_max, blood_pool_mean,
    blood_pool_sd) and `percent` of liver_mean_percent. Raises RuleError, naming it, for what is missing.
    """
    wanted = needed_references(method)
    if method == "fixed_suv":
        return DetectionThreshold(method, fixed_suv)
    used = tuple(references[name] for name in wanted if name in references)
    numbers = {**reference_numbers({region.name: region for region in used}), **(given or {})}
    if method == "blood_pool":
        return DetectionThreshold(method, _blood_pool_suv(numbers), None, used)
    if not any(key.startswith(tuple(f"{name}_" for name in wanted)) for key in numbers):
        raise RuleError(_missing_sentence(method, wanted))
    if method == "qpsma" and not has_bone:
        raise RuleError(
            "qPSMA has one threshold for soft tissue and one for bone: give the CT or bone masks, "
            "or take another threshold."
        )
    taken = {key: value for key, value in numbers.items() if key in _NUMBERS_OF[method]}
    threshold = patient_threshold(method, taken)
    return DetectionThreshold(method, threshold, QPSMA_BONE_SUV if method == "qpsma" else None, used)


_NUMBERS_OF = {
    "liver_mean_percent": ("liver_mean", "percent"),
    "liver_max": ("liver_max",),
    "percist": ("liver_mean", "liver_sd", "blood_pool_mean", "blood_pool_sd"),
    "qpsma": ("liver_mean", "liver_sd"),
}
_SUFFICIENT = {
    "liver_mean_percent": (("liver_mean",),),
    "liver_max": (("liver_max",),),
    "blood_pool": (("blood_pool_mean", "blood_pool_sd"),),
    "percist": (("liver_mean", "liver_sd"), ("blood_pool_mean", "blood_pool_sd")),
    "qpsma": (("liver_mean", "liver_sd"),),
}


def detect_regions(
    pet: Image,
    settings: DetectionSettings,
    anatomy: Mapping[str, Mask],
    ct: Image | None = None,
    placed: Mapping[str, tuple[tuple[float, float, float], float]] | None = None,
    given: Mapping[str, float] | None = None,
    go_on: Callable[[], None] = lambda: None,
) -> Detection:
    """The avid regions of a patient at the threshold of `settings.method`.

    Reference regions come from `placed` spheres (centre RAS mm, radius mm), organ masks, or proposals.
    given: numbers entered instead of measured ones. ct: in the PET's frame of reference; tells bone.
    Raises RuleError, naming what is missing and how to give it.
    """
    wanted = needed_references(settings.method)
    references: dict[str, ReferenceRegion] = {}
    if wanted and not _are_enough(settings.method, given or {}):
        found = reference_regions(pet, anatomy, placed, go_on=go_on)
        references = {name: found[name] for name in wanted if name in found}
    bone = bone_mask(pet, anatomy, ct) if settings.method == "qpsma" else None
    go_on()
    threshold = detection_threshold(
        settings.method, settings.threshold_suv, references, bone is not None, given
    )
    lowest = replace(settings, threshold_suv=threshold.lowest_suv)
    avid = find_avid_regions(pet, lowest)
    if bone is not None:
        avid = _with_two_thresholds(avid, pet, bone, threshold)
    return Detection(avid, threshold, lowest, references, bone)


def _are_enough(method: str, given: Mapping[str, float]) -> bool:
    """Whether entered numbers make measuring needless."""
    groups = _SUFFICIENT[method]
    return any(all(key in given for key in group) for group in groups)


def _with_two_thresholds(
    avid: AvidRegions, pet: Image, bone: Mask, threshold: DetectionThreshold
) -> AvidRegions:
    """The regions without the voxels that are below the threshold of their own tissue."""
    kept: list[AvidRegion] = []
    for region in avid.regions:
        limit = np.where(bone.array[region.box], threshold.bone_threshold_suv, threshold.threshold_suv)
        inside = region.mask.array & (pet.array[region.box] >= limit)
        labels, count = ndimage.label(inside, structure=TWENTY_SIX_CONNECTED)
        kept += [part_of(region, labels == label, pet) for label in range(1, count + 1)]
    return replace(avid, regions=renumbered(kept))


def _blood_pool_suv(numbers: Mapping[str, float]) -> float:
    if "blood_pool_mean" not in numbers or "blood_pool_sd" not in numbers:
        raise RuleError(_missing_sentence("blood_pool", ("blood_pool",)))
    return 2.0 * numbers["blood_pool_mean"] + 2.0 * numbers["blood_pool_sd"]


def _missing_sentence(method: str, wanted: tuple[str, ...]) -> str:
    names = " or ".join(name.replace("_", " ") for name in wanted)
    options = " or ".join(f"--reference {name}=R,A,S" for name in wanted)
    return (
        f"The threshold {method} needs the {names}, which is not found: give its organ mask with --anatomy "
        f"or place a sphere with {options}."
    )
