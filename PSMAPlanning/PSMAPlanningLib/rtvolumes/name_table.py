"""The names that structures of the male pelvis go by."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class OrganNames:
    """tg263: the name to write; role: what it is for (bladder, bowel, bone, vessel, nodes ...)."""

    tg263: str
    role: str
    aliases: tuple[re.Pattern[str], ...]
    segmentations: frozenset[str]


@dataclass(frozen=True)
class TargetNames:
    """prefix: TG-263 prefix by kind (CTV: CTVsb); role: bed, nodes, boost or lesion."""

    role: str
    prefix: dict[str, str]
    aliases: tuple[re.Pattern[str], ...]


@cache
def organ_names() -> tuple[OrganNames, ...]:
    return tuple(
        OrganNames(
            entry["tg263"], entry["role"], _patterns(entry["aliases"]), frozenset(entry["segmentations"])
        )
        for entry in _document()["organs"]
    )


@cache
def target_names() -> tuple[TargetNames, ...]:
    return tuple(
        TargetNames(entry["role"], dict(entry["prefix"]), _patterns(entry["aliases"]))
        for entry in _document()["targets"]
    )


def folded(name: str) -> str:
    """A name in lower case, without accents, with one underscore for every run of separators.

    CTVFossa and CTV_fossa fold alike: a change from small to capital letters counts as a separator.
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.replace("ß", "ss"))
    plain = "".join(c for c in unicodedata.normalize("NFKD", parted) if not unicodedata.combining(c))
    return re.sub(r"[\s_.,:;/\\()\-+]+", "_", plain).strip("_").lower()


def _patterns(expressions: list[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(expression, re.ASCII) for expression in expressions)


@cache
def _document() -> dict[str, list[dict]]:
    return json.loads(files("PSMAPlanningLib.data").joinpath("structure_names.json").read_text("utf-8"))
