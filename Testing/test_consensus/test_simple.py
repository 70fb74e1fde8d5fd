"""SIMPLE drops what does not belong and keeps at least three."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import ball
from PSMAPlanningLib.consensus.domain import Domain
from PSMAPlanningLib.consensus.fusion import fuse
from PSMAPlanningLib.consensus.patterns import decision_patterns
from PSMAPlanningLib.consensus.simple import simple
from PSMAPlanningLib.errors import ConsensusError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask

GRID = VoxelGrid((33, 33, 33), (1, 1, 1), (-16, -16, -16))


def test_an_outlier_is_dropped():
    masks = [ball(GRID, (x, 0, 0), 7) for x in (0, 0.6, -0.6, 0.3)] + [ball(GRID, (9, 9, 0), 5)]
    fusion = fuse(masks, "simple")
    assert 4 in fusion.dropped
    assert not (fusion.mask.array & masks[4].array & ~masks[0].array & ~masks[1].array).any()


def test_numbers_of_dropped_inputs_are_the_callers():
    empty = Mask(np.zeros(GRID.shape_kji, bool), GRID)
    masks = [ball(GRID, (x, 0, 0), 7) for x in (0, 0.6, -0.6, 0.3)] + [ball(GRID, (9, 9, 0), 5)]
    assert 5 in fuse([empty, *masks], "simple").dropped


def test_identical_inputs_are_all_kept():
    fusion = fuse([ball(GRID, (0, 0, 0), 7)] * 4, "simple")
    assert fusion.dropped == ()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(3, 12), alpha=st.sampled_from([0.0, 0.5, 1.0]))
def test_at_least_three_stay(seed, count, alpha):
    arrays = np.random.default_rng(seed).random((count, 6, 6, 6)) < 0.4
    answer = simple(
        decision_patterns(list(arrays), Domain("union"), VoxelGrid((6, 6, 6), (1, 1, 1))), None, alpha
    )
    assert answer.kept.sum() >= 3
    assert np.all((answer.dice >= 0) & (answer.dice <= 1))


def test_fewer_than_three_are_refused():
    with pytest.raises(ConsensusError, match="SIMPLE needs at least 3"):
        fuse([ball(GRID, (0, 0, 0), 7)] * 2, "simple")
