"""What a click on the PET means, and a contour grown from one by the rule it goes by."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib import lesion_revision
from PSMAPlanningLib.delineation.avid_regions import RegionClass
from PSMAPlanningLib.errors import CaseError
from PSMAPlanningLib.lesion_clicks import lesion_clicked
from PSMAPlanningLib.lesion_growing import GROWN, grown
from PSMAPlanningLib.records import Change, Contour
from PSMAPlanningLib.settings import DetectionSettings, Settings
from test_case.lesion_cases import state_of

GRID = centred_grid(60, (4, 4, 3))
NEAR, BESIDE, FAR, FAINT = (8.0, 0.0, 0.0), (-14.0, 0.0, 0.0), (0.0, 45.0, 30.0), (0.0, -40.0, -30.0)
PET = blurred_spheres(GRID, [(NEAR, 14, 12), (BESIDE, 14, 9), (FAR, 12, 14), (FAINT, 14, 3)])
CHANGE = Change("grown", "tester", "2026-01-01T00:00:00+00:00")


@cache
def _state():
    return state_of(Settings(detection=DetectionSettings(split_saddle_fraction=0.7)), PET)


def _lesion_at(state, point):
    return next(
        each for each in state.lesions if np.linalg.norm(np.subtract(each.region.peak_ras, point)) < 9
    )


def _by_id(state, lesion_id):
    return next(each for each in state.lesions if each.id == lesion_id)


def _holds(mask, point):
    kji = np.rint(mask.grid.kji_of(np.array(point))).astype(int)
    return bool(((kji >= 0) & (kji < mask.array.shape)).all() and mask.array[tuple(kji)])


def _without(state, lesion):
    """The state as if nobody had made a lesion of that region."""
    return replace(state, lesions=tuple(each for each in state.lesions if each is not lesion))


def test_a_click_inside_a_lesion_or_its_region_means_that_lesion():
    state = _state()
    lesion = _lesion_at(state, NEAR)
    assert lesion_clicked(state, NEAR) == lesion.id
    rim = lesion.region.mask.points_ras()
    edge = rim[np.linalg.norm(rim - np.array(lesion.region.peak_ras), axis=1).argmax()]
    assert lesion_clicked(state, tuple(edge)) == lesion.id
    for each in state.lesions:
        assert lesion_clicked(state, each.region.peak_ras) == each.id


def test_a_click_on_uptake_without_a_lesion_means_a_new_one():
    state = _state()
    assert lesion_clicked(_without(state, _lesion_at(state, FAR)), FAR) is None


def _physiologic():
    state = _state()
    lesion = _lesion_at(state, FAR)
    organ = lesion.region.classified(RegionClass.PHYSIOLOGIC, "organ:urinary_bladder")
    regions = tuple(organ if each.id == organ.id else each for each in state.regions)
    return replace(_without(state, lesion), regions=regions)


@pytest.mark.parametrize(
    ("state", "point", "word"),
    [
        (lambda: replace(_state(), pet=None, lesions=()), NEAR, "no PET"),
        (_state, (0.0, 0.0, 9999.0), "outside the PET"),
        (_state, (float("nan"), 0.0, 0.0), "outside the PET"),
        (_state, FAINT, "below the detection threshold"),
        (_physiologic, FAR, "normal uptake of the urinary bladder"),
    ],
)
def test_a_click_that_misses_says_why(state, point, word):
    with pytest.raises(CaseError, match=word):
        lesion_clicked(state(), point)


def test_flat_surroundings_have_nothing_that_stands_out():
    state = _state()
    flat = replace(state.pet, array=np.full(state.pet.array.shape, 1.0, dtype=np.float32))
    with pytest.raises(CaseError, match="Nothing stands out"):
        lesion_clicked(replace(state, pet=flat, lesions=(), regions=()), FAR)


def test_a_contour_takes_in_the_focus_beside_it_by_the_same_rule():
    state = _state()
    lesion, other = _lesion_at(state, NEAR), _lesion_at(state, BESIDE)
    without = _without(state, other)
    after = grown(without, lesion.id, BESIDE, CHANGE)
    now = _by_id(after, lesion.id)
    assert _holds(now.contour.mask, other.region.peak_ras) and _holds(
        now.contour.mask, lesion.region.peak_ras
    )
    # The consensus of the same rules started at the other peak is the contour of the other lesion.
    both_ml = lesion.contour.mask.volume_ml + other.contour.mask.volume_ml
    assert now.contour.mask.volume_ml == pytest.approx(both_ml, rel=0.02)
    assert now.contour.source == "hand" and GROWN in now.contour.flags
    assert now.contour.facts is not None
    assert now.history[-1].what == "grown" and now.state is lesion.state
    assert [each for each in after.lesions if each is not now] == [
        each for each in without.lesions if each is not lesion
    ]


def test_a_threshold_of_its_own_is_what_a_lesion_grows_by():
    state = _state()
    lesion, other = _lesion_at(state, NEAR), _lesion_at(state, BESIDE)
    at_six = lesion_revision.at_threshold(state, lesion.id, 6.0, CHANGE)
    lesions = tuple(at_six if each is lesion else each for each in _without(state, other).lesions)
    state = replace(state, lesions=lesions)
    now = _by_id(grown(state, lesion.id, BESIDE, CHANGE), lesion.id)
    added = now.contour.mask.voxels - at_six.contour.mask.voxels
    expected = lesion_revision.at_threshold(_state(), other.id, 6.0, CHANGE).contour.mask.voxels
    assert added == pytest.approx(expected, rel=0.02)


def test_what_was_chosen_for_a_lesion_stays_what_it_grows_by():
    state = _state()
    lesion, other = _lesion_at(state, NEAR), _lesion_at(state, BESIDE)
    without = _without(state, other)
    said = replace(CHANGE, what="threshold SUV 6")
    by_hand = lesion.with_contour(Contour(lesion.contour.mask, "hand"), said).with_contour(
        Contour(lesion.contour.mask, "hand"), CHANGE
    )
    by_choice = replace(by_hand, history=(replace(CHANGE, what="contour by percent_max"), CHANGE))
    by_six = lesion_revision.at_threshold(state, other.id, 6.0, CHANGE).contour.mask
    by_percent = next(c.mask for c in other.candidates if c.rule == "percent_max")
    assert by_six.voxels != by_percent.voxels
    for start, expected in ((by_hand, by_six), (by_choice, by_percent)):
        lesions = tuple(start if each is lesion else each for each in without.lesions)
        now = _by_id(grown(replace(without, lesions=lesions), lesion.id, BESIDE, CHANGE), lesion.id)
        added_ml = now.contour.mask.volume_ml - lesion.contour.mask.volume_ml
        assert added_ml == pytest.approx(expected.volume_ml, rel=0.02)


def test_the_fainter_part_of_one_region_is_grown_from_its_own_peak():
    bright, faint = (0.0, 0.0, 0.0), (18.0, 0.0, 0.0)
    pet = blurred_spheres(GRID, [(bright, 16, 20), (faint, 16, 7)])
    state = state_of(Settings(detection=DetectionSettings(split_saddle_fraction=0.2)), pet)
    (lesion,) = state.lesions
    lesion = lesion_revision.going_by(state, lesion.id, "percent_max", CHANGE)
    state = replace(state, lesions=(lesion,))
    assert not _holds(lesion.contour.mask, faint)
    (now,) = grown(state, lesion.id, faint, CHANGE).lesions
    assert _holds(now.contour.mask, faint) and _holds(now.contour.mask, bright)
    # At 41 % of its own peak the sphere of 16 mm is found about as large as it is, 2.1 mL, and no larger.
    assert 1.0 < now.contour.mask.volume_ml - lesion.contour.mask.volume_ml < 2.6
    with pytest.raises(CaseError, match="holds all that the rule percent max"):
        grown(state, lesion.id, lesion.region.peak_ras, CHANGE)


def test_why_nothing_grew_is_said_in_one_sentence():
    state = _state()
    near, other = _lesion_at(state, NEAR), _lesion_at(state, BESIDE)
    alone = _without(state, _lesion_at(state, FAR))
    background = tuple(np.add(near.region.peak_ras, (0, 20, 0)))
    at_ten = lesion_revision.at_threshold(state, near.id, 10.0, CHANGE)
    bare = replace(near, candidates=(), consensus=None, contour=Contour(near.contour.mask, "hand"))

    def with_near(lesion, start=state):
        return replace(start, lesions=tuple(lesion if each is near else each for each in start.lesions))

    for given, point, word in (
        (state, other.region.peak_ras, f"This is lesion {other.id}"),
        (alone, FAR, "mm from lesion"),
        (state, FAINT, "below the detection threshold"),
        (state, background, "below"),
        (_physiologic(), FAR, "normal uptake"),
        (with_near(at_ten, _without(state, other)), BESIDE, "nothing there reaches its threshold"),
        (with_near(bare, _without(state, other)), BESIDE, "Contour again"),
    ):
        with pytest.raises(CaseError, match=word) as caught:
            grown(given, near.id, tuple(point), CHANGE)
        assert str(caught.value).endswith(".")
    with pytest.raises(CaseError, match="L99"):
        grown(state, "L99", NEAR, CHANGE)
