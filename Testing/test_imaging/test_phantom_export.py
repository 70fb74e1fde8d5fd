"""The phantom through DICOM and NRRD and back, with readers that are not ours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PSMAPlanningLib.errors import InputError, MissingExtraError, OutputError
from PSMAPlanningLib.imaging.phantom import (
    PhantomParameters,
    RigidOffset,
    bq_per_ml_per_suv,
    make_phantom,
    write_dicom,
    write_nrrd,
    write_rtstruct,
)


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(PhantomParameters(seed=3, variant="small", planning_offset=RigidOffset()))


@pytest.fixture(scope="module")
def written(phantom, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dicom")
    return folder, {
        name: [pydicom.dcmread(f) for f in files] for name, files in write_dicom(phantom, folder).items()
    }


def _suv_of_header(dataset):
    """SUVbw per Bq/ml by the textbook, from the header alone."""
    item = dataset.RadiopharmaceuticalInformationSequence[0]
    clock = [float(t[:2]) * 3600 + float(t[2:4]) * 60 + float(t[4:]) for t in
             (str(dataset.SeriesTime), str(item.RadiopharmaceuticalStartTime))]  # fmt: skip
    dose = float(item.RadionuclideTotalDose) * 2 ** (
        -(clock[0] - clock[1]) / float(item.RadionuclideHalfLife)
    )
    return float(dataset.PatientWeight) * 1000.0 / dose


def test_pet_comes_back_within_its_quantisation(phantom, written):
    _, series = written
    factor = bq_per_ml_per_suv(phantom)
    slopes = set()
    for k, dataset in enumerate(series["PT"]):
        slope = float(dataset.RescaleSlope)
        slopes.add(slope)
        back = dataset.pixel_array * slope + float(dataset.RescaleIntercept)
        assert np.abs(back - phantom.pet.array[k].astype(float) * factor).max() <= 0.5001 * slope
        assert dataset.pixel_array.max() <= 32767
    assert len(slopes) > len(series["PT"]) // 2, "the slope must differ from slice to slice"


def test_stored_voxels_survive_the_file(written):
    folder, series = written
    again = [pydicom.dcmread(f).pixel_array for f in sorted((folder / "PT").glob("*.dcm"))]
    assert all(np.array_equal(a, b.pixel_array) for a, b in zip(again, series["PT"], strict=True))


def test_liver_suv_by_the_header(phantom, written):
    _, series = written
    liver = phantom.structure("liver")
    points = liver.points_ras()[::7]
    grid = phantom.pet.grid
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(liver.array, sampling=liver.grid.spacing_kji_mm)[liver.array][::7]
    # The hepatic veins are part of the anatomy, not of the liver's own uptake: stay away from the hilum.
    deep = points[(depth > 18.0) & grid.holds(points)]
    kji = np.rint(grid.kji_of(deep)).astype(int)
    suv = np.stack([d.pixel_array * float(d.RescaleSlope) * _suv_of_header(d) for d in series["PT"]])
    assert len(kji) > 200
    assert np.median(suv[tuple(kji.T)]) == pytest.approx(phantom.true_suv_of("liver"), rel=0.01)


def test_ct_comes_back_exactly(phantom, written):
    _, series = written
    for image, name in ((phantom.ct, "CT"), (phantom.planning_ct, "planning CT")):
        back = np.stack([d.pixel_array * d.RescaleSlope + d.RescaleIntercept for d in series[name]])
        assert np.array_equal(back, image.array)


def test_an_independent_reader_finds_the_same_place(phantom, written):
    folder, _ = written
    for image, name in ((phantom.pet, "PT"), (phantom.ct, "CT"), (phantom.planning_ct, "planning_CT")):
        files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder / name))
        read = sitk.ReadImage(files)
        assert read.GetSize() == image.grid.shape_kji[::-1]
        assert np.allclose(read.GetOrigin(), image.grid.origin_lps, atol=1e-4)
        assert np.allclose(read.GetSpacing(), image.grid.spacing_mm, atol=1e-5)
        assert np.allclose(read.GetDirection(), image.grid.direction_lps.ravel())


def test_identifiers_fit_together(phantom, written):
    _, series = written
    frames = {name: {d.FrameOfReferenceUID for d in datasets} for name, datasets in series.items()}
    assert frames["PT"] == frames["CT"] == {phantom.ct.frame_of_reference_uid}
    assert frames["planning CT"] != frames["CT"]
    instances = [d.SOPInstanceUID for datasets in series.values() for d in datasets]
    assert len(set(instances)) == len(instances)
    assert all(pydicom.uid.UID(uid).is_valid for uid in instances)
    assert {d.StudyInstanceUID for d in series["PT"]} == {d.StudyInstanceUID for d in series["CT"]}


def test_the_header_has_what_suv_needs(written):
    _, series = written
    for dataset in series["PT"]:
        assert dataset.Units == "BQML"
        assert dataset.DecayCorrection == "START"
        assert {"ATTN", "DECY"} <= set(dataset.CorrectedImage)
        item = dataset.RadiopharmaceuticalInformationSequence[0]
        assert item.RadiopharmaceuticalStartDateTime[8:14] == item.RadiopharmaceuticalStartTime[:6]
        assert item.RadionuclideCodeSequence[0].CodeValue == "C-131A3"
        assert float(dataset.FrameReferenceTime) > 0
        assert dataset.AcquisitionTime >= dataset.SeriesTime


def test_rtstruct_is_written_by_a_third_party(phantom, written):
    pytest.importorskip("rt_utils")
    folder, series = written
    structure_set = pydicom.dcmread(write_rtstruct(phantom, folder))
    names = {roi.ROIName for roi in structure_set.StructureSetROISequence}
    assert {"CTVsb", "PTVsb", "CTVn", "PTVn", "Bladder"} <= names
    assert (
        structure_set.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID
        == series["CT"][0].FrameOfReferenceUID
    )
    number = next(r.ROINumber for r in structure_set.StructureSetROISequence if r.ROIName == "CTVsb")
    contours = next(
        r for r in structure_set.ROIContourSequence if r.ReferencedROINumber == number
    ).ContourSequence
    points = np.concatenate([np.array(c.ContourData, float).reshape(-1, 3) for c in contours])
    drawn = phantom.volumes["CTVsb"].points_ras() * (-1, -1, 1)
    assert np.abs(points.min(axis=0) - drawn.min(axis=0)).max() < 3.0
    assert np.abs(points.max(axis=0) - drawn.max(axis=0)).max() < 3.0


def test_rtstruct_without_its_parts_is_refused(phantom, tmp_path, monkeypatch):
    pytest.importorskip("rt_utils")
    with pytest.raises(InputError, match="write_dicom"):
        write_rtstruct(phantom, tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "rt_utils", None)
    with pytest.raises(MissingExtraError, match="rt-utils"):
        write_rtstruct(phantom, tmp_path)


def test_nrrd_and_truth(phantom, tmp_path):
    files = write_nrrd(phantom, tmp_path)
    anatomy = sitk.ReadImage(str(files["anatomy"]))
    assert np.array_equal(sitk.GetArrayFromImage(anatomy), phantom.labels)
    assert np.allclose(anatomy.GetOrigin(), phantom.ct.grid.origin_lps)
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(files["pet"]))), phantom.pet.array)
    truth = json.loads(files["truth"].read_text(encoding="utf-8"))
    assert [lesion["name"] for lesion in truth["lesions"]] == [lesion.name for lesion in phantom.lesions]
    lesions = sitk.GetArrayFromImage(sitk.ReadImage(str(files["lesions"])))
    assert set(np.unique(lesions)) == set(range(len(phantom.lesions) + 1))


def test_a_folder_that_cannot_be_written_is_named(phantom, tmp_path):
    blocked = Path(tmp_path) / "file"
    blocked.write_text("not a folder")
    with pytest.raises(OutputError, match="choose another folder"):
        write_dicom(phantom, blocked)
    with pytest.raises(OutputError, match="choose another folder"):
        write_nrrd(phantom, blocked)
