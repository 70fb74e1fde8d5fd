"""Avid regions: counting, splitting, edges, odd images."""

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.commands.benchmark_whole_body import whole_body
from PSMAPlanningLib.delineation.avid_regions import find_avid_regions, labels_in
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.settings import DetectionSettings
from scipy import ndimage

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


def morphological_watershed(suv, component, saddle_fraction):
    """Basins of the logarithm of a component, in one step of SimpleITK."""
    padded = np.pad(component, 1)
    depth = np.zeros(padded.shape, dtype=np.float32)
    depth[padded] = -np.log(suv[component])
    depth[~padded] = depth[padded].max() - 2 * np.log(saddle_fraction)
    basins = sitk.MorphologicalWatershed(
        sitk.GetImageFromArray(depth), -np.log(saddle_fraction), markWatershedLine=False, fullyConnected=True
    )
    return sitk.GetArrayFromImage(basins)[1:-1, 1:-1, 1:-1] * component


def whole_image_labelled(pet, settings):
    """Numbers of the regions as they come from labelling the whole image, hottest first."""
    labels, _ = ndimage.label(pet.array >= settings.threshold_suv, structure=np.ones((3, 3, 3)))
    parts = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        basins = morphological_watershed(pet.array[box], labels[box] == label, settings.split_saddle_fraction)
        for basin in np.unique(basins[basins > 0]):
            inside = np.zeros(pet.array.shape, dtype=bool)
            inside[box] = basins == basin
            parts.append(inside)
    kept = [part for part in parts if part.sum() * pet.grid.voxel_volume_ml >= settings.minimum_volume_ml]
    hottest_first = sorted(kept, key=lambda part: -pet.array[part].max())
    return sum(number * part for number, part in enumerate(hottest_first, start=1)), len(parts) - len(kept)


@pytest.mark.parametrize(("threshold_suv", "minimum_volume_ml"), [(3.0, 0.0), (2.0, 1.0), (8.0, 0.0)])
def test_regions_are_those_of_the_labelled_whole_image(threshold_suv, minimum_volume_ml):
    pet = whole_body((107, 66, 66))
    detection = DetectionSettings(threshold_suv=threshold_suv, minimum_volume_ml=minimum_volume_ml)
    found = find_avid_regions(pet, detection)
    expected, left_out = whole_image_labelled(pet, detection)
    assert np.array_equal(labels_in(found.regions, tuple(slice(0, n) for n in pet.array.shape)), expected)
    assert found.left_out == left_out


def test_voxels_that_are_no_numbers_are_not_avid_and_warned_of():
    array = np.zeros((6, 6, 6), dtype=np.float32)
    array[2:4, 2:4, 2:4] = 9
    array[2, 2, 2], array[0, 0, 0], array[5, 5, 5], array[2, 2, 4] = np.nan, np.inf, -np.inf, np.inf
    found = find_avid_regions(_image(array), SETTINGS)
    (region,) = found.regions
    assert (region.mask.voxels, region.suv_max, region.suv_mean) == (7, 9.0, 9.0)
    assert found.warnings == ("not_finite",)


@pytest.mark.parametrize(
    ("fill", "warnings"),
    [
        (0.0, ("nothing_above_zero",)),
        (-4.0, ("nothing_above_zero",)),
        (2.5, ("above_maximum",)),
        (np.nan, ("not_finite", "nothing_above_zero")),
        (np.inf, ("not_finite", "nothing_above_zero")),
        (5.0, ("cut_by_field_of_view",)),
    ],
)
def test_warnings_of_uniform_images(fill, warnings):
    found = find_avid_regions(_image(np.full((4, 4, 4), fill, np.float32)), SETTINGS)
    assert found.warnings == warnings


def test_a_liver_full_of_metastases_is_single_peaked_parts_that_fill_it():
    random = np.random.default_rng(11)
    liver = ((0.0, 0.0, 0.0), 100, 6)
    metastases = [(tuple(random.uniform(-30, 30, 3)), random.uniform(8, 20), 40.0) for _ in range(40)]
    pet = blurred_spheres(GRID, [liver, *metastases])
    regions = find_avid_regions(pet, SETTINGS).regions
    assert 10 < len(regions) <= 41
    whole = labels_in(regions, tuple(slice(0, n) for n in GRID.shape_kji))
    assert np.array_equal(whole > 0, pet.array >= SETTINGS.threshold_suv)
    assert sum(region.mask.voxels for region in regions) == np.count_nonzero(whole)
    for region in regions:
        assert whole[tuple(np.rint(GRID.kji_of(np.array(region.peak_ras))).astype(int))] > 0


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(*(st.integers(1, 6) for _ in range(3))),
        elements=st.one_of(
            st.sampled_from([np.nan, np.inf, -np.inf, -7.0, 1e30]), st.floats(0, 20, width=32)
        ),
    )
)
def test_any_image_gives_regions_that_fill_what_is_avid(array):
    found = find_avid_regions(_image(array), SETTINGS)
    with np.errstate(invalid="ignore"):
        avid = np.isfinite(array) & (array >= SETTINGS.threshold_suv)
    whole = labels_in(found.regions, tuple(slice(0, n) for n in array.shape))
    assert np.array_equal(whole > 0, avid)
    assert ("not_finite" in found.warnings) == bool((np.isnan(array) | (array == np.inf)).any())
    assert all(np.isfinite(region.suv_mean) for region in found.regions)


def _image(array):
    return Image(array, VoxelGrid(array.shape, (4, 4, 3)), Quantity.SUVBW)
