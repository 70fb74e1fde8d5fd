"""Label maps and Slicer segmentations."""

import numpy as np
import pytest
import SimpleITK as sitk
from PSMAPlanningLib.dicomrt.rasterise import rasterise
from PSMAPlanningLib.dicomrt.rtstruct_reader import read_rtstruct
from PSMAPlanningLib.errors import InputError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image_file import sitk_image
from PSMAPlanningLib.imaging.label_file import read_labels

GRID = VoxelGrid((3, 4, 5), (1, 2, 3), (10, 20, 30), ((-1, 0, 0), (0, -1, 0), (0, 0, 1)))


def write(path, array, grid=GRID, metadata=None):
    image = sitk_image(array, grid)
    for key, value in (metadata or {}).items():
        image.SetMetaData(key, value)
    sitk.WriteImage(image, str(path), useCompression=True)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
def test_multi_label(tmp_path, suffix, dtype):
    array = np.zeros(GRID.shape_kji, dtype)
    array[0, 0, :3], array[2, 1, 1] = 2, 5
    labels = read_labels(write(tmp_path / f"organs{suffix}", array), names={5: "Bladder"})
    assert [(x.name, x.value, x.mask.voxels, x.kind) for x in labels] == [
        ("label_2", 2, 3, None),
        ("Bladder", 5, 1, None),
    ]
    assert labels[0].mask.grid.same_as(GRID)


def test_a_binary_mask_bears_the_name_of_its_file(tmp_path):
    array = np.zeros(GRID.shape_kji, np.uint8)
    array[1] = 255
    (label,) = read_labels(write(tmp_path / "PTV 68.nii.gz", array))
    assert (label.name, label.value, label.mask.voxels) == ("PTV 68", 255, 20)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full(GRID.shape_kji, 0.5, np.float32), "not whole numbers"),
        (np.full(GRID.shape_kji, np.nan, np.float32), "not whole numbers"),
        (np.zeros(GRID.shape_kji, np.uint8), "holds no label"),
        (np.full(GRID.shape_kji, -3, np.int16), "negative label -3"),
    ],
)
def test_what_is_no_label_map(tmp_path, array, words):
    with pytest.raises(InputError, match=words):
        read_labels(write(tmp_path / "x.nrrd", array))


def segmentation(*segments):
    keys = {}
    for n, (name, layer, value) in enumerate(segments):
        keys |= {
            f"Segment{n}_ID": f"Segment_{n}",
            f"Segment{n}_Name": name,
            f"Segment{n}_Layer": str(layer),
            f"Segment{n}_LabelValue": str(value),
        }
    return keys | {"Segmentation_ReferenceImageExtentOffset": "7 8 9"}


def test_segments_share_one_layer(tmp_path):
    array = np.zeros(GRID.shape_kji, np.uint8)
    array[0], array[1] = 1, 2
    keys = segmentation(("Bett", 0, 1), ("Knoten links", 0, 2), ("leer", 0, 3))
    found = read_labels(write(tmp_path / "x.seg.nrrd", array, metadata=keys))
    assert [(x.name, x.value, x.mask.voxels) for x in found] == [
        ("Bett", 1, 20),
        ("Knoten links", 2, 20),
        ("leer", 3, 0),
    ]
    # The offset tells where the reference image began; the origin in the file is that of its own voxels.
    assert found[0].mask.grid.same_as(GRID)


def test_segments_on_layers_overlap(tmp_path):
    array = np.zeros((*GRID.shape_kji, 2), np.uint8)
    array[0, ..., 0], array[:2, ..., 1] = 1, 1
    image = sitk.GetImageFromArray(array, isVector=True)
    image.SetSpacing(GRID.spacing_mm)
    for key, value in segmentation(("a", 0, 1), ("b", 1, 1)).items():
        image.SetMetaData(key, value)
    sitk.WriteImage(image, str(tmp_path / "x.seg.nrrd"))
    found = read_labels(tmp_path / "x.seg.nrrd")
    assert [(x.name, x.mask.voxels) for x in found] == [("a", 20), ("b", 40)]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (segmentation(("a", 3, 1)), "layer 3 of 1"),
        ({"Segment0_ID": "a", "Segment0_LabelValue": "one"}, "Segment0_LabelValue"),
        ({}, "no segment"),
    ],
)
def test_broken_segmentations(tmp_path, keys, words):
    with pytest.raises(InputError, match=words):
        read_labels(write(tmp_path / "x.seg.nrrd", np.ones(GRID.shape_kji, np.uint8), metadata=keys))


def test_what_slicer_itself_writes(tmp_path, headless):
    """Two overlapping segments, written by Slicer's own storage node from an oblique, cropped geometry."""
    import slicer
    import vtk

    node = headless.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    for name, (first, last) in {"one": (2, 6), "two": (4, 9)}.items():
        image = slicer.vtkOrientedImageData()
        image.SetDimensions(12, 11, 10)
        image.SetSpacing(1.5, 2.0, 3.0)
        image.SetOrigin(-10.0, 20.0, -30.0)
        image.SetDirections(((0.8, -0.6, 0.0), (0.6, 0.8, 0.0), (0.0, 0.0, 1.0)))
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        image.GetPointData().GetScalars().Fill(0)
        for k in range(first, last):
            image.SetScalarComponentFromDouble(5, 6, k, 0, 1)
            image.SetScalarComponentFromDouble(6, 6, k, 0, 1)
        assert node.AddSegmentFromBinaryLabelmapRepresentation(image, name)
    storage = slicer.vtkMRMLSegmentationStorageNode()
    headless.scene.AddNode(storage)
    storage.SetFileName(str(tmp_path / "x.seg.nrrd"))
    assert storage.WriteData(node)
    found = read_labels(tmp_path / "x.seg.nrrd")
    assert [(x.name, x.mask.voxels) for x in found] == [("one", 8), ("two", 10)]
    direction = ((0.8, -0.6, 0.0), (0.6, 0.8, 0.0), (0.0, 0.0, 1.0))
    full = VoxelGrid((10, 11, 12), (1.5, 2.0, 3.0), (-10.0, 20.0, -30.0), direction)
    expected = full.ras_of([(k, 6, i) for k in range(2, 6) for i in (5, 6)])
    np.testing.assert_allclose(found[0].mask.points_ras(), expected, atol=1e-6)


def test_eclipse_booleans_by_slicer(shared_data):
    """Segmentations of Slicer 4 with a cropped extent, against our own masks of the same structures."""
    folder = shared_data("slicerrt_eclipse_prostate")
    grid = VoxelGrid(
        (92, 512, 512), (0.976562, 0.976562, 2.5), (250, 250, -122.5), ((-1, 0, 0), (0, -1, 0), (0, 0, 1))
    )
    structures = read_rtstruct(folder / "RS_eclipse_prostate_phantom.dcm")
    bladder, target = (rasterise(structures.roi(name), grid).array for name in ("Bladder", "PTV"))
    expected = {
        "Intersect": bladder & target,
        "Union": bladder | target,
        "Subtract": bladder & ~target,
    }
    for operation, ours in expected.items():
        (label,) = read_labels(folder / f"EclipseProstate_Bladder_{operation}_PTV.seg.nrrd")
        assert label.name == f"Bladder_{operation}_PTV"
        k, j, i = np.round(grid.kji_of(label.mask.grid.origin_ras)).astype(int)
        depth, height, width = label.mask.array.shape
        theirs = np.zeros(grid.shape_kji, bool)
        theirs[k : k + depth, j : j + height, i : i + width] = label.mask.array
        assert np.count_nonzero(ours != theirs) <= 5


def test_planner_structures(shared_data):
    folder = shared_data("cort_prostate_structures")
    for line in (folder / "structures.csv").read_text().splitlines()[1:]:
        name, _, voxels, volume_ml = line.split(",")
        (label,) = read_labels(folder / f"{name}.nrrd")
        assert (label.name, label.mask.voxels) == (name, int(voxels))
        assert label.mask.volume_ml == pytest.approx(float(volume_ml), abs=1e-3)
