"""Slicer's TotalSegmentator extension, run when it is installed."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _


def is_installed() -> bool:
    """Whether this Slicer has the extension."""
    return hasattr(slicer.modules, "totalsegmentator")


def run(ct_node: Any) -> Any | None:
    """The segmentation that the extension makes of a CT; None when it failed, which Slicer then shows.

    The extension runs in a process of its own and keeps Slicer's windows alive meanwhile.
    """
    logic = slicer.util.getModuleLogic("TotalSegmentator")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "TotalSegmentator")
    done = False
    try:
        with slicer.util.tryWithErrorDisplay(_("TotalSegmentator failed."), waitCursor=True):
            logic.setupPythonRequirements()
            logic.process(ct_node, node, fast=False, task="total")
            done = True
    finally:
        if not done:
            slicer.mrmlScene.RemoveNode(node)
    return node
