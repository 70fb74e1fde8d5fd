"""The prostate-bed CTV as a lofted proposal from four landmarks, bladder, rectum and bones.

Borders by level as in the guidelines' tables (RTOG: Michalski 2010, 10.1016/j.ijrobp.2009.02.006). Without
the four landmarks there is no bed. The caudal border follows the anastomosis: 15 mm above the penile bulb
would have missed it in all 16 patients of a urethrogram series.
"""

from __future__ import annotations

import numpy as np

from ..errors import GenerationError, LandmarkError
from ..imaging.image import Image
from .bed_outline import (
    BEFORE_ANASTOMOSIS_MM,
    BEHIND_ANASTOMOSIS_MM,
    GAP_MM,
    HALF_WIDTH_MM,
    SLING_MM,
    WRAP_MM,
    BedMaterial,
    bed_material,
    lofted,
)
from .guideline import Guideline, GuidelineNumber, Rested
from .landmarks import Landmarks
from .nodal_anatomy import Anatomy
from .nodal_near import grown_by, pieces, smoothed
from .steps import Finding, GeneratedVolume, Step

NAME = "CTVsb"
NEEDED = ("anastomosis", "penile_bulb_top", "symphysis_top", "seminal_vesicle_bed_top")
_SMOOTHING_MM = 3.0
_ASSUMED_WIDTH = GuidelineNumber(
    "lateral_half_width",
    HALF_WIDTH_MM,
    "mm",
    None,
    "assumed by this programme: no label shows levator ani or the sacrorectogenitopubic fascia there",
    False,
    "nothing",
)


def generate_bed(
    anatomy: Anatomy, guideline: Guideline, landmarks: Landmarks, ct: Image | None = None
) -> GeneratedVolume:
    """The bed between the landmarks of one patient.

    ct: tells obturator internus where no label does. Raises LandmarkError when one of the four landmarks is
    missing, when they contradict each other, and when the caudal border would lie above the anastomosis;
    GenerationError when bladder, pubic bones or rectum cannot be told, or for a guideline of another kind.
    """
    if guideline.kind != "bed":
        raise GenerationError(
            f"Guideline {guideline.name} is for lymph nodes; choose one for the bed, such as rtog2010_bed."
        )
    _check_landmarks(landmarks)
    caudal_s, caudal_rests, findings = caudal_border(guideline, landmarks)
    cranial = guideline.level("cranial")
    cranial_s = landmarks[cranial.landmark].superior_mm + cranial.offset_mm
    if cranial_s <= caudal_s:
        raise LandmarkError(
            f"The upper border (S {cranial_s:.0f} mm) lies below the lower one (S {caudal_s:.0f} mm); check "
            "seminal_vesicle_bed_top and anastomosis."
        )
    material = bed_material(anatomy, landmarks, caudal_s, cranial_s, guideline, ct)
    change = guideline.level("anterior_change") if "anterior_change" in guideline.levels else None
    change_s = landmarks["symphysis_top"].superior_mm + (change.offset_mm if change else 0.0)
    wall = guideline.number("bladder_wall")
    array, width_acted = lofted(material, landmarks, caudal_s, cranial_s, change_s, wall.value)
    rests: list[Rested] = [cranial, wall, *([change] if change else [])]
    if width_acted:
        rests.append(_ASSUMED_WIDTH)
    numbers = {
        "bladder_wall_mm": wall.value,
        "lateral_half_width_mm": HALF_WIDTH_MM,
        "change_s_mm": change_s,
        "beside_rectum_back_by_mm": WRAP_MM,
        "bridged_symphysis_mm": GAP_MM,
        "levator_sling_half_width_mm": SLING_MM,
        "rectum_behind_anastomosis_where_unlabelled_mm": BEHIND_ANASTOMOSIS_MM,
        "front_before_anastomosis_where_no_pubis_mm": BEFORE_ANASTOMOSIS_MM,
    }
    steps = [
        Step("borders", {"caudal_s_mm": caudal_s, "cranial_s_mm": cranial_s}, (*caudal_rests, cranial)),
        Step("loft", numbers, tuple(rests), _ml(material, array)),
    ]
    array, more = _finished(material, array, guideline)
    mask = material.space.mask(array)
    if mask.is_empty:
        raise GenerationError("Nothing is left of the bed; check that the landmarks lie before the rectum.")
    return GeneratedVolume(
        name=NAME,
        kind="CTV",
        mask=mask,
        guideline=guideline.name,
        guideline_title=guideline.title,
        steps=(*steps, *more),
        findings=(*material.findings, *findings, *_height_note(guideline, landmarks, cranial_s)),
        published=guideline.published_volumes,
    )


def caudal_border(
    guideline: Guideline, landmarks: Landmarks
) -> tuple[float, tuple[Rested, ...], list[Finding]]:
    """S of the lower border, what it rests on, and what to say about it.

    The lowest of the borders the guideline states. Raises LandmarkError when it lies above the anastomosis.
    """
    anastomosis = landmarks["anastomosis"].superior_mm
    bulb = landmarks["penile_bulb_top"].superior_mm
    borders = []
    if "caudal_below_anastomosis" in guideline.numbers:
        number = guideline.number("caudal_below_anastomosis")
        borders.append((anastomosis - number.value, number))
    if "caudal_above_bulb" in guideline.numbers:
        number = guideline.number("caudal_above_bulb")
        borders.append((bulb + number.value, number))
    border, number = min(borders, key=lambda pair: pair[0])
    if border > anastomosis + 1e-6:
        raise LandmarkError(
            f"The lower border by {number.name} ({number.value:g} mm) lies {border - anastomosis:.0f} mm "
            "above the anastomosis, which would be missed; lower it in the guideline's file."
        )
    findings = []
    for other, which in borders:
        if which.name == "caudal_above_bulb" and other > anastomosis:
            numbers = {"above_anastomosis_mm": other - anastomosis}
            findings.append(Finding("caudal_border", "inferred", "border_follows_anastomosis", numbers))
    if border < bulb:
        findings.append(
            Finding("penile_bulb", "inferred", "border_below_bulb", {"below_bulb_mm": bulb - border})
        )
    return border, (number,), findings


def _check_landmarks(landmarks: Landmarks) -> None:
    lost = landmarks.missing_of(NEEDED)
    if lost:
        raise LandmarkError(f"The prostate bed needs the landmarks {', '.join(lost)}; place them first.")
    anastomosis, bulb = landmarks["anastomosis"], landmarks["penile_bulb_top"]
    if bulb.superior_mm >= anastomosis.superior_mm:
        raise LandmarkError(
            "The top of the penile bulb lies above the anastomosis; it must lie below, check both points."
        )
    top = landmarks["seminal_vesicle_bed_top"]
    if top.superior_mm <= anastomosis.superior_mm:
        raise LandmarkError(
            "The top of the seminal vesicle bed lies below the anastomosis; it must lie above, check both."
        )


def _finished(
    material: BedMaterial, array: np.ndarray, guideline: Guideline
) -> tuple[np.ndarray, list[Step]]:
    """Smoothed, grown by the guideline's margin, kept out of bone, rectum and wall muscle, in one piece."""
    spacing = material.space.spacing_kji
    steps = []
    array = smoothed(array, _SMOOTHING_MM, spacing) & material.between
    margin = guideline.numbers.get("margin_all_round")
    if margin is not None and margin.value > 0:
        array = grown_by(array, margin.value, spacing)
        numbers = {"margin_all_round_mm": margin.value}
        steps.append(Step("margin_all_round", numbers, (margin,), _ml(material, array)))
    array &= ~(material.bone | material.rectum | material.muscle)
    labels, count = pieces(array)
    if count > 1:
        array = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    numbers = {"smoothing_mm": _SMOOTHING_MM}
    steps.append(Step("keep_out_bone_rectum_muscle", numbers, (), _ml(material, array)))
    return array, steps


def _height_note(guideline: Guideline, landmarks: Landmarks, cranial_s: float) -> list[Finding]:
    number = guideline.numbers.get("cranial_above_symphysis")
    if number is None or number.published is None:
        return []
    above = cranial_s - landmarks["symphysis_top"].superior_mm
    low, high = number.published
    if low <= above <= high:
        return []
    numbers = {"above_symphysis_mm": above, "low_mm": low, "high_mm": high}
    return [Finding("cranial_border", "inferred", "cranial_differs", numbers)]


def _ml(material: BedMaterial, array: np.ndarray) -> float:
    return float(np.count_nonzero(array)) * material.space.grid.voxel_volume_ml
