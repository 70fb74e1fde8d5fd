"""Structure sets written on the planning CT: links, names, numbers, contours, and what stops an export."""

import errno
import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from phantoms import ball, centred_grid, points_of
from PSMAPlanningLib.dicomrt.export_plan import Algorithm, Decision, ExportOptions
from PSMAPlanningLib.dicomrt.findings import errors_of
from PSMAPlanningLib.dicomrt.planning_series import planning_series
from PSMAPlanningLib.dicomrt.rtstruct_check import check_structure_set, read_for_check
from PSMAPlanningLib.dicomrt.rtstruct_export import (
    exported_occupancy,
    exported_roi,
    prepare_export,
)
from PSMAPlanningLib.dicomrt.rtstruct_reader import read_rtstruct
from PSMAPlanningLib.errors import ExportError, OutputError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.structure_export import write_export, write_rtstruct
from test_dicomrt.ct_on_disk import axial_grid, ct_datasets, ct_series, likeness, save, structure


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return ct_series(axial_grid(), tmp_path_factory.mktemp("ct"))


def ring(series):
    """A tube with a wall of 7 mm, and a rod beside it."""
    distance = np.linalg.norm(points_of(series.grid)[..., :2], axis=-1)
    rod = np.linalg.norm(points_of(series.grid)[..., :2] - [17, 17], axis=-1) < 2.6
    inside = ((distance < 12) & (distance > 5)) | rod
    inside[[0, -1]] = False
    return Mask(inside, series.grid)


def sphere(radius_mm=5.0, centre=(0.3, -0.2, 0.7)):
    return ball(centred_grid(radius_mm + 3, (1.0, 1.0, 1.0)), centre, radius_mm)


def codes(findings, severity="error"):
    return {each.code for each in findings if each.severity == severity}


@pytest.fixture(scope="module")
def written(series, tmp_path_factory):
    path = tmp_path_factory.mktemp("rs") / "rs.dcm"
    structures = [
        structure("GTVn1_PT1", sphere(), colour=(1, 2, 3)),
        structure("CTVn_4500", ring(series), "CTV"),
        structure("Bladder", ring(series), "ORGAN"),
    ]
    return path, write_rtstruct(structures, series, path)


def test_every_link_is_the_ct_s_own(series, written):
    dataset = pydicom.dcmread(written[0])
    assert dataset.StudyInstanceUID == series.study_uid
    assert dataset.FrameOfReferenceUID == series.frame_of_reference_uid
    assert dataset.SeriesInstanceUID != series.series_uid
    frame = dataset.ReferencedFrameOfReferenceSequence[0]
    study = frame.RTReferencedStudySequence[0]
    images = study.RTReferencedSeriesSequence[0]
    assert frame.FrameOfReferenceUID == series.frame_of_reference_uid
    assert study.ReferencedSOPInstanceUID == series.study_uid
    assert images.SeriesInstanceUID == series.series_uid
    own = [each.sop_instance_uid for each in series.slices]
    assert [item.ReferencedSOPInstanceUID for item in images.ContourImageSequence] == own
    heights = {each.sop_instance_uid: each.position_lps[2] for each in series.slices}
    for roi in dataset.ROIContourSequence:
        for contour in roi.ContourSequence:
            (image,) = contour.ContourImageSequence
            assert image.ReferencedSOPClassUID == series.slices[0].sop_class_uid
            z = np.array(contour.ContourData[2::3], float)
            np.testing.assert_allclose(z, heights[image.ReferencedSOPInstanceUID], atol=0.001)
            assert contour.NumberOfContourPoints == len(z) >= 3
            assert contour.ContourGeometricType == "CLOSED_PLANAR"
    assert all(
        d.ReferencedFrameOfReferenceUID == series.frame_of_reference_uid
        for d in dataset.StructureSetROISequence
    )


def test_what_a_planning_system_reads_about_each_structure(written):
    dataset = pydicom.dcmread(written[0])
    assert (dataset.ApprovalStatus, dataset.Modality, dataset.PatientName) == (
        "UNAPPROVED",
        "RTSTRUCT",
        "Müller^Test",
    )
    assert len(dataset.StructureSetLabel) <= 16
    assert [d.ROIName for d in dataset.StructureSetROISequence] == ["GTVn1_PT1", "CTVn_4500", "Bladder"]
    assert {d.ROIGenerationAlgorithm for d in dataset.StructureSetROISequence} == {"AUTOMATIC"}
    observed = dataset.RTROIObservationsSequence
    assert [o.RTROIInterpretedType for o in observed] == ["GTV", "CTV", "ORGAN"]
    values = [o.RTROIIdentificationCodeSequence[0].CodeValue for o in observed]
    assert values == ["228791009", "228792002", "89837001"]
    assert list(dataset.ROIContourSequence[0].ROIDisplayColor) == [1, 2, 3]


def test_codes_are_the_ones_of_dicom():
    from PSMAPlanningLib.dicomrt.export_names import _ORGAN_CODES
    from pydicom.sr.codedict import codes as known

    for code in _ORGAN_CODES.values():
        keyword = {"Urinary bladder": "Bladder"}.get(code.meaning, code.meaning.title().replace(" ", ""))
        keyword = {"HeadOfFemur": "FemoralHead"}.get(keyword, keyword)
        assert getattr(known.SCT, keyword).value == code.value


def test_numbers_have_at_most_16_bytes(written):
    raw = pydicom.dcmread(written[0])
    for roi in raw.ROIContourSequence:
        for contour in roi.ContourSequence:
            text = bytes(contour.get_item(0x30060050).value)
            assert max(map(len, text.strip().split(b"\\"))) <= 16 and len(text) % 2 == 0


def test_round_trip_through_the_reader(series, written):
    path, export = written
    for roi, planned in zip(read_rtstruct(path).rois, export.rois, strict=True):
        assert (roi.name, roi.kind, roi.colour) == (planned.name, planned.interpreted_type, planned.colour)
        expected = exported_roi(planned, series)
        for a, b in zip(roi.contours, expected.contours, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-9)
        if planned.structure.shape.grid is series.grid:
            dice, change = likeness(roi, planned.structure.shape, 3.0)
            assert dice >= 0.999 and abs(change) < 0.001
        assert planned.exported_ml == pytest.approx(planned.drawn.slices_ml, rel=0.01)


@pytest.mark.parametrize("holes", ["xor", "keyhole"])
def test_holes_and_parts_survive(series, tmp_path, holes):
    path = tmp_path / "rs.dcm"
    export = write_rtstruct([structure("A", ring(series), "CTV")], series, path, ExportOptions(holes))
    roi = read_rtstruct(path).rois[0]
    dice, change = likeness(roi, ring(series), 3.0)
    assert dice >= 0.999 and abs(change) < 0.001
    per_slice = len(roi.contours) / len(export.rois[0].drawn.slices_filled)
    assert per_slice == (3 if holes == "xor" else 2)


def test_rt_utils_reads_the_same_voxels(tmp_path):
    rt_utils = pytest.importorskip("rt_utils", reason="rt-utils is not installed")
    # rt-utils builds its masks as (columns, rows); only a square matrix comes out right.
    square = axial_grid((12, 40, 40))
    folder = save(ct_datasets(square), tmp_path / "ct")
    placed = planning_series(folder)
    mask = ring(placed)
    path = tmp_path / "rs.dcm"
    # rt-utils fills each contour by itself and subtracts nothing, so it is given holes as keyholes.
    write_rtstruct([structure("A", mask, "CTV")], placed, path, ExportOptions("keyhole"))
    theirs = rt_utils.RTStructBuilder.create_from(str(folder), str(path)).get_roi_mask_by_name("A")
    theirs = np.moveaxis(theirs, 2, 0)
    if not np.array_equal(theirs.any(axis=(1, 2)), mask.array.any(axis=(1, 2))):
        theirs = theirs[::-1]
    common = np.count_nonzero(theirs & mask.array)
    # It rounds points to whole pixels and fills with the border, which is half a pixel wide.
    assert 2 * common / (np.count_nonzero(theirs) + mask.voxels) > 0.9


@pytest.mark.skipif(shutil.which("plastimatch") is None, reason="plastimatch is absent")
def test_plastimatch_reads_the_same_voxels(tmp_path):
    """The programme behind SlicerRT; it takes holes out only when told to."""
    series = ct_series(axial_grid(), tmp_path / "ct")
    mask = ring(series)
    write_rtstruct([structure("A", mask, "CTV")], series, tmp_path / "rs.dcm")
    command = ["plastimatch", "convert", "--xor-contours", "--input", str(tmp_path / "rs.dcm")]
    command += ["--referenced-ct", str(tmp_path / "ct"), "--output-prefix", str(tmp_path / "out")]
    subprocess.run([*command, "--prefix-format", "nrrd"], check=True, capture_output=True, timeout=60)
    (theirs,) = read_labels(tmp_path / "out" / "A.nrrd")
    common = np.count_nonzero(theirs.mask.array & mask.array)
    assert 2 * common / (theirs.mask.voxels + mask.voxels) > 0.98


def test_names_with_accents_are_written_whatever_the_ct_s_characters(tmp_path):
    datasets = ct_datasets(axial_grid(), PatientName="Plain")
    for each in datasets:
        del each.SpecificCharacterSet
    series = planning_series(save(datasets, tmp_path / "ct"))
    write_rtstruct([structure("Blase, größer (µ)", sphere(), "ORGAN")], series, tmp_path / "rs.dcm")
    (item,) = pydicom.dcmread(tmp_path / "rs.dcm").StructureSetROISequence
    assert item.ROIDescription.startswith("Blase, gr") and item.ROIDescription.isascii()


@pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy (Debian package dicom3tools) is absent"
)
def test_dciodvfy_finds_no_error(written):
    done = subprocess.run(["dciodvfy", "-new", str(written[0])], capture_output=True, text=True, timeout=60)
    said = done.stdout + done.stderr
    assert "RTStructureSet" in said
    assert [line for line in said.splitlines() if line.startswith("Error")] == []


def test_our_own_check_finds_no_error_in_the_file(series, written):
    assert errors_of(check_structure_set(read_for_check(written[0]), series)) == ()


def test_names_are_short_plain_and_unique(series):
    long = "GTV of the left external iliac node"
    names = [long, long + " 2", "gtv_of_the_left", "Rektum (oben)", "  "]
    export = prepare_export([structure(n, sphere(), "ORGAN") for n in names], series)
    made = [roi.name for roi in export.rois]
    assert len({name.upper() for name in made}) == len(names)
    assert all(1 <= len(name) <= 16 and " " not in name for name in made)
    assert made[2] == "gtv_of_the_left"
    assert long in export.rois[0].description
    assert "name_changed" in codes(export.findings, "warning")


def test_undecided_structures_stay_at_home_unless_asked_for(series):
    structures = [
        structure("GTV1", sphere()),
        structure("GTV2", sphere(), decision=Decision.NOT_ACCEPTED),
        structure("GTV3", sphere(), decision=Decision.UNDECIDED),
        structure("GTV4", sphere(), decision=Decision.REJECTED),
    ]
    plain = prepare_export(structures, series)
    assert [roi.name for roi in plain.rois] == ["GTV1"] and not plain.errors
    assert [f.structure for f in plain.findings if f.code == "left_out"] == ["GTV2", "GTV3", "GTV4"]
    everything = prepare_export(structures, series, ExportOptions(include_undecided=True))
    assert len(everything.rois) == 4
    marks = [item.get("ROIDescription", "") for item in everything.dataset.StructureSetROISequence]
    assert marks[0] == ""
    assert [mark.split(":")[0].split(" as")[0] for mark in marks[1:]] == [
        "NOT ACCEPTED",
        "UNDECIDED",
        "REJECTED",
    ]


def test_algorithm_is_said_per_structure(series):
    drawn = structure("A", sphere())
    by_hand = type(drawn)("B", sphere(), "GTV", Algorithm.MANUAL, is_lesion=True)
    export = prepare_export([drawn, by_hand], series)
    said = [item.ROIGenerationAlgorithm for item in export.dataset.StructureSetROISequence]
    assert said == ["AUTOMATIC", "MANUAL"]


def thin(series, height):
    return Mask(np.ones((4, 8, 8), bool), VoxelGrid((4, 8, 8), (1, 1, 0.5), (0, 0, height)))


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        (lambda s: thin(s, 0.75), "between two slices"),
        (lambda s: thin(s, 500.0), "outside the CT"),
        (lambda s: Mask(np.zeros(s.grid.shape_kji, bool), s.grid), "no voxel"),
    ],
)
def test_lesion_without_contour_stops_the_export(series, tmp_path, shape, word):
    export = prepare_export([structure("L1", shape(series)), structure("L2", sphere())], series)
    assert codes(export.errors) == {"no_contour"}
    with pytest.raises(ExportError, match=word) as caught:
        write_export(export, tmp_path / "rs.dcm")
    assert str(caught.value).count(". ") == 0
    assert list(tmp_path.iterdir()) == []


def test_lesion_half_beyond_the_ct_is_an_error_and_a_volume_a_warning(series):
    half = ball(centred_grid(8, (1, 1, 1)), (0, 0, 0), 6.0)
    top = np.array(half.grid.origin_ras) + np.array([0, 0, series.slab_edges_mm[-1]])
    moved = Mask(half.array, VoxelGrid(half.grid.shape_kji, half.grid.spacing_mm, tuple(top)))
    assert codes(prepare_export([structure("L1", moved)], series).errors) == {"outside_ct"}
    export = prepare_export([structure("PTV", moved, "PTV")], series)
    assert not export.errors and "outside_ct" in codes(export.findings, "warning")


def test_volume_changed_by_thick_slices_is_a_warning_in_plain_words(series):
    """Through the middle of a 6 mm sphere 3 mm slices show a quarter less."""
    small = ball(centred_grid(6, (0.5, 0.5, 0.5)), (0.3, -0.2, 0.0), 3.0)
    export = prepare_export([structure("GTV1", small), structure("GTV2", sphere(7.0))], series)
    assert export.errors == ()
    (said,) = [each for each in export.findings if each.code == "volume_on_slices"]
    assert said.structure == "GTV1" and said.severity == "warning"
    assert "slices" in said.sentence and "-2" in said.sentence
    kept = prepare_export([structure("GTV1", small)], series, ExportOptions(slices="volume"))
    assert "volume_on_slices" not in codes(kept.findings, "warning") and kept.errors == ()


def test_lesion_between_two_planes_stops_the_export_by_name(series, tmp_path):
    small = ball(centred_grid(3, (0.25, 0.25, 0.25)), (0.2, 0.1, 1.5), 1.2)
    with pytest.raises(ExportError, match=r"GTV7.*between two slices"):
        write_rtstruct([structure("GTV7", small)], series, tmp_path / "rs.dcm")
    assert list(tmp_path.iterdir()) == []


def test_other_frame_of_reference_stops_the_export(series):
    export = prepare_export([structure("L1", sphere(), frame_of_reference_uid="1.2.3")], series)
    assert codes(export.errors) == {"frame_of_reference"}


def test_nothing_to_export_is_an_error(series, tmp_path):
    with pytest.raises(ExportError, match="no structure to export"):
        write_rtstruct([], series, tmp_path / "rs.dcm")


def test_existing_file_stays_without_force(series, tmp_path):
    path = tmp_path / "rs.dcm"
    path.write_bytes(b"keep")
    with pytest.raises(OutputError, match="--force"):
        write_rtstruct([structure("L1", sphere())], series, path)
    assert path.read_bytes() == b"keep"
    write_rtstruct([structure("L1", sphere())], series, path, overwrite=True)
    assert read_rtstruct(path).rois[0].name == "L1"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_full_disk_leaves_nothing_behind(series, tmp_path, monkeypatch, number):
    path = tmp_path / "rs.dcm"
    path.write_bytes(b"keep")
    export = prepare_export([structure("L1", sphere())], series)

    def fails(target, **_options):
        target.write_bytes(b"half")
        raise OSError(number, "No space left on device")

    monkeypatch.setattr(export.dataset, "save_as", fails)
    with pytest.raises(OutputError, match="cannot be written"):
        write_export(export, path, overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["rs.dcm"] and path.read_bytes() == b"keep"


def test_missing_folder_is_said(series, tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        write_rtstruct([structure("L1", sphere())], series, tmp_path / "absent" / "rs.dcm")


def test_read_only_folder_is_said(series, tmp_path, monkeypatch):
    """Made by hand: the tests may run as a user who may write everywhere."""
    import tempfile

    def denied(*_arguments, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", denied)
    with pytest.raises(OutputError, match="Permission denied"):
        write_rtstruct([structure("L1", sphere())], series, tmp_path / "rs.dcm")


def test_what_the_export_stands_for_can_be_had_as_occupancy(series):
    export = prepare_export([structure("L1", sphere())], series)
    field = exported_occupancy(export.rois[0], series)
    assert field.volume_ml == pytest.approx(export.rois[0].exported_ml, rel=0.01)


@pytest.mark.parametrize(
    "options", [{"holes": "none"}, {"label": ""}, {"label": "x" * 17}, {"tolerance_mm": 0.0}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ExportError):
        ExportOptions(**options)
