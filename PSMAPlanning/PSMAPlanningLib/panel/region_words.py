"""Regions that lesions lie in, in words, translated; and the menu to choose one from."""

from __future__ import annotations

from functools import cache

from .translation import tr as _
from .view_state import LesionRow

WITHOUT_SIDE = (
    "anastomosis",
    "bladder_neck",
    "retrovesical",
    "presacral",
    "mesorectal",
    "retroperitoneal",
    "supradiaphragmatic",
)
WITH_SIDE = ("obturator", "internal_iliac", "external_iliac", "common_iliac", "inguinal")
SIDES = ("left", "right")
BONES = (
    "hip bone",
    "sacrum",
    "coccyx",
    "lumbar vertebra",
    "thoracic vertebra",
    "cervical vertebra",
    "rib",
    "sternum",
    "femur",
    "humerus",
    "scapula",
    "skull",
)
ORGANS = ("liver", "lung", "adrenal gland", "brain", "kidney")


@cache
def region_name(region: str) -> str:
    """A region by its code; kept, because Slicer looks up who asks for each translation."""
    return {
        "anastomosis": _("anastomosis"),
        "bladder_neck": _("bladder neck"),
        "retrovesical": _("retrovesical"),
        "internal_iliac": _("internal iliac"),
        "external_iliac": _("external iliac"),
        "common_iliac": _("common iliac"),
        "obturator": _("obturator"),
        "presacral": _("presacral"),
        "mesorectal": _("mesorectal"),
        "retroperitoneal": _("retroperitoneal"),
        "supradiaphragmatic": _("supradiaphragmatic"),
        "inguinal": _("inguinal"),
        "bone": _("bone"),
        "visceral": _("visceral"),
        "unknown": _("region unknown"),
    }.get(region, region.replace("_", " "))


@cache
def side_name(side: str) -> str:
    """A side, the patient's own."""
    return {"left": _("left"), "right": _("right"), "midline": _("midline")}[side]


@cache
def structure_name(structure: str) -> str:
    """A bone or an organ."""
    return {
        "hip bone": _("hip bone"),
        "sacrum": _("sacrum"),
        "coccyx": _("coccyx"),
        "lumbar vertebra": _("lumbar vertebra"),
        "thoracic vertebra": _("thoracic vertebra"),
        "cervical vertebra": _("cervical vertebra"),
        "rib": _("rib"),
        "sternum": _("sternum"),
        "femur": _("femur"),
        "humerus": _("humerus"),
        "scapula": _("scapula"),
        "skull": _("skull"),
        "liver": _("liver"),
        "lung": _("lung"),
        "adrenal gland": _("adrenal gland"),
        "brain": _("brain"),
        "kidney": _("kidney"),
        "blood_pool": _("blood pool"),
        "parotid": _("parotid gland"),
        "spleen": _("spleen"),
        "gluteus": _("gluteal muscle"),
    }.get(structure, structure.replace("_", " "))


def region_text(row: LesionRow) -> str:
    """Where a lesion lies, and below it the side; a star says that a person stated it."""
    if row.region is None:
        return "..." if row.is_region_open else _("unknown")
    name = structure_name(row.region_structure) if row.region_structure else region_name(row.region)
    mark = "*" if row.is_region_stated else ""
    # The name of a bone or organ may tell its side already.
    has_side = row.region_side in SIDES and row.region_side not in name
    return f"{name}{mark}\n{side_name(row.region_side)}" if has_side else f"{name}{mark}"


def region_tooltip(row: LesionRow) -> str:
    """Where a lesion lies, and who says so."""
    if row.region is None:
        return _(
            "Region unknown: the anatomy (organ masks) does not tell. State it by the context menu (right "
            "click)."
        )
    parts = [region_name(row.region)]
    if row.region_structure:
        parts.append(structure_name(row.region_structure))
    if row.region_side:
        parts.append(side_name(row.region_side))
    said = _("Stated by a person.") if row.is_region_stated else _("As the anatomy (organ masks) tells.")
    return f"{', '.join(parts)}\n{said}"
