"""miTNM strings, expression score, stage groups and trial labels from facts."""

import json

import pytest
from PSMAPlanningLib.coverage.expression_score import expression_score
from PSMAPlanningLib.coverage.mitnm import propose_mitnm
from PSMAPlanningLib.coverage.regions import Region, RegionAssignment, stated_region
from PSMAPlanningLib.coverage.stage_groups import stage_group
from PSMAPlanningLib.coverage.trial_labels import trial_labels
from PSMAPlanningLib.imaging.tracers import tracer_facts
from PSMAPlanningLib.settings import RegionSettings

SETTINGS = RegionSettings()
PSMA_11, PSMA_1007, FDG = (tracer_facts(name) for name in ("68Ga-PSMA-11", "18F-PSMA-1007", "FDG"))
BED = stated_region("anastomosis")
LEFT, RIGHT = stated_region("external_iliac", "left"), stated_region("external_iliac", "right")
RECTAL, PARA = stated_region("mesorectal", "left"), stated_region("retroperitoneal", "left")
HIP = stated_region("bone", "left", "hip bone", True)
RIBS = [stated_region("bone", "right", f"rib {n}") for n in range(2, 6)]
LIVER = stated_region("visceral", structure="liver")
UNKNOWN = RegionAssignment(Region.UNKNOWN)


@pytest.mark.parametrize(
    ("regions", "v1", "v2"),
    [
        ([], "miT0 N0 M0", "miT0 N0 M0"),
        ([BED], "miTr N0 M0", "miTr N0 M0"),
        ([BED, LEFT], "miTr N1a(EI-L) M0", "miTr N1(EI-L) M0"),
        ([LEFT, LEFT], "miT0 N1a(EI-L) M0", "miT0 N1(EI-L) M0"),
        ([LEFT, RIGHT], "miT0 N1b(EI-L, EI-R) M0", "miT0 N2(EI-L, EI-R) M0"),
        ([RECTAL, PARA], "miT0 N1a(OP) M1a(RP)", "miT0 N1(OP) M1a(RP)"),
        ([HIP], "miT0 N0 M1b(uni: left hip bone)", "miT0 N0 M1b(uni: left hip bone)"),
        ([HIP, RIBS[0]], "miT0 N0 M1b(oligo: left hip bone, right rib 2)", None),
        (RIBS, "miT0 N0 M1b(diss)", "miT0 N0 M1b(diss)"),
        ([PARA, HIP, LIVER], "miT0 N0 M1a(RP) M1b(uni: left hip bone) M1c(liver)", None),
        ([BED, UNKNOWN], "miTr N? M?", "miTr N? M?"),
    ],
)
def test_strings(regions, v1, v2):
    proposed = propose_mitnm(regions, PSMA_11, SETTINGS)
    assert (proposed.v1, proposed.v2) == (v1, v2 or v1)
    assert proposed.proposed
    assert "V1" in proposed.rule_v1
    assert "V2" in proposed.rule_v2


def test_other_tracers_and_the_common_iliac_switch():
    assert propose_mitnm([BED], FDG, SETTINGS).v1 is None
    assert propose_mitnm([BED], FDG, SETTINGS).why == "not_a_psma_ligand"
    assert propose_mitnm([BED], None, SETTINGS).why == "tracer_not_known"
    common = stated_region("common_iliac", "left")
    assert propose_mitnm([common], PSMA_11, SETTINGS).v1 == "miT0 N1a(CI-L) M0"
    ajcc = RegionSettings(common_iliac_stage="M1a")
    assert propose_mitnm([common], PSMA_11, ajcc).v1 == "miT0 N0 M1a(CI-L)"


MEANS = {"blood_pool": 1.5, "liver": 5.0, "spleen": 8.0, "parotid": 14.0}


@pytest.mark.parametrize(
    ("suv", "tracer", "score"),
    [
        (1.4, PSMA_11, 0), (1.5, PSMA_11, 1), (4.9, PSMA_11, 1), (5.0, PSMA_11, 2), (13.9, PSMA_11, 2),
        (14.0, PSMA_11, 3), (6.0, PSMA_1007, 1), (8.0, PSMA_1007, 2),
    ],
)  # fmt: skip
def test_expression_score_and_spleen_for_liver_excreted_ligands(suv, tracer, score):
    found = expression_score(suv, MEANS, tracer)
    assert found.score == score
    assert found.organ == ("spleen" if tracer is PSMA_1007 else "liver")


def test_expression_score_says_why_there_is_none():
    assert expression_score(5.0, MEANS, None).why == "tracer_not_known"
    assert expression_score(5.0, MEANS, FDG).why == "no_score_for_this_tracer"
    assert expression_score(None, MEANS, PSMA_11).why == "no_uptake"
    assert expression_score(5.0, {"liver": 5.0}, PSMA_11).why == "needs:blood_pool"
    upside_down = {**MEANS, "blood_pool": 6.0}
    assert expression_score(5.0, upside_down, PSMA_11).why == "references_out_of_order"


@pytest.mark.parametrize(
    ("regions", "group", "percent"),
    [
        ([], "T0N0M0", 40.7),
        ([BED], "TrN0M0", 16.8),
        ([BED, LEFT], "N1M0", 28.3),
        ([LEFT, HIP], "M1a-c", 14.2),
    ],
)
def test_published_groups_with_their_citation(regions, group, percent):
    found = stage_group(regions, SETTINGS)
    assert (found.group, found.percent) == (group, percent)
    assert "Nikitas" in found.citation
    assert "no recommendation" in found.note
    words = json.dumps(found.observed).lower()
    assert not any(word in words for word in ("should", "recommend", "consider"))


def test_an_unknown_region_leaves_the_group_open_unless_distant_disease_is_known():
    assert stage_group([BED, UNKNOWN], SETTINGS).group is None
    assert stage_group([HIP, UNKNOWN], SETTINGS).group == "M1a-c"


def test_trial_labels():
    labels = trial_labels([BED, LEFT, RIGHT, HIP], SETTINGS)
    assert labels.extent == "extra_fossa"
    assert labels.kinds == ("pelvis_added", "node_boost", "bed_boost", "metastasis_directed")
    assert (labels.at_most_3, labels.at_most_5) == (False, True)
    assert trial_labels([BED], SETTINGS).extent == "fossa_confined"
    assert trial_labels([], SETTINGS).extent == "no_lesion"
    open_ = trial_labels([BED, UNKNOWN], SETTINGS)
    assert (open_.extent, open_.kinds_complete) == (None, False)
