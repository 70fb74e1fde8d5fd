"""The what-if card: every column in words, unverified ones hatched and said, what failed said with why."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.case_document import case_document
from PSMAPlanningLib.case_what_if import case_what_if, usual_questions
from PSMAPlanningLib.coverage.patient_result import PatientLesion, Target
from PSMAPlanningLib.coverage.regions import stated_region
from PSMAPlanningLib.coverage.what_if import PlannedVolumes, Question, what_if
from PSMAPlanningLib.errors import GenerationError
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import RtVolume
from PSMAPlanningLib.report.html import report_html
from PSMAPlanningLib.report.what_if_card import what_if_card, what_if_name, what_if_text

GRID = centred_grid(50, (4, 4, 3))


@pytest.fixture
def case():
    case = PlanningCase(who="test")
    pet = blurred_spheres(GRID, [((20, 0, 0), 14, 12), ((-20, 0, 0), 12, 10)])
    volumes = (
        RtVolume("CTVn", ball(GRID, (20, 0, 0), 16), "CTV", "imported", "a.dcm", role="nodes"),
        RtVolume("PTVn", ball(GRID, (0, 0, 0), 45), "PTV", "imported", "a.dcm", role="nodes"),
    )
    state = replace(case.state, pet=pet, volumes=volumes)
    case.perform("find lesions", find_lesions(state, case.change("found"), Stage(no_progress)))
    return case


def columns_of(case):
    """Columns with a preset of our own making, which needs no pelvis."""
    state = case.state
    lesions = [PatientLesion(x.id, x.contour.mask, x.region.peak_ras) for x in state.lesions]
    nodes = tuple(Target(v.name, v.mask, v.kind) for v in state.volumes)

    def make(preset, switches):
        if preset == "nrg2021_nodes":
            raise GenerationError("No vessels; <label> them.")
        return [Target(preset, ball(GRID, (-20, 0, 0), 16), "CTV", ("vessel_margin",))]

    asked = (
        Question("rtog2009_nodes+para_aortic", "rtog2009_nodes", "nodes", {"para_aortic": True}),
        Question("nrg2021_nodes", "nrg2021_nodes", "nodes"),
        Question("nodes_only"),
    )
    settings = state.settings
    regions = {lesion.id: stated_region("obturator", "left") for lesion in lesions}
    return what_if(
        asked, lesions, regions, make, PlannedVolumes((), nodes), settings.coverage, settings.regions
    )


def test_card_table_and_document(case):
    document = json.loads(json.dumps(case_document(case, columns_of(case)), allow_nan=False))
    assert [column["name"] for column in document["what_if"]] == [
        "rtog2009_nodes+para_aortic",
        "nrg2021_nodes",
        "nodes_only",
    ]
    html = what_if_card(document)
    assert "RTOG 2009 nodes + para-aortic (NOT VERIFIED)" in html
    assert "nodes only</th>" in html
    shown = re.findall(r"<tr>(.*?)</tr>", html)
    cells = [re.findall(r'<td class="(.*?)">(.*?)</td>', row)[2:] for row in shown]
    by_preset, by_own = zip(*cells[1:3], strict=True)
    # One lesion lies in the preset's volume, the other in the case's CTV, each the other way round.
    assert ("inside hatched", "covered") in by_preset
    assert sum(kind == "outside hatched" and "mm" in text for kind, text in by_preset) == 1
    assert ("inside", "covered") in by_own
    assert ("setup-margin", "setup margin only") in [(kind, text.split(",")[0]) for kind, text in by_own]
    # What could not be made says why, escaped; what is hatched says on which numbers it rests.
    assert "No vessels; &lt;label&gt; them." in html
    assert "vessel margin" in unescape(html)
    assert "never advice" in html
    assert what_if_card(document) in report_html(document, {})


def test_not_asked_for_is_said(case):
    document = case_document(case)
    assert document["what_if"] is None
    assert "Not asked for" in what_if_card(document)


def test_a_case_without_anatomy_says_so_in_every_preset(case):
    document = case_document(case, case_what_if(case))
    failed = {c["name"]: c["failed"] for c in document["what_if"] if c["failed"]}
    assert set(failed) == {q.name for q in usual_questions() if q.preset} | {"bed_only", "bed_and_pelvis"}
    assert all("anatomy" in failed[q.name] for q in usual_questions() if q.preset)
    text = what_if_text(document["what_if"], {})
    assert len(text.splitlines()) == 1 + len(usual_questions())


def test_names_of_columns():
    base = {"switches": {}, "name": "x"}
    assert what_if_name({**base, "preset": "rtog2010_bed"}) == "RTOG 2010 bed"
    assert what_if_name({**base, "preset": "ours.json"}) == "ours.json"
    on = {"top_at_L4_L5": True, "mesorectum": False}
    assert what_if_name({"preset": "nrg2021_nodes", "switches": on}) == "NRG 2021 nodes + top at L4/5"
    assert what_if_name({"preset": None, "name": "bed_and_pelvis", "switches": {}}) == "bed + pelvis"
