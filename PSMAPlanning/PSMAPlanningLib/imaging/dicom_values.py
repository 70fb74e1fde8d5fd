"""Values of DICOM elements as text, straight from their bytes.

pydicom builds an object for every value it converts; for the few tags needed of some hundred slices
the bytes are enough and several times faster.
"""

from __future__ import annotations

import decimal
import struct
from typing import Any

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue

UNREADABLE = (ValueError, TypeError, OverflowError, ArithmeticError, NotImplementedError, struct.error)
"""What pydicom and Python raise when the bytes of an element are not of its type."""
DAMAGED = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    OSError,
    struct.error,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    NotImplementedError,
)
"""What pydicom raises for a file that is cut short or overwritten."""
_TEXT_REPRESENTATIONS = {None, "UN", "AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "SH", "TM", "UI"}


def raw_value(dataset: Dataset, tag: int) -> Any:
    """The value as it lies in the file (bytes), or as converted before; None when absent."""
    element = dataset.get_item(tag) if tag in dataset else None
    return None if element is None else element.value


def plain_text(dataset: Dataset, tag: int) -> str | None:
    """Text of an element, several values joined by a backslash; None when absent or empty.

    Raises one of UNREADABLE when the value is not of the type its tag demands.
    """
    element = dataset.get_item(tag) if tag in dataset else None
    if element is None:
        return None
    value = element.value
    if isinstance(value, bytes) and element.VR not in _TEXT_REPRESENTATIONS:
        value = dataset[tag].value
    if value is None:
        return None
    if isinstance(value, bytes):
        text = value.decode("ascii")
    elif isinstance(value, (list, tuple, MultiValue)):
        text = "\\".join(str(part).strip() for part in value)
    elif isinstance(value, (str, int, float, decimal.Decimal)):
        text = str(value)
    else:
        raise TypeError(type(value).__name__)
    return text.strip(" \0") or None


def plain_numbers(dataset: Dataset, tag: int) -> list[float]:
    """Numbers of an element of decimal or integer text; empty when absent. Raises one of UNREADABLE."""
    text = plain_text(dataset, tag)
    return [] if text is None else [float(part) for part in text.split("\\")]
