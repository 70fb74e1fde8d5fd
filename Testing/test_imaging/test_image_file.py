"""Image files: places survive every format, and what is no volume is refused."""

import numpy as np
import pytest
import SimpleITK as sitk
from PSMAPlanningLib.errors import InputError, OutputError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.image_file import grid_of, read_image_file, sitk_image, stem_of, write_image_file
from scipy.spatial.transform import Rotation

OBLIQUE = Rotation.from_euler("xyz", [10, 20, -40], degrees=True).as_matrix()
GRIDS = {
    "plain": VoxelGrid((3, 4, 5), (1.0, 2.0, 3.0), (10, -20, 30)),
    "oblique": VoxelGrid((3, 4, 5), (1.1, 2.2, 3.3), (10, -20, 30), tuple(map(tuple, OBLIQUE))),
    "left-handed": VoxelGrid((3, 4, 5), (1, 2, 3), (0, 0, 0), ((-1, 0, 0), (0, 1, 0), (0, 0, 1))),
}


@pytest.mark.parametrize("suffix", [".nrrd", ".nii", ".nii.gz", ".mha"])
@pytest.mark.parametrize("name", GRIDS)
def test_round_trip(tmp_path, suffix, name):
    if name == "left-handed" and suffix.startswith(".nii"):
        pytest.skip("tested below: NIfTI stores the handedness apart")
    grid = GRIDS[name]
    array = np.random.default_rng(2).normal(size=grid.shape_kji).astype(np.float32)
    path = tmp_path / f"Bild mit Lücke{suffix}"
    write_image_file(Image(array, grid, Quantity.SUVBW), path)
    back = read_image_file(path)
    np.testing.assert_array_equal(back.array, array)
    assert back.grid.same_as(grid, 1e-3) and back.quantity is Quantity.UNKNOWN
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_left_handed_nifti(tmp_path, suffix):
    grid = GRIDS["left-handed"]
    array = np.arange(60, dtype=np.float32).reshape(grid.shape_kji)
    write_image_file(Image(array, grid, Quantity.SUVBW), tmp_path / f"x{suffix}")
    back = read_image_file(tmp_path / f"x{suffix}")
    assert back.grid.same_as(grid, 1e-3)
    np.testing.assert_array_equal(back.array, array)


def test_a_point_keeps_its_place():
    grid = GRIDS["oblique"]
    image = sitk_image(np.zeros(grid.shape_kji, np.float32), grid)
    lps = image.TransformIndexToPhysicalPoint((4, 3, 2))
    np.testing.assert_allclose(grid.ras_of((2, 3, 4)), np.array(lps) * [-1, -1, 1], atol=1e-9)
    assert grid_of(image).same_as(grid)


def test_masks_are_written_as_labels(tmp_path):
    grid = GRIDS["plain"]
    array = np.zeros(grid.shape_kji, bool)
    array[1, 2, 3] = True
    write_image_file(Mask(array, grid), tmp_path / "m.nrrd")
    back = sitk.ReadImage(str(tmp_path / "m.nrrd"))
    assert back.GetPixelID() == sitk.sitkUInt8
    assert sitk.GetArrayFromImage(back).sum() == 1


def write(path, array, vector=False):
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=vector), str(path))
    return path


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda f: f / "absent.nrrd", "does not exist"),
        (
            lambda f: write(f / "v.nrrd", np.zeros((2, 3, 4, 3), np.float32), vector=True),
            "3 values per voxel",
        ),
        (lambda f: write(f / "v.nrrd", np.zeros((2, 3, 4, 5), np.float32)), "4 axes"),
        (lambda f: write(f / "v.nrrd", np.zeros((3, 4), np.float32)), "2 axes"),
        (lambda f: write(f / "v.nrrd", np.full((2, 3, 4), np.nan, np.float32)), "24 voxels"),
        (lambda f: write(f / "v.nrrd", np.full((2, 3, 4), np.inf, np.float32)), "not finite"),
    ],
)
def test_what_is_no_volume_is_refused(tmp_path, build, words):
    with pytest.raises(InputError, match=words):
        read_image_file(build(tmp_path))


@pytest.mark.parametrize("name", ["broken.nrrd", "broken.nii.gz", "notes.txt"])
def test_damaged_or_foreign_files(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing of use")
    with pytest.raises(InputError, match=name):
        read_image_file(tmp_path / name)


def test_places_that_cannot_be_written(tmp_path):
    mask = Mask(np.ones((1, 1, 1), bool), VoxelGrid((1, 1, 1), (1, 1, 1)))
    with pytest.raises(OutputError, match="must end in"):
        write_image_file(mask, tmp_path / "x.txt")
    with pytest.raises(OutputError, match="cannot be written"):
        write_image_file(mask, tmp_path / "absent" / "x.nrrd")


def test_stems():
    from pathlib import Path

    assert [stem_of(Path(n)) for n in ("a.nii.gz", "b.seg.nrrd", "c.d.mha")] == ["a", "b", "c.d"]
