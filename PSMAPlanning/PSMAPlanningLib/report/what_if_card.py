"""The what-if table: the same lesions against every guideline, its extensions and the trials' decisions.

Description, never advice. Columns whose volumes rest on numbers that nobody read in their source are hatched,
and say so in words too, because printers leave backgrounds out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .markup import table

_DECISIONS = {
    "bed_only": "bed only",
    "bed_and_pelvis": "bed + pelvis",
    "nodes_only": "nodes only",
    "metastasis_directed": "case's volumes, distant lesions targets too",
}
_SWITCHES = {"top_at_L4_L5": "top at L4/5", "para_aortic": "para-aortic"}
_CLASSES = {"covered": "inside", "partial": "partial", "inside_setup_margin_only": "setup-margin"}
_OWN_VOLUME = "own volume"
_NOT_VERIFIED = "NOT VERIFIED"
_IMPACTS = {
    "no_lesion": "no lesion",
    "covered": "covered",
    "pelvic_outside": "pelvic, outside",
    "extrapelvic": "extrapelvic",
    None: "not known",
}


def what_if_card(document: Mapping[str, Any]) -> str:
    """The section of a case document; a sentence where nobody asked."""
    columns = document.get("what_if")
    if not columns:
        return "<p>Not asked for (--what-if).</p>"
    told = [column for column in columns if column["failed"] is None]
    failed = [column for column in columns if column["failed"] is not None]
    parts = []
    if told and told[0]["lesions"]:
        parts += [
            '<p class="quiet">What the volumes would hold of these lesions: description, never advice. A '
            "preset for nodes stands beside the case's bed volume, one for the bed beside its nodal one, if "
            "there is one.</p>",
            _table(told, region_words(document)),
        ]
    else:
        parts.append("<p>There is no lesion, or no volume could be made.</p>")
    parts += _unverified(told)
    if failed:
        rows = "".join(f"<li>{escape(what_if_name(c))}: {escape(c['failed'])}</li>" for c in failed)
        parts.append(f"<p>Not answered:</p><ul>{rows}</ul>")
    return "\n".join(parts)


def what_if_name(column: Mapping[str, Any]) -> str:
    """A column's heading: "RTOG 2009 nodes + mesorectum", "bed only"."""
    if column["preset"] is None:
        return _DECISIONS.get(column["name"], column["name"].replace("_", " "))
    known = re.fullmatch(r"([a-z]+)(\d{4})_([a-z]+)", column["preset"])
    words = f"{known[1].upper()} {known[2]} {known[3]}" if known else column["preset"].replace("_", " ")
    on = [_SWITCHES.get(name, name.replace("_", " ")) for name, value in column["switches"].items() if value]
    return " + ".join((words, *on))


def region_words(document: Mapping[str, Any]) -> dict[str, str]:
    """Where every counted lesion lies, in words, by id."""
    return {each["id"]: each["region"]["words"] for each in document["patient"]["by_lesion"]}


def what_if_text(columns: Sequence[Mapping[str, Any]], regions: Mapping[str, str]) -> str:
    """The table for a terminal: what each column misses; * marks those on numbers nobody verified."""
    lines = ["What if (description, never advice; * rests on numbers that were not read in their source)"]
    for column in columns:
        name = what_if_name(column) + (" *" if column["hatched"] else "")
        if column["failed"] is not None:
            lines.append(f"  {name:<38} not answered: {column['failed']}")
            continue
        missed = "; ".join(_missed_words(id_, column["lesions"][id_], regions) for id_ in column["missed"])
        count = f"misses {len(column['missed'])} of {len(column['lesions'])}"
        lines.append(f"  {name:<38} {count}" + (f": {missed}" if missed else ""))
    return "\n".join(lines)


def _missed_words(id_: str, lesion: Mapping[str, Any], regions: Mapping[str, str]) -> str:
    return f"{id_} {regions.get(id_, '')}, {cell_words(lesion)}"


def cell_words(lesion: Mapping[str, Any]) -> str:
    """How one lesion stands in one column, with what is missing of a volume that does not hold it."""
    standing, margin = lesion["standing"], lesion["missing_margin_mm"]
    if standing == "covered":
        return "own target" if lesion["by"] == _OWN_VOLUME else "covered"
    words = {
        "partial": "" if lesion["fraction"] is None else f"{lesion['fraction']:.0%} inside",
        "inside_setup_margin_only": "setup margin only",
        "not_compared": "not compared",
    }.get(standing, "outside")
    if margin:
        words += f", {margin:.0f} mm {lesion['direction'] or ''}".rstrip()
    return words


def _table(columns: Sequence[Mapping[str, Any]], regions: Mapping[str, str]) -> str:
    head = ["Lesion", "Region"]
    head += [what_if_name(c) + (f" ({_NOT_VERIFIED})" if c["hatched"] else "") for c in columns]
    rows = []
    for id_ in columns[0]["lesions"]:
        cells = [(escape(cell_words(c["lesions"][id_])), _class(c, id_)) for c in columns]
        rows.append([escape(id_), escape(regions.get(id_, "")), *cells])
    rows.append(
        ["", "Not covered", *((f"{len(c['missed'])} of {len(c['lesions'])}", _hatch(c)) for c in columns)]
    )
    rows.append(["", "Impact after Calais", *((_IMPACTS[c["impact"]], _hatch(c)) for c in columns)])
    return f'<div class="what-if">{table(head, rows)}</div>'


def _class(column: Mapping[str, Any], id_: str) -> str:
    return f"{_CLASSES.get(column['lesions'][id_]['standing'], 'outside')} {_hatch(column)}".strip()


def _hatch(column: Mapping[str, Any]) -> str:
    return "hatched" if column["hatched"] else ""


def _unverified(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    hatched = [column for column in columns if column["hatched"]]
    if not hatched:
        return []
    told = [f"{what_if_name(c)}: {', '.join(c['unverified']).replace('_', ' ')}" for c in hatched]
    rows = "".join(f"<li>{escape(each)}</li>" for each in told)
    return [f"<p>Hatched: rests on numbers that were not read in their source.</p><ul>{rows}</ul>"]
