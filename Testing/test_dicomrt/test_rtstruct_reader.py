"""RTSTRUCT files: what real ones hold, and what broken ones must say."""

import numpy as np
import pydicom
import pytest
from PSMAPlanningLib.dicomrt.rtstruct_reader import Roi, read_rtstruct
from PSMAPlanningLib.errors import DicomError, InputError
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from test_imaging.dicom_builder import pet_datasets, write_series

SQUARE = [0, 0, 5, 10, 0, 5, 10, 10, 5, 0, 10, 5]


def item(**values):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def contour(points, kind="CLOSED_PLANAR"):
    return item(ContourGeometricType=kind, ContourData=points)


def structure_set(contours, **changes):
    dataset = pet_datasets(np.zeros((1, 2, 2), np.uint16), modality="RTSTRUCT")[0]
    for keyword in ("Rows", "Columns", "PixelData", "FrameOfReferenceUID"):
        delattr(dataset, keyword)
    dataset.StructureSetLabel = "TEST"
    dataset.StructureSetROISequence = Sequence(
        [
            item(ROINumber=7, ROIName="PTV", ReferencedFrameOfReferenceUID="1.2.3"),
            item(ROINumber=8, ROIName="", ReferencedFrameOfReferenceUID="1.2.3"),
        ]
    )
    drawn = item(ReferencedROINumber=7, ROIDisplayColor=[255, 0, 300], ContourSequence=Sequence(contours))
    dataset.ROIContourSequence = Sequence([drawn])
    dataset.RTROIObservationsSequence = Sequence([item(ReferencedROINumber=7, RTROIInterpretedType="PTV")])
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def written(dataset, tmp_path):
    return write_series([dataset], tmp_path, "rs") / "rs000.dcm"


def test_points_are_ras(tmp_path):
    structures = read_rtstruct(written(structure_set([contour(SQUARE)]), tmp_path))
    roi = structures.roi("PTV")
    expected = np.reshape(SQUARE, (4, 3)) * [-1, -1, 1]
    np.testing.assert_array_equal(roi.contours[0], expected)
    assert (roi.number, roi.kind, roi.colour, roi.status) == (7, "PTV", (255, 0, 255), "ok")
    assert structures.frame_of_reference_uid == "1.2.3"
    assert structures.referenced_series_uid is None
    assert structures.header.PatientID == "SYNTHETIC"


def test_empty_structures_stay(tmp_path):
    structures = read_rtstruct(written(structure_set([contour(SQUARE)]), tmp_path))
    assert [(roi.name, roi.status, roi.kind) for roi in structures.rois] == [
        ("PTV", "ok", "PTV"),
        ("ROI 8", "empty", None),
    ]


def test_contours_that_enclose_nothing_are_dropped_and_counted(tmp_path):
    contours = [
        contour(SQUARE),
        contour(SQUARE),
        contour(SQUARE[:3], "POINT"),
        contour(SQUARE[:6]),
        contour(SQUARE, "OPEN_PLANAR"),
        contour([*SQUARE[:6], *SQUARE[:3]]),
        contour([*SQUARE, *SQUARE[:3]]),
    ]
    roi = read_rtstruct(written(structure_set(contours), tmp_path)).roi("PTV")
    assert len(roi.contours) == 1 and len(roi.contours[0]) == 4 and roi.dropped_contours == 6


def test_a_folder_with_one_structure_set(tmp_path):
    written(structure_set([contour(SQUARE)]), tmp_path)
    write_series(pet_datasets(), tmp_path, "pet")
    assert read_rtstruct(tmp_path).roi("PTV").status == "ok"
    write_series([structure_set([contour(SQUARE)])], tmp_path, "second")
    with pytest.raises(InputError, match="2 RTSTRUCT files"):
        read_rtstruct(tmp_path)


@pytest.mark.parametrize("points", [SQUARE[:-1], [*SQUARE[:-1], float("nan")]])
def test_a_damaged_contour_leaves_the_others(tmp_path, points):
    with pydicom.config.disable_value_validation():
        alone = read_rtstruct(written(structure_set([contour(points)]), tmp_path / "a")).roi("PTV")
        both = read_rtstruct(written(structure_set([contour(points), contour(SQUARE)]), tmp_path / "b"))
    assert (alone.status, alone.damaged_contours, alone.dropped_contours) == ("damaged", 1, 0)
    assert (both.roi("PTV").status, both.roi("PTV").damaged_contours) == ("ok", 1)


def test_a_structure_of_points_only_says_so(tmp_path):
    roi = read_rtstruct(written(structure_set([contour(SQUARE[:6])]), tmp_path)).roi("PTV")
    assert (roi.status, roi.dropped_contours) == ("points_only", 1)


def test_what_is_no_rtstruct(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_rtstruct(tmp_path / "absent.dcm")
    with pytest.raises(InputError, match="modality PT"):
        read_rtstruct(write_series(pet_datasets(), tmp_path / "pet") / "slice000.dcm")
    (tmp_path / "x.dcm").write_text("no DICOM at all" * 20)
    with pytest.raises(InputError, match="no DICOM file"):
        read_rtstruct(tmp_path / "x.dcm")
    with pytest.raises(InputError, match="defines no structure"):
        read_rtstruct(written(structure_set([], StructureSetROISequence=Sequence()), tmp_path / "none"))


def test_truncated_files_do_not_crash(tmp_path):
    path = written(structure_set([contour(SQUARE)]), tmp_path)
    data = path.read_bytes()
    for length in range(140, len(data), 37):
        path.write_bytes(data[:length])
        try:
            read_rtstruct(path)
        except InputError:
            continue


def test_names_are_listed_when_one_is_not_there(tmp_path):
    structures = read_rtstruct(written(structure_set([contour(SQUARE)]), tmp_path))
    with pytest.raises(InputError, match=r"0 structures named 'CTV'.*'PTV'"):
        structures.roi("CTV")


@pytest.mark.parametrize("points", [np.zeros((2, 3)), np.full((4, 3), np.nan), np.zeros((4, 2))])
def test_rois_are_validated(points):
    with pytest.raises(DicomError, match="'x'"):
        Roi(1, "x", contours=(points,))


def test_eclipse(shared_data):
    structures = read_rtstruct(shared_data("slicerrt_eclipse_prostate") / "RS_eclipse_prostate_phantom.dcm")
    assert len(structures.rois) == 16
    assert sum(roi.status == "empty" for roi in structures.rois) == 10
    kinds = {roi.name: roi.kind for roi in structures.rois}
    assert kinds["BODY"] == "EXTERNAL" and kinds["PTV"] == "PTV" and kinds["X1"] is None
    assert structures.frame_of_reference_uid.endswith(".462.11505.1")
    assert structures.referenced_series_uid.endswith(".465")


@pytest.mark.parametrize(
    ("name", "rois"), [("rt", 1), ("invalid_reference_rt", 4), ("non_existent_reference_rt", 4)]
)
def test_broken_references_are_tolerated(shared_data, name, rois):
    structures = read_rtstruct(shared_data("rtstruct_mim_phantom") / "dicom" / f"{name}.dcm")
    assert [roi.status for roi in structures.rois] == ["ok"] * rois
