"""What psma-planning benchmark times of the RTSTRUCT export, beside rt-utils on the same masks and slices."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from ..dicomrt.contour_check import planned_volume_ml
from ..dicomrt.export_plan import Algorithm, ExportStructure
from ..dicomrt.planning_series import planning_series
from ..dicomrt.rtstruct_check import read_for_check
from ..dicomrt.rtstruct_contents import roi_records
from ..errors import MissingExtraError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from ..structure_export import write_rtstruct
from .benchmark_works import Sides, Work

_SHAPE_KJI = (200, 512, 512)
_SPACING_MM = (0.977, 0.977, 2.5)
_ORIGIN_LPS = (-250.0, -250.0, -400.0)
_LESIONS = 60
_MOST_POINTS, _MOST_ERROR = 1.2, 1 / 3
"""Of the peer's points and volume error (issue 9)."""
_DIAMETERS_MM = (6.0, 20.0)
"""From the smallest node a reader contours to a large one."""
_VOLUME_RADII_MM = (15.0, 20.0, 25.0, 30.0, 18.0, 35.0, 22.0, 40.0)
"""Of eight cylinders, tapered and bent like nodal volumes and organs, 100 slices long."""


def structures() -> dict[str, Mask]:
    """60 lesions and 8 volumes on 200 slices of 512 x 512, the same in every run."""
    grid = VoxelGrid.from_lps(_SHAPE_KJI, _SPACING_MM, _ORIGIN_LPS, np.eye(3))
    place = np.random.default_rng(9)
    found = {}
    for number in range(_LESIONS):
        radius = 0.5 * place.uniform(*_DIAMETERS_MM)
        centre = place.uniform((20, 60, 60), (180, 450, 450))
        found[f"GTV{number + 1}"] = _ellipsoid(grid, centre, np.full(3, radius))
    for number, radius in enumerate(_VOLUME_RADII_MM):
        found[f"CTV{number + 1}"] = _bent_cylinder(grid, 100 + 42 * number, radius)
    return found


def _ellipsoid(grid: VoxelGrid, centre_kji: np.ndarray, radii_mm: np.ndarray) -> Mask:
    spacing = np.array(grid.spacing_kji_mm)
    reach = radii_mm / spacing
    low, high = np.floor(centre_kji - reach).astype(int), np.ceil(centre_kji + reach).astype(int) + 1
    axes = np.ogrid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    squares = sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre_kji, reach, strict=True))
    array = np.zeros(grid.shape_kji, bool)
    array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = squares < 1
    return Mask(array, grid)


def _bent_cylinder(grid: VoxelGrid, column: int, radius_mm: float) -> Mask:
    array = np.zeros(grid.shape_kji, bool)
    rows, columns = np.ogrid[: grid.shape_kji[1], : grid.shape_kji[2]]
    for k in range(50, 150):
        share = (k - 50) / 100
        middle = 256 + 40 * np.sin(3 * share), column + 20 * share
        radius = radius_mm * (0.6 + 0.4 * np.sin(np.pi * share)) / grid.spacing_mm[0]
        array[k] = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < radius**2
    return Mask(array, grid)


def write_ct(folder: Path) -> None:
    """200 empty CT slices that a structure set can refer to."""
    study, series, frame = (generate_uid() for _ in range(3))
    for k in range(_SHAPE_KJI[0]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        dataset.Modality, dataset.PatientID, dataset.PatientName = "CT", "BENCHMARK", "Benchmark"
        dataset.PatientBirthDate = dataset.PatientSex = dataset.StudyID = dataset.AccessionNumber = ""
        dataset.PatientAge, dataset.PatientSize, dataset.PatientWeight = "060Y", "1.8", "80"
        dataset.StudyDate, dataset.StudyTime, dataset.ReferringPhysicianName = "20260101", "120000", ""
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = (
            study,
            series,
            frame,
        )
        dataset.ImagePositionPatient = [*_ORIGIN_LPS[:2], _ORIGIN_LPS[2] + k * _SPACING_MM[2]]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing = [_SPACING_MM[1], _SPACING_MM[0]]
        dataset.SliceThickness, dataset.InstanceNumber = _SPACING_MM[2], k + 1
        dataset.Rows, dataset.Columns = _SHAPE_KJI[1:]
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = (
            16,
            16,
            15,
            0,
        )
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.PixelData = bytes(2 * _SHAPE_KJI[1] * _SHAPE_KJI[2])
        dataset.save_as(folder / f"ct{k:03d}.dcm", enforce_file_format=True)


def write_ours(masks: dict[str, Mask], ct: Path, path: Path) -> None:
    planned = [
        ExportStructure(name, mask, name[:3], Algorithm.AUTOMATIC, is_lesion=name.startswith("GTV"))
        for name, mask in masks.items()
    ]
    write_rtstruct(planned, planning_series(ct), path, overwrite=True)


def write_peer(masks: dict[str, Mask], ct: Path, path: Path) -> None:
    """rt-utils with its defaults; its masks are (row, column, slice)."""
    try:
        from rt_utils import RTStructBuilder
    except ImportError:
        raise MissingExtraError(
            "rt-utils is not installed; pip install rt-utils==1.2.7 to compare."
        ) from None
    with redirect_stdout(io.StringIO()):
        builder = RTStructBuilder.create_new(dicom_series_path=str(ct))
        for name, mask in masks.items():
            builder.add_roi(mask=np.moveaxis(mask.array, 0, 2), name=name)
        builder.save(str(path))


def quality(masks: dict[str, Mask], ct: Path, path: Path) -> tuple[int, float]:
    """Points of a structure set, and the mean error in percent of the volumes a planning system sees."""
    series = planning_series(ct)
    records = roi_records(read_for_check(path))
    errors = []
    for record in records:
        volume = planned_volume_ml(record, series) or 0.0
        errors.append(abs(volume / masks[record.name].volume_ml - 1.0))
    points = sum(len(each.points_lps) for record in records for each in record.contours)
    return points, 100.0 * float(np.mean(errors))


@contextmanager
def _rtstruct() -> Iterator[Sides]:
    masks = structures()
    with tempfile.TemporaryDirectory() as folder:
        ct = Path(folder) / "ct"
        ct.mkdir()
        write_ct(ct)
        ours, peer = Path(folder) / "ours.dcm", Path(folder) / "peer.dcm"

        def compared() -> dict[str, float | bool]:
            points, error = quality(masks, ct, ours)
            peer_points, peer_error = quality(masks, ct, peer)
            return {
                "points": points,
                "peer_points": peer_points,
                "volume_error_percent": error,
                "peer_volume_error_percent": peer_error,
                "met": points <= _MOST_POINTS * peer_points and error <= _MOST_ERROR * peer_error,
            }

        yield Sides(lambda: write_ours(masks, ct, ours), lambda: write_peer(masks, ct, peer), compared)


WORKS = (
    Work(
        "rtstruct",
        "rt-utils writing the same masks with its defaults",
        5.0,
        "reading the CT's headers, contours of 60 lesions and 8 volumes on 200 slices of 512 x 512, "
        "names, check, file",
        _rtstruct,
    ),
)
