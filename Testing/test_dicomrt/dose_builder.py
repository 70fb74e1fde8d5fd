"""RTDOSE files made for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

RT_DOSE_STORAGE = "1.2.840.10008.5.1.4.1.1.481.2"


def write_dose(
    path: Path,
    dose_gy: np.ndarray,
    spacing_mm=(2.5, 2.5, 2.5),
    origin_lps=(-100.0, -80.0, -60.0),
    frame="1.2.3.4",
    bits=32,
    offsets=None,
    patient_id="P1",
    **changes,
) -> Path:
    """dose_gy: (K, J, I); spacing along I, J, K; changes: keyword to value, None deletes the element."""
    # In double precision: 32 bit numbers do not fit into a float32.
    dose_gy = np.asarray(dose_gy, float)
    frames, rows, columns = dose_gy.shape
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = RT_DOSE_STORAGE
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SOPClassUID = RT_DOSE_STORAGE
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.Modality = "RTDOSE"
    dataset.PatientID, dataset.PatientName = patient_id, "Test^One"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", generate_uid()
    dataset.FrameOfReferenceUID = frame
    dataset.ImagePositionPatient = [float(x) for x in origin_lps]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [spacing_mm[1], spacing_mm[0]]
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = frames, rows, columns
    dataset.FrameIncrementPointer = 0x3004000C
    steps = spacing_mm[2] * np.arange(frames) if offsets is None else offsets
    dataset.GridFrameOffsetVector = [f"{x:.6g}" for x in steps]
    dataset.DoseUnits, dataset.DoseType, dataset.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    scaling = float(f"{dose_gy.max() / (2**bits - 2):.9e}") or 1.0
    dataset.DoseGridScaling = f"{scaling:.9e}"
    dataset.PixelData = np.rint(dose_gy / scaling).astype(f"<u{bits // 8}").tobytes()
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    with pydicom.config.disable_value_validation():
        dataset.save_as(path, enforce_file_format=True)
    return path
