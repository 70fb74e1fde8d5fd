"""Which sections of the panel are open, remembered from one session to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer


def remember_open_sections(**sections: Any) -> None:
    """Open and close the sections as they were left; their names are the keys in Slicer's settings."""
    for name, section in sections.items():
        key = f"PSMAPlanning/SectionCollapsed/{name}"
        section.collapsed = slicer.util.settingsValue(key, section.collapsed, slicer.util.toBool)
        section.connect("contentsCollapsed(bool)", _settings_writer(key))


def _settings_writer(key: str) -> Callable[[bool], None]:
    def write(value: bool) -> None:
        qt.QSettings().setValue(key, value)

    return write
