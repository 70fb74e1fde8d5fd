"""A CT as DICOM files, and what an exported structure set says when read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PSMAPlanningLib.dicomrt.export_plan import Algorithm, ExportStructure
from PSMAPlanningLib.dicomrt.planning_series import PlanningSeries, planning_series
from PSMAPlanningLib.dicomrt.rasterise import rasterise
from PSMAPlanningLib.dicomrt.rtstruct_reader import Roi
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def ct_datasets(grid: VoxelGrid, positions=None, axes=None, **changes) -> list[FileDataset]:
    """The slices of a CT on a grid; positions (LPS) and axes replace the grid's, `changes` header values."""
    study, series, frame = (generate_uid() for _ in range(3))
    axes = grid.direction_lps[:, :2].T.ravel() if axes is None else axes
    datasets = []
    for k in range(grid.shape_kji[0]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.Modality, dataset.PatientName, dataset.PatientID = "CT", "Müller^Test", "SYNTHETIC"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.FrameOfReferenceUID = frame
        place = np.diag([-1, -1, 1]) @ grid.ras_of(np.array((k, 0, 0))) if positions is None else positions[k]
        dataset.ImagePositionPatient = [f"{x:.6f}" for x in place]
        dataset.ImageOrientationPatient = [f"{x:.10g}" for x in axes]
        dataset.PixelSpacing = [f"{grid.spacing_mm[1]:.10g}", f"{grid.spacing_mm[0]:.10g}"]
        dataset.SliceThickness, dataset.InstanceNumber = f"{grid.spacing_mm[2]:.10g}", k + 1
        dataset.Rows, dataset.Columns = grid.shape_kji[1:]
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
        dataset.PixelRepresentation, dataset.RescaleSlope, dataset.RescaleIntercept = 0, 1, -1024
        dataset.PixelData = bytes(2 * grid.shape_kji[1] * grid.shape_kji[2])
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
        datasets.append(dataset)
    return datasets


def save(datasets: list[FileDataset], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, dataset in enumerate(datasets):
        dataset.save_as(folder / f"slice{number:04d}.dcm", enforce_file_format=True)
    return folder


def ct_series(grid: VoxelGrid, folder: Path, **changes) -> PlanningSeries:
    return planning_series(save(ct_datasets(grid, **changes), folder))


def axial_grid(shape_kji=(12, 40, 44), spacing_mm=(1.0, 1.0, 3.0), origin_lps=(-20.0, -22.0, -15.0)):
    return VoxelGrid.from_lps(shape_kji, spacing_mm, origin_lps, np.eye(3))


def structure(name: str, mask, kind="GTV", **changes) -> ExportStructure:
    changes.setdefault("is_lesion", kind == "GTV")
    return ExportStructure(name, mask, kind, Algorithm.AUTOMATIC, **changes)


def likeness(roi: Roi, mask: Mask, spacing_mm: float) -> tuple[float, float]:
    """Dice and relative volume difference of contours, taken back to voxels, and the mask they came from."""
    back = rasterise(roi, mask.grid, spacing_mm)
    common = np.count_nonzero(back.array & mask.array)
    return 2 * common / (back.voxels + mask.voxels), back.volume_ml / mask.volume_ml - 1.0
