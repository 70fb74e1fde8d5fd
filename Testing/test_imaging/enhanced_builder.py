"""Synthetic enhanced multi-frame PET objects, one thing varied at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from test_imaging.dicom_builder import pet_datasets

ENHANCED_PET = "1.2.840.10008.5.1.4.1.1.130"
LEGACY_PET = "1.2.840.10008.5.1.4.1.1.128.1"
UNITS = ("Bq/ml", "{SUVbw}g/ml")
_CLASSIC = (
    "Units",
    "DecayCorrection",
    "CorrectedImage",
    "AcquisitionDate",
    "AcquisitionTime",
    "FrameReferenceTime",
    "ActualFrameDuration",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "RescaleSlope",
    "RescaleIntercept",
)


def item(**values: Any) -> Sequence:
    """A sequence of one item."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return Sequence([dataset])


def mapping(code: str, slope: float | None, intercept: float | None = 0.0) -> Dataset:
    """A real world value mapping."""
    values = {"MeasurementUnitsCodeSequence": item(CodeValue=code, CodingSchemeDesignator="UCUM")}
    if slope is not None:
        values |= {"RealWorldValueSlope": slope, "RealWorldValueIntercept": intercept}
    return item(**values)[0]


def enhanced_pet(stored: np.ndarray, **changes: Any) -> Dataset:
    """One enhanced PET of (K, J, I) uint16; keywords replace top-level values, None removes one.

    Further keywords: order (frames as positions in the stack), slopes, mappings (code to slopes), positions,
    per_frame (list of dicts of values of the frame content), tracer (as for `pet_datasets`).
    """
    count = len(stored)
    order = changes.pop("order", range(count))
    slopes = changes.pop("slopes", [1.0] * count)
    codes = changes.pop("codes", ("Bq/ml",))
    positions = changes.pop("positions", [(0.0, 0.0, 3.0 * k) for k in range(count)])
    content = changes.pop("per_frame", [{}] * count)
    tracer = {
        "RadiopharmaceuticalStartTime": None,
        "RadionuclideTotalDose": "368.08",
        **changes.pop("tracer", {}),
    }
    dataset = pet_datasets(stored[:1], tracer=tracer)[0]
    for keyword in _CLASSIC:
        delattr(dataset, keyword)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = ENHANCED_PET
    dataset.NumberOfFrames = count
    dataset.DecayCorrected, dataset.AttenuationCorrected, dataset.ScatterCorrected = "YES", "YES", "NO"
    dataset.DecayCorrectionDateTime = "20250101110000"
    shared = Dataset()
    shared.PixelMeasuresSequence = item(PixelSpacing=[1.5, 2.5], SliceThickness=3.0)
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=[1.0, 0, 0, 0, 1.0, 0])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for k in order:
        frame = Dataset()
        frame.PlanePositionSequence = item(ImagePositionPatient=[float(x) for x in positions[k]])
        frame.FrameContentSequence = item(
            **{
                "FrameAcquisitionDateTime": "20250101110000",
                "FrameAcquisitionDuration": 300000.0,
                "StackID": "1",
                **content[k],
            }
        )
        frame.RealWorldValueMappingSequence = Sequence([mapping(code, slopes[k]) for code in codes])
        frame.PixelValueTransformationSequence = item(
            RescaleSlope="7.0", RescaleIntercept="0.0", RescaleType="US"
        )
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    dataset.add_new(0x7FE00010, "OW", np.ascontiguousarray(stored[list(order)]).tobytes())
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset
