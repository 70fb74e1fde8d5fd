"""Half-lives of nuclides and body measures that SUV variants are normalised by."""

from __future__ import annotations

import re

from ..errors import SuvHeaderError
from .suv_header import SuvHeader

HALF_LIVES_S: dict[str, float] = {
    "C-11": 1223.4,
    "N-13": 597.9,
    "O-15": 122.24,
    "F-18": 6586.2,
    "Sc-43": 14007.6,
    "Sc-44": 14292.0,
    "Cu-61": 11998.8,
    "Cu-64": 45720.0,
    "Ga-66": 34164.0,
    "Ga-68": 4057.7,
    "Rb-82": 76.38,
    "Y-86": 53064.0,
    "Zr-89": 282276.0,
    "I-124": 360806.4,
    "Tb-152": 63000.0,
    "Lu-177": 574300.8,
}
"""Seconds, from ICRP Publication 107 (2008, Ann ICRP 38(3)), as the package radioactivedecay 0.6.1 has them.

Ga-68 is that of the IBSI SUV manual's data sets (ICRP 107: 4062.6 s, 0.12 % more: 0.07 % in SUV after an
hour); F-18 is the same in both, and in the European Pharmacopoeia 5.7.
"""

_CODES: dict[str, str] = {
    "C-105A1": "C-11", "40565003": "C-11",
    "C-107A1": "N-13", "21576001": "N-13",
    "C-B1038": "O-15", "129504001": "O-15",
    "C-111A1": "F-18", "77004003": "F-18",
    "C-127A1": "Cu-61", "71425003": "Cu-61",
    "C-127A2": "Cu-64", "3932008": "Cu-64",
    "C-131A3": "Ga-68", "35337001": "Ga-68",
    "C-159A2": "Rb-82", "79197006": "Rb-82",
    "C-162A3": "Y-86", "10738001": "Y-86",
    "C-168A4": "Zr-89", "63360001": "Zr-89",
    "C-114A5": "I-124", "40937006": "I-124",
    "C-101ED": "Lu-177", "447553000": "Lu-177",
    "C-131A1": "Ga-66", "79477007": "Ga-66",
    "126600": "Sc-44", "126605": "Sc-43", "126606": "Tb-152",
}  # fmt: skip
"""SNOMED RT, SNOMED CT and DCM codes of DICOM context group 4020 (and 18 for Lu-177)."""

_ELEMENTS: dict[str, str] = {
    "carbon": "C", "nitrogen": "N", "oxygen": "O", "fluorine": "F", "copper": "Cu", "gallium": "Ga",
    "rubidium": "Rb", "yttrium": "Y", "zirconium": "Zr", "iodine": "I", "lutetium": "Lu",
    "scandium": "Sc", "terbium": "Tb",
}  # fmt: skip


def nuclide_of(header: SuvHeader) -> str | None:
    """Nuclide of the series, such as F-18, from its code, else from the code's meaning; None when unknown."""
    if header.nuclide_code is not None and header.nuclide_code in _CODES:
        return _CODES[header.nuclide_code]
    words = re.findall(r"[A-Za-z]+|\d+", header.nuclide_name or "")
    if len(words) != 2 or words[0].isdigit() == words[1].isdigit():
        return None
    mass, element = sorted(words, key=lambda word: not word.isdigit())
    symbol = _ELEMENTS.get(element.lower(), element.capitalize())
    name = f"{symbol}-{mass}"
    return name if name in HALF_LIVES_S else None


def lean_body_mass_kg(suv_type: str, weight_kg: float, height_m: float, sex: str) -> float:
    """Lean or ideal body mass in kg for a DICOM SUV type (0054,1006).

    LBM: Morgan; LBMJAMES128: James with 128; LBMJANMA: Janmahasatian 2005; IBW: Devine's form for cm.
    sex: M, F or O; O takes the mean of both formulae, as the IBSI SUV data sets do.

    Raises SuvHeaderError when the formula has no positive answer for this body.
    """
    formulae = {"M": _lean_male, "F": _lean_female}
    sexes = ("M", "F") if sex == "O" else (sex,)
    values = [formulae[each](suv_type, weight_kg, height_m * 100.0) for each in sexes]
    mass = sum(values) / len(values)
    if mass <= 0.0:
        raise SuvHeaderError(
            f"{suv_type} has no positive value for {weight_kg:g} kg and {height_m:g} m; check the patient's "
            "weight (0010,1030) and height (0010,1020), or give --weight-kg and --height-m."
        )
    return mass


def body_surface_m2(weight_kg: float, height_m: float) -> float:
    """Body surface in m2 after Du Bois and Du Bois 1916."""
    return 0.007184 * weight_kg**0.425 * (height_m * 100.0) ** 0.725


def _lean_male(suv_type: str, weight_kg: float, height_cm: float) -> float:
    if suv_type == "LBM":
        return 1.10 * weight_kg - 120.0 * (weight_kg / height_cm) ** 2
    if suv_type == "LBMJAMES128":
        return 1.10 * weight_kg - 128.0 * (weight_kg / height_cm) ** 2
    if suv_type == "LBMJANMA":
        return 9270.0 * weight_kg / (6680.0 + 216.0 * _body_mass_index(weight_kg, height_cm))
    return 48.0 + 1.06 * (height_cm - 152.0)


def _lean_female(suv_type: str, weight_kg: float, height_cm: float) -> float:
    if suv_type in ("LBM", "LBMJAMES128"):
        return 1.07 * weight_kg - 148.0 * (weight_kg / height_cm) ** 2
    if suv_type == "LBMJANMA":
        return 9270.0 * weight_kg / (8780.0 + 244.0 * _body_mass_index(weight_kg, height_cm))
    return 45.5 + 0.91 * (height_cm - 152.0)


def _body_mass_index(weight_kg: float, height_cm: float) -> float:
    return weight_kg / (height_cm / 100.0) ** 2
