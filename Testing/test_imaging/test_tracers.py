"""Tracers: names as scanners and people write them, and what follows from each."""

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PSMAPlanningLib.errors import InputError
from PSMAPlanningLib.imaging.suv import SuvConversion
from PSMAPlanningLib.imaging.suv_entered import EnteredValues
from PSMAPlanningLib.imaging.suv_tables import HALF_LIVES_S
from PSMAPlanningLib.imaging.tracers import (
    liver_threshold_warning,
    tracer_by_key,
    tracer_facts,
    tracer_table,
    tracer_warnings,
)
from pydicom.sr.codedict import codes
from test_imaging.suv_cases import converted

NAMES = {
    "psma_11": ["[68Ga]Ga-PSMA-11", "Ga-68 PSMA 11", "68Ga-PSMA-HBED-CC", "GOZETOTIDE", "⁶⁸Ga‑PSMA‑11",
                "[18F]AlF-PSMA-11"],
    "psma_617": ["68Ga-PSMA-617", "PSMA-617 Ga^68^", "[64Cu]Cu-PSMA-617"],
    "psma_it": ["[68Ga]Ga-PSMA-I&T", "PSMA I&T"],
    "dcfpyl": ["[18F]DCFPyL", "F18-DCFPYL", "Piflufolastat F^18^", "Pylarify"],
    "psma_1007": ["[18F]PSMA-1007", "F-18 PSMA 1007", "PSMA1007", "Solution - PSMA-1007 F^18^"],
    "rhpsma_7": ["rhPSMA-7.3", "[18F]rhPSMA-7", "POSLUMA"],
    "bispsma": ["64Cu-SAR-bisPSMA"],
    "psma": ["PSMA", "68Ga-PSMA", "Ga68PSMA", "F18 PSMA"],
    "fdg": ["FDG -- fluorodeoxyglucose", "18F-FDG", "Fluorodeoxyglucose F^18^", "FDG"],
    "choline": ["Choline C^11^", "18F-Fluorocholine"],
    "fluciclovine": ["Fluciclovine F^18^", "FACBC"],
    "naf": ["NaF", "Sodium fluoride F^18^", "F-18 NaF"],
    "fes": ["FES", "Fluoroestradiol F^18^"],
    "dotatate": ["68Ga-DOTATATE", "Ga-68 DOTATOC"],
    None: ["", "Solution", "unaffected", "profession", "PSMA or FDG", "PSMA-11 and DCFPyL", "18F", "FMISO"],
}  # fmt: skip


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, texts in NAMES.items() for text in texts])
def test_names_as_they_are_written(key, text):
    facts = tracer_facts(text)
    assert (None if facts is None else facts.key) == key


@given(st.text(max_size=60))
def test_any_text_is_a_tracer_or_none(text):
    facts = tracer_facts(text, [text])
    assert facts is None or facts.key in tracer_table()


def test_codes_of_the_table_are_those_of_dicom():
    """pydicom carries context group 4021; the meaning of each of our codes must lead to the same tracer."""
    meanings = {
        f"{concept.scheme_designator}:{concept.value}": concept.meaning
        for concept in (getattr(codes.cid4021, name) for name in codes.cid4021.dir())
    }
    checked = 0
    for facts in tracer_table().values():
        for code in facts.codes:
            if code in meanings:
                assert tracer_facts(meanings[code]).key == facts.key
                checked += 1
    assert checked >= 10


def test_code_and_name_together():
    assert tracer_facts(None, ["DCM:126758"]).key == "psma_1007"
    assert tracer_facts("PSMA", ["DCM:126758"]).key == "psma_1007"
    assert tracer_facts("PSMA-11", ["XX:1"]).key == "psma_11"
    assert tracer_facts("Solution", ["NCIt:C118961"]).key == "psma_11"
    assert tracer_facts("PSMA-11", ["SCT:35321007"]) is None, "a scanner left at FDG"


def test_every_record_is_whole():
    raw = json.loads(
        resources.files("PSMAPlanningLib.data").joinpath("tracers.json").read_text(encoding="utf-8")
    )
    assert len(tracer_table()) == len(raw["tracers"]), "no key twice"
    for facts in tracer_table().values():
        assert set(facts.nuclides) <= set(HALF_LIVES_S)
        assert facts.uptake_window_min is None or facts.uptake_source
        assert not facts.uptake_verified or facts.uptake_window_min
        assert facts.excretion_source or not facts.excretion_verified
        low, high = facts.uptake_window_min or (1, 2)
        assert 0 < low < high
        assert json.loads(json.dumps(facts.to_document()))["key"] == facts.key


def test_what_follows_from_a_tracer():
    psma_1007, psma_11, fdg = (tracer_by_key(key) for key in ("psma_1007", "psma_11", "fdg"))
    assert psma_1007.expression_reference == "spleen" and psma_11.expression_reference == "liver"
    assert "liver" in liver_threshold_warning(psma_1007) and liver_threshold_warning(psma_11) is None
    assert liver_threshold_warning(None) is None
    assert psma_11.allows_mitnm and not fdg.allows_mitnm and fdg.expression_reference is None
    assert psma_11.cautions == () and fdg.cautions == ("not_psma",)
    assert psma_1007.cautions == ("liver_excreted",)
    assert tracer_by_key("psma").cautions == ("ligand_not_stated",)
    assert tracer_by_key("psma").expression_reference is None
    assert tracer_by_key(None) is None
    with pytest.raises(InputError, match="psma_11"):
        tracer_by_key("aspirin")


@pytest.mark.parametrize(
    ("uptake", "warned"), [(49, True), (49.6, False), (60, False), (100, False), (101, True), (None, False)]
)
def test_uptake_outside_the_usual_window_warns(uptake, warned):
    sentences = tracer_warnings(tracer_by_key("psma_11"), "Ga-68", uptake)
    assert bool(sentences) is warned
    assert not warned or "50 to 100 min" in sentences[0]


def test_a_recalled_window_says_so():
    (sentence,) = tracer_warnings(tracer_by_key("psma_1007"), "F-18", 30)
    assert "recalled and not verified" in sentence and "doi" in sentence


def test_the_nuclide_must_fit():
    assert "do not fit" in tracer_warnings(tracer_by_key("dcfpyl"), "Ga-68", 60)[0]
    assert tracer_warnings(tracer_by_key("psma"), "Ga-68", 60) == ()


def test_the_conversion_carries_the_tracer():
    conversion = converted(nuclide=("C-111A1", "^18^Fluorine"))
    document = conversion.to_document()
    assert conversion.tracer_key == "psma_1007" and conversion.missing == ()
    assert conversion.tracer_facts.expression_reference == "spleen"
    assert document["tracer_facts"]["liver_excreted"] is True and document["nuclide"] == "F-18"
    assert document["missing"] == [] and document["sources"]["tracer"] == "header (0018,0031)"
    # As a scene file stores it and reads it back.
    stored = json.loads(json.dumps({**vars(conversion)}))
    assert SuvConversion(**{**stored, "factors": tuple(stored["factors"])}).tracer_facts.key == "psma_1007"


def test_an_unknown_tracer_is_asked_for_and_changes_nothing():
    unknown, known = converted(tracer={"Radiopharmaceutical": "Solution"}), converted()
    assert unknown.factors == known.factors and unknown.missing == ("tracer",)
    assert unknown.tracer == "Solution" and unknown.tracer_facts is None
    assert any("--tracer" in warning for warning in unknown.warnings)
    absent = converted(tracer={"Radiopharmaceutical": None})
    assert absent.tracer is None and absent.missing == ("tracer",) and absent.warnings == ()
    generic = converted(tracer={"Radiopharmaceutical": "68Ga-PSMA"})
    assert generic.missing == ("tracer",) and generic.tracer_facts.allows_mitnm


def test_the_entered_tracer_wins():
    conversion = converted(EnteredValues(tracer="[68Ga]Ga-PSMA-11"))
    assert conversion.tracer_key == "psma_11" and conversion.sources["tracer"] == "entered by the user"
    assert any("PSMA-1007" in warning for warning in conversion.warnings)


def test_another_tracer_than_psma_is_said():
    conversion = converted(tracer={"Radiopharmaceutical": "FDG"})
    assert any("not a PSMA ligand" in warning for warning in conversion.warnings)
    assert conversion.to_document()["tracer_facts"]["allows_mitnm"] is False


def test_uptake_time_without_clock_is_asked_for_and_taken():
    no_clock = {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": None}
    values = {"Units": "GML", "tracer": no_clock}
    assert converted(**dict(values)).missing == ("uptake_time_min",)
    conversion = converted(EnteredValues(uptake_time_min=95), **dict(values))
    assert conversion.uptake_time_min == 95 and conversion.missing == ()
    assert conversion.sources["uptake_time_min"] == "entered by the user"
    contradicted = converted(EnteredValues(uptake_time_min=95))
    assert contradicted.uptake_time_min == 60
    assert any("95 min" in warning and "60.0 min" in warning for warning in contradicted.warnings)
