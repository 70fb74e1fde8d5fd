"""Scenes and segmentations to files and back."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..errors import OutputError, SceneError
from .batch import batch
from .desktop_views import slice_views_for_saving
from .owned_nodes import CONTOURS, OwnedNodes
from .shared_layers import shared_layers


def save_scene(scene: Any, path: Path) -> None:
    """Write everything as one .mrb file, which desktop Slicer opens by drag and drop.

    Raises OutputError when it cannot be written; then no part of it is left behind.
    """
    if path.suffix != ".mrb":
        raise OutputError(f"A scene is saved as .mrb; {path.name!r} ends otherwise.")
    _add_storage_nodes(scene)
    former = (scene.GetURL(), scene.GetRootDirectory())
    # WriteToMRB leaves a file of its own making behind when it fails; only a finished one is moved.
    with tempfile.TemporaryDirectory(prefix="psma-planning-") as folder:
        partial = Path(folder) / path.name
        try:
            with ExitStack() as prepared:
                prepared.enter_context(slice_views_for_saving(scene))
                # Views would follow each of the changes that packing makes (20 s for 10 lesions).
                prepared.enter_context(batch(scene))
                for node in _segmentations(scene):
                    prepared.enter_context(shared_layers(node))
                contours = OwnedNodes(scene).get(CONTOURS)
                if contours is not None:
                    prepared.enter_context(_surfaces_left_out(contours))
                written = scene.WriteToMRB(str(partial))
        finally:
            scene.SetURL(former[0])
            scene.SetRootDirectory(former[1])
        if not written or not partial.is_file():
            raise OutputError(f"Slicer could not write the scene {path}.")
        _move(partial, path)


def load_scene(scene: Any, path: Path) -> None:
    """Replace the contents of `scene` by those of an .mrb file."""
    if not path.is_file():
        raise SceneError(f"There is no scene file {path}.")
    here = Path.cwd()
    try:
        read = scene.ReadFromMRB(str(path.resolve()), True)
    finally:
        # After a file that is no archive, Slicer stays in a temporary folder that it then removes.
        os.chdir(here)
    if not read:
        raise SceneError(f"Slicer could not read the scene {path}.")


def save_segmentation(node: Any, path: Path) -> None:
    """Write one segmentation, with names, colors and tags, as .seg.nrrd, apart from any scene."""
    if not path.name.endswith(".seg.nrrd"):
        raise OutputError(f"A segmentation is saved as .seg.nrrd; {path.name!r} ends otherwise.")
    from slicer import vtkMRMLSegmentationStorageNode

    storage = vtkMRMLSegmentationStorageNode()
    storage.SetCropToMinimumExtent(True)
    with tempfile.TemporaryDirectory(prefix="psma-planning-") as folder:
        partial = Path(folder) / path.name
        storage.SetFileName(str(partial))
        with shared_layers(node):
            written = storage.WriteData(node)
        if not written or not partial.is_file():
            raise OutputError(f"Slicer could not write the segmentation {path}.")
        _move(partial, path)


def load_segmentation(scene: Any, path: Path) -> Any:
    """Read a .seg.nrrd into a new segmentation node of `scene`."""
    from slicer import vtkMRMLSegmentationStorageNode

    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", path.name.removesuffix(".seg.nrrd"))
    storage = vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    if not storage.ReadData(node):
        scene.RemoveNode(node)
        raise SceneError(f"Slicer could not read the segmentation {path}.")
    node.CreateDefaultDisplayNodes()
    return node


def _add_storage_nodes(scene: Any) -> None:
    """Nodes without a storage node are left out of a bundle without a word."""
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLStorableNode")):
        node = scene.GetNthNodeByClass(n, "vtkMRMLStorableNode")
        if not node.GetSaveWithScene():
            continue
        node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        # Without this a segmentation is saved as large as the whole PET at the lesions' fine spacing.
        if storage is not None and storage.IsA("vtkMRMLSegmentationStorageNode"):
            storage.SetCropToMinimumExtent(True)


@contextmanager
def _surfaces_left_out(node: Any) -> Iterator[None]:
    """While open, a segmentation has no surfaces; afterwards each segment has its own again.

    Slicer makes those a saved segmentation had anew when it loads it (0.7 s for 50 candidate contours), and
    the case makes better ones.
    """
    from slicer import vtkSegmentationConverter

    name = vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    segmentation = node.GetSegmentation()
    segments = [segmentation.GetSegment(segment_id) for segment_id in segmentation.GetSegmentIDs()]
    surfaces = [segment.GetRepresentation(name) for segment in segments]
    for segment in segments:
        segment.RemoveRepresentation(name)
    try:
        yield
    finally:
        for segment, surface in zip(segments, surfaces, strict=True):
            if surface is not None:
                segment.AddRepresentation(name, surface)


def _segmentations(scene: Any) -> list[Any]:
    kind = "vtkMRMLSegmentationNode"
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]


def _move(partial: Path, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(partial, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}).") from error
