"""Contours that hold what a structure has on each slice, whatever voxels it came on."""

import numpy as np
import pytest
from phantoms import ball, centred_grid, points_of
from PSMAPlanningLib.dicomrt.export_plan import exported_volume_ml
from PSMAPlanningLib.dicomrt.slab_contours import slab_contours
from PSMAPlanningLib.dicomrt.slab_shares import CROSS_SECTION, VOLUME, slab_shares
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.rtvolumes.occupancy import OccupancyField
from test_dicomrt.ct_on_disk import axial_grid, ct_series

OFFSETS = ((0.0, 0.0, 0.0), (0.3, -0.2, 0.7), (0.5, 0.5, 1.5), (0.1, 0.4, -1.1))


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """1 x 1 x 3 mm, slices at -15, -12 ... 18 mm."""
    return ct_series(axial_grid(), tmp_path_factory.mktemp("ct"))


def turned(angle):
    c, s = np.cos(angle), np.sin(angle)
    return ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0))


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("fine", [0.5, 1.0])
@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_6_mm_sphere_keeps_its_volume_on_thick_slices(series, offset, fine, angle):
    """What the slice planes show alone would change it by -25 to +12 %."""
    sphere = ball(centred_grid(9, (fine,) * 3, turned(angle)), offset, 3.0)
    drawn = slab_contours(sphere, series, slices=VOLUME)
    assert drawn.volume_ml == pytest.approx(sphere.volume_ml)
    assert exported_volume_ml(drawn.contours, series) == pytest.approx(sphere.volume_ml, rel=0.05)


def occupancy_of_ball(grid, centre, radius_mm):
    fine = ball(grid.refine((5, 5, 5)), centre, radius_mm).array
    k, j, i = grid.shape_kji
    return OccupancyField(fine.reshape(k, 5, j, 5, i, 5).mean(axis=(1, 3, 5)), grid)


@pytest.mark.parametrize("height_mm", [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5])
@pytest.mark.parametrize("fine", [0.5, 1.0])
def test_6_mm_sphere_is_cut_where_the_slices_are(series, height_mm, fine):
    """Planes at z from the centre show pi (9 - z2): 25 % less than the sphere has, or 12 % more."""
    centre = (0.3, -0.2, height_mm)
    grid = centred_grid(9, (fine,) * 3)
    areas_mm2 = np.pi * np.clip(9.0 - (series.heights_mm - height_mm) ** 2, 0, None)
    shapes = [occupancy_of_ball(grid, centre, 3.0)]
    if fine < 1.0:  # Of voxels of 1 mm the sphere itself is too coarse a picture.
        shapes.append(ball(grid, centre, 3.0))
    for shape in shapes:
        cut = exported_volume_ml(slab_contours(shape, series).contours, series)
        assert cut == pytest.approx(areas_mm2.sum() * 3.0 / 1000.0, rel=0.05)
        whole = exported_volume_ml(slab_contours(shape, series, slices=VOLUME).contours, series)
        assert whole == pytest.approx(0.1131, rel=0.05)


@pytest.mark.parametrize("offset", OFFSETS)
def test_each_contour_is_the_cross_section_at_its_plane(series, offset):
    drawn = slab_contours(ball(centred_grid(10, (0.5, 0.5, 0.5)), offset, 7.0), series)
    for height, number in zip(series.heights_mm, range(len(series.slices)), strict=True):
        area_mm2 = sum(each.area_mm2 for each in drawn.contours if each.slice_number == number)
        expected = np.pi * max(0.0, 49.0 - (height - offset[2]) ** 2)
        assert area_mm2 == pytest.approx(expected, rel=0.03, abs=2.0)


@pytest.mark.parametrize("slices", [CROSS_SECTION, VOLUME])
def test_a_lesion_between_two_planes_has_no_contour(series, slices):
    sphere = ball(centred_grid(3, (0.25, 0.25, 0.25)), (0.2, 0.1, 1.5), 1.2)
    assert not sphere.is_empty
    drawn = slab_contours(sphere, series, slices=slices)
    assert not drawn.meets_slice and drawn.contours == ()


@pytest.mark.parametrize("offset", OFFSETS)
def test_volume_of_each_slab_is_kept(series, offset):
    """Against the share of each slab by counting small voxels."""
    sphere = ball(centred_grid(10, (0.5, 0.5, 0.5)), offset, 7.0)
    heights = sphere.points_ras()[:, 2]
    drawn = slab_contours(sphere, series, slices=VOLUME)
    for number in drawn.slices_filled:
        low, high = series.slab_edges_mm[number : number + 2]
        # A layer of small voxels cut by the slab's edge counts by how much of it lies within.
        share = np.clip(np.minimum(heights + 0.25, high) - np.maximum(heights - 0.25, low), 0, None) / 0.5
        inside_ml = share.sum() * sphere.grid.voxel_volume_ml
        contours = [each for each in drawn.contours if each.slice_number == number]
        assert exported_volume_ml(contours, series) == pytest.approx(inside_ml, rel=0.03, abs=0.006)


def test_occupancy_on_the_ct_is_kept_to_the_share(series):
    grid = series.grid
    fine = ball(grid.refine((5, 5, 5)), (0.3, -0.2, 0.7), 8.0).array
    k, j, i = grid.shape_kji
    share = fine.reshape(k, 5, j, 5, i, 5).mean(axis=(1, 3, 5))
    field = OccupancyField(share, grid)
    drawn = slab_contours(field, series)
    assert exported_volume_ml(drawn.contours, series) == pytest.approx(field.volume_ml, rel=0.01)


def test_mask_on_the_ct_is_kept_voxel_by_voxel(series):
    noise = np.random.default_rng(1).random(series.grid.shape_kji) < 0.4
    mask = Mask(noise, series.grid)
    drawn = slab_contours(mask, series)
    assert exported_volume_ml(drawn.contours, series) == pytest.approx(mask.volume_ml, rel=1e-3)


@pytest.mark.parametrize(
    "direction", [np.eye(3), np.diag([-1.0, -1.0, 1.0]), np.diag([1.0, -1.0, -1.0]), np.eye(3)[:, [2, 0, 1]]]
)
def test_the_same_voxels_turned_round_or_cut_off_are_the_same(series, direction):
    """Label maps come with axes of other order and sign, and cropped, as 3D Slicer saves them."""
    points = points_of(series.grid)
    inside = np.linalg.norm((points - [1, 2, 3]) / [6, 9, 7], axis=-1) < 1
    expected = slab_shares(Mask(inside, series.grid), series)
    chosen = points[inside]
    spacing = np.abs(direction.T @ np.array(series.grid.spacing_mm))
    start = np.where((direction.sum(axis=1) > 0), chosen.min(axis=0), chosen.max(axis=0))
    along = np.abs(direction).argmax(axis=0)
    size = np.rint(np.ptp(chosen, axis=0)[along] / spacing).astype(int) + 1
    grid = VoxelGrid(tuple(size[::-1]), tuple(spacing), tuple(start), tuple(map(tuple, direction)))
    index = np.rint(series.grid.kji_of(points_of(grid))).astype(int)
    turned_mask = Mask(inside[tuple(np.moveaxis(index, -1, 0))], grid)
    found = slab_shares(turned_mask, series)
    assert found.share.dtype == bool
    assert (found.first_slice, found.corner) == (expected.first_slice, expected.corner)
    np.testing.assert_array_equal(found.share, expected.share)


def test_what_lies_between_two_slices_meets_none(series):
    grid = VoxelGrid((4, 8, 8), (1.0, 1.0, 0.5), (0.0, 0.0, 0.75))
    drawn = slab_contours(Mask(np.ones((4, 8, 8), bool), grid), series)
    assert not drawn.meets_slice and drawn.contours == ()


def test_what_lies_beyond_the_ct_is_counted(series):
    top = float(series.slab_edges_mm[-1])
    grid = VoxelGrid((10, 8, 8), (1.0, 1.0, 1.0), (0.0, 0.0, top - 5.5))
    drawn = slab_contours(Mask(np.ones((10, 8, 8), bool), grid), series)
    assert drawn.outside_ml == pytest.approx(4 * 64 / 1000)
    assert exported_volume_ml(drawn.contours, series) == pytest.approx(6 * 64 / 1000, rel=0.03)


def test_holes_and_parts_stay(series):
    points = points_of(series.grid)
    distance = np.linalg.norm(points[..., :2], axis=-1)
    shape = ((distance < 12) & (distance > 5)) | (np.linalg.norm(points[..., :2] - [17, 17], axis=-1) < 2.6)
    drawn = slab_contours(Mask(shape, series.grid), series)
    for number in drawn.slices_filled:
        signs = sorted(np.sign(c.area_mm2) for c in drawn.contours if c.slice_number == number)
        assert signs == [-1, 1, 1]
