"""The benchmark's margin row: the work the issue names; seconds are never asserted on."""

import numpy as np
import pytest
from PSMAPlanningLib.commands.benchmark_volumes import PTV_MARGIN, WORKS, nodal_volume
from PSMAPlanningLib.rtvolumes.margins import grow


def test_work_is_that_of_the_issue():
    assert [(work.name, work.target) for work in WORKS] == [("margin", 10)]
    mask = nodal_volume()
    assert mask.array.shape == (200, 512, 512)
    assert mask.volume_ml == pytest.approx(300, rel=0.01)
    assert len(set(PTV_MARGIN.as_tuple())) >= 5
    grown = grow(mask, PTV_MARGIN)
    assert grown.grid is mask.grid and not np.any(mask.array & ~grown.array)
    low, high = mask.points_ras().min(axis=0), mask.points_ras().max(axis=0)
    assert low - grown.points_ras().min(axis=0) == pytest.approx([5, 6, 8], abs=1.3)
    assert grown.points_ras().max(axis=0) - high == pytest.approx([5, 9, 7], abs=1.3)
