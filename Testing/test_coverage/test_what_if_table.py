"""The what-if table on a real pelvis with planted lesions: what a physician would look for in it."""

import pytest
import what_if_table
from PSMAPlanningLib.case_what_if import usual_questions
from PSMAPlanningLib.coverage.patient import Cover, Impact

QUICK = ("rtog2009_nodes", "nrg2021_nodes", "bed_only", "bed_and_pelvis", "nodes_only", "metastasis_directed")
BED = {"anastomosis", "vesicles"}
DISTANT = {"para-aortic L", "inguinal R", "ilium L", "vertebra L3"}
ABOVE_RTOG = "common iliac L high"


def table_of(folder, names=None):
    asked = tuple(q for q in usual_questions() if names is None or q.name in names)
    case = what_if_table.planted_case(folder, asked)
    return case, {column.question.name: column for column in case.columns}


@pytest.fixture(scope="module")
def quick():
    found = []

    def make(folder):
        if not found:
            found.append(table_of(folder, QUICK))
        return found[0]

    return make


def test_regions_are_as_planted_or_said_to_be_unknown(shared_data, quick):
    case, _ = quick(shared_data(what_if_table.SET))
    known = {name: region for name, region in case.regions.items() if region.is_known}
    for name, region in known.items():
        planted = what_if_table.PLANTED[name]
        assert region.region.value in planted.regions, name
        if planted.side is not None and region.region.value != "bone":
            assert region.side == planted.side, name
    # Internal iliac vessels are not labelled: what could lie beside them is not told.
    for name in set(what_if_table.PLANTED) - set(known):
        assert case.regions[name].why.startswith("needs:iliac_vessels_internal"), name
    assert len(known) >= 12


def test_what_the_decisions_hold(shared_data, quick):
    _, columns = quick(shared_data(what_if_table.SET))
    missed = {name: set(column.missed) for name, column in columns.items()}
    assert not any(column.failed for column in columns.values())
    everything = set(what_if_table.PLANTED)
    assert missed["bed_only"] == everything - BED
    assert missed["nodes_only"] == missed["bed_and_pelvis"] | BED
    assert missed["rtog2009_nodes"] == missed["bed_and_pelvis"]
    assert missed["metastasis_directed"] == missed["bed_and_pelvis"] - DISTANT
    assert missed["nrg2021_nodes"] >= DISTANT
    assert columns["bed_and_pelvis"].impact is Impact.EXTRAPELVIC
    # All of them rest on numbers that nobody read in their source, and are hatched.
    assert all(column.is_hatched for column in columns.values())


def test_nrg_reaches_higher_than_rtog(shared_data, quick):
    _, columns = quick(shared_data(what_if_table.SET))
    rtog, nrg = (columns[name].standings[ABOVE_RTOG] for name in ("rtog2009_nodes", "nrg2021_nodes"))
    assert (rtog.cover, rtog.best.direction) == (Cover.OUTSIDE, "S")
    assert rtog.best.margin_to_100_mm > 20
    assert nrg.best.fraction > 0.9
    inguinal = columns["nrg2021_nodes"].standings["inguinal R"].best
    assert inguinal.direction == "I"


@pytest.mark.slow
def test_what_the_extensions_add(shared_data, tmp_path):
    case, columns = table_of(shared_data(what_if_table.SET))
    assert not any(column.failed for column in columns.values())

    def fraction(column, lesion):
        return columns[column].standings[lesion].best.fraction

    assert fraction("rtog2009_nodes", "mesorectal R") == 0
    assert fraction("rtog2009_nodes+mesorectum", "mesorectal R") > 0.9
    assert fraction("rtog2009_nodes", ABOVE_RTOG) == 0
    assert fraction("rtog2009_nodes+top_at_L4_L5", ABOVE_RTOG) > 0.9
    assert fraction("nrg2021_nodes", "para-aortic L") == 0
    assert fraction("nrg2021_nodes+para_aortic", "para-aortic L") > 0.9
    for column in columns.values():
        for bone in ("ilium L", "vertebra L3"):
            assert column.standings[bone].cover is Cover.OUTSIDE or column.standings[bone].best is None
        assert column.standings["anastomosis"].cover is Cover.COVERED or column.question.name == "nodes_only"
    assert "mesorectal R" in what_if_table.table(case)
    pytest.importorskip("matplotlib")
    what_if_table.draw(case, tmp_path / "table.png")
    assert (tmp_path / "table.png").stat().st_size > 50_000
