"""DICOM series: finding, choosing, geometry and pixels against closed forms; bad series by name."""

import numpy as np
import pydicom
import pytest
from PSMAPlanningLib.errors import DicomError, InputError, SeriesChoiceError
from PSMAPlanningLib.imaging.dicom_series import choose_series, find_series, read_series
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless
from scipy.spatial.transform import Rotation
from test_imaging.dicom_builder import ct_datasets, pet_datasets, write_series

STORED = np.random.default_rng(1).integers(0, 60000, (5, 4, 6)).astype(np.uint16)


def volume_of(datasets, folder, **kwargs):
    return read_series(find_series(write_series(datasets, folder))[0], **kwargs)


def positions_at(heights):
    return [(10.0, 20.0, z) for z in heights]


def test_values_are_stored_times_slope_per_slice(tmp_path):
    slopes = [0.5, 1.0, 2.0, 1e-4, 3.7]
    volume = volume_of(pet_datasets(STORED, slopes=slopes), tmp_path)
    assert volume.array.dtype == np.float32
    expected = STORED * np.array(slopes)[:, None, None]
    np.testing.assert_allclose(volume.array, expected, rtol=1e-7)


def test_factors_go_with_the_slices_not_with_the_files(tmp_path):
    volume = volume_of(pet_datasets(STORED), tmp_path, factors=[1, 2, 3, 4, 5])
    np.testing.assert_allclose(volume.array, STORED * np.arange(1, 6)[:, None, None], rtol=1e-7)
    with pytest.raises(DicomError, match="5 slices"):
        read_series(find_series(tmp_path)[0], factors=[1, 2])


@pytest.mark.parametrize(
    "axes",
    [
        np.eye(3),
        np.diag([-1.0, -1.0, 1.0]),
        Rotation.from_euler("xyz", [20, -35, 50], degrees=True).as_matrix(),
        np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]).T,
    ],
    ids=["axial", "feet first", "oblique", "sagittal"],
)
def test_voxels_lie_where_dicom_says(tmp_path, axes):
    """Pixel (i, j) lies at IPP + i * column spacing * row axis + j * row spacing * column axis."""
    row, column = axes[:, 0], axes[:, 1]
    normal = np.cross(row, column)
    origin = np.array([-100.0, 50.0, -700.0])
    # The series is written against its normal, so that slices must be sorted and not just read.
    points = [origin - 3.0 * k * normal for k in range(5)]
    datasets = pet_datasets(STORED, positions=points, axes=(*row, *column), pixel_spacing=(1.5, 2.5))
    volume = volume_of(datasets, tmp_path)
    assert volume.grid.spacing_mm == pytest.approx((2.5, 1.5, 3.0))
    for file_index, j, i in ((0, 0, 0), (3, 2, 5), (4, 3, 1)):
        lps = points[file_index] + i * 2.5 * row + j * 1.5 * column
        kji = volume.grid.kji_of(lps * [-1, -1, 1])
        np.testing.assert_allclose(kji, [4 - file_index, j, i], atol=1e-9)
        assert volume.array[4 - file_index, j, i] == STORED[file_index, j, i]
    assert volume.datasets[0].ImagePositionPatient == pytest.approx(points[4])
    assert volume.frame_of_reference_uid == "1.2.3.4.5"


def test_small_unevenness_keeps_the_voxels(tmp_path):
    """Position errors up to 0.1 mm, as in a real scan with gaps of 3.19, 3.27 and 3.29 mm."""
    volume = volume_of(pet_datasets(STORED, positions=positions_at([0, 3.08, 6.0, 9.0, 12.0])), tmp_path)
    np.testing.assert_array_equal(volume.array, STORED)
    assert volume.grid.spacing_mm[2] == pytest.approx(3.0) and volume.warnings == ()


def test_gaps_within_five_percent_are_resampled_on_true_positions(tmp_path):
    heights = np.array([0.0, 3.11, 6.13, 9.08, 12.0])
    plane = np.arange(24, dtype=float).reshape(4, 6)
    stored = np.round(1000 * heights[:, None, None] + plane).astype(np.uint16)
    volume = volume_of(pet_datasets(stored, positions=positions_at(heights)), tmp_path)
    expected = 1000 * 3.0 * np.arange(5)[:, None, None] + plane
    np.testing.assert_allclose(volume.array, expected, atol=1e-2)
    assert "interpolated" in volume.warnings[0]


def test_factors_are_applied_before_resampling(tmp_path):
    heights = np.array([0.0, 3.11, 6.13, 9.08, 12.0])
    stored = np.full((5, 2, 2), 1000, dtype=np.uint16)
    volume = volume_of(pet_datasets(stored, positions=positions_at(heights)), tmp_path, factors=heights + 1)
    np.testing.assert_allclose(volume.array[:, 0, 0], 1000 * (3.0 * np.arange(5) + 1), rtol=1e-6)


BAD_STACKS = {
    "missing slice": ({"positions": positions_at([0, 3, 9, 12, 15])}, "1 slice.* missing between"),
    "two missing": ({"positions": positions_at([0, 3, 6, 9, 18])}, "2 slice.* missing between"),
    "uneven gap": ({"positions": positions_at([0, 3, 6.3, 9, 12])}, "more than 5 %"),
    "doubled slice": ({"positions": positions_at([0, 3, 3, 6, 9])}, "same position"),
    "tilted gantry": ({"positions": [(0, 0.8 * k, 3 * k) for k in range(5)]}, "tilt of about 14.9 degrees"),
    "no position": (
        {"per_slice": {"ImagePositionPatient": [None] * 5}},
        r"ImagePositionPatient \(0020,0032\)",
    ),
    "position of two": ({"ImagePositionPatient": [0.0, 1.0]}, r"0020,0032"),
    "skewed axes": ({"axes": (1, 0, 0, 0.1, 0.995, 0)}, "perpendicular"),
    "two directions": (
        {"per_slice": {"ImageOrientationPatient": [[1, 0, 0, 0, 1, 0]] * 4 + [[0, 1, 0, 1, 0, 0]]}},
        "another direction",
    ),
    "two spacings": ({"per_slice": {"PixelSpacing": [[2, 2]] * 4 + [[3, 3]]}}, "another pixel spacing"),
    "spacing of zero": ({"pixel_spacing": (0, 2)}, r"PixelSpacing \(0028,0030\)"),
    "two frames of reference": ({"per_slice": {"FrameOfReferenceUID": ["1.2"] * 4 + ["1.3"]}}, "0020,0052"),
    "several frames": ({"NumberOfFrames": "7"}, "one file per slice"),
    "colour": ({"SamplesPerPixel": 3}, "colour"),
    "no slope": ({"RescaleSlope": None}, r"RescaleSlope \(0028,1053\)"),
    "slope of zero": ({"RescaleSlope": "0"}, r"RescaleSlope \(0028,1053\)"),
    "no pixels": ({"PixelData": None}, r"7fe0,0010"),
}


@pytest.mark.parametrize("name", BAD_STACKS)
def test_bad_stacks_are_refused_by_name(tmp_path, name):
    changes, words = BAD_STACKS[name]
    with pytest.raises(DicomError, match=words) as caught:
        volume_of(pet_datasets(STORED, **dict(changes)), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_single_slice_is_no_volume(tmp_path):
    with pytest.raises(DicomError, match="only slice"):
        volume_of(pet_datasets(STORED[:1]), tmp_path)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, RLELossless, ExplicitVRBigEndian])
def test_other_transfer_syntaxes(tmp_path, syntax):
    for k, dataset in enumerate(pet_datasets(STORED)):
        if syntax == RLELossless:
            dataset.compress(syntax)
        elif syntax == ExplicitVRBigEndian:
            dataset.PixelData = STORED[k].astype(">u2").tobytes()
        dataset.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(
            tmp_path / f"{k}.dcm",
            dataset,
            little_endian=syntax != ExplicitVRBigEndian,
            implicit_vr=syntax == ImplicitVRLittleEndian,
        )
    np.testing.assert_array_equal(read_series(find_series(tmp_path)[0]).array, STORED)


def test_bits_beyond_those_stored_are_ignored(tmp_path):
    """12 bits in 16, unsigned with an overlay above, and signed without its sign carried up."""
    stored = STORED % 4096
    volume = volume_of(pet_datasets(stored | 0x8000, BitsStored=12, HighBit=11), tmp_path / "overlay")
    np.testing.assert_array_equal(volume.array, stored)
    signed = (STORED % 4096).astype(np.int16) - 2048
    cut = (signed.astype(np.uint16) & 0x0FFF).astype(np.uint16)
    datasets = ct_datasets(cut, BitsStored=12, HighBit=11, PixelRepresentation=1)
    volume = volume_of(datasets, tmp_path / "signed")
    np.testing.assert_array_equal(volume.array, signed - 1024)


def test_monochrome1_changes_no_number(tmp_path):
    volume = volume_of(pet_datasets(STORED, PhotometricInterpretation="MONOCHROME1"), tmp_path)
    np.testing.assert_array_equal(volume.array, STORED)


@pytest.mark.parametrize("cut", [20, 700])
def test_truncated_files_are_named(tmp_path, cut):
    write_series(pet_datasets(STORED), tmp_path)
    victim = tmp_path / "slice002.dcm"
    victim.write_bytes(victim.read_bytes()[:-cut])
    with pytest.raises(DicomError, match=r"slice002\.dcm"):
        read_series(find_series(tmp_path)[0])


def test_other_files_are_passed_over(tmp_path):
    write_series(pet_datasets(STORED), tmp_path / "deep" / "er")
    (tmp_path / "readme.txt").write_text("no DICOM")
    (tmp_path / "deep" / "empty").write_bytes(b"")
    structure_set = pet_datasets(STORED[:2], modality="RTSTRUCT")[0]
    del structure_set.Rows, structure_set.Columns, structure_set.PixelData
    write_series([structure_set], tmp_path, "rs")
    found = find_series(tmp_path)
    assert [(s.modality, s.slice_count) for s in found] == [("PT", 5)]


def test_files_among_the_slices_that_are_none_are_said(tmp_path):
    write_series(pet_datasets(STORED), tmp_path / "scan")
    (tmp_path / "readme.txt").write_text("in another folder")
    assert read_series(find_series(tmp_path)[0]).warnings == ()
    (tmp_path / "scan" / "slice0021.dcm").write_text("a slice once")
    (tmp_path / "scan" / ".hidden").write_text("x")
    volume = read_series(find_series(tmp_path)[0])
    assert volume.array.shape[0] == 5
    (sentence,) = volume.warnings
    assert "slice0021.dcm" in sentence and "not DICOM" in sentence and "hidden" not in sentence


def test_a_slice_lost_at_the_end_is_missed_by_the_count(tmp_path):
    """No gap tells of it; Number of Slices (0054,0081) does."""
    datasets = pet_datasets(STORED, NumberOfSlices=5)
    assert volume_of(datasets, tmp_path / "whole").warnings == ()
    (sentence,) = volume_of(datasets[:-1], tmp_path / "cut").warnings
    assert "counts 5 slices (0054,0081) and 4 were found" in sentence


def test_no_preamble_is_no_hindrance(tmp_path):
    write_series(pet_datasets(STORED), tmp_path)
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        start = data.index(b"\x08\x00\x16\x00UI")
        path.write_bytes(data[start:])
    np.testing.assert_array_equal(read_series(find_series(tmp_path)[0]).array, STORED)


def test_choice_of_series(tmp_path):
    write_series(pet_datasets(STORED, SeriesDescription="AC"), tmp_path, "a")
    write_series(ct_datasets(STORED), tmp_path, "c")
    write_series(ct_datasets(STORED[:2], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), tmp_path, "l")
    found = find_series(tmp_path)
    assert choose_series(found, "PT").description == "AC"
    assert choose_series(found, "CT").slice_count == 5
    with pytest.raises(InputError, match=r"no MR series.*PT, 5 slices, 'AC'"):
        choose_series(found, "MR")
    write_series(pet_datasets(STORED, SeriesDescription="NAC"), tmp_path, "b")
    found = find_series(tmp_path)
    with pytest.raises(SeriesChoiceError, match=r"--series UID.*'AC'.*'NAC'"):
        choose_series(found, "PT")
    second = next(s for s in found if s.description == "NAC")
    assert choose_series(found, "PT", second.uid) is second
    with pytest.raises(InputError, match=r"no PT series 9\.9"):
        choose_series(found, "PT", "9.9")


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        find_series(tmp_path / "absent")
    with pytest.raises(InputError, match="is empty"):
        find_series(tmp_path)
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(InputError, match="none is DICOM"):
        find_series(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        find_series(tmp_path / "note.txt")


def test_paths_with_blanks_and_umlauts(tmp_path):
    volume = volume_of(pet_datasets(STORED), tmp_path / "Größe und Maß")
    np.testing.assert_array_equal(volume.array, STORED)


def test_repr_and_logs_hold_no_header_text(tmp_path, caplog):
    write_series(pet_datasets(STORED, SeriesDescription="secret"), tmp_path)
    found = find_series(tmp_path)
    read_series(found[0])
    assert "secret" not in repr(found) and caplog.text == ""
