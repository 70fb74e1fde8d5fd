"""Guidelines as data: what the presets state, what a user's file may state, what is said when it does not."""

import copy
import json
from importlib import resources

import pytest
from PSMAPlanningLib.errors import GuidelineError, InputError
from PSMAPlanningLib.rtvolumes.guideline_files import (
    GUIDELINES,
    guideline_of,
    load_guideline,
    parse_guideline,
)

CONTRACT = {
    "rtog2009_nodes", "rtog2010_bed", "eortc2007_bed", "nrg2021_nodes", "pivotal2015_nodes", "frogg2008_bed",
    "pmh2007_bed",
}  # fmt: skip


def document(name="rtog2009_nodes"):
    folder = resources.files("PSMAPlanningLib.data.guidelines")
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def institution(name="rtog2009_nodes"):
    mine = document(name)
    mine["name"] = "our_clinic"
    return mine


def test_every_preset_of_the_contract_loads():
    assert set(GUIDELINES) == CONTRACT
    for name in GUIDELINES:
        guideline = load_guideline(name)
        assert guideline.name == name
        assert guideline.kind == name.rpartition("_")[2]
        assert guideline.not_read
        for number in guideline.numbers.values():
            assert number.citation
            if number.published is not None:
                assert number.published[0] <= number.value <= number.published[1]


def test_what_was_read_is_verified_and_the_rest_is_not():
    rtog = load_guideline("rtog2009_nodes")
    assert rtog.value("vessel_margin") == 7
    assert rtog.number("vessel_margin").verified
    assert rtog.level("cranial").landmark == "L5_S1"
    assert rtog.level("cranial").verified
    assert set(rtog.unverified) >= {"presacral_thickness", "obturator_strip_width", "external_end"}
    pivotal = load_guideline("pivotal2015_nodes")
    assert pivotal.number("bowel_margin").verified and pivotal.value("bowel_margin") == 3
    assert "vessel_margin" in pivotal.unverified
    assert "vessel_margin" in load_guideline("nrg2021_nodes").unverified
    bed = load_guideline("rtog2010_bed")
    assert bed.unverified == ()
    assert bed.number("caudal_below_anastomosis").published == (8, 12)
    for name in ("frogg2008_bed", "pmh2007_bed"):
        recalled = load_guideline(name)
        assert set(recalled.unverified) == set(recalled.numbers) | set(recalled.levels)


def test_published_volumes_are_those_of_the_series():
    volumes = load_guideline("rtog2010_bed").published_volumes
    assert (volumes[0].mean_ml, volumes[0].low_ml, volumes[0].high_ml) == (116.3, 62.1, 176.6)
    means = {each.mean_ml for each in load_guideline("nrg2021_nodes").published_volumes}
    assert means >= {302, 409, 342, 287.3, 310.3, 85.8}


def test_a_value_outside_the_published_range_becomes_unverified():
    rtog = load_guideline("rtog2010_bed")
    assert rtog.with_value("caudal_below_anastomosis", 12).number("caudal_below_anastomosis").verified
    assert not rtog.with_value("caudal_below_anastomosis", 14).number("caudal_below_anastomosis").verified
    with pytest.raises(GuidelineError, match=r"99 mm; it must lie between -60 and 30 mm"):
        rtog.with_value("caudal_below_anastomosis", 99)
    with pytest.raises(GuidelineError, match="no number 'vessel_margin'"):
        rtog.with_value("vessel_margin", 5)


def test_switches():
    rtog = load_guideline("rtog2009_nodes")
    assert not rtog.switches["para_aortic"]
    assert rtog.with_switch("para_aortic", True).switches["para_aortic"]
    with pytest.raises(GuidelineError, match="no switch 'inguinal'"):
        rtog.with_switch("inguinal", True)


def test_an_institutions_file_is_read(tmp_path):
    mine = institution()
    mine["numbers"]["vessel_margin"].update(value=6, citation="our protocol", read_in="institution")
    path = tmp_path / "ours.json"
    path.write_text(json.dumps(mine), encoding="utf-8")
    guideline = load_guideline(path)
    assert guideline.value("vessel_margin") == 6
    assert guideline.source == "ours.json"


def changed(change):
    mine = copy.deepcopy(institution())
    change(mine)
    return mine


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(colour="red"), "unknown key 'colour'"),
        (lambda d: d.pop("title"), "lacks 'title'"),
        (lambda d: d.update(kind="lung"), "kind is 'lung'"),
        (lambda d: d.update(schema_version=2), "schema_version 2"),
        (lambda d: d["numbers"]["vessel_margin"].pop("unit"), "vessel_margin lacks 'unit'"),
        (lambda d: d["numbers"]["vessel_margin"].update(unit="cm"), "unit 'cm'; it must be in mm"),
        (lambda d: d["numbers"]["vessel_margin"].update(value="7"), "is '7'; it must be a number"),
        (lambda d: d["numbers"]["vessel_margin"].update(value=True), "must be a number"),
        (lambda d: d["numbers"]["vessel_margin"].update(value=70), "between 0 and 20 mm"),
        (lambda d: d["numbers"]["vessel_margin"].update(published=[9, 5]), "smaller one first"),
        (lambda d: d["numbers"]["vessel_margin"].update(verified="yes"), "verified is 'yes'"),
        (lambda d: d["numbers"]["vessel_margin"].update(read_in="nothing"), "is called verified"),
        (lambda d: d["numbers"]["vessel_margin"].update(citation=""), "citation must be text"),
        (lambda d: d["numbers"].update(inguinal=d["numbers"]["vessel_margin"]), "inguinal is unknown"),
        (lambda d: d["numbers"].pop("bowel_margin"), "lacks 'bowel_margin'"),
        (lambda d: d["numbers"].update(vessel_margin=7), "must be an object"),
        (lambda d: d["levels"].pop("cranial"), "lacks 'cranial'"),
        (lambda d: d["levels"]["cranial"].update(landmark="L9"), "landmark 'L9' is unknown"),
        (lambda d: d["levels"]["cranial"].update(offset_mm=500), "between -100 and 100"),
        (lambda d: d["switches"].update(para_aortic=1), "must be true or false"),
        (lambda d: d["switches"].update(lung=True), "switch 'lung' is unknown"),
        (lambda d: d["published_volumes"][0].update(mean_ml=-1), "more than 0 mL"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(change, words):
    with pytest.raises(GuidelineError, match=words):
        guideline_of(changed(change), "ours.json", "ours.json")


def test_a_bed_without_a_caudal_border_is_refused():
    mine = institution("rtog2010_bed")
    mine["numbers"].pop("caudal_below_anastomosis")
    with pytest.raises(GuidelineError, match="no caudal border"):
        guideline_of(mine, "ours.json", "ours.json")


def test_files_that_are_no_guideline(tmp_path):
    with pytest.raises(GuidelineError, match="no guideline 'rtog'"):
        load_guideline("rtog")
    with pytest.raises(InputError, match="cannot be read"):
        load_guideline(tmp_path / "none.json")
    with pytest.raises(GuidelineError, match="line 1"):
        parse_guideline("{", "x.json", "x.json")
    with pytest.raises(GuidelineError, match="states 'name' twice"):
        parse_guideline('{"name": "a", "name": "b"}', "x.json", "x.json")
    with pytest.raises(GuidelineError, match="belongs to a preset"):
        parse_guideline(json.dumps(document()), "x.json", "x.json")
    with pytest.raises(GuidelineError, match="must be an object"):
        parse_guideline("[]", "x.json", "x.json")
