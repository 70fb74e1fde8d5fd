"""Enhanced multi-frame PET and CT: one header per frame, as if each were the file of a slice.

Functional groups say once for all frames, or per frame, what classic files say per slice (PS3.3
C.7.6.16, C.8.22). They are put back under the classic tags, so that one code reads both.
"""

from __future__ import annotations

import math
import re
from typing import Any

from pydicom.dataset import Dataset

from ..errors import DicomError
from .dicom_values import UNREADABLE, plain_text

ENHANCED_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.130",
    "1.2.840.10008.5.1.4.1.1.128.1",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
)
"""Enhanced PET, legacy converted enhanced PET, enhanced CT, legacy converted enhanced CT."""
_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_NOT_OF_A_FRAME = (_SHARED, _PER_FRAME, 0x00280008, 0x00209222, 0x00209221)
_GROUPS = (0x00289110, 0x00209113, 0x00209116)
"""Pixel measures, plane position, plane orientation: their elements have the classic tags already."""
_UNASSIGNED = (0x00209170, 0x00209171)
_FRAME_CONTENT, _REAL_WORLD, _RESCALE = 0x00209111, 0x00409096, 0x00289145
_STACK_ID, _TEMPORAL_POSITION = 0x00209056, 0x00209128
_CORRECTED = {
    0x00189758: "DECY",
    0x00189759: "ATTN",
    0x00189760: "SCAT",
    0x00189761: "DTIM",
    0x00189762: "MOTN",
    0x00189763: "PMOT",
    0x00189764: "CLN",
    0x00189765: "RAN",
    0x00189766: "RADL",
    0x00189767: "DCAL",
    0x00189768: "NORM",
}
_UNITS = {
    "suvbw": ("GML", "BW"),
    "bq/ml": ("BQML", None),
    "suvlbm(janma)": ("GML", "LBMJANMA"),
    "suvlbm(james128)": ("GML", "LBMJAMES128"),
    "suvlbm": ("GML", "LBM"),
    "suvibw": ("GML", "IBW"),
    "suvbsa": ("CM2ML", "BSA"),
    "{counts}": ("CNTS", None),
    "{propcounts}": ("PROPCNTS", None),
    "{propcounts}/s": ("PROPCPS", None),
}
"""UCUM code, of which the SUV's annotation is enough, to classic Units and SUV type; best to use first.

An SUV by body weight needs nothing else from the header, hence it comes before Bq/ml."""


def is_enhanced(dataset: Dataset) -> bool:
    """Whether a header is that of an enhanced PET or CT."""
    return plain_text(dataset, 0x00080016) in ENHANCED_CLASSES


def frame_datasets(dataset: Dataset, name: str) -> tuple[Dataset, ...]:
    """One header per frame, in the order of the frames, with the values under their classic tags.

    Raises DicomError, naming the file, for frames that are several time points or stacks, and for
    functional groups that are missing or damaged.
    """
    try:
        frames = _items(dataset, _PER_FRAME)
        shared = _first(dataset, _SHARED) or Dataset()
        count = int(plain_text(dataset, 0x00280008) or 0)
        if count < 1 or len(frames) != count:
            raise DicomError(
                f"{name} says it holds {count} frames (0028,0008) and describes {len(frames)} (5200,9230); "
                "export it again from the scanner."
            )
        _require_one_stack(frames, name)
        common = _common(dataset, shared)
        modality = plain_text(dataset, 0x00080060)
        return tuple(_frame(common, shared, frame, modality, name) for frame in frames)
    except (*UNREADABLE, AttributeError, KeyError):
        raise DicomError(
            f"The functional groups (5200,9230) of {name} are damaged; copy it again from the archive."
        ) from None


def _require_one_stack(frames: list[Dataset], name: str) -> None:
    contents = [_first(frame, _FRAME_CONTENT) or Dataset() for frame in frames]
    for tag, what in ((_STACK_ID, "stacks of slices"), (_TEMPORAL_POSITION, "time points")):
        values = {plain_text(content, tag) for content in contents} - {None}
        if len(values) > 1:
            raise DicomError(
                f"{name} holds {len(values)} {what} ({tag >> 16:04x},{tag & 0xFFFF:04x}) and not one volume; "
                "export one static series."
            )


def _common(dataset: Dataset, shared: Dataset) -> Dataset:
    common = Dataset()
    for tag in tuple(dataset.keys()):
        if tag not in _NOT_OF_A_FRAME:
            common[tag] = dataset.get_item(tag)
    for item in _items(shared, _UNASSIGNED[0]):
        _take_all(item, common)
    if plain_text(dataset, 0x00080060) == "PT":
        _set_corrections(common)
    if hasattr(dataset, "file_meta"):
        common.file_meta = dataset.file_meta
    return common


def _frame(common: Dataset, shared: Dataset, frame: Dataset, modality: str | None, name: str) -> Dataset:
    result = Dataset()
    result.update(common)
    result.file_meta = common.file_meta
    for item in _items(frame, _UNASSIGNED[1]):
        _take_all(item, result)
        if "DecayCorrection" in item:
            _forget_enhanced(result)
    for group in _GROUPS:
        item = _first(frame, group) or _first(shared, group)
        if item is not None:
            _take_all(item, result)
    transformation = _first(frame, _RESCALE) or _first(shared, _RESCALE)
    if transformation is not None:
        _take_all(transformation, result)
    if modality == "PT":
        _set_values(result, _items(frame, _REAL_WORLD) or _items(shared, _REAL_WORLD), name)
        _set_times(result, _first(frame, _FRAME_CONTENT))
    return result


def _set_values(result: Dataset, mappings: list[Dataset], name: str) -> None:
    """Units, slope and intercept from the best real world value mapping, else from the rescale type."""
    found = []
    for mapping in mappings:
        code = plain_text(_first(mapping, 0x004008EA) or Dataset(), 0x00080100) or ""
        annotation = re.search(r"\{(suv[^}]*)\}", code.lower())
        known = annotation[1] if annotation else code.lower()
        rank = list(_UNITS).index(known) if known in _UNITS else len(_UNITS)
        found.append((rank, _UNITS.get(known, (code.upper() or None, None)), mapping))
    if found:
        _, (units, suv_type), mapping = min(found, key=lambda each: each[0])
        slope, intercept = _number(mapping, 0x00409225), _number(mapping, 0x00409224)
        if slope is None or intercept is None:
            raise DicomError(
                f"{name} gives its values by a table (0040,9096) instead of a slope (0040,9225) and "
                "intercept (0040,9224), which cannot be read; export the series as one file per slice."
            )
        _set(result, "RescaleSlope", repr(slope))
        _set(result, "RescaleIntercept", repr(intercept))
        _set(result, "Units", units)
        _set(result, "SUVType", suv_type)
        return
    rescale_type = (plain_text(result, 0x00281054) or "").upper()
    if "Units" not in result and rescale_type in {units for units, _ in _UNITS.values()}:
        _set(result, "Units", rescale_type)


def _set_times(result: Dataset, content: Dataset | None) -> None:
    if content is None:
        return
    moment = plain_text(content, 0x00189074)
    if moment is not None:
        for keyword in ("AcquisitionDate", "AcquisitionTime"):
            if keyword in result:
                delattr(result, keyword)
        _set(result, "AcquisitionDateTime", moment)
    duration_ms = _number(content, 0x00189220)
    if duration_ms is not None:
        _set(result, "ActualFrameDuration", repr(duration_ms), "DS")


def _set_corrections(result: Dataset) -> None:
    """Corrected Image and Decay Correction of classic files, from the flags of enhanced ones."""
    if "DecayCorrection" in result:
        _forget_enhanced(result)
        return
    states = {tag: (plain_text(result, tag) or "").upper() for tag in _CORRECTED}
    if "CorrectedImage" not in result and any(states.values()):
        words = [word for tag, word in _CORRECTED.items() if states[tag] == "YES"]
        result.CorrectedImage = words or None
    decayed = states[0x00189758]
    if decayed not in ("YES", "NO"):
        return
    reference = plain_text(result, 0x00189701)
    injection = plain_text(_first(result, 0x00540016) or Dataset(), 0x00181078)
    if decayed == "NO":
        correction = "NONE"
    else:
        # Decayed to the injection itself there is nothing to compute, however long ago that was.
        correction = "ADMIN" if reference is not None and reference == injection else "START"
    _set(result, "DecayCorrection", correction)


def _forget_enhanced(result: Dataset) -> None:
    """A converted classic file keeps classic rules: its flag must not make it pass for an enhanced one."""
    if 0x00189758 in result:
        del result[0x00189758]


def _set(result: Dataset, keyword: str, value: Any, representation: str | None = None) -> None:
    if value is None:
        if keyword in result:
            delattr(result, keyword)
    elif representation is None:
        setattr(result, keyword, value)
    else:
        result.add_new(keyword, representation, value)


def _take_all(item: Dataset, result: Dataset) -> None:
    for tag in tuple(item.keys()):
        result[tag] = item.get_item(tag)


def _items(dataset: Dataset, tag: int) -> list[Dataset]:
    element = dataset.get(tag)
    return [] if element is None or element.value is None else list(element.value)


def _first(dataset: Dataset, tag: int) -> Dataset | None:
    return next(iter(_items(dataset, tag)), None)


def _number(dataset: Dataset, tag: int) -> float | None:
    text = plain_text(dataset, tag)
    number = None if text is None else float(text)
    return number if number is not None and math.isfinite(number) else None
