"""The report's words on what a planning system will see."""

from PSMAPlanningLib.report.export_card import export_card

FOUND = {"before": "inside", "after": "partial", "fraction_before": 0.96, "fraction_after": 0.9}
LESION = {
    "id": "L1",
    "name": "GTV1_PT1",
    "state": "proposed",
    "slices": 2,
    "volume_ml": 0.1131,
    "exported_volume_ml": 0.0848,
    "volume_change_percent": -25.0,
    "exported": False,
    "coverage": {"CTV<1>": {**FOUND, "changes": True}},
    "class_changes": True,
}
EXPORT = {
    "slices": "cross-section",
    "file": None,
    "reason": "No structure set was asked for.",
    "lesions": [LESION],
    "exported": [],
    "checks": [{"code": "left_out", "severity": "warning", "sentence": "Left & out.", "structure": "L1"}],
}


def test_a_class_that_changes_is_shown_as_both():
    page = export_card(EXPORT)
    assert "CHANGES" in page and "inside → partial · 90%" in page
    assert "-25.0 %" in page and "0.11" in page and "0.08" in page
    assert "CTV&lt;1&gt;" in page and "Left &amp; out." in page


def test_a_class_that_stays_is_shown_once():
    same = {**FOUND, "after": "inside", "changes": False}
    page = export_card({**EXPORT, "lesions": [{**LESION, "coverage": {"CTV": same}}]})
    assert "CHANGES" not in page and "→" not in page


def test_without_a_ct_the_reason_is_said():
    assert "no CT" in export_card({**EXPORT, "slices": None, "reason": "There is no CT."})
    assert "Not worked out" in export_card(None)
