"""The phantom as DICOM: a PT series in Bq/ml with all that SUV needs, and CT series in HU."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage

from ...errors import OutputError
from ..image import Image
from .phantom import Phantom
from .uids import uid_of

SCAN_START = datetime.datetime(2026, 1, 15, 10, 30, 0)
BED_SECONDS = 150
SLICES_PER_BED = 45
_CT_INTERCEPT = -1024


def patient_weight_kg(phantom: Phantom) -> float:
    """Weight that goes with the phantom's build."""
    p = phantom.physique
    return round(80.0 * p.width_scale * p.depth_scale * p.height_scale + 1.6 * p.fat_mm, 1)


def bq_per_ml_per_suv(phantom: Phantom) -> float:
    """Activity concentration at the start of the scan that is SUVbw 1."""
    tracer = phantom.parameters.tracer_data
    decayed = tracer.injected_mbq * 1e6 * 2.0 ** (-tracer.uptake_minutes * 60 / tracer.half_life_s)
    return decayed / (patient_weight_kg(phantom) * 1000.0)


def write_dicom(phantom: Phantom, folder: str | Path) -> dict[str, list[Path]]:
    """Write the PT and CT series (and the planning CT, when there is one) into subfolders.

    The PET is stored as 16-bit integers with a rescale slope of its own per slice. Returns the files of
    "PT", "CT" and "planning CT". Raises OutputError when the folder cannot be written.
    """
    written: dict[str, list[Path]] = {}
    for name, subfolder, datasets in (
        ("PT", "PT", _pet_slices(phantom)),
        ("CT", "CT", _ct_slices(phantom, phantom.ct, "CT", "Low-dose CT")),
        (
            "planning CT",
            "planning_CT",
            _ct_slices(phantom, phantom.planning_ct, "planning CT", "Planning CT"),
        ),
    ):
        files = []
        for n, dataset in enumerate(datasets):
            target = Path(folder) / subfolder / f"{subfolder}_{n + 1:04d}.dcm"
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                dataset.save_as(target, enforce_file_format=True)
            except OSError as error:
                raise OutputError(
                    f"The phantom could not be written to {target.parent}: {error.strerror}; "
                    "choose another folder."
                ) from error
            files.append(target)
        if files:
            written[name] = files
    return written


def _ct_slices(phantom: Phantom, image: Image | None, series: str, description: str) -> Iterator[FileDataset]:
    if image is None:
        return
    planning = series == "planning CT"
    start = SCAN_START + (datetime.timedelta(days=9) if planning else datetime.timedelta(minutes=-3))
    for k, plane in enumerate(image.array):
        dataset = _slice(
            phantom, image, k, series, CTImageStorage, start, "planning" if planning else "PET/CT"
        )
        dataset.Modality, dataset.SeriesDescription = "CT", description
        dataset.SeriesNumber = 5 if planning else 2
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.KVP, dataset.ConvolutionKernel, dataset.AcquisitionNumber = 120, "STANDARD", 1
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, _CT_INTERCEPT, "HU"
        dataset.WindowCenter, dataset.WindowWidth = 40, 400
        dataset.PixelRepresentation = 0
        dataset.PixelData = (plane.astype(np.int32) - _CT_INTERCEPT).astype("<u2").tobytes()
        yield dataset


def _pet_slices(phantom: Phantom) -> Iterator[FileDataset]:
    tracer, image = phantom.parameters.tracer_data, phantom.pet
    factor = bq_per_ml_per_suv(phantom)
    injection = SCAN_START - datetime.timedelta(minutes=tracer.uptake_minutes)
    decay = np.log(2) / tracer.half_life_s * BED_SECONDS
    average_s = np.log(decay / (1 - np.exp(-decay))) / decay * BED_SECONDS
    count = len(image.array)
    for k, plane in enumerate(image.array):
        bed = k // SLICES_PER_BED
        acquired = SCAN_START + datetime.timedelta(seconds=bed * (BED_SECONDS + 5))
        dataset = _slice(
            phantom, image, k, "PT", PositronEmissionTomographyImageStorage, SCAN_START, "PET/CT"
        )
        dataset.Modality, dataset.SeriesDescription, dataset.SeriesNumber = "PT", f"{tracer.name} PET AC", 3
        dataset.AcquisitionDate, dataset.AcquisitionTime = _date(acquired), _time(acquired)
        dataset.SeriesType, dataset.Units = ["WHOLE BODY", "IMAGE"], "BQML"
        dataset.CountsSource, dataset.CollimatorType = "EMISSION", "NONE"
        dataset.DecayCorrection = "START"
        dataset.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"]
        dataset.AttenuationCorrectionMethod, dataset.ScatterCorrectionMethod = "CT", "model"
        dataset.RandomsCorrectionMethod, dataset.ReconstructionMethod = "DLYD", "phantom"
        dataset.FrameReferenceTime = round(1000 * ((acquired - SCAN_START).total_seconds() + average_s), 1)
        dataset.ActualFrameDuration = BED_SECONDS * 1000
        dataset.DecayFactor = round(float(2 ** (dataset.FrameReferenceTime / 1000 / tracer.half_life_s)), 6)
        dataset.NumberOfSlices, dataset.ImageIndex = count, count - k
        dataset.ImageType = ["ORIGINAL", "PRIMARY"]
        dataset.RadiopharmaceuticalInformationSequence = Sequence([_radiopharmaceutical(phantom, injection)])
        activity = plane.astype(np.float64) * factor
        # Written as the decimal string itself, so that a reader multiplies with the very slope used here.
        slope = float(f"{max(float(activity.max()), 1.0) / 32767:.8g}")
        dataset.RescaleSlope, dataset.RescaleIntercept = f"{slope:.8g}", 0
        dataset.PixelRepresentation = 1
        dataset.PixelData = np.clip(np.rint(activity / slope), 0, 32767).astype("<i2").tobytes()
        yield dataset


def _radiopharmaceutical(phantom: Phantom, injection: datetime.datetime) -> Dataset:
    tracer = phantom.parameters.tracer_data
    item, code = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = tracer.nuclide_code
    item.Radiopharmaceutical = tracer.name
    item.RadiopharmaceuticalStartTime = _time(injection)
    item.RadiopharmaceuticalStartDateTime = _date(injection) + _time(injection)
    item.RadionuclideTotalDose = tracer.injected_mbq * 1e6
    item.RadionuclideHalfLife = tracer.half_life_s
    item.RadionuclidePositronFraction = 0.9669 if tracer.radionuclide == "18F" else 0.8914
    item.RadiopharmaceuticalRoute = "Intravenous"
    item.RadionuclideCodeSequence = Sequence([code])
    return item


def _slice(
    phantom: Phantom, image: Image, k: int, series: str, sop_class: str, start: datetime.datetime, study: str
) -> FileDataset:
    parameters, grid = phantom.parameters, image.grid
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = uid_of(parameters, series, "slice", k)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.PatientID = "PSMAPlanning^Phantom", f"PHANTOM-{parameters.seed}"
    dataset.PatientSex, dataset.PatientAge, dataset.PatientBirthDate = "M", "068Y", "19580101"
    dataset.PatientWeight = patient_weight_kg(phantom)
    dataset.PatientSize = round(1.76 * phantom.physique.height_scale, 2)
    dataset.Manufacturer, dataset.ManufacturerModelName = "PSMAPlanning", "digital phantom"
    dataset.StudyInstanceUID = uid_of(parameters, "study", study)
    dataset.SeriesInstanceUID = uid_of(parameters, "series", series)
    dataset.FrameOfReferenceUID = image.frame_of_reference_uid
    dataset.PositionReferenceIndicator, dataset.PatientPosition = "", "HFS"
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "1", "", ""
    dataset.StudyDescription = (
        f"{phantom.parameters.tracer} {study}" if study == "PET/CT" else "Radiotherapy planning"
    )
    for name in ("Study", "Series", "Acquisition", "Content"):
        setattr(dataset, f"{name}Date", _date(start))
        setattr(dataset, f"{name}Time", _time(start))
    lps = np.diag([-1.0, -1.0, 1.0]) @ grid.ras_of(np.array((k, 0, 0)))
    dataset.ImagePositionPatient = [f"{x:.6f}" for x in lps]
    dataset.ImageOrientationPatient = [f"{x:g}" for x in grid.direction_lps[:, :2].T.ravel()]
    dataset.SliceLocation = f"{lps[2]:.6f}"
    dataset.PixelSpacing = [f"{grid.spacing_mm[1]:.10g}", f"{grid.spacing_mm[0]:.10g}"]
    dataset.SliceThickness = f"{grid.spacing_mm[2]:.10g}"
    dataset.InstanceNumber = k + 1
    dataset.Rows, dataset.Columns = image.array.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    return dataset


def _date(moment: datetime.datetime) -> str:
    return moment.strftime("%Y%m%d")


def _time(moment: datetime.datetime) -> str:
    return moment.strftime("%H%M%S.%f")[:13]
