"""Which dose a target is prescribed: entered, or in its TG-263 name (PTVn_5600x35); never assumed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import PrescriptionError
from ..rtvolumes.tg263 import parse_target

ENTERED, NAMED = "entered", "name"
_ENTRY = re.compile(r"^(?:(?P<volume>[^=]+)=)?(?P<dose>\d+(?:\.\d+)?)(?:/(?P<fractions>\d+))?$", re.ASCII)
_LARGEST_GY, _MOST_FRACTIONS = 200.0, 100


@dataclass(frozen=True)
class PrescribedDose:
    """volume: its name; None for a dose entered for lesions that no target holds.

    fractions: None when not stated. source: ENTERED, or NAMED for one read from the volume's name.
    Raises PrescriptionError for numbers that no prescription has.
    """

    volume: str | None
    dose_gy: float
    fractions: int | None = None
    source: str = ENTERED

    def __post_init__(self) -> None:
        whose = self.volume or "Lesions outside the targets"
        if not math.isfinite(self.dose_gy) or not 0 < self.dose_gy <= _LARGEST_GY:
            raise PrescriptionError(f"{whose}: {self.dose_gy:g} Gy is no dose; give 0 to {_LARGEST_GY:g} Gy.")
        if self.fractions is not None and not 1 <= self.fractions <= _MOST_FRACTIONS:
            raise PrescriptionError(
                f"{whose}: {self.fractions} fractions; give a whole number, 1 to {_MOST_FRACTIONS}."
            )


def parse_prescription(text: str) -> PrescribedDose:
    """VOLUME=GY/FRACTIONS, or GY/FRACTIONS for lesions that no target holds; /FRACTIONS may be left out.

    Raises PrescriptionError for anything else.
    """
    found = _ENTRY.match(text.strip())
    if found is None:
        raise PrescriptionError(
            f"'{text}' is no prescription; write VOLUME=GY/FRACTIONS, such as PTVsb=70/35, or GY/FRACTIONS."
        )
    fractions = int(found["fractions"]) if found["fractions"] else None
    return PrescribedDose(found["volume"], float(found["dose"]), fractions)


def prescribed_doses(
    entered: Sequence[PrescribedDose], targets: Sequence[str], volumes: Sequence[str]
) -> tuple[PrescribedDose, ...]:
    """What was entered, then what the names of the remaining targets say.

    targets, volumes: names of the case's targets, and of all its volumes.
    Raises PrescriptionError for a volume that the case does not have, or that was entered twice.
    """
    names = [each.volume for each in entered]
    for name in names:
        if name is not None and name not in volumes:
            known = ", ".join(volumes) or "none"
            raise PrescriptionError(
                f"A prescription is for '{name}', which is no volume here ({known}); check it."
            )
        if names.count(name) > 1:
            raise PrescriptionError(
                f"{name or 'A lesion outside the targets'} has two prescriptions; give one."
            )
    found = list(entered)
    for name in targets:
        parsed = None if name in names else parse_target(name)
        if parsed is not None and parsed.dose_gy:
            found.append(PrescribedDose(name, parsed.dose_gy, parsed.fractions, NAMED))
    return tuple(found)


def fractions_of(prescriptions: Sequence[PrescribedDose]) -> int | None:
    """The plan's number of fractions; None when nobody states it, or not everybody the same."""
    stated = {each.fractions for each in prescriptions if each.fractions is not None}
    return stated.pop() if len(stated) == 1 else None
