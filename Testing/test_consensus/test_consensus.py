"""The consensus of one lesion: what it is told about itself, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.consensus.consensus import consensus
from PSMAPlanningLib.consensus.domain import Domain
from PSMAPlanningLib.consensus.equivalent_threshold import equivalent_threshold
from PSMAPlanningLib.consensus.inputs import ContourInput, family_weights
from PSMAPlanningLib.errors import ConsensusError, FrameOfReferenceError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask

GRID = centred_grid(16, (1, 1, 1))
PET = blurred_spheres(centred_grid(20, (1, 1, 1)), [((0, 0, 0), 16, 10)])
EMPTY = Mask(np.zeros(GRID.shape_kji, bool), GRID)


def thresholds(*suvs, pet=PET):
    return [ContourInput(f"SUV {suv!r}", Mask(pet.array >= suv, pet.grid), "fixed") for suv in suvs]


def balls(*radii, frame=None):
    return [ContourInput(f"R{r:g}", ball(GRID, (0, 0, 0), r), "", frame) for r in radii]


@pytest.mark.parametrize(("method", "rank"), [("majority", 3), ("union", 5), ("intersection", 1)])
def test_a_vote_among_thresholds_is_an_order_statistic(method, rank):
    answer = consensus(thresholds(2, 3, 4, 5, 6), method, pet=PET)
    assert answer.nesting.nested
    assert answer.nesting.chain == (4, 3, 2, 1, 0)
    assert answer.nesting.rank == rank
    assert any(f"number {rank} of 5" in note and "no independent opinion" in note for note in answer.notes)


def test_mean_distance_of_thresholds_lies_between_them():
    answer = consensus(thresholds(2, 3, 6), "mean_distance")
    assert answer.nesting.nested
    assert answer.nesting.rank is None
    assert "lies between two" in answer.notes[0]


def test_one_stranger_among_thresholds():
    stranger = ContourInput("reader", ball(PET.grid, (6, 0, 0), 7), "reader")
    answer = consensus([*thresholds(2, 3, 4), stranger], "majority")
    assert not answer.nesting.nested
    assert len(answer.nesting.chain) == 3


@settings(max_examples=20, deadline=None)
@given(suvs=st.lists(st.floats(1.5, 9), min_size=3, max_size=7, unique=True))
def test_equivalent_threshold_of_a_threshold_is_that_threshold(suvs):
    answer = consensus(thresholds(*suvs), "majority", pet=PET)
    # Of an even number more than half must agree: the higher of the two middle thresholds.
    middle = sorted(suvs)[len(suvs) // 2]
    assert answer.threshold.dice == 1
    again = PET.array >= answer.threshold.suv
    assert np.array_equal(again, answer.mask.array)
    assert np.array_equal(again, PET.array >= middle)


def test_equivalent_threshold_ignores_a_hot_neighbour():
    pet = blurred_spheres(centred_grid(30, (1, 1, 1)), [((-12, 0, 0), 12, 10), ((12, 0, 0), 12, 30)])
    left = pet.grid.ras_of(np.argwhere(np.ones(pet.grid.shape_kji)))[:, 0].reshape(pet.grid.shape_kji) < 0
    inputs = [ContourInput(f"{t}", Mask((pet.array >= t) & left, pet.grid)) for t in (3, 4, 5)]
    answer = consensus(inputs, "majority", pet=pet)
    assert answer.threshold.dice == 1
    assert answer.threshold.suv == pytest.approx(4, abs=0.3)


def test_equivalent_threshold_of_nothing():
    assert equivalent_threshold(PET, EMPTY, np.zeros(GRID.shape_kji, bool)) is None


def test_disputed_shell_is_what_some_but_not_all_hold():
    answer = consensus(balls(6, 8, 10), "majority")
    arrays = [i.mask.array for i in answer.inputs]
    assert np.array_equal(
        answer.disputed.array, np.logical_or.reduce(arrays) & ~np.logical_and.reduce(arrays)
    )
    assert answer.agreement.max() == 1
    # One voice of twenty is not a dispute.
    twenty = [ContourInput(str(n), ball(GRID, (0, 0, 0), 10 if n == 0 else 6)) for n in range(20)]
    assert consensus(twenty, "majority").disputed.is_empty


def test_families_share_a_vote():
    inputs = [ContourInput(f"f{n}", ball(GRID, (0, 0, 0), 10), "fixed") for n in range(5)]
    inputs += [ContourInput("gradient", ball(GRID, (0, 0, 0), 6), "gradient")]
    inputs += [ContourInput("reader", ball(GRID, (0, 0, 0), 7), "")]
    assert family_weights(inputs) == pytest.approx((0.2,) * 5 + (1, 1))
    assert consensus(inputs, "majority").mask.voxels == inputs[0].mask.voxels
    assert consensus(inputs, "majority", weigh_families=True).mask.voxels == inputs[-1].mask.voxels
    notes = consensus(inputs, "union", weigh_families=True).notes
    assert any("counts heads" in note for note in notes)
    # An empty cousin does not take a share.
    assert family_weights([*inputs, ContourInput("f5", EMPTY, "fixed")])[0] == pytest.approx(0.2)


def test_differing_grids_give_one_fine_consensus():
    grids = [centred_grid(20, spacing) for spacing in ((4, 4, 3), (1, 1, 2.5), (2, 2, 2))]
    inputs = [ContourInput(str(n), ball(grid, (0, 0, 0), 9)) for n, grid in enumerate(grids)]
    answer = consensus(inputs, "staple")
    assert answer.resampled
    assert max(answer.mask.grid.spacing_mm) < 1
    assert answer.mask.volume_ml == pytest.approx(4 / 3 * np.pi * 0.729, rel=0.04)
    assert any("by distance" in note for note in answer.notes)


def test_empty_contours_are_said_and_left_out():
    answer = consensus([ContourInput("nothing", EMPTY), *balls(6, 8, 10)], "staple")
    assert answer.empty == ("nothing",)
    assert answer.fusion.used == (0, 1, 2)
    assert "Empty and left out: nothing." in answer.notes


def test_identical_contours():
    same = [ContourInput(str(n), ball(GRID, (0, 0, 0), 7)) for n in range(4)]
    for method in ("staple", "simple", "mean_distance"):
        answer = consensus(same, method)
        assert np.array_equal(answer.mask.array, same[0].mask.array)
        assert answer.disputed.is_empty
        assert answer.nesting.nested


@pytest.mark.parametrize("method", ["staple", "simple"])
def test_fewer_than_three_are_refused_with_the_reason(method):
    with pytest.raises(ConsensusError, match=r"at least 3 .* depends on the domain alone"):
        consensus(balls(6, 8), method)


def test_bad_inputs_are_refused():
    far = Mask(np.ones((3, 3, 3), bool), VoxelGrid((3, 3, 3), (1, 1, 1), (500, 0, 0)))
    with pytest.raises(ConsensusError, match="share no space"):
        consensus([*balls(6, 8), ContourInput("far", far)], "union")
    with pytest.raises(FrameOfReferenceError, match="R8 lies in another frame of reference than R6"):
        consensus([*balls(6, frame="1.2.3"), *balls(8, frame="1.2.4")], "union")
    with pytest.raises(ConsensusError, match="31 contours"):
        consensus(balls(*np.linspace(3, 9, 31)), "union")
    with pytest.raises(ConsensusError, match="called 'R6'"):
        consensus(balls(6, 6), "union")
    with pytest.raises(ConsensusError, match="All contours are empty"):
        consensus([ContourInput("nothing", EMPTY)], "union")
    with pytest.raises(ConsensusError, match="no fusion method"):
        consensus(balls(6, 8), "vote")
    with pytest.raises(ConsensusError, match="PET and the contours share no space"):
        consensus([ContourInput("far", far)], "union", pet=PET)


def test_one_stated_frame_is_no_contradiction():
    assert consensus([*balls(6, frame="1.2.3"), *balls(8)], "union").mask.voxels == balls(8)[0].mask.voxels


def test_thirty_inputs_are_fused():
    answer = consensus(balls(*np.linspace(3, 9, 30)), "staple", domain=Domain("crop", 5))
    assert len(answer.fusion.sensitivity) == 30
    assert np.isfinite(answer.fusion.probability).all()
