"""Names of targets as AAPM Task Group 263 writes them, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_NAME = 16
"""Characters of a name that every planning system keeps (Mayo 2018, doi:10.1016/j.ijrobp.2017.12.013)."""

_TARGET = re.compile(
    r"^(?P<unused>z?)(?P<kind>IGTV|ICTV|GTV|CTV|ITV|PTV!|PTV)"
    r"(?P<classifier>sb|par|vas|p|n|v)?(?P<number>\d{1,2})?"
    r"(?P<imaging>_(?:(?:CT|PT|MR|SP)\d+)+)?"
    r"(?P<structure>_(?:[A-Z][A-Za-z]+)(?:_[A-Z][A-Za-z]*)*?)?"
    r"(?:_(?P<level>High|Mid\d*|Low)|_(?P<centigray>\d{3,5})|_(?P<gray>\d{1,3}(?:p\d)?)Gy)?"
    r"(?:x(?P<fractions>\d{1,2}))?(?:-(?P<crop>\d{2}))?(?:\^(?P<text>.*))?$",
    re.ASCII,
)


@dataclass(frozen=True)
class TargetName:
    """A target's name in its parts; what the name does not hold is None.

    kind: GTV, CTV, ITV, IGTV, ICTV or PTV. cropped_target: PTV!, a PTV without the one of higher dose.
    classifier: sb surgical bed, n node, p primary, v venous thrombosis, vas vascular, par parenchyma.
    """

    kind: str
    classifier: str | None = None
    number: int | None = None
    dose_gy: float | None = None
    fractions: int | None = None
    crop_mm: int | None = None
    cropped_target: bool = False
    not_evaluated: bool = False

    @property
    def role(self) -> str | None:
        """bed, nodes or None; the classifier says no more."""
        return {"sb": "bed", "n": "nodes"}.get(self.classifier or "")


def parse_target(name: str) -> TargetName | None:
    """The parts of a target's name; None when it is no TG-263 name of a target or is too long."""
    match = _TARGET.match(name) if len(name) <= LONGEST_NAME else None
    if match is None:
        return None
    dose = None
    if match["centigray"]:
        dose = int(match["centigray"]) / 100.0
    elif match["gray"]:
        dose = float(match["gray"].replace("p", "."))
    return TargetName(
        kind=match["kind"].rstrip("!"),
        classifier=match["classifier"],
        number=_whole(match["number"]),
        dose_gy=dose,
        fractions=_whole(match["fractions"]),
        crop_mm=_whole(match["crop"]),
        cropped_target=match["kind"].endswith("!"),
        not_evaluated=bool(match["unused"]),
    )


def target_name(
    kind: str, classifier: str = "", dose_gy: float | None = None, number: int | None = None
) -> str:
    """A TG-263 target name, such as CTVsb_7000 (dose in cGy)."""
    dose = "" if dose_gy is None else f"_{round(dose_gy * 100)}"
    return f"{kind}{classifier}{'' if number is None else number}{dose}"


def _whole(text: str | None) -> int | None:
    return int(text) if text else None
