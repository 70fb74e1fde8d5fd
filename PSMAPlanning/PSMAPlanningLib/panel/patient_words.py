"""The Patient section's codes in words, translated: the SUV form and the audit card."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from .suv_entry import SuvFormView, SuvRow
from .translation import tr as _
from .view_state import AuditRow, ViewState


@cache
def row_label(name: str) -> str:
    """What a value that the SUV rests on is called."""
    return {
        "units": _("Units of the voxels"),
        "units_in": _("Units of the voxels"),
        "weight_kg": _("Body weight"),
        "dose_bq": _("Activity"),
        "injection_time": _("Injection"),
        "half_life_s": _("Half-life"),
        "decay_correction": _("Decay correction"),
        "reference_time": _("Decayed to"),
        "tracer": _("Tracer"),
        "uptake_time_min": _("Uptake time"),
        "height_m": _("Body height"),
        "sex": _("Sex"),
        "nuclide": _("Radionuclide"),
        "factor": _("SUV factor"),
        "branch": _("Way taken"),
        "entered": _("Entered by hand"),
        "given_in_suv": _("SUV"),
        "patient": _("Patient"),
        "registration": _("Registration"),
        "rotation": _("PET was turned by"),
        "residual_mm": _("Residual on bone"),
        "uncertainty_mm": _("Uncertainty"),
        "uncertainty_bed_mm": _("Uncertainty, bed"),
        "uncertainty_nodes_mm": _("Uncertainty, nodes"),
    }.get(name, name.replace("_", " "))


def row_tooltip(row: SuvRow) -> str:
    """What to fill into a row of the form, with its unit, and where the value shown came from."""
    explained = {
        "units": _("What the voxels are: SUVbw when the file was converted already, else Bq/ml."),
        "weight_kg": _("Body weight at the time of the scan, in kg."),
        "dose_bq": _("Activity at the time of injection, in MBq; residue in the syringe taken off."),
        "injection_time": _(
            "Date and time, as 2025-01-31T10:30:00, or the time on the day of the scan, as 10:30:00."
        ),
        "half_life_s": _("Half-life of the radionuclide, in s; choose the nuclide or write a number."),
        "decay_correction": _(
            "What the scanner corrected decay to: START of the scan, ADMIN (the injection), or NONE."
        ),
        "reference_time": _(
            "The moment the voxels were decay corrected to, as 2025-01-31T11:30:00 or 11:30:00."
        ),
        "tracer": _("Name of the radiopharmaceutical; it decides on the reference organ and on miTNM."),
        "uptake_time_min": _("From injection to scan, in min; kept for the record, it changes no number."),
        "height_m": _("Body height, in m."),
        "sex": _("M or F, which formulas of lean body mass need."),
    }.get(row.name, "")
    known = _("From: {source}.").format(source=row.source) if row.source else ""
    return "\n\n".join(part for part in (explained, known, row.problem) if part)


def form_text(form: SuvFormView) -> str:
    """The one sentence above the form: what stands between the volume and its SUV."""
    wrong = next((row for row in form.rows if row.state == "wrong"), None)
    if wrong is not None:
        return f"{row_label(wrong.name)}: {wrong.problem}"
    if form.needed:
        names = ", ".join(row_label(name) for name in form.needed)
        said = _("'{title}' is not in SUV yet. Still needed: {names}.")
        return said.format(title=form.title, names=names)
    if form.problem is not None:
        return _("'{title}' is not in SUV yet. {problem}").format(title=form.title, problem=form.problem)
    if form.factor is None:
        said = _("'{title}' can be converted; its factor differs from slice to slice.")
        return said.format(title=form.title)
    said = _("'{title}' can be converted: 1 unit of its voxels is SUV {factor}.")
    return said.format(title=form.title, factor=f"{form.factor:.4g}")


def source_text(source: str) -> str:
    """Where a value came from, short enough for a column."""
    if source == "entered by the user":
        return _("entered")
    return source


def audit_text(row: AuditRow) -> str:
    """The value of one line of the audit card."""
    if row.key in _CODES:
        return _CODES[row.key](row.value, row.source)
    if row.value is None:
        return {
            "factor": _("differs from slice to slice"),
            "given_in_suv": _("the volume came in SUV by body weight"),
            "residual_mm": _("not measured; needs CT and planning CT"),
            "uncertainty_mm": _("not stated, which is not zero"),
            "uncertainty_bed_mm": _("not stated, which is not zero"),
            "uncertainty_nodes_mm": _("not stated, which is not zero"),
        }.get(row.key, _("not known"))
    return _WRITTEN.get(row.key, str)(row.value)


def _entered(names: Any, _source: str) -> str:
    return ", ".join(row_label(name) for name in names) or _("nothing")


def _patient(code: Any, source: str) -> str:
    return {
        "not_compared": _("not compared; fewer than two DICOM headers"),
        "same": _("headers of {files} agree").format(files=source),
        "confirmed": _("headers differ; confirmed to be one patient by {who}").format(who=source),
    }[code]


def _registration(code: Any, source: str) -> str:
    said = {
        "same_frame_of_reference": _("one frame of reference; nothing was moved"),
        "user_transform": _("a transform: {name}").format(name=source),
        "dicom_spatial_registration": _("DICOM Spatial Registration"),
        "bone_registration": _("rigid, on bone"),
        "not_stated": _("not stated; compared as they lie in space"),
    }
    return said.get(code, str(code))


_CODES: dict[str, Callable[[Any, str], str]] = {
    "entered": _entered,
    "patient": _patient,
    "registration": _registration,
}
_WRITTEN: dict[str, Callable[[Any], str]] = {
    "factor": lambda v: f"{v:.6g} SUV per unit",
    # Words apart, so that the table can break them over lines.
    "branch": lambda v: v.replace("_", " "),
    "dose_bq": lambda v: f"{v / 1e6:.5g} MBq",
    "half_life_s": lambda v: f"{v / 60:.5g} min",
    "weight_kg": lambda v: f"{v:g} kg",
    "height_m": lambda v: f"{v:g} m",
    "uptake_time_min": lambda v: f"{v:.0f} min",
    "injection_time": lambda v: v.replace("T", " "),
    "reference_time": lambda v: v.replace("T", " "),
    "rotation": lambda v: f"{v:.2f}°",
    "residual_mm": lambda v: f"{v:.1f} mm",
    "uncertainty_mm": lambda v: f"{v:g} mm",
    "uncertainty_bed_mm": lambda v: f"{v:g} mm",
    "uncertainty_nodes_mm": lambda v: f"{v:g} mm",
}


WITH_SOURCE = frozenset(
    key for key in _WRITTEN if key not in ("rotation", "residual_mm") and not key.startswith("uncertainty")
) | {"tracer", "nuclide", "units_in", "decay_correction", "sex"}
"""Lines of the audit card whose source is where a value was read, not part of what is said."""


def mismatch_text(sentence: str | None) -> str:
    """What differs between the files, and what to do."""
    if sentence is None:
        return ""
    # The sentence ends with the command line's remedy.
    return _("{what}. Check whose they are before you confirm.").format(what=sentence.partition(". ")[0])


def registration_text(view: ViewState) -> str:
    """Under the registration: what it is, its residual, and what it still waits for."""
    stated = view.registration
    source = _registration(stated.source, stated.transform_file or "")
    said = [source[:1].upper() + source[1:] + "."]
    if stated.residual_mm is not None:
        said.append(
            _("Bone surfaces lie {residual} mm apart on average.").format(
                residual=f"{stated.residual_mm:.1f}"
            )
        )
    if view.nodes["planning_ct"] is None and stated.planning_from_pet is None:
        return _("No planning CT is chosen: the volumes are compared where the PET lies.")
    return " ".join(said)


def caution_text(code: str) -> str:
    """A warning of the conversion, or a caution of the tracer by its code."""
    return {
        "liver_excreted": _("The liver excretes this ligand: thresholds taken from the liver say little."),
        "not_psma": _("The tracer is no PSMA ligand: thresholds only, no miTNM."),
        "ligand_not_stated": _("The header says PSMA and not which ligand."),
        "excretion_not_known": _("How this ligand is excreted is not known."),
    }.get(code, code)
