"""What structures are called in a structure set: names planning systems keep, interpreted types, codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..rtvolumes.tg263 import LONGEST_NAME

INTERPRETED_TYPES = (
    "GTV",
    "CTV",
    "PTV",
    "ORGAN",
    "AVOIDANCE",
    "CONTROL",
    "EXTERNAL",
    "TREATED_VOLUME",
    "IRRAD_VOLUME",
    "BOLUS",
    "MARKER",
    "REGISTRATION",
    "ISOCENTER",
    "CONTRAST_AGENT",
    "CAVITY",
    "BRACHY_CHANNEL",
    "BRACHY_ACCESSORY",
    "SUPPORT",
    "FIXATION",
    "DOSE_REGION",
    "DOSE_MEASUREMENT",
)
"""Defined terms of RT ROI Interpreted Type (3006,00A4), DICOM PS3.3 C.8.8.8.1."""
_TYPE_BY_KIND = {"IGTV": "GTV", "ICTV": "CTV", "ITV": "CTV"}
"""DICOM has no term for internal volumes; systems know them as what they are drawn around."""
_UNKNOWN_CHARACTER = re.compile(r"[^A-Za-z0-9_^!+\-]+", re.ASCII)


@dataclass(frozen=True)
class StructureCode:
    """An entry of RT ROI Identification Code Sequence (3006,0086); SCT is SNOMED CT."""

    value: str
    meaning: str
    scheme: str = "SCT"


_TARGET_CODES = {
    "GTV": StructureCode("228791009", "Gross tumor volume"),
    "CTV": StructureCode("228792002", "Clinical target volume"),
    "PTV": StructureCode("228793007", "Planning target volume"),
}
_ORGAN_CODES = {
    "Rectum": StructureCode("34402009", "Rectum"),
    "Prostate": StructureCode("41216001", "Prostate"),
    "Bladder": StructureCode("89837001", "Urinary bladder"),
    "Colon_Sigmoid": StructureCode("60184004", "Sigmoid colon"),
    "Bowel_Small": StructureCode("30315005", "Small intestine"),
    "Colon": StructureCode("71854001", "Colon"),
    "Sacrum": StructureCode("54735007", "Sacrum"),
    "Femur_Head_L": StructureCode("2812003", "Head of femur"),
    "Femur_Head_R": StructureCode("2812003", "Head of femur"),
    "Femur_L": StructureCode("71341001", "Femur"),
    "Femur_R": StructureCode("71341001", "Femur"),
    "SpinalCord": StructureCode("2748008", "Spinal cord"),
    "SeminalVes": StructureCode("64739004", "Seminal vesicle"),
    "Kidney_L": StructureCode("64033007", "Kidney"),
    "Kidney_R": StructureCode("64033007", "Kidney"),
}
"""Codes of DICOM PS3.16 context groups; organs without one there get no code rather than a guessed one."""


def interpreted_type(kind: str | None) -> str | None:
    """The DICOM term for a kind of structure; None when there is none."""
    kind = (kind or "").upper()
    kind = _TYPE_BY_KIND.get(kind, kind)
    return kind if kind in INTERPRETED_TYPES else None


def structure_code(kind: str | None, name: str) -> StructureCode | None:
    return _TARGET_CODES.get(interpreted_type(kind) or "") or _ORGAN_CODES.get(name)


def lesion_name(number: int, role: str | None = None) -> str:
    """The TG-263 name of a lesion seen on the first PET: GTVn1_PT1 (nodes), GTVsb1_PT1 (bed), GTV1_PT1
    (others).

    There is no official classifier for metastases (Mayo 2018, doi:10.1016/j.ijrobp.2017.12.013).
    """
    classifier = {"nodes": "n", "bed": "sb", "primary": "p"}.get(role or "", "")
    return f"GTV{classifier}{number}_PT1"


def plain_name(name: str) -> str:
    """A name of letters, digits and _ ^ ! + - only; not shortened."""
    return _UNKNOWN_CHARACTER.sub("_", name.strip()).strip("_") or "ROI"


def export_names(names: Sequence[str]) -> list[str]:
    """Names of at most 16 characters, unique even where capitals do not count; as given where they can be."""
    plain = [plain_name(name) for name in names]
    # Names that fit keep themselves; what has to change makes way for them.
    taken = {name.upper() for name in plain if len(name) <= LONGEST_NAME}
    result: list[str] = []
    used: set[str] = set()
    for name in plain:
        candidate, number = name[:LONGEST_NAME].rstrip("_"), 1
        while candidate.upper() in used or (candidate != name and candidate.upper() in taken):
            number += 1
            tail = f"_{number}"
            candidate = name[: LONGEST_NAME - len(tail)].rstrip("_") + tail
        used.add(candidate.upper())
        result.append(candidate)
    return result
