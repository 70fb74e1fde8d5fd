"""RTDOSE: gray on the right grid whichever way the file writes its planes, and one sentence for the rest."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.dicomrt.dose_reader import read_rtdose
from PSMAPlanningLib.errors import DicomError, DoseError, InputError
from PSMAPlanningLib.imaging.image import Quantity
from test_dicomrt.dose_builder import write_dose

SHAPE = (5, 6, 7)
ORIGIN = (-100.0, -80.0, -60.0)
SPACING = (2.0, 3.0, 4.0)


def dose_by_place():
    """Dose that tells where it is: 1 Gy per mm along x + 2 y + 3 z from the first voxel, all positive."""
    k, j, i = np.indices(SHAPE)
    return 1.0 + i * SPACING[0] + 2 * j * SPACING[1] + 3 * k * SPACING[2]


def write(path, dose=None, **changes):
    return write_dose(path, dose_by_place() if dose is None else dose, SPACING, ORIGIN, **changes)


def at_lps(image, point):
    """The dose at a voxel centre, by its position."""
    ras = np.array([-point[0], -point[1], point[2]], float)
    k, j, i = np.rint(image.grid.kji_of(ras)).astype(int)
    assert np.allclose(image.grid.ras_of(np.array([k, j, i])), ras, atol=1e-6)
    return image.array[k, j, i]


CORNERS = [((0, 0, 0), 1.0), ((6, 0, 0), 13.0), ((0, 5, 0), 31.0), ((0, 0, 4), 49.0), ((6, 5, 4), 91.0)]


def check_corners(image):
    for index, gray in CORNERS:
        place = np.array(ORIGIN) + np.array(index) * SPACING
        assert at_lps(image, place) == pytest.approx(gray, abs=1e-3)


@pytest.mark.parametrize("bits", [16, 32])
def test_dose_in_gray_with_its_frame(tmp_path, bits):
    dose = read_rtdose(write(tmp_path / "d.dcm", bits=bits))
    assert dose.image.quantity is Quantity.DOSE
    assert dose.image.frame_of_reference_uid == "1.2.3.4"
    assert dose.summation_type == "PLAN"
    assert dose.image.grid.spacing_mm == SPACING
    check_corners(dose.image)
    assert dose.header.PatientID == "P1"
    assert "PixelData" not in dose.header
    assert "P1" not in repr(dose)


def test_offsets_as_patient_positions(tmp_path):
    offsets = ORIGIN[2] + SPACING[2] * np.arange(5)
    check_corners(read_rtdose(write(tmp_path / "d.dcm", offsets=offsets)).image)


def test_planes_stored_downwards(tmp_path):
    # The first plane is the uppermost one, and the others follow below it.
    path = tmp_path / "d.dcm"
    origin = (ORIGIN[0], ORIGIN[1], ORIGIN[2] + 4 * SPACING[2])
    write_dose(path, dose_by_place()[::-1], SPACING, origin, offsets=-SPACING[2] * np.arange(5))
    image = read_rtdose(path).image
    check_corners(image)
    assert np.linalg.det(np.array(image.grid.direction_ras)) == pytest.approx(1.0)


def test_coronal_planes(tmp_path):
    # Rows run along x, columns down along -z; their cross product, along which planes follow, is +y.
    path = tmp_path / "d.dcm"
    dose = dose_by_place().transpose(1, 0, 2)[:, ::-1]
    origin = (ORIGIN[0], ORIGIN[1], ORIGIN[2] + 4 * SPACING[2])
    write_dose(
        path,
        dose,
        (SPACING[0], SPACING[2], SPACING[1]),
        origin,
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
    )
    check_corners(read_rtdose(path).image)


def test_offsets_written_with_one_digit(tmp_path):
    spacing = (2.0, 3.0, 2.0833333)
    dose = read_rtdose(
        write_dose(
            tmp_path / "d.dcm",
            dose_by_place(),
            spacing,
            ORIGIN,
            offsets=np.round(2.0833333 * np.arange(5), 1),
        )
    )
    assert dose.image.grid.spacing_mm[2] == pytest.approx(2.0833333, abs=0.02)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DoseUnits": "RELATIVE"}, "dose units RELATIVE"),
        ({"DoseType": "EFFECTIVE"}, "dose type EFFECTIVE"),
        ({"DoseType": "ERROR"}, "dose type ERROR"),
        ({"DoseSummationType": "BEAM"}, "part of a plan"),
        ({"FrameOfReferenceUID": None}, "no frame of reference"),
        ({"DoseGridScaling": None}, "DoseGridScaling"),
        ({"DoseGridScaling": "0"}, "DoseGridScaling"),
        ({"GridFrameOffsetVector": None}, "GridFrameOffsetVector"),
        ({"GridFrameOffsetVector": [0, 4, 8, 14, 16]}, "unevenly spaced planes"),
        ({"GridFrameOffsetVector": [0, 4, 8, 8, 16]}, "unevenly spaced planes"),
        ({"GridFrameOffsetVector": [7, 11, 15, 19, 23]}, "neither at zero nor"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0.8660254, 0.5]}, "tilted"),
        ({"ImageOrientationPatient": [1, 0, 0, 0.5, 0.8660254, 0]}, "not perpendicular"),
        ({"PixelData": None}, "no dose on a grid"),
    ],
)
def test_refused_in_one_sentence(tmp_path, changes, said):
    with pytest.raises(DoseError, match=said) as caught:
        read_rtdose(write(tmp_path / "d.dcm", **changes))
    assert str(caught.value).count(". ") == 0


def test_offsets_as_positions_need_axial_planes(tmp_path):
    # Upside-down columns: z positions would be read along the normal by some systems, along z by others.
    with pytest.raises(DoseError, match="neither at zero nor"):
        write(
            tmp_path / "d.dcm",
            offsets=ORIGIN[2] + SPACING[2] * np.arange(5),
            ImageOrientationPatient=[1, 0, 0, 0, -1, 0],
        )
        read_rtdose(tmp_path / "d.dcm")


def test_doses_of_beams_are_added_only_when_told(tmp_path):
    for name, part in (("b1.dcm", 0.25), ("b2.dcm", 0.75)):
        write(tmp_path / name, dose_by_place() * part, DoseSummationType="BEAM")
    with pytest.raises(DoseError, match="2 RTDOSE files"):
        read_rtdose(tmp_path)
    dose = read_rtdose(tmp_path, sum_parts=True)
    assert dose.parts == 2
    assert "sum of 2" in dose.warnings[0]
    check_corners(dose.image)


def test_parts_that_do_not_belong_together(tmp_path):
    write(tmp_path / "a.dcm", DoseSummationType="BEAM")
    write(tmp_path / "b.dcm")
    with pytest.raises(DoseError, match="whole plan"):
        read_rtdose(tmp_path, sum_parts=True)
    write(tmp_path / "b.dcm", DoseSummationType="BEAM", frame="9.9")
    with pytest.raises(DoseError, match="another frame of reference"):
        read_rtdose(tmp_path, sum_parts=True)
    write_dose(tmp_path / "b.dcm", dose_by_place(), SPACING, (0, 0, 0), DoseSummationType="BEAM")
    with pytest.raises(DoseError, match="another dose grid"):
        read_rtdose(tmp_path, sum_parts=True)


def test_a_folder_with_one_dose_among_others(tmp_path):
    (tmp_path / "notes.txt").write_text("no DICOM")
    write(tmp_path / "d.dcm")
    check_corners(read_rtdose(tmp_path).image)


def test_what_is_no_dose(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_rtdose(tmp_path / "none.dcm")
    with pytest.raises(InputError, match="holds no RTDOSE"):
        read_rtdose(tmp_path)
    text = tmp_path / "text.dcm"
    text.write_text("not DICOM")
    with pytest.raises(InputError, match="no DICOM file"):
        read_rtdose(text)
    with pytest.raises(InputError, match="modality CT"):
        read_rtdose(write(tmp_path / "ct.dcm", Modality="CT"))


def test_a_file_cut_short(tmp_path):
    path = write(tmp_path / "d.dcm")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DicomError):
        read_rtdose(path)


def test_doses_that_cannot_be(tmp_path):
    stored = np.full(SHAPE, -1, "<i4")
    with pytest.raises(DoseError, match="below zero"):
        read_rtdose(write(tmp_path / "d.dcm", PixelRepresentation=1, PixelData=stored.tobytes()))
    with pytest.raises(DoseError, match="no dose above zero"):
        read_rtdose(write(tmp_path / "e.dcm", PixelData=bytes(4 * stored.size)))
