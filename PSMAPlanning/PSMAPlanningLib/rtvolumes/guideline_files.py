"""Guidelines read from the package's data or from a user's own file."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from ..errors import GuidelineError, InputError
from .guideline import Guideline, GuidelineLevel, GuidelineNumber, PublishedVolume
from .guideline_schema import NUMBERS, SWITCHES, check_document

GUIDELINES = (
    "rtog2009_nodes", "nrg2021_nodes", "pivotal2015_nodes",
    "rtog2010_bed", "eortc2007_bed", "frogg2008_bed", "pmh2007_bed",
)  # fmt: skip
_FOLDER = "PSMAPlanningLib.data.guidelines"


def load_guideline(name_or_path: str | Path) -> Guideline:
    """A guideline by the name of a preset or the path of a file.

    Raises GuidelineError for an unknown name or a file that says something impossible, InputError for a
    file that cannot be read as text.
    """
    if str(name_or_path) in GUIDELINES:
        text = (resources.files(_FOLDER) / f"{name_or_path}.json").read_text(encoding="utf-8")
        return parse_guideline(text, f"Guideline {name_or_path}", "package")
    path = Path(name_or_path)
    if path.suffix.lower() != ".json":
        raise GuidelineError(
            f"There is no guideline {str(name_or_path)!r}; known: {', '.join(GUIDELINES)}, or the path of a "
            ".json file."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The guideline file {path} cannot be read as text ({error}).") from error
    return parse_guideline(text, str(path), path.name)


def parse_guideline(text: str, where: str, source: str) -> Guideline:
    """A guideline from the text of its file; raises GuidelineError, naming `where` and the key."""
    try:
        document = json.loads(text, object_pairs_hook=lambda pairs: _no_twins(pairs, where))
    except json.JSONDecodeError as error:
        raise GuidelineError(
            f"{where} is no JSON (line {error.lineno}: {error.msg}); mend it there."
        ) from None
    check_document(document, where)
    if source != "package" and document["name"] in GUIDELINES:
        raise GuidelineError(
            f"{where}: the name {document['name']!r} belongs to a preset; give the file a name of its own."
        )
    return _guideline(document, source)


def guideline_of(document: Any, where: str, source: str) -> Guideline:
    """A guideline from an already parsed document."""
    check_document(document, where)
    return _guideline(document, source)


def _guideline(document: dict[str, Any], source: str) -> Guideline:
    kind = document["kind"]
    numbers = {
        name: GuidelineNumber(
            name,
            float(entry["value"]),
            entry["unit"],
            None if entry.get("published") is None else tuple(float(x) for x in entry["published"]),
            entry["citation"],
            entry["verified"],
            entry["read_in"],
            entry.get("note", ""),
        )
        for name, entry in document["numbers"].items()
    }
    levels = {
        name: GuidelineLevel(
            name,
            entry["landmark"],
            float(entry.get("offset_mm", 0.0)),
            entry["citation"],
            entry["verified"],
            entry["read_in"],
            entry.get("note", ""),
        )
        for name, entry in document.get("levels", {}).items()
    }
    volumes = tuple(
        PublishedVolume(
            entry["what"],
            entry.get("mean_ml"),
            entry.get("low_ml"),
            entry.get("high_ml"),
            entry["citation"],
            entry["verified"],
        )
        for entry in document.get("published_volumes", [])
    )
    switches = dict.fromkeys(SWITCHES[kind], False) | dict(document.get("switches", {}))
    order = {name: n for n, name in enumerate(NUMBERS[kind])}
    return Guideline(
        name=document["name"],
        title=document["title"],
        kind=kind,
        citation=document["citation"],
        numbers=dict(sorted(numbers.items(), key=lambda item: order[item[0]])),
        levels=levels,
        switches=switches,
        published_volumes=volumes,
        not_read=document.get("not_read", ""),
        source=source,
        description=tuple(document.get("description", ())),
    )


def _no_twins(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise GuidelineError(f"{where} states {twice!r} twice; keep one.")
    return document
