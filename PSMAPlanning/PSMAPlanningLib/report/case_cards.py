"""Cards of the report: how the images lie to each other, whose they are, and the clinical facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..imaging.registration import RigidTransform
from .markup import NOT_KNOWN, NOT_STATED, card, plain

_REGISTRATION_SOURCES = {
    "same_frame_of_reference": "one frame of reference, so nothing was moved",
    "user_transform": "a transform that the user supplied",
    "dicom_spatial_registration": "a DICOM Spatial Registration",
    "bone_registration": "rigid registration on bone, done by this program",
    "not_stated": "not stated; images and volumes were compared as they lie in space",
}
_FRAMES = {
    "same": "PET and planning CT share one",
    "different": "PET and planning CT have different ones",
    "not_stated": "not stated for PET and planning CT, or there is no planning CT",
}
_WORLDS = {
    "pet": "the PET's",
    "planning": "the planning CT's; PET, its CT and organs drawn on them are shown there",
}


def registration_card(case: Mapping[str, Any]) -> str:
    """How PET and planning CT lie to each other, and what was stated about its uncertainty."""
    registration = case["registration"]
    matrix = registration.get("planning_from_pet")
    rows = [
        ("Frames of reference", _FRAMES[registration.get("frames", "not_stated")]),
        ("Positions are in the frame", _WORLDS[registration.get("world", "pet")]),
        ("Source", _REGISTRATION_SOURCES.get(registration["source"], _spoken(registration["source"]))),
    ]
    if registration.get("transform_file"):
        rows.append(("File", registration["transform_file"]))
    if matrix is not None:
        rows.append(("The PET was moved by", _movement(matrix, case.get("grid"))))
    residual = registration["residual_mm"]
    rows += [
        (
            "Residual on bone",
            "not measured; it needs both CTs"
            if residual is None
            else f"{residual:.2f} mm mean distance between the bone surfaces of the two CTs",
        ),
        *_uncertainty_rows(registration),
    ]
    return card(rows)


def patient_card(check: Mapping[str, Any] | None) -> str:
    """Whether the files' headers name one patient; attributes and files, no identity."""
    if check is None or len(check["compared"]) < 2:
        return "<p>Fewer than two files have a DICOM header, so whose they are was not compared.</p>"
    differences = [
        f"{d['attribute']}: {' / '.join(' and '.join(group) for group in d['groups'])}"
        for d in check["differences"]
    ]
    rows = [
        ("Compared", ", ".join(check["compared"])),
        ("Patient ID, name, birth date", "; ".join(f"{d} differ" for d in differences) or "no difference"),
    ]
    if check["not_stated"]:
        rows.append(("Not stated in the files", ", ".join(check["not_stated"])))
    confirmed = check["confirmed"]
    if confirmed is not None:
        rows.append(("Confirmed to be one patient", f"by {confirmed['who']}, {confirmed['when']}"))
    return card(rows, check["warnings"])


def clinical_card(clinical: Mapping[str, Any] | None) -> str:
    """The clinical facts as they were entered."""
    facts = clinical or {}
    psa = facts.get("psa_ng_ml")
    rows = [
        ("PSA at the PET", NOT_KNOWN if psa is None else f"{psa:g} ng/mL"),
        ("Androgen deprivation", _answer(facts, "adt", "adt_details", facts.get("adt_since"))),
        ("Surgical margins", plain(facts.get("margins"))),
        ("Seminal vesicle invasion (pT3b)", plain(facts.get("pt3b"))),
        ("Prior radiotherapy", _answer(facts, "prior_radiotherapy", "prior_radiotherapy_details", None)),
    ]
    return card(rows)


def _answer(facts: Mapping[str, Any], key: str, details: str, since: str | None) -> str:
    parts = [plain(facts.get(key))]
    if since:
        parts.append(f"since {since}")
    if facts.get(details):
        parts.append(str(facts[details]))
    return ", ".join(parts)


def _uncertainty_rows(registration: Mapping[str, Any]) -> list[tuple[str, str]]:
    whole = registration["uncertainty_mm"]
    bed, nodes = registration.get("uncertainty_bed_mm"), registration.get("uncertainty_nodes_mm")
    if bed is None and nodes is None:
        return [("Uncertainty", _millimetres(whole))]
    return [
        ("Uncertainty, prostate bed", _millimetres(whole if bed is None else bed)),
        ("Uncertainty, nodes and bone", _millimetres(whole if nodes is None else nodes)),
    ]


def _millimetres(value: float | None) -> str:
    return NOT_STATED if value is None else f"{value:g} mm"


def _movement(matrix: Any, grid: Mapping[str, Any] | None) -> str:
    transform = RigidTransform(tuple(map(tuple, matrix)))
    angle = f"{transform.angle_degrees:.2f}° of rotation"
    if not grid:
        return angle
    # At the middle of the PET: at the origin of coordinates a rotation alone can be a long way.
    half = (np.array(grid["shape"]) - 1) / 2 * np.array(grid["spacing_mm"])
    middle = np.array(grid["origin"]) + np.array(grid["direction"]) @ half
    return f"{angle}, {transform.inverse().shift_mm_at(middle):.1f} mm at its middle"


def _spoken(name: str) -> str:
    return name.replace("_", " ")
