"""A click means the region it lies in, else the focus beside it, however faint."""

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.delineation.avid_regions import find_avid_regions
from PSMAPlanningLib.delineation.seeded_regions import BELOW_THRESHOLD, region_at, with_focus
from PSMAPlanningLib.errors import RuleError
from PSMAPlanningLib.settings import DetectionSettings

PET = blurred_spheres(centred_grid(50, (4, 4, 3)), [((-25, 0, 0), 14, 12), ((25, 0, 0), 6, 6)])
REGIONS = find_avid_regions(PET, DetectionSettings()).regions


def test_seed_in_and_beside_a_region():
    assert len(REGIONS) == 1
    assert region_at(PET, REGIONS, (-25, 0, 0)) is REGIONS[0]
    assert region_at(PET, REGIONS, (-25, 10, 0)) is REGIONS[0]
    assert with_focus(REGIONS, REGIONS[0]) is REGIONS


def test_faint_focus_is_added():
    focus = region_at(PET, REGIONS, (22, 3, 0))
    assert focus.flags == (BELOW_THRESHOLD,)
    assert np.linalg.norm(np.subtract(focus.peak_ras, (25, 0, 0))) < 5
    assert 1 < focus.suv_max < 3
    both = with_focus(REGIONS, focus)
    assert [region.id for region in both] == ["R1", "R2"]


def test_refusals():
    with pytest.raises(RuleError, match="outside the PET"):
        region_at(PET, REGIONS, (500, 0, 0))
    flat = blurred_spheres(centred_grid(30, (4, 4, 4)), [((0, 0, 0), 10, 1)])
    with pytest.raises(RuleError, match="Nothing stands out"):
        region_at(flat, (), (0, 0, 0))
