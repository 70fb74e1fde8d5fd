"""The card that tells where the SUV comes from: every input, its source, and what was done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .markup import NOT_KNOWN, card, plain

_ENTERED = "entered by the user"
_SUV_ROWS: tuple[tuple[str, str, str], ...] = (
    # Key of the document, label, source key.
    ("tracer", "Tracer", "tracer"),
    ("units_in", "Units of the voxels", "units"),
    ("quantity", "Converted to", ""),
    ("factor", "Factor", ""),
    ("branch", "Way through the vendors' cases", ""),
    ("decay_correction", "Decay correction", "decay_correction"),
    ("injection_time", "Injection", "injection_time"),
    ("reference_time", "Decay corrected to", "reference_time"),
    ("uptake_time_min", "Uptake time", "uptake_time_min"),
    ("dose_bq", "Injected dose", "dose_bq"),
    ("half_life_s", "Half-life", "half_life_s"),
    ("nuclide", "Radionuclide", "nuclide"),
    ("weight_kg", "Body weight", "weight_kg"),
    ("height_m", "Body height", "height_m"),
    ("sex", "Sex", "sex"),
)
_ONLY_WHERE_KNOWN = ("height_m", "sex")
"""They matter to lean body mass and body surface only, and are read only then."""
_CAUTIONS = {
    "liver_excreted": "The liver excretes this ligand: the expression score takes the spleen, and thresholds "
    "taken from the liver say little.",
    "not_psma": "The tracer is no PSMA ligand: thresholds only, no miTNM.",
    "ligand_not_stated": "The header says PSMA and not which ligand, so excretion and uptake window are not "
    "known.",
    "excretion_not_known": "How this ligand is excreted is not known, so neither is the organ its uptake is "
    "compared with.",
}
_DECAY = {
    "START": "START: to the start of the scan",
    "ADMIN": "ADMIN: to the injection, so no decay is left to correct",
    "NONE": "NONE: not corrected by the scanner, done here per slice",
}
_BRANCH = {
    "bqml": "Bq/ml",
    "gml": "SUV already (g/ml)",
    "cm2ml": "SUV by body surface",
    "cnts": "counts",
    "philips_suv": "Philips SUV factor",
    "philips_activity": "Philips activity factor",
    "suvbw_entered": "SUV, said by the user",
}


def suv_card(suv: Mapping[str, Any] | None) -> str:
    """The audit of the SUV conversion, as the document holds it."""
    if suv is None:
        return "<p>The PET was given in SUV; nothing was converted.</p>"
    sources = dict(suv.get("sources") or {})
    facts = suv.get("tracer_facts")
    rows = []
    for key, label, source in _SUV_ROWS:
        if key in suv and not (suv[key] is None and key in _ONLY_WHERE_KNOWN):
            rows.append((label, _suv_value(key, suv[key]), sources.pop(source, "")))
        if key == "tracer":
            rows += _tracer_rows(facts)
    if suv.get("missing"):
        rows.append(("Still to be asked for", ", ".join(map(_spoken, suv["missing"])), ""))
    shown = {key for key, _, _ in _SUV_ROWS} | {"warnings", "sources", "tracer_facts", "missing"}
    # What a later version of the audit adds is shown under its own name.
    for key in sorted(set(suv) - shown):
        rows.append((_spoken(key), plain(suv[key]), sources.pop(key, "")))
    used = ", ".join(_spoken(name) for name, source in sources.items() if source != _ENTERED)
    if used:
        rows.append(("Also read", used, "header"))
    labels = {source: label for _, label, source in _SUV_ROWS if source}
    entered = [
        labels.get(name, _spoken(name))
        for name, source in (suv.get("sources") or {}).items()
        if source == _ENTERED
    ]
    rows.append(("Entered by hand", ", ".join(entered) or "nothing", ""))
    cautions = [_CAUTIONS.get(code, _spoken(code)) for code in (facts or {}).get("cautions") or ()]
    return card(rows, [*(suv.get("warnings") or ()), *cautions])


def _tracer_rows(facts: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    if not facts:
        return []
    window = facts.get("uptake_window_min")
    usual = NOT_KNOWN if window is None else f"{window[0]:g} to {window[1]:g} min"
    return [
        ("Taken for", f"{facts['name']}, binds {facts['target']}", ""),
        ("Compared with, in the expression score", facts.get("expression_reference") or "no organ", ""),
        ("Usual uptake time", usual, _source(facts.get("uptake_source"), facts.get("uptake_verified"))),
    ]


def _source(text: str | None, verified: bool | None) -> str:
    return "" if not text else text if verified else f"{text} (not verified)"


def _suv_value(key: str, value: Any) -> str:
    if key == "factor" and value is None:
        return "differs from slice to slice"
    if value is None:
        return NOT_KNOWN
    written: dict[str, Callable[[Any], str]] = {
        "factor": lambda v: f"{v:.8g} SUV per unit",
        "dose_bq": lambda v: f"{v / 1e6:.6g} MBq",
        "half_life_s": lambda v: f"{v:g} s ({v / 60:.4g} min)",
        "weight_kg": lambda v: f"{v:g} kg",
        "height_m": lambda v: f"{v:g} m",
        "uptake_time_min": lambda v: f"{v:.1f} min",
        "decay_correction": lambda v: _DECAY.get(v, v),
        "injection_time": lambda v: v.replace("T", " "),
        "reference_time": lambda v: v.replace("T", " "),
        "branch": _branch_words,
    }
    return written.get(key, plain)(value)


def _branch_words(branch: str) -> str:
    """The branch in words, with its own name, which is what a bug report needs."""
    for prefix in sorted(_BRANCH, key=len, reverse=True):
        if branch == prefix or branch.startswith(f"{prefix}_"):
            rest = branch[len(prefix) :].strip("_").replace("_", " ")
            for inner in ("philips_suv", "philips_activity"):
                rest = rest.replace(inner.replace("_", " "), _BRANCH[inner])
            words = f"{_BRANCH[prefix]}, {rest}" if rest else _BRANCH[prefix]
            return f"{words} [{branch}]"
    return branch


def _spoken(name: str) -> str:
    return name.replace("_", " ")
