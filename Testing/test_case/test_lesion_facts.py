"""Facts about a lesion's contour: kept with it, worked out on demand, told in the document."""

import json
from dataclasses import replace

import numpy as np
import pytest
from phantoms import ball
from PSMAPlanningLib import lesion_facts
from PSMAPlanningLib.case_document import case_document
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.lesion_document import lesion_document
from PSMAPlanningLib.lesion_facts import consensus_of, facts_of, point_spread_of
from PSMAPlanningLib.settings import DetectionSettings, Settings
from test_case.lesion_cases import GRID, case_of, state_of


def test_every_lesion_carries_its_facts():
    wide, narrow = state_of().lesions
    for lesion in (wide, narrow):
        facts = lesion.contour.facts
        assert facts.interval.low_ml < facts.volume_ml < facts.interval.high_ml
        assert facts.suv_peak.suv < facts.suv_max
        assert facts.tlu == pytest.approx(facts.suv_mean * facts.volume_ml)
    assert wide.contour.facts.below_resolution is False
    assert narrow.contour.facts.below_resolution is True
    assert "below_resolution" in narrow.contour.flags


def test_resolution_comes_from_the_settings_and_reaches_the_rules():
    sharp = state_of(Settings(detection=DetectionSettings(fwhm_mm=4.0)))
    by_rule = {c.rule: c for c in sharp.lesions[1].candidates}
    assert by_rule["recovery"].parameters["fwhm_mm"] == 4.0
    assert point_spread_of(sharp.settings).is_measured
    assert not point_spread_of(Settings()).is_measured
    blurred = {c.rule: c for c in state_of().lesions[1].candidates}
    assert by_rule["recovery"].mask.volume_ml > blurred["recovery"].mask.volume_ml


def test_a_hand_edit_gets_facts_once(monkeypatch):
    case = case_of(state_of())
    case.edit_contour("L2", ball(GRID, (-20, 0, 0), 9))
    lesion = case.lesion("L2")
    assert lesion.contour.facts is None
    facts = facts_of(lesion, case.state)
    assert facts.volume_ml == lesion.contour.mask.volume_ml
    assert facts.below_resolution is True
    monkeypatch.setattr(lesion_facts, "lesion_crop", None)
    assert facts_of(lesion, case.state) is facts
    assert consensus_of(lesion, case.state) is lesion.consensus


def test_facts_of_a_hand_edit_follow_the_settings():
    case = case_of(state_of())
    case.edit_contour("L2", ball(GRID, (-20, 0, 0), 9))
    lesion = case.lesion("L2")
    first = facts_of(lesion, case.state)
    other = replace(case.state, settings=Settings(detection=DetectionSettings(fwhm_mm=4.0)))
    assert facts_of(lesion, other).resolution_diameter_mm != first.resolution_diameter_mm


def test_a_contour_drawn_far_beyond_the_crop_is_measured():
    case = case_of(state_of())
    case.edit_contour("L1", ball(GRID, (10, 0, 0), 38))
    facts = facts_of(case.lesion("L1"), case.state)
    assert facts.volume_ml == case.lesion("L1").contour.mask.volume_ml
    assert "leaks" in facts.flags


def test_a_restored_lesion_gets_the_same_facts_and_consensus():
    state = state_of()
    lesion = state.lesions[0]
    bare = replace(lesion, contour=replace(lesion.contour, facts=None), consensus=None)
    assert facts_of(bare, state) == lesion.contour.facts
    again = consensus_of(bare, state)
    assert np.array_equal(again.mask.array, lesion.consensus.mask.array)
    assert again.equivalent_threshold_suv == lesion.consensus.equivalent_threshold_suv
    assert consensus_of(bare, state) is again
    assert consensus_of(replace(bare, candidates=()), state) is None


def test_document_of_a_lesion_is_the_contract_and_json():
    state = state_of()
    document = case_document(case_of(state))
    lesion = document["lesions"][1]
    wanted = {"suv_peak", "suv_max", "suv_mean", "tlu", "volume_ml", "volume_interval_ml", "below_resolution"}
    assert wanted | {"equivalent_threshold_suv", "consensus", "centroid"} <= set(lesion)
    low, high = lesion["volume_interval_ml"]
    assert low <= lesion["volume_ml"] <= high
    assert lesion["below_resolution"] is True
    assert lesion["consensus"]["inputs"] == lesion["contour"]["inputs"]
    # Two of three share a family's vote; recovery, below the resolution, ran up to the maximum.
    assert lesion["consensus"]["weights"] == [1.0, 0.5, 0.5]
    assert lesion["consensus"]["left_out"] == {"recovery": "collapsed"}
    assert document["lesions"][0]["consensus"]["weights"] == [1.0, 0.5, 0.5, 1.0]
    json.dumps(document, allow_nan=False)


def test_a_contour_outside_the_pet_has_a_volume_and_no_uptake():
    case = case_of(state_of())
    outside = Mask(np.ones((4, 4, 4), dtype=bool), VoxelGrid((4, 4, 4), (2, 2, 2), (500, 0, 0)))
    case.edit_contour("L1", outside)
    document = lesion_document(case.lesion("L1"), case.state)
    assert document["volume_ml"] == pytest.approx(0.512)
    assert document["suv_mean"] is None
    assert document["volume_interval_ml"] is None
