"""What a lesion goes by: the consensus of its rules, one of them, or a substitute that is said."""

from dataclasses import replace

import pytest
from phantoms import blurred_spheres
from PSMAPlanningLib.errors import CaseError
from PSMAPlanningLib.lesion_contours import contour_by, contour_names
from PSMAPlanningLib.settings import ContourSettings, RuleSettings, Settings
from test_case.lesion_cases import GRID, settings_of, state_of, with_liver


def test_consensus_says_its_order_threshold_and_dispute():
    wide, _ = state_of().lesions
    fused = wide.consensus
    assert fused.mask is wide.contour.mask
    assert fused.nested
    ranked = sorted(wide.candidates, key=lambda c: c.mask.volume_ml)[fused.order_statistic - 1]
    assert fused.mask.volume_ml == pytest.approx(ranked.mask.volume_ml)
    assert fused.equivalent_threshold_suv == pytest.approx(ranked.threshold_suv, abs=0.1)
    assert fused.equivalent_threshold_dice > 0.99
    assert 0 < fused.disputed.volume_ml < max(c.mask.volume_ml for c in wide.candidates)
    assert any("order statistic" in note for note in fused.notes)


def test_families_have_one_vote_each():
    rules = ("fixed_suv", "percent_max", "background_percent", "a50", "recovery")
    weighted = state_of(settings_of(*rules)).lesions[0].consensus
    assert weighted.weights == pytest.approx((1, 1 / 3, 1 / 3, 1 / 3, 1))
    heads = state_of(settings_of(*rules, weigh_families=False)).lesions[0].consensus
    assert heads.weights is None
    middle = sorted(c.mask.volume_ml for c in state_of(settings_of(*rules)).lesions[0].candidates)[2]
    assert heads.mask.volume_ml == pytest.approx(middle)


def test_a_rule_by_name_instead_of_the_consensus():
    settings = Settings(contours=ContourSettings(lesion_contour="background_percent"))
    for lesion in state_of(settings).lesions:
        chosen = next(c for c in lesion.candidates if c.rule == "background_percent")
        assert lesion.contour.mask is chosen.mask
        assert lesion.contour.threshold_suv == chosen.threshold_suv
        assert lesion.consensus.mask is not None


@pytest.mark.parametrize("method", ["staple", "simple"])
def test_too_few_contours_are_said_and_no_other_method_is_taken(method):
    settings = settings_of("fixed_suv", "background_percent", method=method)
    state = state_of(settings)
    for lesion in state.lesions:
        assert lesion.consensus.mask is None
        assert "needs at least 3 contours" in lesion.consensus.refused
        assert lesion.contour.source == "background_percent"
        assert lesion.contour.method is None
        assert "substitute" in lesion.contour.flags
    (warning,) = state.finding_warnings
    assert warning.startswith("L1, L2: ")
    assert method.upper() in warning
    assert "background_percent stands in its place" in warning


def test_staple_keeps_its_performance_and_domain():
    state = state_of(settings_of("fixed_suv", "percent_max", "background_percent", method="staple"))
    fused = state.lesions[0].consensus
    assert len(fused.sensitivity) == len(fused.specificity) == 3
    assert fused.domain == "crop:10"
    assert all(0 < value <= 1 for value in (*fused.sensitivity, *fused.specificity))


def test_no_rule_gives_a_contour():
    """Every rule empty and no free background: the region itself, and the lesion says so."""
    settings = replace(
        settings_of("liver_max"),
        contours=ContourSettings(rules=(RuleSettings("liver_max", {"liver_max": 900}),)),
    )
    state = state_of(settings)
    lesion = state.lesions[0]
    assert lesion.consensus.left_out == {"liver_max": "empty"}
    assert "All contours are empty" in lesion.consensus.refused
    assert lesion.contour.source == "background_percent"
    assert not lesion.contour.mask.is_empty


def test_the_liver_reaches_the_rules_that_need_it():
    pet, anatomy = with_liver()
    settings = settings_of("qpsma", "percist", "background_percent")
    known = state_of(settings, pet, anatomy).lesions[0]
    by_rule = {c.rule: c for c in known.candidates}
    assert by_rule["qpsma"].threshold_suv == pytest.approx(4.3 * 1.1, rel=0.03)
    assert by_rule["percist"].threshold_suv == pytest.approx(1.5 * 2 + 2 * 0.2, rel=0.03)
    nowhere = state_of(settings, pet)
    assert nowhere.lesions[0].consensus.left_out == {"qpsma": "no_liver", "percist": "no_liver"}
    assert "qpsma, percist: left out, the liver is not known" in nowhere.finding_warnings[-1]


def test_a_liver_full_of_metastases_is_said():
    pet, anatomy = with_liver()
    spots = blurred_spheres(GRID, [((x, 30, 30), 6, 60) for x in (-6, 6)], background_suv=0)
    ill = replace(pet, array=pet.array + spots.array)
    warnings = state_of(settings_of("qpsma"), ill, anatomy).finding_warnings
    assert any(warning.startswith("liver: ") for warning in warnings)


def test_one_rule_twice_has_two_names():
    twice = (
        RuleSettings("fixed_suv", {"suv": 3.0}),
        RuleSettings("fixed_suv", {"suv": 5.0}),
        RuleSettings("a50"),
    )
    state = state_of(Settings(contours=ContourSettings(rules=twice)))
    assert state.lesions[0].contour.inputs == ("fixed_suv suv=3", "fixed_suv suv=5", "a50")


def test_a_lesion_may_go_by_another_of_its_contours():
    state = state_of()
    lesion = state.lesions[0]
    names = contour_names(lesion, state)
    assert names == ("consensus", "fixed_suv", "percent_max", "background_percent", "recovery")
    chosen = contour_by(lesion, state, "percent_max")
    candidate = next(c for c in lesion.candidates if c.rule == "percent_max")
    assert (chosen.source, chosen.threshold_suv) == ("percent_max", candidate.threshold_suv)
    assert chosen.mask is candidate.mask
    assert chosen.facts.volume_ml == candidate.mask.volume_ml
    back = contour_by(lesion, state, "consensus")
    assert back.mask is lesion.contour.mask
    assert back.facts == lesion.contour.facts
    assert back.flags == lesion.contour.flags
    with pytest.raises(CaseError, match="no contour by 'otsu'; it has consensus, fixed_suv"):
        contour_by(lesion, state, "otsu")


def test_a_refused_consensus_says_why_when_it_is_asked_for():
    state = state_of(settings_of("fixed_suv", "background_percent", method="staple"))
    assert "consensus" not in contour_names(state.lesions[0], state)
    with pytest.raises(CaseError, match="needs at least 3 contours"):
        contour_by(state.lesions[0], state, "consensus")
