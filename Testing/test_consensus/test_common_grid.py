"""Contours of differing grids: exact where they are crops of one lattice, unbiased where they are not."""

import numpy as np
import pytest
from phantoms import ball, centred_grid
from PSMAPlanningLib.consensus.common_grid import on_common_grid, sampled_by_distance
from PSMAPlanningLib.consensus.signed_distance import signed_distance_mm
from PSMAPlanningLib.errors import ConsensusError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask

OBLIQUE = ((0.8, -0.6, 0.0), (0.6, 0.8, 0.0), (0.0, 0.0, -1.0))


def test_one_grid_stays_as_it_is():
    masks = [ball(centred_grid(10, (1, 1, 2)), (x, 0, 0), 5) for x in (0, 1)]
    common = on_common_grid(masks)
    assert common.masks == tuple(masks)
    assert not common.resampled


def test_crops_of_one_lattice_are_put_in_place_exactly():
    grid = centred_grid(12, (1.5, 1, 2), OBLIQUE)
    whole = [ball(grid, (x, 0, 0), 5) for x in (0, 4)]
    common = on_common_grid([mask.cropped() for mask in whole])
    assert not common.resampled
    for placed, mask in zip(common.masks, whole, strict=True):
        assert placed.voxels == mask.voxels
        assert placed.centroid_ras() == pytest.approx(mask.centroid_ras())


@pytest.mark.parametrize("direction", [None, OBLIQUE])
def test_differing_grids_meet_on_sub_millimetre_voxels(direction):
    pet = ball(centred_grid(30, (4, 4, 3)), (1, 2, 0), 12)
    ct = ball(centred_grid(30, (1.2, 1.2, 2.5), direction), (1, 2, 0), 12)
    common = on_common_grid([pet, ct], margin_mm=5)
    assert common.resampled
    assert max(common.grid.spacing_mm) < 1
    truth_ml = 4 / 3 * np.pi * 12**3 / 1000
    for mask, source in zip(common.masks, (pet, ct), strict=True):
        assert mask.volume_ml == pytest.approx(source.volume_ml, rel=0.03)
        assert mask.volume_ml == pytest.approx(truth_ml, rel=0.05)
        assert mask.centroid_ras() == pytest.approx((1, 2, 0), abs=0.2)


def test_distance_is_nearer_to_the_truth_than_the_nearest_voxel():
    fine = centred_grid(16, (0.5, 0.5, 0.5))
    truth = ball(fine, (0.7, 0.3, 0), 11).array
    coarse = ball(centred_grid(24, (4, 4, 4)), (0.7, 0.3, 0), 11)
    nearest = np.rint(coarse.grid.kji_of(fine.ras_of(np.argwhere(np.ones(fine.shape_kji))))).astype(int)
    by_voxel = coarse.array[tuple(nearest.T)].reshape(fine.shape_kji)
    by_distance = sampled_by_distance(coarse, fine)
    assert np.count_nonzero(by_distance ^ truth) < 0.75 * np.count_nonzero(by_voxel ^ truth)


def test_holes_survive_and_the_edge_of_the_grid_is_the_end():
    array = np.ones((8, 8, 8), bool)
    array[3:5, 3:5, 3:5] = False
    mask = Mask(array, VoxelGrid((8, 8, 8), (3, 3, 3)))
    fine = mask.grid.refine((4, 4, 4))
    sampled = sampled_by_distance(mask, fine)
    assert not sampled[15, 15, 15]
    assert sampled[0, 15, 15]
    assert sampled[-1, 15, 15]


def test_signed_distance_of_a_slab():
    inside = np.zeros((8, 3, 3), bool)
    inside[2:5] = True
    middle = signed_distance_mm(np.pad(inside, ((0, 0), (9, 9), (9, 9)), mode="edge"), (2, 1, 1))[:, 10, 10]
    assert np.flatnonzero(middle <= 0).tolist() == [2, 3, 4]
    assert middle[2] == -middle[1]


def test_too_much_space_is_refused():
    far = [
        Mask(np.ones((2, 2, 2), bool), VoxelGrid((2, 2, 2), (s, s, s), o))
        for s, o in ((1, (0, 0, 0)), (1.1, (900, 900, 900)))
    ]
    with pytest.raises(ConsensusError, match="lesion by lesion"):
        on_common_grid(far)


def test_all_empty_on_differing_grids_is_refused():
    empty = [Mask(np.zeros((2, 2, 2), bool), VoxelGrid((2, 2, 2), (s, s, s))) for s in (1, 1.5)]
    with pytest.raises(ConsensusError, match="All contours are empty"):
        on_common_grid(empty)
