"""Structures for margin, boost and coverage: what a file holds, and a sentence for what was left out."""

import numpy as np
import pytest
from PSMAPlanningLib.commands.structure_files import ImagePlace, image_place, read_structures
from PSMAPlanningLib.errors import InputError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.image_file import write_image_file
from PSMAPlanningLib.imaging.segmentation_file import Segment, write_segmentation

ECLIPSE_GRID = VoxelGrid(
    (92, 128, 128), (3.906248, 3.906248, 2.5), (248, 248, -122.5), ((-1, 0, 0), (0, -1, 0), (0, 0, 1))
)


def test_ten_of_sixteen_are_said_to_be_empty(shared_data):
    path = shared_data("slicerrt_eclipse_prostate") / "RS_eclipse_prostate_phantom.dcm"
    said = []
    found = read_structures(path, ImagePlace(ECLIPSE_GRID, None), said=said)
    assert len(found) == 6 and {"Bladder", "Rectum", "PTV"} <= {each.name for each in found}
    assert sum("is empty and was left out" in sentence for sentence in said) == 10
    assert all(sentence.startswith("RS_eclipse_prostate_phantom.dcm: ") for sentence in said)


@pytest.mark.parametrize("name", ["invalid_reference_rt", "non_existent_reference_rt"])
def test_wrong_references_do_not_hide_the_contours(shared_data, name):
    folder = shared_data("rtstruct_mim_phantom") / "dicom"
    said = []
    found = read_structures(folder / f"{name}.dcm", image_place(folder), said=said)
    assert len(found) + sum("left out" in sentence for sentence in said) == 4
    assert found


def test_an_empty_segment_is_said(tmp_path):
    grid = VoxelGrid((3, 4, 5), (1, 1, 1))
    full = np.zeros(grid.shape_kji, dtype=bool)
    full[1, 1:3, 1:3] = True
    path = tmp_path / "two.seg.nrrd"
    write_segmentation([Segment("here", full), Segment("nowhere", np.zeros_like(full))], grid, path)
    said = []
    (found,) = read_structures(path, None, said=said)
    assert found.name == "here" and said == ["two.seg.nrrd: nowhere is empty and was left out."]


def test_a_file_without_a_voxel_is_refused(tmp_path):
    grid = VoxelGrid((3, 4, 5), (1, 1, 1))
    path = tmp_path / "empty.nrrd"
    write_image_file(Mask(np.zeros(grid.shape_kji, dtype=bool), grid), path)
    with pytest.raises(InputError, match="every voxel is 0"):
        read_structures(path, None)
