"""DICOM SEG: files written by highdicom are read voxel by voxel; what cannot be read is one sentence."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from phantoms import ball
from PSMAPlanningLib.case_frames import CaseFrames
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.dicomrt.seg_reader import read_seg, seg_file
from PSMAPlanningLib.errors import DicomError, FrameOfReferenceError, InputError
from PSMAPlanningLib.imaging.dicom_series import find_series, series_stack
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.image_file import write_image_file
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.volume_files import identities_of, read_volume_files
from PSMAPlanningLib.volume_import import import_volumes
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

highdicom = pytest.importorskip("highdicom", reason="highdicom writes the files these tests read")

GRID = VoxelGrid(
    (9, 20, 24), (2.0, 2.5, 3.0), (30.0, -40.0, 55.0), ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0))
)
TILT = np.deg2rad(12)
OBLIQUE = VoxelGrid(
    (9, 20, 24),
    (2.0, 2.5, 3.0),
    (30.0, -40.0, 55.0),
    (
        (-1.0, 0.0, 0.0),
        (0.0, -float(np.cos(TILT)), float(np.sin(TILT))),
        (0.0, float(np.sin(TILT)), float(np.cos(TILT))),
    ),
)
FRAME = generate_uid()


def slices_of(grid: VoxelGrid, frame_uid: str = FRAME) -> list[pydicom.Dataset]:
    """A CT series on the grid, as the images that a SEG refers to."""
    study, series = generate_uid(), generate_uid()
    direction = grid.direction_lps
    slices = []
    for k in range(grid.shape_kji[0]):
        image = pydicom.Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = CTImageStorage
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        image.StudyInstanceUID, image.SeriesInstanceUID = study, series
        image.FrameOfReferenceUID = frame_uid
        image.PatientID, image.PatientName, image.PatientBirthDate, image.PatientSex = "1", "A^B", "", "O"
        image.StudyID, image.AccessionNumber, image.ReferringPhysicianName = "1", "", ""
        image.StudyDate, image.StudyTime, image.Modality = "20260101", "120000", "CT"
        image.SeriesNumber, image.InstanceNumber = 1, k + 1
        image.Rows, image.Columns = grid.shape_kji[1:]
        image.ImagePositionPatient = [
            round(x, 6) for x in grid.crop((slice(k, k + 1), *whole(grid)[1:])).origin_lps
        ]
        image.ImageOrientationPatient = [round(float(x), 9) for x in (*direction[:, 0], *direction[:, 1])]
        image.PixelSpacing = [grid.spacing_mm[1], grid.spacing_mm[0]]
        image.SliceThickness = grid.spacing_mm[2]
        image.PixelRepresentation, image.SamplesPerPixel = 0, 1
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PhotometricInterpretation = 15, "MONOCHROME2"
        image.RescaleSlope, image.RescaleIntercept = 1, 0
        image.PixelData = np.zeros(grid.shape_kji[1:], dtype=np.uint16).tobytes()
        slices.append(image)
    return slices


def whole(grid):
    return tuple(slice(0, n) for n in grid.shape_kji)


def write_seg(
    path: Path, grid, arrays, kind="BINARY", labels=("node", "bed"), slices=None, **options
) -> Path:
    """Segments (K, J, I) written by highdicom as a vendor would."""
    described = [
        highdicom.seg.SegmentDescription(
            segment_number=n,
            segment_label=label,
            segmented_property_category=pydicom.sr.codedict.codes.SCT.Tissue,
            segmented_property_type=pydicom.sr.codedict.codes.SCT.LymphNode,
            algorithm_type="MANUAL",
        )
        for n, label in enumerate(labels[: len(arrays)], start=1)
    ]
    highdicom.seg.Segmentation(
        source_images=slices or slices_of(grid),
        pixel_array=np.stack(arrays, axis=-1),
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid=generate_uid(),
        series_number=2,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="test",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
        **options,
    ).save_as(path)
    return path


def masks(grid):
    """Two segments that overlap; the first misses slices, so that its frames have gaps."""
    node, bed = np.zeros((2, *grid.shape_kji), dtype=np.uint8)
    node[1, 3:9, 4:12] = node[2, 3:9, 4:12] = node[7, 5:6, 5:9] = 1
    bed[2:7, 6:14, 2:20] = 1
    return node, bed


@pytest.mark.parametrize("grid", [GRID, OBLIQUE], ids=["axial", "oblique"])
def test_binary_segments_lie_where_they_were_drawn(tmp_path, grid):
    drawn = masks(grid)
    found = read_seg(write_seg(tmp_path / "seg.dcm", grid, drawn))
    assert [(s.number, s.name) for s in found.segments] == [(1, "node"), (2, "bed")]
    assert not found.fractional
    assert found.warnings == ()
    assert found.frame_of_reference_uid == FRAME
    assert found.referenced_series_uid
    for segment, array in zip(found.segments, drawn, strict=True):
        there = grid.ras_of(np.argwhere(array))
        assert segment.mask.voxels == len(there)
        kji = segment.mask.grid.kji_of(there)
        assert np.abs(kji - np.rint(kji)).max() < 1e-3
        assert segment.mask.array[tuple(np.rint(kji).astype(int).T)].all()
        assert segment.mask.volume_ml == pytest.approx(array.sum() * grid.voxel_volume_ml, rel=1e-5)


def test_empty_slices_left_out_and_kept_are_the_same(tmp_path):
    drawn = masks(GRID)
    sparse = read_seg(write_seg(tmp_path / "a.dcm", GRID, drawn, omit_empty_frames=True))
    full = read_seg(write_seg(tmp_path / "b.dcm", GRID, drawn, omit_empty_frames=False))
    assert full.segments[0].mask.grid.shape_kji == GRID.shape_kji
    for a, b in zip(sparse.segments, full.segments, strict=True):
        assert a.mask.cropped().grid.same_as(b.mask.cropped().grid)
        assert np.array_equal(a.mask.cropped().array, b.mask.cropped().array)


def test_a_single_slice_has_the_thickness_of_its_image(tmp_path):
    node = np.zeros(GRID.shape_kji, dtype=np.uint8)
    node[4, 3:9, 4:12] = 1
    found = read_seg(write_seg(tmp_path / "seg.dcm", GRID, [node]))
    assert found.segments[0].mask.volume_ml == pytest.approx(node.sum() * GRID.voxel_volume_ml)


def test_a_fractional_file_is_taken_at_one_half_and_says_so(tmp_path):
    share = np.zeros(GRID.shape_kji, dtype=np.float32)
    share[2:5, 3:9, 4:12] = 0.3
    share[3, 5:8, 6:10] = 0.8
    path = write_seg(tmp_path / "seg.dcm", GRID, [share], "FRACTIONAL", fractional_type="PROBABILITY")
    found = read_seg(path)
    assert found.fractional
    assert found.segments[0].mask.voxels == 12
    assert "one half" in found.warnings[0]


def test_other_files_are_refused_by_name(tmp_path):
    (tmp_path / "text.dcm").write_text("no DICOM")
    with pytest.raises(InputError, match="no DICOM file"):
        read_seg(tmp_path / "text.dcm")
    with pytest.raises(InputError, match="does not exist"):
        read_seg(tmp_path / "none.dcm")
    path = write_seg(tmp_path / "seg.dcm", GRID, masks(GRID))
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size - 200])
    with pytest.raises(DicomError, match=r"cut\.dcm"):
        read_seg(cut)
    changed = pydicom.dcmread(path)
    changed.Modality = "CT"
    changed.save_as(tmp_path / "ct.dcm")
    with pytest.raises(InputError, match="modality CT"):
        read_seg(tmp_path / "ct.dcm")
    changed.Modality, changed.SegmentationType = "SEG", "LABELMAP"
    changed.save_as(tmp_path / "label.dcm")
    with pytest.raises(InputError, match="LABELMAP"):
        read_seg(tmp_path / "label.dcm")


def test_frames_off_the_grid_are_refused(tmp_path):
    path = write_seg(tmp_path / "seg.dcm", GRID, masks(GRID))
    dataset = pydicom.dcmread(path)
    frame = dataset.PerFrameFunctionalGroupsSequence[2]
    position = frame.PlanePositionSequence[0].ImagePositionPatient
    frame.PlanePositionSequence[0].ImagePositionPatient = [position[0] + 1.0, position[1], position[2]]
    dataset.save_as(path)
    with pytest.raises(DicomError, match="one regular grid"):
        read_seg(path)


def test_the_only_seg_of_a_folder_is_meant(tmp_path):
    assert seg_file(tmp_path) is None
    path = write_seg(tmp_path / "one.dcm", GRID, masks(GRID))
    (tmp_path / "notes.txt").write_text("x")
    assert seg_file(tmp_path) == path
    write_seg(tmp_path / "two.dcm", GRID, masks(GRID))
    with pytest.raises(InputError, match="2 SEG files"):
        seg_file(tmp_path)


# As input of the commands


def test_consensus_of_seg_files(tmp_path, capsys):
    readers = []
    for n, radius in enumerate((8, 9, 10)):
        array = ball(GRID, GRID.position_of((4, 10, 12)), radius).array.astype(np.uint8)
        readers.append(str(write_seg(tmp_path / f"reader{n}.dcm", GRID, [array], labels=("lesion",))))
    assert main(["consensus", *readers, "--method", "majority", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in document["inputs"]] == ["reader0", "reader1", "reader2"]
    middle = document["inputs"][1]["volume_ml"]
    assert document["volume_ml"] == pytest.approx(middle)
    assert document["order_statistic"] == 2


def test_seg_files_of_differing_frames_are_refused(tmp_path, capsys):
    drawn = masks(GRID)[1:]
    one = write_seg(tmp_path / "one.dcm", GRID, drawn)
    other = write_seg(tmp_path / "two.dcm", GRID, drawn, slices=slices_of(GRID, generate_uid()))
    assert main(["agreement", str(one), str(other)]) == 2
    assert "another frame of reference" in capsys.readouterr().err


def test_a_seg_agrees_with_the_label_map_it_came_from(tmp_path, capsys):
    drawn = masks(OBLIQUE)[1]
    seg = write_seg(tmp_path / "seg.dcm", OBLIQUE, [drawn])
    write_image_file(Mask(drawn.astype(bool), OBLIQUE), tmp_path / "label.nrrd")
    assert main(["agreement", str(seg), str(tmp_path / "label.nrrd"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dice"][0][1] == pytest.approx(1.0)


def test_the_grid_is_that_of_the_series(tmp_path):
    """Read back by this project's own series reader: SEG and image share voxels."""
    slices = slices_of(GRID)
    for n, image in enumerate(slices):
        image.save_as(tmp_path / f"{n}.dcm", enforce_file_format=True)
    (series,) = find_series(tmp_path)
    grid = series_stack(series)[0].grid
    found = read_seg(
        write_seg(tmp_path / "seg.dcm", GRID, masks(GRID), slices=slices, omit_empty_frames=False)
    )
    assert found.segments[0].mask.grid.same_as(grid)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
def test_segments_become_volumes_of_a_case(tmp_path, kind):
    """A SEG on the PET's frame of reference: names, kinds and volumes; a fractional one says so."""
    frame = generate_uid()
    pet = Image(np.ones(GRID.shape_kji, dtype=np.float32), GRID, Quantity.SUVBW, frame)
    node, bed = (array.astype(np.float32 if kind == "FRACTIONAL" else np.uint8) for array in masks(GRID))
    options = {"fractional_type": "OCCUPANCY"} if kind == "FRACTIONAL" else {}
    path = write_seg(
        tmp_path / "volumes.dcm",
        GRID,
        [node, bed],
        kind,
        labels=("GTVn", "CTVsb"),
        slices=slices_of(GRID, frame),
        **options,
    )
    (file,) = read_volume_files([path], Stage(no_progress))
    assert file.frame_uid == frame
    assert [each.role for each in identities_of([file])] == ["SEG"]
    imported = import_volumes([file], CaseFrames(pet), pet, None, Stage(no_progress))
    assert [(v.name, v.kind, v.mask.voxels) for v in imported.volumes] == [
        ("GTVn", "GTV", node.astype(bool).sum()),
        ("CTVsb", "CTV", bed.astype(bool).sum()),
    ]
    assert any("fractional" in warning for warning in imported.warnings) is (kind == "FRACTIONAL")
    elsewhere = CaseFrames(replace(pet, frame_of_reference_uid=generate_uid()))
    with pytest.raises(FrameOfReferenceError):
        import_volumes([file], elsewhere, elsewhere.pet, None, Stage(no_progress))
