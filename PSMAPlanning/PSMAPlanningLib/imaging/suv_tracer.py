"""Tracer, nuclide and uptake time of a conversion: they change no number, and belong to the record."""

from __future__ import annotations

from dataclasses import replace

from .suv_audit import ENTERED, Audit
from .suv_entered import EnteredValues
from .suv_header import SuvHeader
from .suv_record import SuvConversion
from .suv_tables import nuclide_of
from .suv_tags import TAGS
from .tracers import TracerFacts, tracer_facts, tracer_warnings

_SAME_UPTAKE_MIN = 1.0


def with_tracer(
    conversion: SuvConversion, header: SuvHeader, entered: EnteredValues, audit: Audit
) -> SuvConversion:
    """The conversion with tracer, nuclide and uptake time, and what must still be asked for.

    None of them changes a number, so none of them is a reason to refuse.
    """
    stated = header.tracer or header.tracer_meaning
    tracer = audit.choose("tracer", stated, entered.tracer)
    facts = tracer_of(header, entered)
    if entered.tracer is None and header.tracer is None and stated is not None:
        audit.from_header("tracer", TAGS["tracer_meaning"])
    if facts is None and tracer is not None:
        audit.warn(
            "The tracer is not one that is known, so nothing follows from it; give --tracer, such as PSMA-11."
        )
    uptake = _uptake_time(conversion.uptake_time_min, entered, audit)
    nuclide = nuclide_of(header)
    if nuclide is not None:
        audit.from_header("nuclide", TAGS["nuclide_code"])
    for sentence in tracer_warnings(facts, nuclide, uptake):
        audit.warn(sentence)
    if conversion.quantity != "SUVbw":
        audit.warn(
            f"The values are {conversion.quantity}, not SUVbw; rules and thresholds of lesions are stated in "
            "SUVbw and mean something else here."
        )
    missing = (("tracer", is_to_be_asked_for(facts)), ("uptake_time_min", uptake is None))
    return replace(
        conversion,
        tracer=tracer,
        tracer_key=None if facts is None else facts.key,
        nuclide=nuclide,
        uptake_time_min=uptake,
        missing=tuple(name for name, is_missing in missing if is_missing),
        sources=audit.sources,
        warnings=tuple(audit.warnings),
    )


def tracer_of(header: SuvHeader, entered: EnteredValues) -> TracerFacts | None:
    """The tracer entered, else that of the header's name and code; None when it is not known."""
    if entered.tracer is not None:
        return tracer_facts(entered.tracer)
    codes = (header.tracer_code,) if header.tracer_code else ()
    found = tracer_facts(header.tracer, codes)
    if found is None and tracer_facts(header.tracer) is None:
        # Where (0018,0031) means nothing to the table, the code's meaning still can.
        found = tracer_facts(header.tracer_meaning, codes)
    return found


def is_to_be_asked_for(facts: TracerFacts | None) -> bool:
    """Whether the user should be asked for the tracer: unknown, or only known to be some PSMA ligand."""
    return facts is None or facts.is_generic


def _uptake_time(computed: float | None, entered: EnteredValues, audit: Audit) -> float | None:
    if entered.uptake_time_min is None:
        return computed
    if computed is None:
        audit.sources["uptake_time_min"] = ENTERED
        return entered.uptake_time_min
    if abs(computed - entered.uptake_time_min) > _SAME_UPTAKE_MIN:
        audit.warn(
            f"The uptake time entered ({entered.uptake_time_min:g} min) was not used: the times of injection "
            f"and scan, which the SUV rests on, make it {computed:.1f} min; correct --injection-time."
        )
    return computed
