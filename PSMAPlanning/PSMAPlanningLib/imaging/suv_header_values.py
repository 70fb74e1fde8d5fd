"""Header values of a PET series as numbers and words, or one sentence that names the tag."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from ..errors import SuvHeaderError
from .dicom_values import UNREADABLE
from .suv_tags import LABELS, TAGS


def corrections_of(value: Any) -> tuple[str, ...] | None:
    """The words of Corrected Image (0028,0051) in capitals; None when there are none."""
    parts = value.split("\\") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise SuvHeaderError("The list of corrections (0028,0051) is not a list of words; export it again.")
    return tuple(part.strip().upper() for part in parts if part.strip()) or None


def number_of(value: Any, name: str) -> float | None:
    """A finite number; None for empty text. Raises SuvHeaderError naming the tag of `name`."""
    if isinstance(value, str) and not value.strip():
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise SuvHeaderError(f"{label_of(name)} is not a number; export the series again.")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise SuvHeaderError(f"{label_of(name)} is not a number; export the series again.") from None
    if not math.isfinite(number):
        raise SuvHeaderError(f"{label_of(name)} is not a finite number; export the series again.")
    return number


def word_of(value: Any, name: str) -> str | None:
    """Text without padding; None for empty text. Raises SuvHeaderError naming the tag of `name`."""
    if not isinstance(value, str):
        raise SuvHeaderError(f"{label_of(name)} is not text; export the series again.")
    return value.strip(" \0") or None


def label_of(name: str) -> str:
    """How messages name a value: in words and by its tag."""
    return f"{LABELS[name]} {TAGS[name]}"


def sequence_of(dataset: Dataset, tag: int) -> Sequence[Dataset]:
    """The items of a sequence, none when it is absent; SuvHeaderError when it is no sequence."""
    try:
        element = dataset.get(tag)
    except UNREADABLE:
        element = DataElement(tag, "UN", b"")
    if element is None or element.value is None:
        return ()
    if not isinstance(element.value, pydicom.sequence.Sequence):
        raise SuvHeaderError(
            f"({tag >> 16:04x},{tag & 0xFFFF:04x}) should be a sequence and is not; export the series again."
        )
    return element.value


def first_item(dataset: Dataset, tag: int) -> Dataset | None:
    """The first item of a sequence; None when there is none."""
    sequence = sequence_of(dataset, tag)
    return sequence[0] if len(sequence) else None
