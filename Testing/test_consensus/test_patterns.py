"""Decision patterns: counts and sizes against brute force, any number of inputs up to 30."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PSMAPlanningLib.consensus.domain import Domain
from PSMAPlanningLib.consensus.patterns import decision_patterns
from PSMAPlanningLib.errors import ConsensusError
from PSMAPlanningLib.imaging.grid import VoxelGrid

GRID = VoxelGrid((6, 7, 8), (1, 2, 3))
KINDS = ("full", "crop:2", "union", "disputed")


def noise(count, seed, share=0.3, shape=GRID.shape_kji):
    return list(np.random.default_rng(seed).random((count, *shape)) < share)


@settings(max_examples=40, deadline=None)
@given(count=st.sampled_from([1, 2, 7, 8, 9, 16, 17, 30]), seed=st.integers(0, 999))
def test_counts_sizes_and_intersections_are_those_of_the_voxels(count, seed):
    arrays = noise(count, seed)
    patterns = decision_patterns(arrays, Domain("full"), GRID)
    flat = np.reshape(arrays, (count, -1))
    assert patterns.voxels == GRID.voxel_count
    assert np.array_equal(patterns.sizes(), flat.sum(axis=1))
    assert np.array_equal(patterns.intersections(), flat.astype(int) @ flat.T.astype(int))
    unique, counts = np.unique(flat.T, axis=0, return_counts=True)
    assert sorted(map(tuple, patterns.decisions)) == sorted(map(tuple, unique))
    assert sorted(patterns.counts) == sorted(counts)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [2, 7, 12, 20])
def test_a_table_returns_to_its_voxels(kind, count):
    arrays = noise(count, 5)
    patterns = decision_patterns(arrays, Domain.parse(kind), GRID)
    for number, array in enumerate(arrays):
        again = patterns.on_grid(patterns.decisions[:, number], (False, True))
        assert np.array_equal(again, array)
    assert patterns.on_grid(np.zeros(len(patterns.codes))).shape == GRID.shape_kji


def test_large_grids_are_counted_in_parts():
    arrays = noise(7, 3, shape=(101, 103, 105))
    patterns = decision_patterns(arrays, Domain("full"), VoxelGrid((101, 103, 105), (1, 1, 1)))
    codes = sum(array.astype(int) << bit for bit, array in enumerate(arrays))
    assert np.array_equal(patterns.counts, np.bincount(codes.ravel(), minlength=128))


def test_views_of_larger_arrays_are_packed():
    arrays = [array[::2, 1:, ::-1] for array in noise(5, 8)]
    patterns = decision_patterns(arrays, Domain("full"), VoxelGrid(arrays[0].shape, (1, 1, 1)))
    assert np.array_equal(patterns.sizes(), [array.sum() for array in arrays])


def test_domains_hold_what_they_say():
    grid = VoxelGrid((20, 20, 20), (1, 1, 2))
    one, other = np.zeros((2, *grid.shape_kji), bool)
    one[8:12, 8:12, 8:12] = True
    other[9:13, 8:12, 8:12] = True
    sizes = {
        kind: decision_patterns([one, other], Domain.parse(kind), grid).voxels
        for kind in ("full", "crop:0", "crop:3", "crop:500", "union", "disputed")
    }
    expected = {"full": 8000, "crop:0": 80, "crop:3": 9 * 10 * 10, "crop:500": 8000}
    assert sizes == expected | {"union": 80, "disputed": 32}


@pytest.mark.parametrize("text", ["whole", "crop:x", "crop:-1", "full:3", "crop:nan", "", "crop:inf"])
def test_unknown_domains_are_refused(text):
    with pytest.raises(ConsensusError, match="domain"):
        Domain.parse(text)


def test_a_domain_is_written_as_it_is_read():
    for text in ("full", "crop:10", "crop:2.5", "union", "disputed"):
        assert str(Domain.parse(text)) == text


def test_none_and_too_many_are_refused():
    with pytest.raises(ConsensusError, match="no contour"):
        decision_patterns([], Domain("full"), GRID)
    with pytest.raises(ConsensusError, match="31 contours are more than the 30"):
        decision_patterns(noise(31, 1), Domain("full"), GRID)
    with pytest.raises(ConsensusError, match="empty"):
        decision_patterns([np.zeros(GRID.shape_kji, bool)] * 2, Domain(), GRID)
