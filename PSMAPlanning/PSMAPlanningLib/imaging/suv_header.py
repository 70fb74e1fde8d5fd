"""The header values from which SUV is computed, read once from a PET series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from ..errors import SuvHeaderError
from .dicom_values import UNREADABLE, plain_text, raw_value
from .suv_header_values import corrections_of, first_item, label_of, number_of, sequence_of, word_of
from .suv_tags import TAGS

_TAG_NUMBERS = {name: int(tag.strip("()").replace(",", ""), 16) for name, tag in TAGS.items()}
_SERIES_LEVEL = (
    "units",
    "suv_type",
    "corrected_image",
    "decay_correction",
    "manufacturer",
    "sex",
    "weight_kg",
    "height_m",
    "series_date",
    "series_time",
    "timezone_offset",
    "reference_datetime",
)
_RADIOPHARMACEUTICAL_LEVEL = ("injection_datetime", "injection_time", "dose_bq", "half_life_s", "tracer")
_SLICE_LEVEL = (
    "acquisition_date",
    "acquisition_time",
    "frame_reference_time_ms",
    "frame_duration_ms",
    "rescale_slope",
    "rescale_intercept",
)
_NUMBERS = {
    "weight_kg",
    "height_m",
    "dose_bq",
    "half_life_s",
    "frame_reference_time_ms",
    "frame_duration_ms",
    "rescale_slope",
    "rescale_intercept",
    "philips_suv_factor",
    "philips_activity_factor",
}
_FREE_TEXT = ("manufacturer", "tracer")
_AS_THEY_ARE = ("slices", "corrected_image", "from_dicom", "is_enhanced")
_DECAY_CORRECTED = 0x00189758
_RADIOPHARMACEUTICAL_SEQUENCE = 0x00540016
_ACQUISITION_DATETIME = 0x0008002A


@dataclass(frozen=True)
class SliceHeader:
    """Header values of one slice; dates and times as DICOM text, durations in milliseconds."""

    acquisition_date: str | None = None
    acquisition_time: str | None = None
    frame_reference_time_ms: float | None = None
    frame_duration_ms: float | None = None
    rescale_slope: float | None = None
    rescale_intercept: float | None = None
    philips_suv_factor: float | None = None
    philips_activity_factor: float | None = None

    def __post_init__(self) -> None:
        _convert_fields(self)


@dataclass(frozen=True)
class SuvHeader:
    """Plain header values of a PET series; None is a value that the header does not have.

    Dates and times are DICOM text (DA, TM, DT), `slices` are in the slice order of the image.
    reference_datetime: the moment the voxels are decayed to, which only enhanced objects state.
    tracer_code: "SCHEME:VALUE". is_enhanced: the values come from functional groups (Enhanced PET).
    from_dicom: False for a file that has no such header at all (.nrrd, .nii, .mha).

    Raises SuvHeaderError when a value is not of the type its tag demands.
    """

    slices: tuple[SliceHeader, ...]
    units: str | None = None
    suv_type: str | None = None
    corrected_image: tuple[str, ...] | None = None
    decay_correction: str | None = None
    manufacturer: str | None = None
    sex: str | None = None
    weight_kg: float | None = None
    height_m: float | None = None
    series_date: str | None = None
    series_time: str | None = None
    timezone_offset: str | None = None
    ge_reference_datetime: str | None = None
    injection_datetime: str | None = None
    injection_time: str | None = None
    dose_bq: float | None = None
    half_life_s: float | None = None
    nuclide_code: str | None = None
    nuclide_name: str | None = None
    tracer: str | None = None
    from_dicom: bool = True
    reference_datetime: str | None = None
    tracer_meaning: str | None = None
    tracer_code: str | None = None
    is_enhanced: bool = False

    def __post_init__(self) -> None:
        if not self.slices or not all(isinstance(s, SliceHeader) for s in self.slices):
            raise SuvHeaderError("A PET series needs at least one slice; this one has none, load it again.")
        object.__setattr__(self, "slices", tuple(self.slices))
        if self.corrected_image is not None:
            object.__setattr__(self, "corrected_image", corrections_of(self.corrected_image))
        _convert_fields(self)

    @classmethod
    def of_file_without_header(cls, slice_count: int) -> SuvHeader:
        """The header of an image file that carries voxels and nothing else."""
        return cls(slices=(SliceHeader(),) * slice_count, from_dicom=False)


def suv_header(datasets: Sequence[Dataset], names: Sequence[str] | None = None) -> SuvHeader:
    """Header values of a series from its data sets, in slice order.

    names: of the files, for messages on a single one.

    Raises SuvHeaderError for a value of the wrong type, and for a value that must be the same
    in every slice of a series but is not; both name the tag.
    """
    if not datasets:
        raise SuvHeaderError("A PET series needs at least one slice; this one has none, load it again.")
    with pydicom.config.disable_value_validation():
        first = datasets[0]
        values: dict[str, Any] = {name: _text(first, name) for name in _SERIES_LEVEL}
        values["ge_reference_datetime"] = _ge_reference(first)
        _require_same(datasets, [*_SERIES_LEVEL], names)
        values |= _radiopharmaceutical(datasets, names)
        values["is_enhanced"] = _DECAY_CORRECTED in first
        counts = (values["units"] or "").upper() == "CNTS"
        return SuvHeader(slices=_slice_headers(datasets, names, counts), **values)


def _radiopharmaceutical(datasets: Sequence[Dataset], names: Sequence[str] | None) -> dict[str, str | None]:
    items = _radiopharmaceutical_items(datasets)
    if any((item is None) != (items[0] is None) for item in items):
        raise SuvHeaderError(
            "The radiopharmaceutical (0054,0016) is given in some slices and missing in others; "
            "export the series again from the scanner."
        )
    if items[0] is None:
        return {}
    _require_same(items, _RADIOPHARMACEUTICAL_LEVEL, names)
    values = {name: _text(items[0], name) for name in _RADIOPHARMACEUTICAL_LEVEL}
    nuclide = first_item(items[0], 0x00540300)
    if nuclide is not None:
        values["nuclide_code"] = _plain(nuclide, 0x00080100, "the radionuclide code (0054,0300)")
        values["nuclide_name"] = _plain(nuclide, 0x00080104, "the radionuclide code (0054,0300)")
    agent = first_item(items[0], 0x00540304)
    if agent is not None:
        label = label_of("tracer_code")
        values["tracer_meaning"] = _plain(agent, 0x00080104, label)
        code, scheme = _plain(agent, 0x00080100, label), _plain(agent, 0x00080102, label)
        values["tracer_code"] = f"{scheme}:{code}" if code and scheme else None
    return values


def _radiopharmaceutical_items(datasets: Sequence[Dataset]) -> list[Dataset | None]:
    # Equal bytes are equal sequences, and nearly all slices of a series have them.
    raw = raw_value(datasets[0], _RADIOPHARMACEUTICAL_SEQUENCE)
    first = _radiopharmaceutical_item(datasets[0])
    return [
        first
        if isinstance(raw, bytes) and raw_value(dataset, _RADIOPHARMACEUTICAL_SEQUENCE) == raw
        else _radiopharmaceutical_item(dataset)
        for dataset in datasets
    ]


def _radiopharmaceutical_item(dataset: Dataset) -> Dataset | None:
    sequence = sequence_of(dataset, _RADIOPHARMACEUTICAL_SEQUENCE)
    if len(sequence) > 1:
        raise SuvHeaderError(
            f"The header names {len(sequence)} radiopharmaceuticals (0054,0016), so the dose is not defined; "
            "export the series with one."
        )
    return sequence[0] if len(sequence) else None


def _slice_headers(
    datasets: Sequence[Dataset], names: Sequence[str] | None, counts: bool
) -> tuple[SliceHeader, ...]:
    headers = []
    for index, dataset in enumerate(datasets):
        try:
            headers.append(_slice_header(dataset, counts))
        except SuvHeaderError as error:
            raise SuvHeaderError(f"{names[index]}: {error}" if names else str(error)) from None
    return tuple(headers)


def _slice_header(dataset: Dataset, counts: bool) -> SliceHeader:
    values = {name: _text(dataset, name) for name in _SLICE_LEVEL}
    if values["acquisition_time"] is None:
        moment = _plain(dataset, _ACQUISITION_DATETIME, "the acquisition date and time (0008,002a)")
        if moment is not None and len(moment) > 8:
            values["acquisition_date"] = values["acquisition_date"] or moment[:8]
            values["acquisition_time"] = moment[8:].split("+")[0].split("-")[0]
    # Only counts are scaled by Philips' private factors; looking for them costs more than all the rest.
    for name, element in (("philips_suv_factor", 0x00), ("philips_activity_factor", 0x09)) if counts else ():
        values[name] = _private(dataset, 0x7053, "Philips PET Private Group", element, "philips")
    return SliceHeader(**values)


def _ge_reference(dataset: Dataset) -> str | None:
    return _private(dataset, 0x0009, "GEMS_PETD_01", 0x0D, "ge medical")


def _private(dataset: Dataset, group: int, creator: str, element: int, vendor: str) -> str | None:
    tag = None
    try:
        tag = dataset.private_block(group, creator).get_tag(element)
    except KeyError:
        # De-identification can remove the creator and leave the value; then the vendor must be certain.
        manufacturer = (_text(dataset, "manufacturer") or "").lower()
        if (group << 16 | 0x10) not in dataset and vendor in manufacturer:
            tag = group << 16 | 0x1000 | element
    if tag is None or tag not in dataset:
        return None
    return _plain(dataset, tag, f"the private value ({group:04x},{0x1000 | element:04x})")


def _require_same(
    datasets: Sequence[Dataset], names_of_values: Sequence[str], files: Sequence[str] | None
) -> None:
    for name in names_of_values:
        tag = _tag_number(name)
        raw = raw_value(datasets[0], tag)
        for index, dataset in enumerate(datasets):
            if dataset is datasets[0]:
                continue
            # Comparing the bytes first spares pydicom's conversion of every element of every slice.
            if raw_value(dataset, tag) != raw and _text(dataset, name) != _text(datasets[0], name):
                where = f" ({files[index]} against {files[0]})" if files else ""
                raise SuvHeaderError(
                    f"{label_of(name)} differs between the slices of this series{where}, so its SUV is not "
                    "defined; export the series again from the scanner."
                )


def _tag_number(name: str) -> int:
    return _TAG_NUMBERS[name]


def _text(dataset: Dataset, name: str) -> str | None:
    if name in _FREE_TEXT:
        # Free text may be in any character set, which pydicom knows.
        try:
            element = dataset.get(_tag_number(name))
        except UNREADABLE:
            raise SuvHeaderError(f"{label_of(name)} is damaged; export the series again.") from None
        return None if element is None else str(element.value or "").strip() or None
    return _plain(dataset, _tag_number(name), label_of(name))


def _plain(dataset: Dataset, tag: int, label: str) -> str | None:
    try:
        return plain_text(dataset, tag)
    except UNREADABLE:
        raise SuvHeaderError(
            f"{label[0].upper()}{label[1:]} is of the wrong type or damaged; export the series again."
        ) from None


def _convert_fields(record: SuvHeader | SliceHeader) -> None:
    for item in fields(record):
        value = getattr(record, item.name)
        if value is None or item.name in _AS_THEY_ARE:
            continue
        convert = number_of if item.name in _NUMBERS else word_of
        object.__setattr__(record, item.name, convert(value, item.name))
