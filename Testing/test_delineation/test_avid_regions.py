"""Avid regions: counting, splitting, edges, odd images."""

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.delineation.avid_regions import find_avid_regions, labels_in
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.settings import DetectionSettings

GRID = centred_grid(60, (4, 4, 3))
SETTINGS = DetectionSettings()


def test_separate_spheres_hottest_first():
    pet = blurred_spheres(GRID, [((30, 0, 0), 14, 8), ((-30, 0, 0), 14, 12), ((0, 40, 10), 20, 10)])
    regions = find_avid_regions(pet, SETTINGS).regions
    assert [r.id for r in regions] == ["R1", "R2", "R3"]
    assert [r.suv_max for r in regions] == sorted((r.suv_max for r in regions), reverse=True)
    for region, centre in zip(regions, [(-30, 0, 0), (0, 40, 10), (30, 0, 0)], strict=True):
        assert region.centroid_ras == pytest.approx(centre, abs=2)
        assert region.suv_max == pet.array[pet.array == np.float32(region.suv_max)][0]


def test_node_comes_away_from_the_bladder():
    bladder, node = ((0, 0, 0), 40, 30), ((0, 29, 0), 10, 18)
    pet = blurred_spheres(GRID, [bladder, node])
    regions = find_avid_regions(pet, SETTINGS).regions
    assert len(regions) == 2
    assert regions[1].peak_ras == pytest.approx((0, 29, 0), abs=4)
    merged = find_avid_regions(pet, DetectionSettings(split_saddle_fraction=0.05)).regions
    assert len(merged) == 1
    assert sum(r.mask.voxels for r in regions) == merged[0].mask.voxels


def test_noise_does_not_split_a_uniform_organ():
    from scipy.ndimage import gaussian_filter

    pet = blurred_spheres(GRID, [((0, 0, 0), 60, 10)])
    noise = gaussian_filter(np.random.default_rng(5).normal(size=GRID.shape_kji), 0.8)
    noisy = pet.array * (1 + 0.1 * noise / noise.std())
    regions = find_avid_regions(Image(noisy.astype(np.float32), GRID, Quantity.SUVBW), SETTINGS).regions
    assert len([r for r in regions if r.volume_ml > 1]) == 1


def test_diagonal_neighbours_are_one_region():
    array = np.zeros((5, 5, 5), dtype=np.float32)
    array[1, 1, 1], array[2, 2, 2] = 5, 5
    assert len(find_avid_regions(_image(array), SETTINGS).regions) == 1


def test_single_hot_voxel_and_edges():
    array = np.zeros((5, 5, 5), dtype=np.float32)
    array[0, 4, 2] = 7
    (region,) = find_avid_regions(_image(array), SETTINGS).regions
    assert region.mask.voxels == 1
    assert region.flags == ("cut_by_field_of_view",)
    assert region.peak_ras == (8.0, 16.0, 0.0)


def test_voxel_at_the_threshold_counts():
    array = np.zeros((5, 5, 5), dtype=np.float32)
    array[2, 2, 2] = 3.0
    assert len(find_avid_regions(_image(array), SETTINGS).regions) == 1


@pytest.mark.parametrize("fill", [0.0, -4.0, 2.999])
def test_nothing_avid(fill):
    assert find_avid_regions(_image(np.full((4, 4, 4), fill, np.float32)), SETTINGS).regions == ()


def test_everything_avid():
    (region,) = find_avid_regions(_image(np.full((4, 4, 4), 5.0, np.float32)), SETTINGS).regions
    assert region.mask.voxels == 64


def test_small_regions_are_counted_when_left_out():
    pet = blurred_spheres(GRID, [((30, 0, 0), 10, 12), ((-30, 0, 0), 30, 12)])
    found = find_avid_regions(pet, DetectionSettings(minimum_volume_ml=3))
    assert (len(found.regions), found.left_out) == (1, 1)


def test_labels_of_a_part():
    pet = blurred_spheres(GRID, [((30, 0, 0), 14, 8), ((-30, 0, 0), 14, 12)])
    regions = find_avid_regions(pet, SETTINGS).regions
    whole = labels_in(regions, tuple(slice(0, n) for n in GRID.shape_kji))
    assert np.count_nonzero(whole == 1) == regions[0].mask.voxels
    part = (slice(5, 30), slice(10, 20), slice(0, 20))
    assert np.array_equal(labels_in(regions, part), whole[part])


def _image(array):
    return Image(array, VoxelGrid(array.shape, (4, 4, 3)), Quantity.SUVBW)
