"""Agreement figures against published and closed-form values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import ball, centred_grid
from PSMAPlanningLib.consensus.agreement import (
    agreement,
    conformity_index,
    dice_matrix,
    fleiss_kappa,
    kappa_of,
)
from PSMAPlanningLib.consensus.domain import Domain
from PSMAPlanningLib.consensus.inputs import ContourInput
from PSMAPlanningLib.consensus.patterns import decision_patterns
from PSMAPlanningLib.errors import ConsensusError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask

FLEISS_1971 = (
    *((0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1)),
    *((7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7)),
)


def three_spheres(edge):
    grid = VoxelGrid((edge,) * 3, (1, 1, 1), (-(edge // 2),) * 3)
    places = ((6, (0, 0, 0)), (7, (2, 0, 0)), (8, (0, 2, 0)))
    return [ContourInput(str(r), ball(grid, shift, r + 1e-6)) for r, shift in places]


def test_fleiss_1971():
    assert fleiss_kappa(np.array(FLEISS_1971)) == pytest.approx(0.20993, abs=5e-6)
    twice = fleiss_kappa(np.array(FLEISS_1971), np.full(10, 2))
    assert twice == pytest.approx(0.20993, abs=5e-6)


@pytest.mark.parametrize(
    ("edge", "domain", "kappa"), [(25, "full", 0.634), (161, "full", 0.668), (25, "union", 0.080)]
)
def test_kappa_depends_on_the_domain_and_conformity_does_not(edge, domain, kappa):
    answer = agreement(three_spheres(edge), domain=Domain.parse(domain))
    assert answer.fleiss_kappa == pytest.approx(kappa, abs=5e-4)
    assert answer.conformity_index == pytest.approx(0.5021, abs=5e-5)
    assert answer.mean_dice == pytest.approx(0.6716, abs=5e-5)
    assert str(answer.kappa_domain) == domain


@pytest.mark.parametrize(("spacing", "expected"), [(1.0, 0.637), (0.5, 0.633)])
def test_dice_of_shifted_spheres(spacing, expected):
    grid = centred_grid(17, (spacing,) * 3)
    inputs = [ContourInput(str(x), ball(grid, (x, 0, 0), 10)) for x in (0, 5)]
    dice = agreement(inputs).dice[0, 1]
    assert dice == pytest.approx(expected, abs=5e-4)
    assert dice == pytest.approx(0.632813, abs=0.01)


def test_dice_of_concentric_spheres():
    grid = centred_grid(14, (0.5,) * 3)
    inputs = [ContourInput(str(r), ball(grid, (0, 0, 0), r)) for r in (10, 12)]
    assert agreement(inputs).dice[0, 1] == pytest.approx(0.733138, abs=0.003)


def test_deepmind_dice():
    one, other = np.zeros((2, 100, 100, 100), bool)
    one[:50] = other[:51] = True
    grid = VoxelGrid((100, 100, 100), (1, 1, 2))
    answer = agreement([ContourInput("a", Mask(one, grid)), ContourInput("b", Mask(other, grid))])
    assert answer.dice[0, 1] == pytest.approx(0.990, abs=5e-4)
    assert answer.hd95_mm[0, 1] == 2
    assert answer.surface_dice[2.0][0, 1] == pytest.approx(1)


def test_both_empty_is_not_a_number():
    assert math.isnan(dice_matrix(np.zeros((2, 2)))[0, 1])
    assert math.isnan(conformity_index(np.zeros((2, 2))))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 9999), count=st.integers(2, 5))
def test_symmetric_bounded_and_blind_to_order(seed, count):
    random = np.random.default_rng(seed)
    grid = centred_grid(9, (1, 1, 1.5))
    inputs = [
        ContourInput(str(n), ball(grid, random.uniform(-2, 2, 3), random.uniform(2, 6))) for n in range(count)
    ]
    answer = agreement(inputs)
    for matrix in (
        answer.dice,
        answer.hd95_mm,
        answer.mean_surface_distance_mm,
        *answer.surface_dice.values(),
    ):
        assert np.allclose(matrix, matrix.T)
    assert np.allclose(np.diag(answer.dice), 1)
    assert 0 <= answer.conformity_index <= 1
    assert answer.fleiss_kappa <= 1
    assert (answer.path_tolerated_mm[3.0] <= answer.path_tolerated_mm[2.0]).all()
    assert (answer.path_tolerated_mm[2.0] <= answer.added_path_length_mm).all()
    order = random.permutation(count)
    shuffled = agreement([inputs[n] for n in order])
    assert shuffled.conformity_index == pytest.approx(answer.conformity_index)
    assert shuffled.fleiss_kappa == pytest.approx(answer.fleiss_kappa)
    assert np.allclose(shuffled.hd95_mm, answer.hd95_mm[np.ix_(order, order)])


def test_kappa_of_voxels_is_kappa_of_their_ratings():
    arrays = list(np.random.default_rng(4).random((4, 5, 5, 5)) < 0.4)
    patterns = decision_patterns(arrays, Domain("full"), VoxelGrid((5, 5, 5), (1, 1, 1)))
    inside = np.sum(arrays, axis=0).ravel()
    assert kappa_of(patterns) == pytest.approx(fleiss_kappa(np.stack([inside, 4 - inside], axis=1)))


def test_identical_contours_agree_fully():
    grid = centred_grid(10, (1, 1, 1))
    answer = agreement([ContourInput(str(n), ball(grid, (0, 0, 0), 5)) for n in range(3)])
    assert (answer.conformity_index, answer.fleiss_kappa) == (1, 1)
    assert answer.hd95_mm.max() == answer.added_path_length_mm.max() == 0
    only_dispute = agreement(
        [ContourInput(str(n), ball(grid, (0, 0, 0), 5)) for n in range(3)], domain=Domain("disputed")
    )
    assert math.isnan(only_dispute.fleiss_kappa)


def test_differing_grids_are_compared_on_a_fine_one():
    inputs = [ContourInput(str(s), ball(centred_grid(20, (s, s, s)), (0, 0, 0), 10.2)) for s in (1, 3)]
    answer = agreement(inputs)
    assert answer.resampled
    # The nearest voxel of 3 mm gives 0.90.
    assert answer.dice[0, 1] > 0.93


def test_refusals():
    (one, *_) = inputs = three_spheres(25)
    empty = ContourInput("nothing", Mask(np.zeros(one.mask.grid.shape_kji, bool), one.mask.grid))
    with pytest.raises(ConsensusError, match="two contours that are not empty and got 1"):
        agreement([one, empty])
    assert agreement([*inputs, empty]).empty == ("nothing",)
    with pytest.raises(ConsensusError, match="tolerance"):
        agreement(inputs, tolerances_mm=(-1.0,))
