"""From clinical to planning target: an institution's margins, never a default."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import MarginError
from ..imaging.image import Mask
from .margins import CropBy, Grown, SixMargins, grow_and_crop

_KEYS = tuple(each.name for each in fields(SixMargins))


@dataclass(frozen=True)
class InstitutionMargins:
    """CTV to PTV margins of one institution by role of the volume (bed, nodes, boost ...)."""

    institution: str
    citation: str
    margins: Mapping[str, SixMargins]

    def for_role(self, role: str) -> SixMargins:
        """The margin of a role; MarginError, naming the roles there are, when it has none."""
        if role not in self.margins:
            known = ", ".join(sorted(self.margins))
            raise MarginError(
                f"The margins of {self.institution} have none for '{role}' (there: {known}); "
                "add it to the file."
            )
        return self.margins[role]


def read_institution_margins(path: Path) -> InstitutionMargins:
    """A JSON file {"institution", "citation", "margins_mm": {role: {"left_mm": ... all six}}}.

    Raises MarginError, naming the file and the entry, for anything missing, unknown or impossible.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MarginError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    except ValueError:
        raise MarginError(f"{path} is no JSON file; write it as the documentation shows.") from None
    table = document.get("margins_mm") if isinstance(document, dict) else None
    if not isinstance(table, dict) or not table:
        raise MarginError(f"{path} has no margins_mm; name at least one volume with its six margins.")
    unknown = set(document) - {"institution", "citation", "margins_mm"}
    if unknown:
        raise MarginError(f"{path} has the unknown entry '{sorted(unknown)[0]}'; check its spelling.")
    margins = {role: _six(path, role, entry) for role, entry in table.items()}
    institution = str(document.get("institution") or path.stem)
    return InstitutionMargins(institution, str(document.get("citation") or ""), margins)


def _six(path: Path, role: str, entry: Any) -> SixMargins:
    given = set(entry) if isinstance(entry, dict) else set()
    if given != set(_KEYS):
        wrong = sorted(set(_KEYS) - given) or sorted(given - set(_KEYS))
        raise MarginError(
            f"{path}: {role} needs exactly {', '.join(_KEYS)}; look at {', '.join(map(str, wrong))}."
        )
    try:
        margin = SixMargins(**entry)
    except MarginError as error:
        raise MarginError(f"{path}: {role}: {error}") from None
    if margin.shrinks:
        raise MarginError(f"{path}: {role} shrinks; a PTV is never smaller than its CTV.")
    return margin


def planning_target(
    clinical_target: Mask,
    margin: SixMargins | None,
    crop_by: Sequence[CropBy] = (),
    body: Mask | None = None,
) -> Grown:
    """The PTV of a CTV. Raises MarginError while no margin is given: none has a default."""
    if margin is None:
        raise MarginError("There is no PTV without a margin; give six values or your institution's file.")
    if margin.shrinks:
        raise MarginError("A PTV is never smaller than its CTV; give margins of 0 mm or more.")
    return grow_and_crop(clinical_target, margin, crop_by, within=body)
