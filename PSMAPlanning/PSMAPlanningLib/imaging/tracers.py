"""Which radiopharmaceutical a PET was made with, and what follows from it for reading the uptake.

Names: Radiopharmaceutical (0018,0031) and its code sequence (0054,0304), DICOM context group 4021.
A tracer that is not recognised is None and asked for; it is never guessed from the nuclide.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from ..errors import InputError

PSMA = "PSMA"
LIVER_EXCRETED, NOT_PSMA, LIGAND_NOT_STATED, EXCRETION_NOT_KNOWN = (
    "liver_excreted",
    "not_psma",
    "ligand_not_stated",
    "excretion_not_known",
)
_LONGEST_TEXT = 200
_WHOLE_WORD_BELOW = 5
"""Aliases shorter than this (FDG, NaF, FES) must stand alone; longer ones are found inside other text."""
_UPTAKE_TOLERANCE_MIN = 0.5
_NUCLIDE = re.compile(
    r"\b(?:(?:f|c|n|o|ga|cu|zr|sc|i|lu|tb|rb|y)[\s-]?\d{1,3}m?|\d{1,3}m?[\s-]?(?:f|c|n|o|ga|cu|zr|sc|i|lu|tb|rb|y))\b"
)


@dataclass(frozen=True)
class TracerFacts:
    """What is known of a tracer.

    key: stable name of the record; target: what the tracer binds to, "PSMA" for PSMA ligands.
    is_generic: the text says PSMA and not which ligand, so excretion and window are not known.
    nuclides: that it is labelled with in practice, such as Ga-68; empty when any.
    liver_excreted: None when not known. uptake_window_min: usual time from injection to scan.
    excretion_verified, uptake_verified: whether the statement was read in the source, or recalled.
    """

    key: str
    name: str
    target: str
    nuclides: tuple[str, ...]
    liver_excreted: bool | None
    excretion_source: str | None
    excretion_verified: bool
    uptake_window_min: tuple[float, float] | None
    uptake_source: str | None
    uptake_verified: bool
    aliases: tuple[str, ...]
    codes: tuple[str, ...]
    is_generic: bool = False

    @property
    def is_psma_ligand(self) -> bool:
        return self.target == PSMA

    @property
    def allows_mitnm(self) -> bool:
        """miTNM and the expression score are defined for PSMA ligands only."""
        return self.is_psma_ligand

    @property
    def expression_reference(self) -> str | None:
        """The organ between "low" and "intermediate" in the PSMA expression score: liver, or spleen.

        None for a tracer without such a score, and when it is not known how the ligand is excreted.
        Eiber et al. 2018 (PROMISE), doi:10.2967/jnumed.117.198119.
        """
        if not self.is_psma_ligand or self.liver_excreted is None:
            return None
        return "spleen" if self.liver_excreted else "liver"

    @property
    def cautions(self) -> tuple[str, ...]:
        """Codes of what to keep in mind: liver_excreted, not_psma, ligand_not_stated, excretion_not_known."""
        found = []
        if not self.is_psma_ligand:
            found.append(NOT_PSMA)
        if self.liver_excreted:
            found.append(LIVER_EXCRETED)
        if self.is_generic:
            found.append(LIGAND_NOT_STATED)
        elif self.is_psma_ligand and self.liver_excreted is None:
            found.append(EXCRETION_NOT_KNOWN)
        return tuple(found)

    def to_document(self) -> dict[str, Any]:
        """JSON-ready values for the audit."""
        window = self.uptake_window_min
        return {
            "key": self.key,
            "name": self.name,
            "target": self.target,
            "is_psma_ligand": self.is_psma_ligand,
            "allows_mitnm": self.allows_mitnm,
            "liver_excreted": self.liver_excreted,
            "expression_reference": self.expression_reference,
            "excretion_source": self.excretion_source,
            "excretion_verified": self.excretion_verified,
            "uptake_window_min": None if window is None else list(window),
            "uptake_source": self.uptake_source,
            "uptake_verified": self.uptake_verified,
            "cautions": list(self.cautions),
        }


@lru_cache(maxsize=1)
def tracer_table() -> dict[str, TracerFacts]:
    """All tracers known, by key, in the order of the table."""
    text = resources.files("PSMAPlanningLib.data").joinpath("tracers.json").read_text(encoding="utf-8")
    found = {}
    for row in json.loads(text)["tracers"]:
        window = row["uptake_window_min"]
        lists = {name: tuple(row[name]) for name in ("nuclides", "aliases", "codes")}
        facts = TracerFacts(
            **{**row, **lists, "uptake_window_min": None if window is None else tuple(window)}
        )
        found[facts.key] = facts
    return found


def tracer_by_key(key: str | None) -> TracerFacts | None:
    """The record of a key as an audit keeps it; None for None, InputError for a key that is not there."""
    if key is None:
        return None
    try:
        return tracer_table()[key]
    except KeyError:
        raise InputError(f"There is no tracer {key!r}; known are {', '.join(tracer_table())}.") from None


def tracer_facts(text: str | None, codes: Sequence[str] = ()) -> TracerFacts | None:
    """The tracer that a name and the codes stand for; None when unknown, or when they name different ones.

    text: Radiopharmaceutical (0018,0031), a code's meaning, or what the user entered.
    codes: "SCHEME:VALUE" of (0054,0304), such as "DCM:126758".
    """
    coded = _by_codes(codes)
    named = _by_text(text or "")
    if coded is None or named is None:
        # A name that means nothing to the table is no evidence against the code, nor the reverse.
        return coded or named
    if coded.key == named.key:
        return coded
    if coded.target == named.target and (coded.is_generic or named.is_generic):
        return named if coded.is_generic else coded
    return None


def tracer_warnings(
    facts: TracerFacts | None, nuclide: str | None, uptake_time_min: float | None
) -> tuple[str, ...]:
    """Plain sentences: not a PSMA ligand, a nuclide or an uptake time that does not fit the tracer."""
    if facts is None:
        return ()
    found = []
    if not facts.is_psma_ligand:
        found.append(
            f"{facts.name} is not a PSMA ligand: thresholds are applied, miTNM and expression score are not."
        )
    if nuclide is not None and facts.nuclides and nuclide not in facts.nuclides:
        found.append(
            f"The tracer {facts.name} and the nuclide {nuclide} do not fit each other; "
            "check the tracer, or give it with --tracer."
        )
    window = facts.uptake_window_min
    if window is not None and uptake_time_min is not None:
        low, high = window
        if not low - _UPTAKE_TOLERANCE_MIN <= uptake_time_min <= high + _UPTAKE_TOLERANCE_MIN:
            recalled = "" if facts.uptake_verified else ", recalled and not verified"
            found.append(
                f"The uptake time of {uptake_time_min:.0f} min is outside the usual {low:g} to {high:g} min "
                f"of {facts.name} ({facts.uptake_source}{recalled}); its SUVs cannot be compared as usual."
            )
    return tuple(found)


def liver_threshold_warning(facts: TracerFacts | None) -> str | None:
    """The sentence for a threshold taken from the liver when the liver excretes the tracer, else None."""
    if facts is None or not facts.liver_excreted:
        return None
    return (
        f"{facts.name} is excreted by the liver, so a threshold taken from the liver is too high for it; "
        "in the expression score the spleen replaces the liver."
    )


def _by_codes(codes: Sequence[str]) -> TracerFacts | None:
    wanted = {code.strip().upper() for code in codes}
    found = [f for f in tracer_table().values() if wanted & {code.upper() for code in f.codes}]
    return found[0] if len(found) == 1 else None


def _by_text(text: str) -> TracerFacts | None:
    plain = unicodedata.normalize("NFKD", text[:_LONGEST_TEXT]).lower()
    plain = re.sub(r"[^a-z0-9&+.\s-]", " ", plain)
    joined = re.sub(r"[^a-z0-9]", "", plain)
    words = set(re.findall(r"[a-z]+|\d+", _NUCLIDE.sub(" ", plain)))
    # The longest alias first, so that PSMA-1007 is not read as the generic PSMA.
    for facts, alias in _aliases():
        is_there = alias in words if len(alias) < _WHOLE_WORD_BELOW else alias in joined
        if facts.is_generic:
            is_there = alias in joined
        if not is_there:
            continue
        others = _others(joined.replace(alias, " "), words, facts)
        return None if others else facts
    return None


def _others(rest: str, words: set[str], facts: TracerFacts) -> bool:
    """Whether a second, different tracer is named beside the first."""
    for other, alias in _aliases():
        if other.key == facts.key or (other.is_generic and other.target == facts.target):
            continue
        if alias in words if len(alias) < _WHOLE_WORD_BELOW else alias in rest:
            return True
    return False


@lru_cache(maxsize=1)
def _aliases() -> tuple[tuple[TracerFacts, str], ...]:
    pairs = [
        (facts, re.sub(r"[^a-z0-9]", "", alias.lower()))
        for facts in tracer_table().values()
        for alias in facts.aliases
    ]
    return tuple(sorted(pairs, key=lambda pair: (pair[0].is_generic, -len(pair[1]))))
