"""Landmarks: the record that bed, nodes and regions share, and what is found without a user."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nodal_cases import phantom_anatomy, phantom_of, real_anatomy
from PSMAPlanningLib.errors import LandmarkError
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.rtvolumes.landmarks import LANDMARK_NAMES, Landmark, Landmarks, LandmarkSource, missing
from PSMAPlanningLib.rtvolumes.landmarks_finding import TRANSITIONAL, find_landmarks, transitional_candidates
from PSMAPlanningLib.rtvolumes.nodal_anatomy import anatomy_of

NUMBER = st.floats(-500, 500)


def automatic(name, level):
    return Landmark(name, LandmarkSource.AUTOMATIC, (0.0, 0.0, level), confidence=0.8, reason="test")


@given(NUMBER, NUMBER, NUMBER, st.floats(-0.5, 0.5))
def test_json_round_trip(right, anterior, superior, tilt):
    marks = Landmarks({"S1_top": automatic("S1_top", 5.0)}, (TRANSITIONAL,))
    marks = marks.with_moved("symphysis_top", (right, anterior, superior), (tilt, 0.0, 1.0))
    again = Landmarks.from_document(json.loads(json.dumps(marks.to_document())))
    assert again.findings == marks.findings
    for name in LANDMARK_NAMES:
        assert again[name].source is marks[name].source
        assert again[name].point_ras == marks[name].point_ras
        assert again[name].normal_ras == pytest.approx(marks[name].normal_ras)


def test_what_is_not_there_is_missing():
    marks = Landmarks()
    assert marks["anastomosis"].source is LandmarkSource.MISSING
    assert marks.missing_of(("anastomosis", "S1_top")) == ("anastomosis", "S1_top")
    with pytest.raises(LandmarkError, match="anastomosis is missing; place it"):
        _ = marks["anastomosis"].superior_mm
    with pytest.raises(LandmarkError, match="no landmark 'apex'"):
        _ = marks["apex"]


def test_the_users_place_survives_a_new_search():
    marks = Landmarks({"S1_top": automatic("S1_top", 5.0)}).with_moved("S1_top", (0, 0, 9))
    found = Landmarks({"S1_top": automatic("S1_top", 4.0), "L5_S1": automatic("L5_S1", 12.0)})
    again = marks.with_automatic(found)
    assert again["S1_top"].superior_mm == 9
    assert again["S1_top"].source is LandmarkSource.USER
    assert again["L5_S1"].superior_mm == 12


def test_height_follows_a_tilted_plane():
    tilted = Landmark("femoral_head_top", LandmarkSource.USER, (0, 0, 10), (0.1, 0, 1), 1.0)
    assert tilted.height_mm(np.array((0, 0, 15))) == pytest.approx(5 / np.hypot(0.1, 1))
    assert tilted.height_mm(np.array((50, 0, 5))) == pytest.approx(0, abs=1e-9)
    assert tilted.moved_by(3.0).height_mm(np.array((0, 0, 10))) == pytest.approx(-3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "apex"}, "no landmark 'apex'"),
        ({"point_ras": (0, 0)}, "three finite numbers"),
        ({"point_ras": (0, 0, float("nan"))}, "three finite numbers"),
        ({"normal_ras": (1, 0, 0)}, "face the head"),
        ({"confidence": 2.0}, "give 0 to 1"),
        ({"point_ras": None}, "any other needs one"),
    ],
)
def test_impossible_landmarks(arguments, words):
    whole = {"name": "S1_top", "source": LandmarkSource.USER, "point_ras": (0, 0, 0), **arguments}
    with pytest.raises(LandmarkError, match=words):
        Landmark(**whole)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "must be an object"),
        ({"schema_version": 9, "landmarks": []}, "schema_version 9"),
        ({"schema_version": 1, "landmarks": [3]}, "object with a name"),
        ({"schema_version": 1, "landmarks": [{"name": "S1_top", "source": "guess"}]}, "source is 'guess'"),
        ({"schema_version": 1, "landmarks": [{"name": "apex", "source": "missing"}]}, "no landmark 'apex'"),
    ],
)
def test_documents_that_are_no_landmarks(document, words):
    with pytest.raises(LandmarkError, match=words):
        Landmarks.from_document(document)


@pytest.mark.parametrize("seed", [1, 11, 23])
def test_levels_of_the_phantom_are_found(seed):
    phantom = phantom_of(seed)
    found = find_landmarks(phantom_anatomy(phantom))
    for name, within_mm in (
        ("aortic_bifurcation", 6.0), ("L4_L5", 5.0), ("L5_S1", 5.0), ("S1_top", 6.0), ("S3_bottom", 8.0),
        ("symphysis_top", 6.0), ("penile_bulb_top", 5.0),
    ):  # fmt: skip
        assert found[name].superior_mm == pytest.approx(phantom.landmarks[name][2], abs=within_mm), name
    heads = [phantom.landmarks[f"femoral_head_top_{side}"][2] for side in ("left", "right")]
    assert found["femoral_head_top"].superior_mm == pytest.approx(np.mean(heads), abs=5.0)
    assert found["anastomosis"].is_missing
    assert found["seminal_vesicle_bed_top"].is_missing
    assert found.findings == ()


def test_levels_of_a_real_pelvis(shared_data):
    found = find_landmarks(real_anatomy(shared_data))
    order = ["L2_L3", "aortic_bifurcation", "L4_L5", "L5_S1", "S1_top", "S3_bottom", "femoral_head_top",
             "symphysis_top"]  # fmt: skip
    levels = [found[name].superior_mm for name in order]
    assert levels == sorted(levels, reverse=True)
    # Read off the CT by eye, to within two slices.
    assert found["symphysis_top"].superior_mm == pytest.approx(113, abs=6)
    assert found["femoral_head_top"].superior_mm == pytest.approx(148, abs=6)
    assert found["penile_bulb_top"].reason == "no_penile_bulb"


def test_a_sixth_lumbar_vertebra_is_asked_about():
    structures = phantom_of(1, structures=True)
    fifth = structures["vertebrae_L5"]
    below = Mask(fifth.array, fifth.grid)
    structures["vertebrae_L6"] = below
    structures["vertebrae_L5"] = structures["vertebrae_L4"]
    structures["vertebrae_L4"] = structures["vertebrae_L3"]
    anatomy = anatomy_of(structures)
    found = find_landmarks(anatomy)
    assert found.findings == (TRANSITIONAL,)
    assert found["L5_S1"].is_missing
    assert found["L5_S1"].reason == "asked_transitional_vertebra"
    upper, lower = transitional_candidates(anatomy)
    assert upper.superior_mm - lower.superior_mm == pytest.approx(28, abs=10)


def test_a_sacralised_fifth_vertebra_is_asked_about():
    structures = phantom_of(1, structures=True)
    fourth = structures.pop("vertebrae_L4")
    structures["vertebrae_L4"] = structures.pop("vertebrae_L5")
    assert fourth is not structures["vertebrae_L4"]
    assert find_landmarks(anatomy_of(structures)).findings == (TRANSITIONAL,)


def test_missing_labels_are_reasons_not_errors():
    found = find_landmarks(anatomy_of({}))
    assert all(found[name].is_missing for name in LANDMARK_NAMES)
    assert found["aortic_bifurcation"].reason == "no_vessels"
    assert missing("S1_top").confidence == 0
