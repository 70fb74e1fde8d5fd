"""Many changes to the scene that views, tables and lists look at once, when all are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def one_change(node: Any) -> Iterator[None]:
    """While open, a node's changes are only noted; afterwards its followers hear of them once.

    Each change of a segment's display has every view draw: 50 of them took 12 s on a busy machine.
    """
    modifying = node.StartModify()
    try:
        yield
    finally:
        node.EndModify(modifying)


@contextmanager
def batch(scene: Any) -> Iterator[None]:
    """While open, Slicer's views and lists do not follow; afterwards they look at everything again."""
    scene.StartState(scene.BatchProcessState)
    try:
        yield
    finally:
        scene.EndState(scene.BatchProcessState)
        # The end of a batch alone draws nothing; the next event of any segmentation does.
        node = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
        if node is not None:
            node.Modified()
