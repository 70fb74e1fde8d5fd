"""Which structure is which: names matched to TG-263, shown, changed by the user, never guessed silently.

The order is: what the user said, exact TG-263 name, alias, RT ROI interpreted type, geometry. The last two
are proposals, which `asks` marks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..imaging.image import Mask
from .name_geometry import role_by_place
from .name_table import folded, organ_names, target_names
from .names import kind_of
from .tg263 import LONGEST_NAME, parse_target, target_name

USER, EXACT, ALIAS, INTERPRETED_TYPE, GEOMETRY = "user", "exact", "alias", "interpreted_type", "geometry"
TARGET_KINDS = ("GTV", "CTV", "PTV", "ITV", "IGTV", "ICTV")
_ROLES = ("bed", "nodes", "boost")
_CLASSIFIERS = {"bed": "sb", "nodes": "n"}
_DOSE_IN_NAME = re.compile(r"(?<!\d)(\d{2})(?:[.,_](\d))?(?:_?gy)?$|(?<!\d)(\d{4})$", re.ASCII)
_NUMBERED_TARGET = re.compile(r"^(gtv|ctv|ptv|itv)_?(.*)$", re.ASCII)


@dataclass(frozen=True, eq=False)
class NamedStructure:
    """What is to be matched. mask: needed only to tell bed from nodes where the name does not."""

    name: str
    interpreted_type: str | None = None
    mask: Mask | None = None


@dataclass(frozen=True)
class NameMatch:
    """What a structure was taken for.

    tg263: the name to write, None when not known. role: bed, nodes, boost, lesion, or the organ's; None when
    not known. matched_by: user, exact, alias, interpreted_type, geometry, or None.
    asks: the user has to confirm or name it; choices: roles to choose from then.
    """

    name: str
    kind: str | None
    tg263: str | None
    role: str | None
    matched_by: str | None
    asks: bool
    choices: tuple[str, ...] = ()

    def to_document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "tg263": self.tg263,
            "role": self.role,
            "matched_by": self.matched_by,
            "asks": self.asks,
            "choices": list(self.choices),
        }


def match_names(
    structures: Sequence[NamedStructure], overrides: Mapping[str, str] | None = None
) -> tuple[NameMatch, ...]:
    """One match per structure, in order. overrides: TG-263 name by the structure's own name.

    Raises InputError for an override that names no structure or is no name that can be written.
    """
    chosen = dict(overrides or {})
    _check_overrides(chosen, structures)
    matches = [
        _by_user(each, chosen[each.name]) if each.name in chosen else _by_name(each) for each in structures
    ]
    bladder = next(
        (
            each.mask
            for each, match in zip(structures, matches, strict=True)
            if match.role == "bladder" and each.mask is not None and not each.mask.is_empty
        ),
        None,
    )
    return tuple(
        _by_geometry(_with_kind(match, each), each.mask, bladder)
        for each, match in zip(structures, matches, strict=True)
    )


def _with_kind(match: NameMatch, structure: NamedStructure) -> NameMatch:
    if match.kind is not None:
        return match
    return replace(match, kind=kind_of(structure.name, structure.interpreted_type)[0])


def read_name_table(path: Path) -> dict[str, str]:
    """The user's table from a JSON file; raises InputError when it cannot be read or is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    except ValueError:
        raise InputError(f"{path} is no JSON file; write a table of names.") from None
    return overrides_from_document(document)


def overrides_from_document(document: Any) -> dict[str, str]:
    """The user's table, {"structure name": "TG-263 name"} or the list of matches changed by hand.

    Raises InputError for any other document.
    """
    if isinstance(document, dict):
        table = document
    elif isinstance(document, list) and all(isinstance(row, dict) and "name" in row for row in document):
        table = {row["name"]: row["tg263"] for row in document if row.get("tg263") is not None}
    else:
        raise InputError("A name table is a JSON object of structure names and their TG-263 names.")
    if not all(isinstance(key, str) and isinstance(value, str) for key, value in table.items()):
        raise InputError("A name table holds text only: structure names and their TG-263 names.")
    return table


def _check_overrides(chosen: Mapping[str, str], structures: Sequence[NamedStructure]) -> None:
    names = {each.name for each in structures}
    for name, wanted in chosen.items():
        if name not in names:
            raise InputError(
                f"The name table names '{name}', which is no structure here; check its spelling."
            )
        if not wanted or len(wanted) > LONGEST_NAME or not wanted.isascii() or not wanted.isprintable():
            raise InputError(
                f"'{wanted}' for '{name}' cannot be written; "
                f"TG-263 names have 1 to {LONGEST_NAME} plain characters."
            )


def _by_user(structure: NamedStructure, wanted: str) -> NameMatch:
    match = _by_exact_name(structure.name, wanted)
    if match is None:
        match = NameMatch(structure.name, None, wanted, None, USER, False)
    kind = match.kind or kind_of(structure.name, structure.interpreted_type)[0]
    return replace(match, kind=kind, tg263=wanted, matched_by=USER, asks=False, choices=())


def _by_name(structure: NamedStructure) -> NameMatch:
    exact = _by_exact_name(structure.name, structure.name)
    if exact is not None and exact.role is not None:
        return exact
    # CTV_Fossa is written as TG-263 asks, but only the alias says what it is.
    return _by_alias(structure) or exact or _by_type(structure)


def _by_exact_name(name: str, written: str) -> NameMatch | None:
    for organ in organ_names():
        if written == organ.tg263:
            return NameMatch(name, _kind_of_organ(organ.role), written, organ.role, EXACT, False)
    target = parse_target(written)
    if target is None:
        return None
    # A bare CTV70 or PTV1 parses, but does not say of what; its kind is certain, its role is not.
    role = "lesion" if target.kind in ("GTV", "IGTV") else target.role
    return NameMatch(name, target.kind, written, role, EXACT, role is None, () if role else _ROLES)


def _kind_of_organ(role: str) -> str | None:
    """EXTERNAL or ORGAN; None for lymph node levels, which may be drawn as organ or as target."""
    return {"external": "EXTERNAL", "nodes": None}.get(role, "ORGAN")


def _by_alias(structure: NamedStructure) -> NameMatch | None:
    name, plain = structure.name, folded(structure.name)
    for organ in organ_names():
        if (
            name in organ.segmentations
            or plain == folded(organ.tg263)
            or any(pattern.fullmatch(plain) for pattern in organ.aliases)
        ):
            return NameMatch(name, _kind_of_organ(organ.role), organ.tg263, organ.role, ALIAS, False)
    dose = _dose_gy(plain)
    stem = _DOSE_IN_NAME.sub("", plain).rstrip("_") if dose is not None else plain
    for target in target_names():
        for pattern in target.aliases:
            found = pattern.fullmatch(stem)
            if found is None:
                continue
            kind = found.groupdict().get("kind")
            kind = kind.upper() if kind else kind_of(name, structure.interpreted_type)[0]
            if kind not in target.prefix:
                # A bare "prostate bed" is a region; whether CTV or PTV only the file can say.
                return NameMatch(name, kind, None, target.role, ALIAS, True, ("CTV", "PTV"))
            written = target_name(target.prefix[kind], dose_gy=dose)
            return NameMatch(name, kind, written, target.role, ALIAS, False)
    return None


def _by_type(structure: NamedStructure) -> NameMatch:
    name = structure.name
    kind, told_by = kind_of(name, structure.interpreted_type)
    numbered = _NUMBERED_TARGET.match(folded(name))
    if kind is None and numbered:
        kind = numbered[1].upper()
    if kind == "EXTERNAL":
        return NameMatch(name, kind, "External", "external", INTERPRETED_TYPE, True, ("external",))
    if kind in TARGET_KINDS:
        role = "lesion" if kind in ("GTV", "IGTV") else None
        by = INTERPRETED_TYPE if told_by == "interpreted_type" else None
        return NameMatch(name, kind, None, role, by, True, () if role else _ROLES)
    by = INTERPRETED_TYPE if told_by == "interpreted_type" else None
    return NameMatch(name, kind, None, None, by, True)


def _by_geometry(match: NameMatch, mask: Mask | None, bladder: Mask | None) -> NameMatch:
    open_target = match.kind in ("CTV", "PTV", "ITV", "ICTV") and match.role is None
    if match.matched_by == USER or not open_target or mask is None or bladder is None:
        return match
    role = role_by_place(mask, bladder)
    if role is None:
        return match
    written = target_name(match.kind, _CLASSIFIERS[role], _dose_gy(folded(match.name)))
    return replace(match, tg263=written, role=role, matched_by=GEOMETRY, asks=True)


def _dose_gy(plain: str) -> float | None:
    """Dose at the end of a folded name, in Gy (45, 66_5gy, 7000); None when there is none."""
    found = _DOSE_IN_NAME.search(plain)
    if found is None:
        return None
    if found[3]:
        return int(found[3]) / 100.0
    return float(f"{found[1]}.{found[2] or 0}")
