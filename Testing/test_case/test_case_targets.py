"""PTVs of a case: by the institution's margins only, accurate below the voxel where contours are."""

import numpy as np
import pytest
from margin_shapes import ball, grid_around, occupancy, voxels
from PSMAPlanningLib.case_targets import with_planning_targets
from PSMAPlanningLib.errors import MarginError
from PSMAPlanningLib.records import RtVolume
from PSMAPlanningLib.rtvolumes.margins import SixMargins
from PSMAPlanningLib.rtvolumes.occupancy import OccupancyField
from PSMAPlanningLib.rtvolumes.planning_target import InstitutionMargins

GRID = grid_around(26, (1.0, 1.0, 3.0))
MARGINS = InstitutionMargins(
    "Clinic A", "", {"nodes": SixMargins.uniform(7), "bed": SixMargins(5, 5, 9, 6, 7, 7)}
)


def volume(name, role, shares=None, kind="CTV"):
    mask = voxels(GRID, ball(12))
    return RtVolume(name, mask, kind, "imported", "RS.dcm", tg263=name, role=role, occupancy=shares)


def around(field):
    """As an import keeps it: only the voxels around the structure."""
    box = tuple(slice(int(n.min()) - 1, int(n.max()) + 2) for n in np.nonzero(field.fraction > 0))
    return OccupancyField(field.fraction[box], field.grid.crop(box))


def test_every_ctv_with_a_role_gets_its_ptv():
    found = [volume("CTVn_4500", "nodes", around(occupancy(GRID, ball(12)))), volume("CTVsb", "bed")]
    volumes, said = with_planning_targets([*found, volume("Bladder", "bladder", kind="ORGAN")], MARGINS)
    nodes, bed = volumes[3:]
    assert [(v.name, v.tg263, v.kind, v.role, v.status) for v in (nodes, bed)] == [
        ("PTVn_4500", "PTVn_4500", "PTV", "nodes", "proposal"),
        ("PTVsb", "PTVsb", "PTV", "bed", "proposal"),
    ]
    assert nodes.occupancy.volume_ml == pytest.approx(4 / 3 * np.pi * 19**3 / 1000, rel=0.01)
    assert bed.occupancy is None and bed.mask.voxels > found[1].mask.voxels
    assert bed.origin == "grown from CTVsb by 5/5/9/6/7/7 mm (L/R/A/P/S/I)"
    assert bed.source_file == "the margins of Clinic A" and said == ()


def test_no_ptv_where_it_is_not_known_which_margin_is_meant():
    volumes, (said,) = with_planning_targets([volume("CTV1", None)], MARGINS)
    assert len(volumes) == 1 and "CTV1 got no PTV" in said


def test_what_cannot_be_made_is_an_error():
    with pytest.raises(MarginError, match="no CTV"):
        with_planning_targets([volume("Bladder", "bladder", kind="ORGAN")], MARGINS)
    with pytest.raises(MarginError, match="none for 'boost'"):
        with_planning_targets([volume("CTV_Boost", "boost")], MARGINS)
    wide = InstitutionMargins("Clinic B", "", {"nodes": SixMargins.uniform(30)})
    for shares in (None, around(occupancy(GRID, ball(12)))):
        with pytest.raises(MarginError, match="past the edge"):
            with_planning_targets([volume("CTVn", "nodes", shares)], wide)


def test_a_ptv_that_is_there_already_keeps_its_name():
    volumes, _ = with_planning_targets(
        [volume("CTVn", "nodes"), volume("PTVn", "nodes", kind="PTV")], MARGINS
    )
    assert [v.name for v in volumes] == ["CTVn", "PTVn", "PTVn_2"]
