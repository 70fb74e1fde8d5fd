"""Overlapping structures in one file, as 3D Slicer reads them: .seg.nrrd with as many layers as it takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import OutputError
from .grid import VoxelGrid
from .image_file import sitk_image

_COLOURS = ((255, 0, 0), (0, 160, 0), (0, 90, 255), (255, 170, 0), (170, 0, 255), (0, 190, 190))


@dataclass(frozen=True, eq=False)
class Segment:
    """array: (K, J, I) bool; colour: red, green, blue 0 to 255, None for the next of a list."""

    name: str
    array: np.ndarray
    colour: tuple[int, int, int] | None = None


def write_segmentation(segments: Sequence[Segment], grid: VoxelGrid, path: Path) -> None:
    """Writes the segments on one grid. Raises OutputError when the place cannot be written to."""
    layers, places = _layers(segments, grid)
    if len(layers) == 1:
        image = sitk_image(layers[0], grid)
    else:
        image = sitk.Compose([sitk_image(layer, grid) for layer in layers])
    for number, (segment, (layer, value)) in enumerate(zip(segments, places, strict=True)):
        colour = segment.colour or _COLOURS[number % len(_COLOURS)]
        entries = {
            "ID": f"Segment_{number + 1}",
            "Name": segment.name,
            "Color": " ".join(f"{part / 255:.6g}" for part in colour),
            "LabelValue": str(value),
            "Layer": str(layer),
            "Extent": _extent(segment.array),
        }
        for key, text in entries.items():
            image.SetMetaData(f"Segment{number}_{key}", text)
    image.SetMetaData("Segmentation_MasterRepresentation", "Binary labelmap")
    image.SetMetaData("Segmentation_ContainedRepresentationNames", "Binary labelmap|")
    image.SetMetaData("Segmentation_ReferenceImageExtentOffset", "0 0 0")
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
        if len(layers) > 1:
            _call_layers_a_list(path)
    except (RuntimeError, OSError):
        raise OutputError(
            f"{path} cannot be written; check that its folder exists and is writable."
        ) from None


def _layers(segments: Sequence[Segment], grid: VoxelGrid) -> tuple[list[np.ndarray], list[tuple[int, int]]]:
    """Label layers, each segment in the first one it overlaps nothing of; layer and value of each."""
    layers: list[np.ndarray] = []
    places = []
    for value, segment in enumerate(segments, start=1):
        number = next((n for n, layer in enumerate(layers) if not layer[segment.array].any()), len(layers))
        if number == len(layers):
            layers.append(np.zeros(grid.shape_kji, dtype=np.uint8 if len(segments) < 256 else np.uint16))
        layers[number][segment.array] = value
        places.append((number, value))
    return layers, places


def _extent(array: np.ndarray) -> str:
    k, j, i = array.shape
    return f"0 {i - 1} 0 {j - 1} 0 {k - 1}"


def _call_layers_a_list(path: Path) -> None:
    """Slicer knows the axis of layers by the kind `list`; ITK writes `vector`."""
    data = path.read_bytes()
    head, blank, body = data.partition(b"\n\n")
    path.write_bytes(re.sub(rb"(?m)^kinds: vector ", b"kinds: list ", head) + blank + body)
