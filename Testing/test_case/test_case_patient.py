"""The patient's result of a case: regions with overrides, undo, what is worked out again, what if."""

from dataclasses import replace

import pytest
from phantoms import points_of
from PSMAPlanningLib.case_document import case_document
from PSMAPlanningLib.case_what_if import case_what_if, what_if_document
from PSMAPlanningLib.coverage.patient import Cover, Impact
from PSMAPlanningLib.coverage.regions import Region, RegionSource
from PSMAPlanningLib.coverage.what_if import Question
from PSMAPlanningLib.errors import CaseError, RegionError
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.records import RtVolume

from .lesion_cases import GRID, PET, case_of, state_of


@pytest.fixture
def case():
    points = points_of(GRID)
    right = Mask(points[..., 0] > -4, GRID)
    wide = Mask(points[..., 0] > -44, GRID)
    lesion = Mask(points[..., 0] < -10, GRID)
    state = state_of(pet=PET)
    volumes = (
        RtVolume("CTVn", right, "CTV", "imported", "a.nrrd"),
        RtVolume("PTVn", wide, "PTV", "imported", "a.nrrd"),
        RtVolume("CTVboost", lesion, "CTV", "made", "", role="boost"),
    )
    return case_of(replace(state, volumes=volumes, anatomy={"hip_left": lesion}))


def test_result_and_document(case):
    result = case.patient()
    assert {each.standing.cover for each in result.lesions} == {Cover.COVERED, Cover.SETUP_MARGIN_ONLY}
    # A boost is drawn around a lesion; that it covers it says nothing about the standard volumes.
    assert result.compared_with == ("CTVn",)
    assert (result.impact.calais, result.is_provisional) == (Impact.EXTRAPELVIC, True)
    document = case_document(case)
    assert document["patient"]["impact"] == "extrapelvic"
    assert document["patient"]["sentence"].startswith(
        "PROVISIONAL: 1 of 2 lesions outside CTVn: left hip bone"
    )
    assert sorted(row["region"] for row in document["coverage"]) == ["bone", "unknown"]
    assert case.patient() is result


def test_a_stated_region_goes_before_the_anatomy_and_undo_takes_it_back(case):
    (bone,) = (id_ for id_, region in case.assigned_regions().items() if region.region is Region.BONE)
    case.state_region(bone, "obturator", "left")
    stated = case.assigned_regions()[bone]
    assert (stated.region, stated.source) == (Region.OBTURATOR, RegionSource.USER)
    assert case.patient().impact.calais is Impact.PELVIC_OUTSIDE
    case.accept(bone)
    assert case.assigned_regions()[bone].source is RegionSource.USER
    case.clear_region(bone)
    assert case.assigned_regions()[bone].region is Region.BONE
    for _ in range(3):
        case.undo()
    assert case.assigned_regions()[bone].source is RegionSource.AUTOMATIC
    with pytest.raises(RegionError):
        case.state_region(bone, "elbow")
    with pytest.raises(CaseError):
        case.state_region("L99", "obturator")


def test_rejected_lesions_leave_the_result(case):
    (bone,) = (id_ for id_, region in case.assigned_regions().items() if region.region is Region.BONE)
    case.reject(bone, "ureter")
    case.state_region(bone, "obturator", "left")
    assert case.lesion(bone).rejection_reason == "ureter"
    result = case.patient()
    assert result.rejected == (bone,)
    assert result.impact.calais is Impact.COVERED


def test_what_if_without_usable_anatomy_says_why(case):
    columns = case_what_if(
        case, (Question("rtog2009_nodes", "rtog2009_nodes", "nodes"), Question("bed_only"))
    )
    assert [bool(column.failed) for column in columns] == [True, True]
    assert "needs the landmarks" in what_if_document(columns)[0]["failed"]
