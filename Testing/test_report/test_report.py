"""The report document, its CSV and its HTML: whole, escaped, honest about what is not reviewed."""

import csv
import io
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.case_document import case_document
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import RtVolume
from PSMAPlanningLib.report.html import report_html
from PSMAPlanningLib.report.tables import coverage_csv

GRID = centred_grid(50, (4, 4, 3))


@pytest.fixture
def case():
    case = PlanningCase(who="test")
    pet = blurred_spheres(GRID, [((20, 0, 0), 14, 12), ((-20, 0, 0), 12, 10)])
    volumes = (
        RtVolume("CTVn <b>", ball(GRID, (20, 0, 0), 16), "CTV", "imported", "a & b.dcm"),
        RtVolume("Rectum", ball(GRID, (-20, 0, 0), 16), "ORGAN", "imported", "a & b.dcm"),
    )
    state = replace(case.state, pet=pet, volumes=volumes, warnings=("5 < 6",))
    case.perform("find lesions", find_lesions(state, case.change("found"), Stage(no_progress)))
    return case


def test_document_is_json_and_provisional(case):
    document = json.loads(json.dumps(case_document(case), allow_nan=False))
    assert document["reviewed"] is False
    assert document["patient"]["provisional"] is True
    assert document["patient"]["not_reviewed"] == ["L1", "L2"]
    registration = document["case"]["registration"]
    assert registration["source"] == "not_stated"
    for name in ("residual_mm", "uncertainty_mm", "uncertainty_bed_mm", "uncertainty_nodes_mm"):
        assert registration[name] is None
    assert document["case"]["planning_ct_grid"] is None
    assert document["case"]["patient_check"] is None
    assert set(document["case"]["clinical"].values()) == {None}
    assert document["settings"]["detection"]["threshold_suv"] == 3.0


def test_organs_do_not_count_as_cover(case):
    """L2 lies wholly in the rectum; only targets decide about inside."""
    patient = case_document(case)["patient"]
    assert (patient["lesions_inside"], patient["lesions_partial"], patient["lesions_outside"]) == (1, 0, 1)


def test_rejected_lesions_are_listed_not_counted(case):
    case.accept("L1")
    case.reject("L2", "ganglion")
    document = case_document(case)
    assert document["reviewed"] is True
    assert document["patient"]["rejected"] == ["L2"]
    assert (document["patient"]["lesions"], document["patient"]["lesions_outside"]) == (1, 0)
    assert document["lesions"][1]["rejection_reason"] == "ganglion"
    assert [c["what"] for c in document["lesions"][1]["history"]] == ["found", "rejected"]


def test_no_volumes_no_class(case):
    case.perform("remove volumes", replace(case.state, volumes=()))
    document = case_document(case)
    assert document["patient"]["lesions_without_class"] == 2
    assert "No volumes were given" in report_html(document, {})


def test_csv_has_a_line_per_lesion_and_volume(case):
    rows = list(csv.DictReader(io.StringIO(coverage_csv(case_document(case)))))
    assert [(r["lesion"], r["volume"], r["class"]) for r in rows] == [
        ("L1", "CTVn <b>", "inside"),
        ("L1", "Rectum", "outside"),
        ("L2", "CTVn <b>", "outside"),
        ("L2", "Rectum", "inside"),
    ]
    assert float(rows[0]["centroid_distance_mm"]) == pytest.approx(-16, abs=2.1)  # half a 4 mm voxel


class _Balance(HTMLParser):
    """Collects text and complains about tags that do not close."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_html_is_balanced_escaped_and_whole(case, tmp_path):
    picture = tmp_path / "p.png"
    picture.write_bytes(b"\x89PNG")
    html = report_html(case_document(case), {"picture_3d": picture})
    parser = _Balance()
    parser.feed(html)
    assert parser.open == []
    text = " ".join(parser.text)
    for expected in ("PROVISIONAL", "CTVn <b>", "a & b.dcm", "5 < 6", "not stated, which is not zero", "L2"):
        assert expected in text
    assert "data:image/png;base64," in html
    assert "http" not in html.split("</style>")[1]


def test_html_without_lesions_never_says_no_disease(case):
    case.perform("empty", replace(case.state, lesions=(), regions=()))
    html = report_html(case_document(case), {})
    assert "does not mean no disease" in html


def test_many_rules_wrap_instead_of_running_off_the_page(case):
    document = case_document(case)
    for lesion in document["lesions"]:
        lesion["candidates"] = [
            {**c, "rule": f"{c['rule']}_<{n}>"} for n in range(7) for c in lesion["candidates"]
        ]
    html = report_html(document, {})
    shown = len(document["lesions"]) * len(document["lesions"][0]["candidates"])
    assert html.count('<span class="rule">') == shown
    assert "_&lt;6&gt;: " in html
    assert html.count("<th>") < 40


def test_the_search_is_told_with_references_faint_foci_and_what_was_left_aside(case):
    document = case_document(case)
    text = _text(report_html(document, {}))
    assert "Uptake counts as avid from SUV 3, by a fixed SUV." in text
    assert document["detectability"]["sentence"] in text
    assert "no place to propose a sphere in" in text
    assert "None stands out of its surroundings." in text
    region = {**document["regions"][0], "id": "R<9>", "suv_max": 4.5}
    document["regions"] += [
        {**region, "reason": "beyond:urinary_bladder", "not_contoured": "rim"},
        {**region, "reason": "position:small_bowel", "confidence": "high", "not_contoured": "physiologic"},
    ]
    document["references"] = [
        {
            "name": "liver",
            "source": "proposed",
            "mean": 5.5,
            "sd": 0.5,
            "cov": 0.09,
            "max": 7.0,
            "volume_ml": 14.1,
            "centre": [90.2, 40.0, 430.0],
            "warnings": ["liver: the sphere is proposed; look at it", "liver: only 7 voxels & few"],
        }
    ]
    document["detection"] = {
        "method": "percist",
        "threshold_suv": 9.25,
        "bone_threshold_suv": 3.0,
        "references": document["references"],
    }
    focus = {"position": [1.2, 2.0, 3.0], "suv_max": 2.1, "background_suv": 0.4, "contrast": None}
    document["faint_foci"] = {"foci": [{**focus, "spreads": 8.9}], "left_out": 3}
    text = _text(report_html(document, {}))
    for expected in (
        "from SUV 9.25, in bone from SUV 3, by PERCIST (liver: proposed sphere, nobody looked at it yet).",
        "reaches beyond the urinary bladder",
        "no maximum of its own",
        "small bowel, told by position, size and uptake",
        "R<9>",
        "9%",
        "90, 40, 430",
        "only 7 voxels & few",
        "3 weaker ones are not listed",
        "undecided: no organ known here",
    ):
        assert expected in text


def test_flags_and_reasons_are_words(case):
    document = case_document(case)
    document["lesions"][0]["contour"]["flags"] = ["not_finite", "proposed_reference"]
    for reason, words in (
        ("focus_in:liver", "stands out in the liver"),
        ("uneven:liver", "liver too uneven"),
        ("organ:liver", "liver (organ mask)"),
        ("position:parotid_gland_left", "left parotid gland, told by"),
        ("something_new", "something new"),
    ):
        document["lesions"][0]["reason"] = reason
        text = _text(report_html(document, {}))
        assert words in text
    assert "voxels there that are no number" in text
    assert "rests on a proposed reference sphere" in text


def test_many_regions_left_aside_are_cut_short_and_counted(case):
    document = case_document(case)
    region = {**document["regions"][0], "not_contoured": "low_contrast"}
    document["regions"] = [region] * 75
    assert "45 less hot ones are in report.json." in _text(report_html(document, {}))


def test_a_case_nothing_was_looked_for_in_says_so(case):
    case.perform("reset", case.state.without_findings())
    assert "Lesions were not looked for." in report_html(case_document(case), {})


def _text(html):
    parser = _Balance()
    parser.feed(html)
    assert parser.open == []
    return " ".join(parser.text)
