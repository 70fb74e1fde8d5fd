"""The RTSTRUCT benchmark: its masks, its CT, and what it says of both sides."""

import numpy as np
import pytest
from PSMAPlanningLib.commands import benchmark_rtstruct
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask


@pytest.fixture
def small(monkeypatch):
    """Twelve slices of 64 x 64 instead of 200 of 512 x 512; one lesion and one volume."""
    monkeypatch.setattr(benchmark_rtstruct, "_SHAPE_KJI", (12, 64, 64))
    grid = VoxelGrid.from_lps((12, 64, 64), (0.977, 0.977, 2.5), (-250.0, -250.0, -400.0), np.eye(3))
    k, j, i = np.ogrid[:12, :64, :64]
    node = (2.5 * (k - 6)) ** 2 + (0.977 * (j - 20)) ** 2 + (0.977 * (i - 20)) ** 2 < 9
    bed = (k > 1) & (k < 10) & ((j - 40) ** 2 + (i - 40) ** 2 < 200)
    return {"GTV1": Mask(node, grid), "CTV1": Mask(bed, grid)}


def test_ours_has_a_small_part_of_the_error(small, tmp_path):
    pytest.importorskip("rt_utils", reason="rt-utils is not installed")
    ct = tmp_path / "ct"
    ct.mkdir()
    benchmark_rtstruct.write_ct(ct)
    benchmark_rtstruct.write_ours(small, ct, tmp_path / "ours.dcm")
    benchmark_rtstruct.write_peer(small, ct, tmp_path / "peer.dcm")
    points, error = benchmark_rtstruct.quality(small, ct, tmp_path / "ours.dcm")
    peer_points, peer_error = benchmark_rtstruct.quality(small, ct, tmp_path / "peer.dcm")
    assert points <= 1.2 * peer_points
    assert error <= peer_error / 3


def test_there_are_60_lesions_and_8_volumes(monkeypatch):
    monkeypatch.setattr(benchmark_rtstruct, "_ellipsoid", lambda *_: None)
    monkeypatch.setattr(benchmark_rtstruct, "_bent_cylinder", lambda *_: None)
    names = list(benchmark_rtstruct.structures())
    assert [sum(name.startswith(kind) for name in names) for kind in ("GTV", "CTV")] == [60, 8]
