"""Keys of the Lesions section, while the module is open and not a moment longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
import slicer

# Slicer's main window has Ctrl+Z, Ctrl+Y, Ctrl+Left and Ctrl+Right, its Markups tool bar Ctrl+Shift+A and T,
# the effects of the segment editor plain letters and digits; two owners of a key and neither gets it.
NEXT, PREVIOUS = "Ctrl+Shift+Down", "Ctrl+Shift+Up"
ACCEPT, REJECT = "Ctrl+Shift+Return", "Ctrl+Shift+Backspace"
UNDO, REDO = "Ctrl+Shift+Z", "Ctrl+Shift+Y"


class LesionKeys:
    """Calls a function for each key from `begin` to `end`, whatever of Slicer's window has the focus."""

    def __init__(self, actions: Mapping[str, Callable[[], Any]]) -> None:
        self._actions = actions
        self._shortcuts: list[Any] = []

    def begin(self) -> None:
        window = slicer.util.mainWindow()
        if self._shortcuts or window is None:
            return
        for key, action in self._actions.items():
            shortcut = qt.QShortcut(qt.QKeySequence(key), window)
            shortcut.connect("activated()", action)
            self._shortcuts.append(shortcut)

    def end(self) -> None:
        for shortcut in self._shortcuts:
            # At once: while it lives it acts, or makes the key ambiguous.
            shortcut.setParent(None)
            shortcut.delete()
        self._shortcuts = []
