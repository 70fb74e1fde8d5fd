"""A test double of the Qt half of 3D Slicer, on PySide6, over the real MRML scene of slicer-core.

It lets a test open the panel from its .ui file, press its buttons, read its tables and take its picture
where no desktop Slicer is. It supplies `qt`, `ctk`, `slicer.app`, `slicer.modules`, `slicer.i18n`,
`slicer.ScriptedLoadableModule`, `slicer.parameterNodeWrapper` and the qMRML widgets the panel uses;
`slicer.util` is the genuine one. Where it and Slicer differ, Slicer is right and this is mended.

What it cannot show: that a worker thread gets to run while Slicer's event loop idles (PythonQt keeps the GIL
there, PySide6 gives it away), the segment editor's effects and its undo, and what slice and 3D views draw.
"""

from __future__ import annotations

from .problem import standin_problem

__all__ = ["desktop_standin", "standin_problem"]


def desktop_standin(headless, folder):
    """A context manager; inside, the process looks like desktop Slicer with `headless`'s scene.

    folder: for settings and temporary files. Ask `standin_problem()` first whether it can work.
    """
    # Imported late: importing PySide6 without its system libraries raises.
    from .session import Session

    return Session.opened(headless, folder)
