"""Pixels of one DICOM slice as the numbers they stand for."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder, pixel_array

from ..errors import DicomError
from .dicom_values import UNREADABLE, plain_numbers, plain_text, raw_value

_NATIVE_LITTLE_ENDIAN = {"1.2.840.10008.1.2": 8, "1.2.840.10008.1.2.1": 12}
"""Uncompressed transfer syntaxes and the size of the header of their pixel element."""
_PIXEL_TAG = b"\xe0\x7f\x10\x00"
_LAYOUT_TAGS = (0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280103)
_UNDECODABLE = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    struct.error,
    OSError,
)
"""What pydicom and its codecs raise for pixels they cannot decode."""


def rescaled_slice(
    path: Path,
    dataset: Dataset,
    pixel_offset: int,
    factor: float,
    out: np.ndarray,
    frame: int | None = None,
) -> None:
    """Writes (stored * slope + intercept) * factor to `out`, (rows, columns) float32.

    pixel_offset: byte at which the pixel element starts, as found when the header was read.
    frame: index of the frame in a file of several, whose header of one frame `dataset` is.
    MONOCHROME1 needs nothing: it says how to display, not what the numbers are.
    Raises DicomError, naming the file, for pixels or a rescale that are missing or unusable.
    """
    slope, intercept = _rescale(path, dataset)
    stored = _stored(path, dataset, pixel_offset, frame)
    if intercept == 0.0:
        np.multiply(stored, slope * factor, out=out, casting="unsafe", dtype=np.float64)
        return
    out[...] = (stored * slope + intercept) * factor


def _rescale(path: Path, dataset: Dataset) -> tuple[float, float]:
    values = []
    for tag, name in ((0x00281053, "RescaleSlope (0028,1053)"), (0x00281052, "RescaleIntercept (0028,1052)")):
        try:
            numbers = plain_numbers(dataset, tag)
        except UNREADABLE:
            numbers = []
        if len(numbers) != 1 or not math.isfinite(numbers[0]):
            raise DicomError(f"{path.name} has no usable {name}; export the series again.")
        values.append(numbers[0])
    if values[0] == 0.0:
        raise DicomError(f"{path.name} has a RescaleSlope (0028,1053) of zero; export the series again.")
    return values[0], values[1]


@dataclass(frozen=True)
class _Layout:
    """How the pixels of a file lie; header_size is None when pydicom must decode them."""

    shape: tuple[int, int]
    kind: np.dtype
    unused_bits: int
    header_size: int | None


def _layout(dataset: Dataset) -> _Layout:
    raw = tuple(raw_value(dataset, tag) for tag in _LAYOUT_TAGS)
    syntax = (plain_text(dataset.file_meta, 0x00020010) or "") if hasattr(dataset, "file_meta") else ""
    return _parsed_layout(raw, syntax)


@lru_cache(maxsize=64)
def _parsed_layout(raw: tuple[bytes | int | None, ...], syntax: str) -> _Layout:
    rows, columns, allocated, stored, signed = (
        int.from_bytes(value, "little") if isinstance(value, bytes) else int(value or 0) for value in raw
    )
    native = syntax in _NATIVE_LITTLE_ENDIAN and allocated in (8, 16, 32)
    kind = np.dtype(f"<{'i' if signed else 'u'}{allocated // 8}") if native else np.dtype(float)
    return _Layout(
        (rows, columns),
        kind,
        allocated - (stored or allocated),
        _NATIVE_LITTLE_ENDIAN[syntax] if native else None,
    )


def _stored(path: Path, dataset: Dataset, pixel_offset: int, frame: int | None) -> np.ndarray:
    layout = _layout(dataset)
    if layout.header_size is None:
        pixels = _decoded(path, frame)
        if pixels.shape != (dataset.Rows, dataset.Columns):
            raise DicomError(
                f"{path.name} holds pixels of another size than its header says; export it again."
            )
        return pixels
    size = math.prod(layout.shape) * layout.kind.itemsize
    data = _native_bytes(path, pixel_offset, layout.header_size, size, frame or 0)
    pixels = np.frombuffer(data, dtype=layout.kind, offset=len(data) - size).reshape(layout.shape)
    if layout.unused_bits <= 0:
        return pixels
    # Bits above those stored may hold an overlay or lack the sign; shifting out and back mends both.
    return np.right_shift(np.left_shift(pixels, layout.unused_bits), layout.unused_bits)


def _native_bytes(path: Path, pixel_offset: int, header_size: int, size: int, frame: int) -> bytes:
    """The bytes of a frame, behind those of the element's header where the frame is the first."""
    with path.open("rb", buffering=0) as stream:
        stream.seek(pixel_offset)
        data = stream.read(header_size + (0 if frame else size))
        if data[:4] != _PIXEL_TAG:
            raise DicomError(f"{path.name} has no pixels (7fe0,0010); copy it again from the archive.")
        if frame:
            stream.seek(pixel_offset + header_size + frame * size)
            data = stream.read(size)
    if len(data) < size + (0 if frame else header_size):
        raise DicomError(f"{path.name} is cut short, pixels are missing; copy it again from the archive.")
    return data


def _decoded(path: Path, frame: int | None) -> np.ndarray:
    try:
        if frame is not None:
            return pixel_array(path, index=frame)
        return pydicom.dcmread(path, force=True).pixel_array
    except _UNDECODABLE as error:
        raise DicomError(_why_undecodable(path, error)) from None


def _why_undecodable(path: Path, error: Exception) -> str:
    """One sentence: the syntax and the packages that would read it, or that the pixels are damaged."""
    try:
        with pydicom.config.disable_value_validation():
            syntax = pydicom.dcmread(path, force=True, stop_before_pixels=True).file_meta.TransferSyntaxUID
        decoder = get_decoder(syntax)
    except _UNDECODABLE:
        decoder = None
    if decoder is None:
        return (
            f"The pixels of {path.name} are stored in a way (0002,0010) that cannot be read "
            f"({type(error).__name__}); export the series without compression."
        )
    if decoder.is_available:
        return (
            f"The pixels of {path.name}, compressed with {syntax.name} ({syntax}), cannot be decoded "
            f"({type(error).__name__}); copy it again from the archive, or export it without compression."
        )
    needed = " or ".join(each.split(" - ")[0] for each in decoder.missing_dependencies)
    return (
        f"{path.name} is compressed with {syntax.name} ({syntax}), for which this Python has no decoder; "
        f"export the series without compression, or install {needed} for pydicom."
    )
