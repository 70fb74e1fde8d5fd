"""The patient's result from balls and boxes: standings, impact, sentence, shifts, obstacles, what if."""

from dataclasses import replace

import numpy as np
import pytest
from phantoms import ball, centred_grid, points_of
from PSMAPlanningLib.coverage.lesion_coverage import CoverageCache
from PSMAPlanningLib.coverage.patient import Cover, Impact
from PSMAPlanningLib.coverage.patient_result import PatientFacts, PatientLesion, Target, patient_result
from PSMAPlanningLib.coverage.patient_sentence import (
    direction_words,
    patient_notes,
    patient_sentence,
    sentence_parts,
)
from PSMAPlanningLib.coverage.regions import stated_region
from PSMAPlanningLib.coverage.registration_shift import DIRECTIONS
from PSMAPlanningLib.coverage.what_if import OWN_VOLUME, PlannedVolumes, Question, questions, what_if
from PSMAPlanningLib.coverage.what_stands_between import what_stands_between
from PSMAPlanningLib.errors import GenerationError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.settings import CoverageSettings, RegionSettings

GRID = centred_grid(60, (1, 1, 2))
POINTS = points_of(GRID)
CTV = Target("CTVn", Mask(np.abs(POINTS).max(axis=-1) <= 20, GRID), "CTV")
PTV = Target("PTVn", Mask(np.abs(POINTS).max(axis=-1) <= 40, GRID), "PTV")
COVERAGE, REGIONS = CoverageSettings(), RegionSettings()


def lesion(id_, centre, accepted=True, rejected=False):
    small = centred_grid(7, (1, 1, 1))
    grid = VoxelGrid(small.shape_kji, small.spacing_mm, tuple(np.add(small.origin_ras, centre)))
    return PatientLesion(id_, ball(grid, centre, 4), centre, accepted, rejected)


INSIDE = lesion("in", (0.0, 0.0, 0.0))
ABOVE = lesion("above", (0.0, 0.0, 47.0))
MARGIN = lesion("margin", (0.0, -30.0, 0.0))
EDGE = lesion("edge", (-20.0, 0.0, 0.0))
PLACES = {
    "in": stated_region("external_iliac", "right"),
    "above": stated_region("common_iliac", "left"),
    "margin": stated_region("mesorectal", "right"),
    "edge": stated_region("obturator", "left"),
}


def result_of(lesions, targets=(CTV, PTV), regions=PLACES, facts=None, region_settings=REGIONS):
    return patient_result(lesions, targets, regions, facts or PatientFacts(), COVERAGE, region_settings)


def test_standings_impact_and_sentence():
    result = result_of([INSIDE, ABOVE, MARGIN, EDGE])
    assert {each.id: each.standing.cover for each in result.lesions} == {
        "in": Cover.COVERED,
        "above": Cover.OUTSIDE,
        "margin": Cover.SETUP_MARGIN_ONLY,
        "edge": Cover.PARTIAL,
    }
    assert (result.impact.calais, result.impact.major) == (Impact.PELVIC_OUTSIDE, True)
    assert result.setup_margin_only == ("margin",)
    assert patient_sentence(result) == (
        "3 of 4 lesions outside CTVn: left common iliac, 30 mm above; left obturator, 3 mm to the left "
        "(partly outside); right mesorectal, 13 mm behind (inside setup margin only)."
    )
    notes = " ".join(patient_notes(result))
    assert "Inside setup margin only, which is no cover: margin." in notes
    assert "Common iliac nodes count as N (PROMISE); pelvic bone counts as extrapelvic." in notes


def test_all_covered_and_none_there():
    assert patient_sentence(result_of([INSIDE])) == "The lesion is covered by CTVn."
    assert result_of([INSIDE]).impact.minor
    empty = result_of([])
    assert (patient_sentence(empty), empty.impact.calais) == ("No lesion to compare.", Impact.NO_LESION)
    nothing = result_of([INSIDE], targets=())
    assert nothing.impact.calais is None
    assert "no verified clinical target" in patient_sentence(nothing)


def test_undecided_is_provisional_and_rejected_is_left_out():
    result = result_of(
        [replace(INSIDE, is_accepted=False), replace(ABOVE, is_accepted=False, is_rejected=True)]
    )
    assert result.is_provisional
    assert result.rejected == ("above",)
    assert patient_sentence(result) == "PROVISIONAL: The lesion is covered by CTVn."
    notes = patient_notes(result)
    assert "Provisional: not decided on in." in notes
    assert "Rejected and not counted: above." in notes


def test_a_target_that_rests_on_unverified_numbers_never_enters_the_sentence():
    wide = Target("CTVn_wide", PTV.mask, "CTV", ("vessel_margin",))
    result = result_of([MARGIN], targets=(CTV, wide))
    assert result.lesions[0].standing.cover is Cover.OUTSIDE
    assert "CTVn_wide" not in patient_sentence(result)
    assert "CTVn_wide rests on unverified numbers (vessel_margin) and does not count." in patient_notes(
        result
    )


def test_unknown_region_of_an_uncovered_lesion_leaves_the_impact_open():
    result = result_of([ABOVE], regions={})
    assert (result.impact.calais, result.impact.major) == (None, True)
    known = {"above": stated_region("retroperitoneal", "left")}
    assert result_of([ABOVE, MARGIN], regions=known).impact.calais is Impact.EXTRAPELVIC


def test_switch_of_the_common_iliac_changes_impact_and_stage():
    ajcc = result_of([ABOVE], region_settings=RegionSettings(common_iliac_stage="M1a"))
    assert ajcc.impact.calais is Impact.EXTRAPELVIC
    assert ajcc.mitnm.v1 == "miT0 N0 M1a(CI-L)"
    assert ajcc.stage_group.group == "M1a-c"
    assert result_of([ABOVE]).stage_group.group == "N1M0"


@pytest.mark.parametrize(("uncertainty_mm", "becomes"), [(0.0, ()), (2.0, ()), (6.0, (Cover.PARTIAL,))])
def test_shift_flags_what_can_change_and_only_that(uncertainty_mm, becomes):
    """Ball of 4 mm with its middle 9 mm inside the wall: covered until it comes within half a voxel of it."""
    near = lesion("near", (11.0, 0.0, 0.0))
    facts = PatientFacts(nodes_uncertainty_mm=uncertainty_mm, bed_uncertainty_mm=0.0)
    result = result_of([INSIDE, near], facts=facts)
    assert result.shift.directions == 26
    by_id = {each.id: each.may_become for each in result.lesions}
    assert by_id == {"in": (), "near": becomes}
    assert result.shift.is_stated == {"bed": True, "nodes": True}
    assert result.shift.impacts["nodes"] == (("covered", "unknown") if becomes else ("covered",))


def test_bed_and_nodes_move_apart_and_not_stated_is_an_illustration():
    bed = lesion("bed", (14.0, 0.0, 0.0))
    regions = {**PLACES, "bed": stated_region("retrovesical")}
    stated = result_of([bed], regions=regions, facts=PatientFacts(bed_uncertainty_mm=0.0))
    assert stated.shift.changes == {}
    illustrated = result_of([bed], regions=regions)
    assert illustrated.shift.uncertainty_mm == {"bed": 3.0, "nodes": 3.0}
    assert illustrated.shift.changes == {"bed": (Cover.PARTIAL,)}
    assert any("bed not stated (3 mm as an illustration)" in note for note in patient_notes(illustrated))


def test_directions_are_26_different_unit_vectors():
    assert len({tuple(np.round(d, 6)) for d in DIRECTIONS}) == 26
    assert np.allclose(np.linalg.norm(DIRECTIONS, axis=1), 1)


def test_what_stands_in_the_way_in_order_and_without_the_false_prostate():
    wall = Mask((POINTS[..., 2] > 25) & (POINTS[..., 2] < 31), GRID)
    vessel = Mask((POINTS[..., 2] > 34) & (POINTS[..., 2] < 37), GRID)
    aside = Mask(POINTS[..., 0] > 30, GRID)
    found = result_of(
        [ABOVE],
        facts=PatientFacts({"artery": vessel, "bladder": wall, "femur": aside, "prostate": wall}),
    )
    crossed = found.lesions[0].in_the_way
    assert [each.name for each in crossed] == ["bladder", "artery"]
    assert crossed[0].length_mm == pytest.approx(6, abs=2.1)
    covered = CoverageCache().of(INSIDE.contour, INSIDE.peak_ras, CTV.mask, COVERAGE)
    assert what_stands_between(covered, {"bladder": wall}) == ()


def test_parts_of_the_sentence_are_codes_and_numbers():
    parts = sentence_parts(result_of([INSIDE, ABOVE]))
    (missed,) = parts.missed
    assert (missed.region.value, missed.side, missed.direction, missed.target) == (
        "common_iliac",
        "left",
        "S",
        "CTVn",
    )
    # The box ends at 21 mm, half a slice of 2 mm beyond 20; the ball of 1 mm voxels at 50.5 mm.
    assert missed.distance_mm == pytest.approx(29.5, abs=0.2)
    assert direction_words("SA") == "above and in front"


def test_what_if_columns_decisions_and_what_cannot_be_made():
    bed = Target("CTVsb", ball(GRID, (0, -30, 0), 9), "CTV")
    regions = {**PLACES, "above": stated_region("bone", structure="vertebra L4")}

    def make(preset, switches):
        if preset == "broken":
            raise GenerationError("No vessels; label them.")
        reach = 60 if switches.get("para_aortic") else 20
        return [Target(preset, Mask(np.abs(POINTS).max(axis=-1) <= reach, GRID), "CTV", ("vessel_margin",))]

    asked = questions({"nodes": "nodes", "broken": "nodes"}, [("nodes", "para_aortic")])
    columns = what_if(
        asked, [INSIDE, ABOVE, MARGIN], regions, make, PlannedVolumes((bed,), (CTV,)), COVERAGE, REGIONS
    )
    missed = {column.question.name: column.missed for column in columns}
    assert missed == {
        "nodes": ("above",),
        "broken": (),
        "nodes+para_aortic": (),
        "bed_only": ("in", "above"),
        "bed_and_pelvis": ("above",),
        "nodes_only": ("above", "margin"),
        "metastasis_directed": (),
    }
    by_name = {column.question.name: column for column in columns}
    assert by_name["nodes"].is_hatched
    assert not by_name["bed_only"].is_hatched
    assert by_name["broken"].failed == "No vessels; label them."
    assert by_name["metastasis_directed"].standings["above"].by == OWN_VOLUME
    assert by_name["nodes"].impact is Impact.EXTRAPELVIC
    alone = what_if([Question("bed_only")], [INSIDE], regions, None, PlannedVolumes(), COVERAGE, REGIONS)
    assert "no bed volume" in alone[0].failed
