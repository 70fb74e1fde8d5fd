"""Structure sets with one fault each, and real ones from MIM."""

import copy

import pydicom
import pytest
from phantoms import ball, centred_grid
from PSMAPlanningLib.dicomrt.findings import errors_of
from PSMAPlanningLib.dicomrt.planning_series import planning_series, referenced_series
from PSMAPlanningLib.dicomrt.rtstruct_check import check_structure_set, read_for_check
from PSMAPlanningLib.dicomrt.rtstruct_contents import roi_records, series_references
from PSMAPlanningLib.errors import DicomError, InputError
from PSMAPlanningLib.structure_export import write_rtstruct
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from test_dicomrt.ct_on_disk import axial_grid, ct_datasets, ct_series, save, structure


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("check")
    series = ct_series(axial_grid(), folder / "ct")
    shape = ball(centred_grid(10, (1, 1, 1)), (0, 0, 0), 7.0)
    structures = [structure("GTV1", shape), structure("PTV", shape, "PTV")]
    write_rtstruct(structures, series, folder / "rs.dcm")
    return series, folder / "rs.dcm"


def damage(path, change):
    dataset = copy.deepcopy(pydicom.dcmread(path))
    change(dataset)
    return dataset


def contour(dataset, number=0):
    return dataset.ROIContourSequence[0].ContourSequence[number]


def shift(dataset, axis, mm):
    item = contour(dataset)
    points = [float(x) for x in item.ContourData]
    points[axis::3] = [x + mm for x in points[axis::3]]
    item.ContourData = [f"{x:.3f}" for x in points]


def few_points(dataset):
    item = contour(dataset)
    item.ContourData, item.NumberOfContourPoints = list(item.ContourData)[:6], 2


def bow_tie(dataset):
    item = contour(dataset)
    z = f"{float(item.ContourData[2]):.3f}"
    item.ContourData = ["0", "0", z, "4", "4", z, "4", "0", z, "0", "4", z]
    item.NumberOfContourPoints = 4


def second_crosses_first(dataset):
    """The second contour put on the first one's slice, half beside it."""
    first, second = contour(dataset, 0), contour(dataset, 1)
    z = f"{float(first.ContourData[2]):.3f}"
    for item, low in ((first, 0), (second, 2)):
        corners = [(low, low), (low, low + 4), (low + 4, low + 4), (low + 4, low)]
        item.ContourData = [value for x, y in corners for value in (str(x), str(y), z)]
        item.NumberOfContourPoints = 4
    second.ContourImageSequence = first.ContourImageSequence


def long_number(dataset):
    text = bytes(contour(dataset).get_item(0x30060050).value).replace(b"\\", b"00000000000\\", 1)
    raw = RawDataElement(Tag(0x30060050), "DS", len(text), text, 0, True, True)
    contour(dataset)[0x30060050] = raw


def two_items(dataset):
    return dataset.StructureSetROISequence[0], dataset.StructureSetROISequence[1]


FAULTS = {
    "off_slice": lambda d: shift(d, 2, 0.02),
    "outside": lambda d: shift(d, 2, 300.0),
    "outside_picture": lambda d: shift(d, 0, 300.0),
    "few_points": few_points,
    "crossing": bow_tie,
    "lines_cross": second_crosses_first,
    "twice": lambda d: d.ROIContourSequence[0].ContourSequence.append(contour(d)),
    "data": lambda d: setattr(contour(d), "ContourData", list(contour(d).ContourData)[:-1]),
    "point_count": lambda d: setattr(contour(d), "NumberOfContourPoints", 1),
    "decimal": long_number,
    "image": lambda d: setattr(contour(d).ContourImageSequence[0], "ReferencedSOPInstanceUID", "1.2.3"),
    "other_slice": lambda d: setattr(contour(d), "ContourImageSequence", contour(d, 1).ContourImageSequence),
    "frame_of_reference": lambda d: setattr(two_items(d)[0], "ReferencedFrameOfReferenceUID", "1.2.3"),
    "series": lambda d: delattr(d, "ReferencedFrameOfReferenceSequence"),
    "study": lambda d: setattr(
        d.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0],
        "ReferencedSOPInstanceUID",
        "1.2.3",
    ),
    "patient": lambda d: setattr(d, "PatientID", "SOMEBODY ELSE"),
    "label": lambda d: setattr(d, "StructureSetLabel", ""),
    "name": lambda d: setattr(two_items(d)[0], "ROIName", ""),
    "name_twice": lambda d: setattr(two_items(d)[0], "ROIName", "ptv"),
    "number": lambda d: setattr(two_items(d)[0], "ROINumber", 2),
    "observation": lambda d: d.RTROIObservationsSequence.pop(0),
}
WARNINGS = {
    "name_length": lambda d: setattr(two_items(d)[0], "ROIName", "a name of more than sixteen"),
    "name_characters": lambda d: setattr(two_items(d)[0], "ROIName", "GTV/1"),
    "type": lambda d: setattr(d.RTROIObservationsSequence[0], "RTROIInterpretedType", ""),
    "gap": lambda d: d.ROIContourSequence[0].ContourSequence.pop(2),
    "no_contour": lambda d: delattr(d.ROIContourSequence[0], "ContourSequence"),
    "no_image": lambda d: delattr(contour(d), "ContourImageSequence"),
    "approval": lambda d: delattr(d, "ApprovalStatus"),
    "absent": lambda d: delattr(d, "AccessionNumber"),
}


def test_sound_file_has_no_finding(made):
    series, path = made
    assert check_structure_set(read_for_check(path), series) == ()


@pytest.mark.parametrize("code", FAULTS)
def test_fault_is_an_error(made, code):
    series, path = made
    found = errors_of(check_structure_set(damage(path, FAULTS[code]), series))
    assert code in {each.code for each in found}
    assert all(each.sentence.endswith(".") and "{" not in each.sentence for each in found)


@pytest.mark.parametrize("code", WARNINGS)
def test_oddity_is_a_warning(made, code):
    series, path = made
    found = check_structure_set(damage(path, WARNINGS[code]), series)
    assert errors_of(found) == () and code in {each.code for each in found}


def test_contour_within_a_hundredth_of_its_slice_is_on_it(made):
    series, path = made
    assert check_structure_set(damage(path, lambda d: shift(d, 2, 0.008)), series) == ()


def test_other_ct_is_said(made, tmp_path):
    _, path = made
    other = ct_series(axial_grid(), tmp_path)
    found = {each.code for each in errors_of(check_structure_set(read_for_check(path), other))}
    assert {"frame_of_reference", "series", "image"} <= found


def test_file_of_another_kind_is_refused(made, tmp_path):
    text = tmp_path / "note.txt"
    text.write_text("no DICOM")
    with pytest.raises(InputError, match="no DICOM file"):
        read_for_check(text)
    ct = next(iter(made[1].parent.glob("ct/*")))
    with pytest.raises(InputError, match="not an RTSTRUCT"):
        read_for_check(ct)


@pytest.mark.parametrize("size", [200, 700, 3000])
def test_file_cut_short_is_refused_or_found_faulty(made, tmp_path, size):
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(made[1].read_bytes()[:size])
    try:
        found = check_structure_set(read_for_check(cut), made[0])
    except (InputError, DicomError) as error:
        assert str(error).endswith(".")
    else:
        assert errors_of(found)


@pytest.mark.slow
def test_real_ones_from_mim(shared_data):
    """Drawn on whole-body PET; the first was written well, the second was cropped afterwards."""
    folder = shared_data("sts001_ge_wholebody_pet")
    dataset = read_for_check(folder / "rtstruct" / "RS.dcm")
    assert errors_of(check_structure_set(dataset, referenced_series(folder, None, None))) == ()
    folder = shared_data("ibsi_sts_petct") / "STS_002" / "dicom_PET_units_GML"
    dataset = read_for_check(folder / "mask" / "RS.dcm")
    series = planning_series(folder / "image", modality="PT")
    found = {each.code for each in errors_of(check_structure_set(dataset, series))}
    assert found == {"images", "off_slice", "image"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rt.dcm", {"frame_of_reference"}),
        ("invalid_reference_rt.dcm", {"images", "outside", "image"}),
        ("non_existent_reference_rt.dcm", {"series", "outside", "image"}),
    ],
)
def test_real_ones_with_bad_references(shared_data, name, expected):
    folder = shared_data("rtstruct_mim_phantom") / "dicom"
    found = check_structure_set(read_for_check(folder / name), referenced_series(folder, None, None))
    assert {each.code for each in errors_of(found)} == expected


def test_real_one_from_eclipse(shared_data, tmp_path):
    """Its CT is not there; one like it is made here. Ten structures are empty."""
    folder = shared_data("slicerrt_eclipse_prostate")
    dataset = read_for_check(folder / "RS_eclipse_prostate_phantom.dcm")
    (reference,) = series_references(dataset)
    heights = {
        float(contour.points_lps[0, 2]): contour.images[0][0]
        for roi in roi_records(dataset)
        for contour in roi.contours
    }
    low = min(heights)
    grid = axial_grid((len(heights), 180, 180), (2.0, 2.0, 2.5), (-180.0, -180.0, low))
    datasets = ct_datasets(
        grid,
        StudyInstanceUID=reference.study_uid,
        SeriesInstanceUID=reference.series_uid,
        FrameOfReferenceUID=reference.frame_of_reference_uid,
        PatientID=dataset.PatientID,
        PatientName=dataset.PatientName,
    )
    for number, each in enumerate(datasets):
        each.SOPInstanceUID = heights[low + 2.5 * number]
    found = check_structure_set(dataset, planning_series(save(datasets, tmp_path)))
    assert errors_of(found) == ()
    assert sum(each.code == "no_contour" for each in found) == 10
