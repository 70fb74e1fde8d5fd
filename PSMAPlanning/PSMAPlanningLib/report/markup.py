"""Tables and cards of the HTML report, from cells that are already escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

Cell = str | tuple[str, str]
"""HTML, or HTML and its class."""


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Rows of cells under headings."""
    lines = ['<div class="scroll"><table><tr>' + "".join(f"<th>{escape(h)}</th>" for h in head) + "</tr>"]
    lines += [f"<tr>{_cells(row)}</tr>" for row in rows]
    return "\n".join([*lines, "</table></div>"])


def card(rows: Sequence[tuple[str, str] | tuple[str, str, str]], notes: Sequence[str] = ()) -> str:
    """A card of labelled values: label, value and, where it is told, where the value comes from.

    notes: sentences below the values, as warnings. All are plain text and escaped here.
    """
    with_source = any(len(row) == 3 for row in rows)
    lines = ['<div class="card"><table>']
    for row in rows:
        label, value, source = (*row, "")[:3]
        last = f'<td class="quiet">{escape(source)}</td>' if with_source else ""
        missing = ' class="missing"' if value in (NOT_STATED, NOT_KNOWN) else ""
        lines.append(f'<tr><th scope="row">{escape(label)}</th><td{missing}>{escape(value)}</td>{last}</tr>')
    lines.append("</table>")
    lines += [f'<p class="note">{escape(note)}</p>' for note in notes]
    return "\n".join([*lines, "</div>"])


NOT_STATED = "not stated, which is not zero"
NOT_KNOWN = "not known"


def plain(value: Any) -> str:
    """A value as text; what does not exist is said to be not known."""
    if value is None:
        return NOT_KNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value)) if value else "none"
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def _cells(row: Sequence[Cell]) -> str:
    pairs = (cell if isinstance(cell, tuple) else (cell, "") for cell in row)
    return "".join(f'<td class="{kind}">{text}</td>' for text, kind in pairs)
