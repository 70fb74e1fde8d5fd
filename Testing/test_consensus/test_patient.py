"""Lesions matched between readers, fused and compared one by one and for the whole patient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import ball, centred_grid
from PSMAPlanningLib.consensus.lesion_matching import ReaderLesions, lesions_of, match_lesions, merged
from PSMAPlanningLib.consensus.patient import patient_agreement, patient_consensus
from PSMAPlanningLib.errors import CancelledError, ConsensusError, FrameOfReferenceError
from PSMAPlanningLib.imaging.image import Mask

GRID = centred_grid(30, (1.5, 1.5, 2))
LEFT, RIGHT, TOP = (-15, 0, 0), (15, 0, 0), (0, 0, 20)


def reader(name, *places, radius=5, grid=GRID):
    return ReaderLesions(name, tuple(ball(grid, place, radius).cropped() for place in places))


def members(matches):
    return [match.members for match in matches]


def test_lesions_are_matched_by_overlap_and_the_lonely_ones_listed():
    readers = [reader("A", LEFT, RIGHT), reader("B", RIGHT, radius=6), reader("C", (14, 1, 0), TOP)]
    matches = match_lesions(readers)
    assert members(matches) == [{"A": (0,)}, {"A": (1,), "B": (0,), "C": (0,)}, {"C": (1,)}]
    assert [match.only_reader for match in matches] == ["A", None, "C"]


def test_a_lesion_that_bridges_two():
    matches = match_lesions([reader("A", (-5, 0, 0), (5, 0, 0), radius=4), reader("B", (0, 0, 0), radius=8)])
    assert members(matches) == [{"A": (0, 1), "B": (0,)}]
    assert matches[0].bridged


def test_smallest_overlap_decides():
    readers = [reader("A", (0, 0, 0)), reader("B", (8, 0, 0))]
    assert len(match_lesions(readers)) == 1
    assert len(match_lesions(readers, smallest_overlap=0.5)) == 2
    inside = [reader("A", (0, 0, 0), radius=8), reader("B", (0, 0, 0), radius=3)]
    assert len(match_lesions(inside, smallest_overlap=1.0)) == 1
    with pytest.raises(ConsensusError, match="overlap"):
        match_lesions(readers, smallest_overlap=2)


def test_grids_may_differ():
    other = centred_grid(30, (1, 1, 3), ((0, -1, 0), (1, 0, 0), (0, 0, 1)))
    assert len(match_lesions([reader("A", LEFT, RIGHT), reader("B", RIGHT, LEFT, grid=other)])) == 2


def test_holes_do_not_match_what_lies_in_them():
    shell = Mask(ball(GRID, (0, 0, 0), 12).array & ~ball(GRID, (0, 0, 0), 8).array, GRID)
    readers = [ReaderLesions("A", (shell,)), reader("B", (0, 0, 0), radius=5)]
    assert len(match_lesions(readers)) == 2


def test_separate_parts_and_the_edge_of_the_grid():
    array = ball(GRID, LEFT, 4).array | ball(GRID, RIGHT, 4).array
    array[0, :3, :3] = True
    parts = lesions_of(Mask(array, GRID))
    assert len(parts) == 3
    assert sum(part.voxels for part in parts) == array.sum()
    assert merged(parts).voxels == array.sum()
    both = ReaderLesions("A", (Mask(array, GRID),))
    assert len(match_lesions([both, reader("B", LEFT), reader("C", RIGHT)])) == 1


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999))
def test_order_of_readers_does_not_matter(seed):
    random = np.random.default_rng(seed)
    readers = [reader(name, *random.uniform(-20, 20, (4, 3))) for name in "ABC"]
    one = {frozenset((r, n) for r in m for n in m[r]) for m in members(match_lesions(readers))}
    other = {frozenset((r, n) for r in m for n in m[r]) for m in members(match_lesions(readers[::-1]))}
    assert one == other


def test_a_consensus_of_every_lesion():
    readers = [reader("A", LEFT, RIGHT), reader("B", RIGHT, radius=6), reader("C", (14, 1, 0))]
    lonely, common = patient_consensus(readers, "staple")
    assert lonely.consensus is None
    assert "at least 3" in lonely.refused
    assert lonely.not_found_by == ("B", "C")
    assert common.consensus.mask.volume_ml == pytest.approx(4 / 3 * np.pi * 0.125, rel=0.3)
    assert len(common.consensus.fusion.sensitivity) == 3
    assert all(one.consensus for one in patient_consensus(readers, "majority"))


def test_agreement_of_every_lesion_and_of_the_patient():
    readers = [reader("A", LEFT, RIGHT), reader("B", RIGHT, radius=6), reader("C", (14, 1, 0))]
    answer = patient_agreement(readers)
    assert answer.found == {"A": 2, "B": 1, "C": 1}
    assert [one.match.only_reader for one in answer.by_one_reader_only] == ["A"]
    assert answer.lesions[1].agreement.names == ("A", "B", "C")
    assert answer.whole.dice[1, 2] == pytest.approx(answer.lesions[1].agreement.dice[1, 2])
    assert answer.whole.dice[0, 1] < answer.lesions[1].agreement.dice[0, 1]


def test_readers_with_nothing_in_common():
    answer = patient_agreement([reader("A", LEFT), reader("B", RIGHT), ReaderLesions("C", ())])
    assert len(answer.by_one_reader_only) == 2
    assert answer.whole.conformity_index == 0
    assert answer.found["C"] == 0
    assert patient_agreement([reader("A", LEFT), ReaderLesions("C", ())]).whole is None


def test_refusals_and_cancelling():
    with pytest.raises(ConsensusError, match="No reader has any lesion"):
        patient_consensus([ReaderLesions("A", ()), ReaderLesions("B", ())], "union")
    with pytest.raises(ConsensusError, match="same name"):
        match_lesions([reader("A", LEFT), reader("A", LEFT)])
    with pytest.raises(ConsensusError, match="at least 3"):
        patient_consensus([reader("A", LEFT), reader("B", LEFT)], "staple")
    with pytest.raises(ConsensusError, match="no fusion method"):
        patient_consensus([reader("A", LEFT), reader("B", LEFT)], "vote")
    with pytest.raises(CancelledError):
        patient_consensus([reader("A", LEFT), reader("B", LEFT)], "union", progress=lambda *_: False)
    framed = [ReaderLesions(n, reader(n, LEFT).lesions, "", uid) for n, uid in (("A", "1.2"), ("B", "1.3"))]
    with pytest.raises(FrameOfReferenceError, match="B lies in another frame of reference than A"):
        patient_agreement(framed)
