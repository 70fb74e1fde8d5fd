"""Slicer's translation of visible text, each text looked up once.

Slicer's own `tr` finds out at each call which file asks: 0.1 ms, and a change of the case asks for some 400
texts. Another language comes with Slicer's next start.
"""

from __future__ import annotations

import sys
from string import Formatter

from slicer.i18n import getContext, translate

_known: dict[tuple[str, str], str] = {}


def tr(text: str) -> str:
    """The text in the user's language, by the context of the file that asks; imported as `_`."""
    key = (sys._getframe(1).f_code.co_filename, text)
    if key not in _known:
        _known[key] = _translated(*key)
    return _known[key]


def _translated(file: str, text: str) -> str:
    translated = translate(getContext(file), text)
    # As Slicer does: a translation that lost a placeholder would raise where it is filled in.
    return translated if _placeholders(translated) == _placeholders(text) else text


def _placeholders(text: str) -> set[str | None]:
    try:
        return {name for _before, name, _spec, _conversion in Formatter().parse(text)} - {None}
    except ValueError:
        return {None}
