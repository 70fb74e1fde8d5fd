"""What kind of volume a structure is, from its file or its name; never guessed silently."""

from __future__ import annotations

import re

_TG263_TARGET = re.compile(r"^(I?GTV|CTV|I?CTV|ITV|PTV!?)(?=[a-z0-9_!^\-]|$)", re.ASCII)


def kind_of(name: str, interpreted_type: str | None) -> tuple[str | None, str | None]:
    """The kind of a structure (GTV, CTV, PTV, ORGAN ...) and what told it.

    First the RT ROI Interpreted Type (3006,00A4); else the target prefix of a TG-263 name; else neither.
    """
    if interpreted_type:
        return interpreted_type.upper(), "interpreted_type"
    match = _TG263_TARGET.match(name)
    if match:
        return match.group(1).rstrip("!"), "name_prefix"
    return None, None


def unique_names(names: list[str]) -> list[str]:
    """The names, with _2, _3 ... put behind those that came before."""
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        result.append(candidate)
    return result
