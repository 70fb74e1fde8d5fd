"""Contours to voxels: closed forms, every kind of grid, and reference masks of real structures."""

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PSMAPlanningLib.dicomrt import rasterise as module
from PSMAPlanningLib.dicomrt.rasterise import even_odd, plane_spacing_mm, rasterise
from PSMAPlanningLib.dicomrt.rtstruct_reader import Roi, read_rtstruct
from PSMAPlanningLib.errors import GridError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.imaging.read import read_pet
from scipy.spatial.transform import Rotation


def rectangle(x0, x1, y0, y1, z):
    return np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], dtype=float)


def circle(radius, z, centre=(0.0, 0.0), points=200):
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.column_stack(
        [centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle), np.full(points, z)]
    )


def roi_of(*contours):
    return Roi(1, "test", contours=contours)


GRID = VoxelGrid((10, 40, 50), (1.0, 1.0, 3.0), (-24.5, -19.5, 0.0))


def test_a_box_has_the_voxels_of_its_centres():
    mask = rasterise(roi_of(*(rectangle(-5.2, 7.1, -3.9, 2.6, z) for z in (3.0, 6.0, 9.0))), GRID)
    points = mask.points_ras()
    assert mask.voxels == 12 * 7 * 3
    assert points.min(axis=0).tolist() == [-4.5, -3.5, 3.0] and points.max(axis=0).tolist() == [6.5, 2.5, 9.0]


def test_holes_parts_and_keyholes():
    outer, hole = rectangle(-10, 10, -10, 10, 3), rectangle(-5, 5, -5, 5, 3)
    apart = rectangle(15, 18, -10, 10, 3)
    keyhole = np.vstack([outer, outer[:1], hole[[0, 3, 2, 1, 0]], outer[:1]])[:-1]
    assert rasterise(roi_of(outer), GRID).voxels == 400
    assert rasterise(roi_of(outer, hole, apart), GRID).voxels == 400 - 100 + 60
    ring = rasterise(roi_of(outer, hole), GRID).array
    np.testing.assert_array_equal(rasterise(roi_of(keyhole), GRID).array, ring)


def test_shared_edges_neither_overlap_nor_gap():
    left, right = rectangle(-10.5, 0.5, -10.5, 10.5, 3), rectangle(0.5, 10.5, -10.5, 10.5, 3)
    whole = rasterise(roi_of(rectangle(-10.5, 10.5, -10.5, 10.5, 3)), GRID).array
    a, b = (rasterise(roi_of(part), GRID).array for part in (left, right))
    assert not (a & b).any()
    np.testing.assert_array_equal(a | b, whole)


def transformed(contours, matrix, offset):
    return tuple(contour @ matrix.T + offset for contour in contours)


CONTOURS = tuple(circle(6 + k, 3.0 * k + 3, (0.3 * k, 1.7)) for k in range(6))


@pytest.mark.parametrize("axes", [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1)])
@pytest.mark.parametrize("angle", [0, 90, 33])
def test_flipped_and_rotated_grids_give_the_same_voxels(axes, angle):
    """The structure moves with the grid, so every voxel index must stay, whatever the handedness."""
    expected = rasterise(roi_of(*CONTOURS), GRID).array
    matrix = Rotation.from_euler("xyz", [angle, -angle / 2, angle / 3], degrees=True).as_matrix() @ np.diag(
        axes
    )
    offset = np.array([3.0, -70.0, 11.0])
    grid = VoxelGrid(
        GRID.shape_kji, GRID.spacing_mm, tuple(matrix @ GRID.origin_ras + offset), tuple(map(tuple, matrix))
    )
    got = rasterise(roi_of(*transformed(CONTOURS, matrix, offset)), grid).array
    assert np.count_nonzero(got != expected) == 0


def test_slices_along_another_axis_of_the_grid():
    """Axial contours on a grid whose K axis is left-right."""
    expected = rasterise(roi_of(*CONTOURS), GRID).array
    direction = ((0, 0, 1), (0, 1, 0), (1, 0, 0))
    grid = VoxelGrid((50, 40, 10), (3.0, 1.0, 1.0), GRID.origin_ras, direction)
    np.testing.assert_array_equal(rasterise(roi_of(*CONTOURS), grid).array, expected.transpose(2, 1, 0))


def test_oblique_grids_are_exact():
    """A cylinder on a grid tilted against its contours: inside exactly when radius and height say so."""
    contours = tuple(circle(10, z, points=2000) for z in np.arange(-15.0, 15.1, 3.0))
    direction = Rotation.from_euler("xyz", [25, 30, 40], degrees=True).as_matrix()
    grid = VoxelGrid(
        (31, 33, 35), (1.3, 1.1, 1.2), tuple(direction @ [-22.0, -18, -18]), tuple(map(tuple, direction))
    )
    got = rasterise(roi_of(*contours), grid).array
    points = grid.ras_of(np.stack(np.indices(grid.shape_kji), axis=-1))
    radius = np.hypot(points[..., 0], points[..., 1])
    inside = (radius < 10) & (np.abs(points[..., 2]) < 16.5)
    certain = (np.abs(radius - 10) > 1e-3) & (np.abs(np.abs(points[..., 2]) - 16.5) > 1e-2)
    np.testing.assert_array_equal(got[certain], inside[certain])
    assert got.sum() * grid.voxel_volume_ml == pytest.approx(np.pi * 100 * 33 / 1000, rel=0.02)


@pytest.mark.parametrize("spacing", [0.5, 1.0, 1.5, 3.0])
def test_a_contour_stands_for_half_the_spacing_either_side(spacing):
    """No end caps: N contours 3 mm apart make 3 N mm, on any finer grid."""
    roi = roi_of(*(rectangle(-5, 5, -5, 5, 3.0 * k) for k in range(4)))
    grid = VoxelGrid((int(30 / spacing), 20, 20), (1, 1, spacing), (-9.5, -9.5, -9.0))
    assert rasterise(roi, grid).volume_ml == pytest.approx(10 * 10 * 12 / 1000, abs=1e-9)


def test_gaps_between_parts_stay_empty():
    roi = roi_of(*(rectangle(-5, 5, -5, 5, z) for z in (0.0, 3.0, 15.0, 18.0)))
    filled = rasterise(roi, GRID).array.any(axis=(1, 2))
    assert np.flatnonzero(filled).tolist() == [0, 1, 5, 6]


def test_single_planes_are_one_slice_thick_unless_told():
    fine = VoxelGrid((12, 20, 20), (1, 1, 1.0), (-9.5, -9.5, -6.0))
    roi = roi_of(rectangle(-5, 5, -5, 5, 0.0))
    assert rasterise(roi, fine).volume_ml == pytest.approx(0.1)
    assert rasterise(roi, fine, contour_spacing_mm=3.0).volume_ml == pytest.approx(0.3)
    far = roi_of(rectangle(-5, 5, -5, 5, -6.0), rectangle(-5, 5, -5, 5, 5.0))
    assert rasterise(far, fine).volume_ml == pytest.approx(0.2)


def test_spacing_of_planes():
    assert plane_spacing_mm(np.array([0, 3.27, 6.56, 9.83, 40.0])) == pytest.approx(3.27)
    assert plane_spacing_mm(np.array([0.0])) is None
    assert plane_spacing_mm(np.array([0.0, 60.0])) is None


def test_what_cannot_be_rasterised():
    bent = rectangle(-5, 5, -5, 5, 3)
    bent[2, 2] = 6
    with pytest.raises(GridError, match=r"'test'.*not planar"):
        rasterise(roi_of(rectangle(-9, 9, -9, 9, 3), bent), GRID)
    with pytest.raises(GridError, match=r"'test'.*not planar or not parallel"):
        rasterise(roi_of(rectangle(-9, 9, -9, 9, 3), rectangle(-5, 5, -5, 5, 3)[:, [2, 1, 0]]), GRID)
    with pytest.raises(GridError, match=r"'test'.*outside the image"):
        rasterise(roi_of(rectangle(500, 510, 0, 5, 3)), GRID)
    with pytest.raises(GridError, match="no area"):
        rasterise(roi_of(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])), GRID)


def test_a_structure_without_contours_is_empty():
    assert rasterise(roi_of(), GRID).is_empty


def test_parts_beyond_the_grid_are_cut_off():
    mask = rasterise(roi_of(rectangle(-100, 0, -100, 100, 3)), GRID)
    assert mask.voxels == 25 * 40


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(-3, 12), st.floats(-3, 12)), min_size=3, max_size=9))
def test_scanlines_agree_with_point_tests(points):
    polygon = np.array(points)
    fast = even_odd([polygon], (9, 9))
    rows, columns = np.indices((9, 9))
    centres = np.column_stack([columns.ravel(), rows.ravel()]).astype(float)
    slow = module._points_inside(centres, [polygon[:, ::-1]]).reshape(9, 9)
    edges = np.stack([polygon, np.roll(polygon, -1, axis=0)], axis=1)
    near = np.zeros((9, 9), bool)
    for start, end in edges:
        along = end - start
        length = float(along @ along) or 1.0
        offset = np.stack([rows - start[0], columns - start[1]], axis=-1)
        share = np.clip(offset @ along / length, 0, 1)
        near |= np.linalg.norm(offset - share[..., None] * along, axis=-1) < 1e-9
    np.testing.assert_array_equal(fast[~near], slow[~near])


def test_sts001_equals_the_ibsi_mask(shared_data):
    folder = shared_data("sts001_ge_wholebody_pet")
    expected = json.loads((folder / "expected.json").read_text())
    grid = read_pet(folder / "dicom_pet").image.grid
    structures = read_rtstruct(folder / "rtstruct" / "RS.dcm")
    mass, edema = (rasterise(structures.roi(name), grid) for name in ("GTV_Mass", "GTV_Edema"))
    assert (mass.voxels, edema.voxels) == (expected["gtv_mass_voxels"], expected["gtv_edema_voxels"])
    assert edema.volume_ml == pytest.approx(expected["gtv_edema_ml"], abs=1e-3)
    (reference,) = read_labels(folder / "reference_ibsi_cropped" / "PET_mask.nii.gz")
    k, j, i = np.round(grid.kji_of(reference.mask.grid.origin_ras)).astype(int)
    depth, height, width = reference.mask.array.shape
    theirs = np.zeros(grid.shape_kji, bool)
    theirs[k : k + depth, j : j + height, i : i + width] = reference.mask.array
    np.testing.assert_array_equal(mass.array, theirs)


def test_sts002_equals_the_ibsi_mask(shared_data):
    folder = shared_data("ibsi_sts_petct") / "STS_002"
    grid = read_pet(folder / "dicom_PET_units_GML" / "image").image.grid
    structures = read_rtstruct(folder / "dicom_PET_units_GML" / "mask" / "RS.dcm")
    (reference,) = read_labels(folder / "PET_mask.nii.gz")
    np.testing.assert_array_equal(rasterise(structures.rois[0], grid).array, reference.mask.array)


def test_eclipse_volumes(shared_data):
    folder = shared_data("slicerrt_eclipse_prostate")
    expected = json.loads((folder / "expected.json").read_text())
    grid = VoxelGrid(
        (92, 512, 512), (0.976562, 0.976562, 2.5), (250, 250, -122.5), ((-1, 0, 0), (0, -1, 0), (0, 0, 1))
    )
    structures = read_rtstruct(folder / "RS_eclipse_prostate_phantom.dcm")
    for roi in structures.rois:
        name = roi.name.replace(" ", "")
        if roi.status == "ok":
            volume = rasterise(roi, grid).volume_ml
            assert volume == pytest.approx(expected["eclipse_volume_cc"][name], rel=0.02)
            assert volume == pytest.approx(expected["cerr_volume_cc"][name], rel=0.001)


def test_lung_nodules_of_four_readers(shared_data):
    """Vertices of these contours are pixel centres, so pixels on the line may fall either way; no others."""
    for folder in sorted(path for path in shared_data("lidc_4reader_contours").iterdir() if path.is_dir()):
        document = json.loads((folder / "contours.json").read_text())
        for reader in (1, 2, 3, 4):
            (label,) = read_labels(folder / f"reader{reader}.nrrd")
            contours = [
                np.array([[x, y, each["z_mm"]] for x, y in each["points_mm"]]) * [-1, -1, 1]
                for each in document["contours"]
                if each["reader"] == reader
            ]
            ours = rasterise(roi_of(*contours), label.mask.grid, document["slice_spacing_mm"])
            differing = label.mask.grid.ras_of(np.argwhere(ours.array != label.mask.array))
            edges = np.concatenate([np.stack([c, np.roll(c, -1, axis=0)], axis=1) for c in contours])
            assert all(distance_to_edges(point, edges) < 1e-3 for point in differing)


def distance_to_edges(point, edges):
    along = edges[:, 1] - edges[:, 0]
    offset = point - edges[:, 0]
    share = np.clip((offset * along).sum(1) / np.maximum((along**2).sum(1), 1e-12), 0, 1)
    return np.linalg.norm(offset - share[:, None] * along, axis=1).min()


def test_sixty_contours_on_a_ct_take_well_under_a_second():
    grid = VoxelGrid((60, 512, 512), (1, 1, 3), (-256, -256, 0))
    roi = roi_of(*(circle(150, 3.0 * k, points=400) for k in range(60)))
    start = time.perf_counter()
    mask = rasterise(roi, grid)
    assert time.perf_counter() - start < 1.0
    assert mask.volume_ml == pytest.approx(np.pi * 150**2 * 180 / 1000, rel=1e-3)
