"""Five lung nodules, each outlined by four radiologists (LIDC-IDRI): real spread, real holes."""

import numpy as np
import pytest
from lidc_consensus_table import nodules, picture, table
from PSMAPlanningLib.consensus.agreement import agreement
from PSMAPlanningLib.consensus.common_grid import sampled_by_distance
from PSMAPlanningLib.consensus.consensus import consensus
from PSMAPlanningLib.consensus.fusion import METHODS
from PSMAPlanningLib.consensus.inputs import ContourInput
from PSMAPlanningLib.imaging.label_file import read_labels
from scipy import ndimage

NODULES = (
    *("LIDC-IDRI-0001_nod84", "LIDC-IDRI-0007_nod124", "LIDC-IDRI-0011_nod149"),
    *("LIDC-IDRI-0014_nod214", "LIDC-IDRI-0016_nod222"),
)


def readers_of(folder):
    paths = sorted(folder.glob("reader*.nrrd"))
    return [ContourInput(path.stem, read_labels(path)[0].mask, "reader") for path in paths]


@pytest.mark.parametrize("nodule", NODULES)
def test_consensus_lies_between_the_readers(shared_data, nodule):
    readers = readers_of(shared_data("lidc_4reader_contours") / nodule)
    assert len(readers) == 4
    volumes = [reader.mask.volume_ml for reader in readers]
    for method in METHODS:
        answer = consensus(readers, method)
        low = 0.8 * min(volumes) if method != "intersection" else 0
        high = (
            max(volumes) if method not in ("union", "probability", "at_least", "staple") else 2 * max(volumes)
        )
        assert low <= answer.mask.volume_ml <= high, method
        assert not answer.nesting.nested
    staple = consensus(readers, "staple").fusion
    assert all(0.5 < p <= 1 for p in staple.sensitivity)
    assert all(0.9 < q <= 1 for q in staple.specificity)


@pytest.mark.parametrize("nodule", NODULES)
def test_agreement_table(shared_data, nodule):
    answer = agreement(readers_of(shared_data("lidc_4reader_contours") / nodule))
    assert 0.5 < answer.conformity_index < 0.9
    assert 0.6 < answer.fleiss_kappa < 0.95
    assert np.all(answer.hd95_mm < 10)
    assert np.isfinite(answer.mean_surface_distance_mm).all()


def test_holes_survive(shared_data):
    readers = readers_of(shared_data("lidc_4reader_contours") / "LIDC-IDRI-0007_nod124")
    assert [_holes(reader.mask.array) > 0 for reader in readers] == [False, True, False, True]
    votes = np.sum([reader.mask.array for reader in readers], axis=0)
    majority = consensus(readers, "majority").mask.array
    assert np.array_equal(majority, votes > 2)
    for method in ("majority", "staple", "simple", "mean_distance"):
        assert _holes(consensus(readers, method).mask.array) > 0, method


def test_holes_survive_the_way_to_another_grid(shared_data):
    (_, holed, _, _) = readers_of(shared_data("lidc_4reader_contours") / "LIDC-IDRI-0007_nod124")
    before, grid = holed.mask.array, holed.mask.grid
    after = sampled_by_distance(holed.mask, grid.refine((3, 1, 1)))
    # The middle third of each slice is where the slice was.
    assert _holes(after[1::3]) == pytest.approx(_holes(before), abs=0.35 * _holes(before))
    assert after.sum() / 3 == pytest.approx(before.sum(), rel=0.03)


def _holes(array):
    """Voxels that are enclosed within their slice."""
    return sum(int((ndimage.binary_fill_holes(slice_) & ~slice_).sum()) for slice_ in array)


def test_table_of_the_nodules_is_whole(shared_data, tmp_path):
    found = nodules(shared_data("lidc_4reader_contours").parent)
    assert [nodule.name for nodule in found] == list(NODULES)
    lines = table(found).splitlines()
    assert len(lines) == 2 + len(NODULES)
    assert len({line.count(" | ") for line in lines if not line.startswith("|---")}) == 1
    assert "24" in lines[3]
    pytest.importorskip("matplotlib", reason="the pictures need matplotlib")
    picture(found[1], tmp_path / "nodule.png")
    assert (tmp_path / "nodule.png").stat().st_size > 10_000
