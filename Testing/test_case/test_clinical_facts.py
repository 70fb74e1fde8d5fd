"""Clinical facts: nothing is known until it is entered, and what cannot be is refused by its option."""

from __future__ import annotations

import pytest
from PSMAPlanningLib.clinical_facts import ClinicalFacts, yes_no_or_details
from PSMAPlanningLib.errors import ClinicalFactsError


def test_nothing_is_known_by_itself():
    facts = ClinicalFacts()
    assert facts.is_empty
    assert set(facts.to_document().values()) == {None}


def test_everything_entered_is_kept():
    facts = ClinicalFacts(0.2, True, "2025-06", "bicalutamide 150 mg", "R1", False, True, "seeds 2012")
    assert not facts.is_empty
    assert ClinicalFacts(**facts.to_document()) == facts
    assert ClinicalFacts(pt3b=False).is_empty is False


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"psa_ng_ml": -0.1}, "--psa-ng-ml"),
        ({"psa_ng_ml": float("nan")}, "--psa-ng-ml"),
        ({"psa_ng_ml": True}, "--psa-ng-ml"),
        ({"psa_ng_ml": "0.2"}, "--psa-ng-ml"),
        ({"psa_ng_ml": 1e9}, "--psa-ng-ml"),
        ({"margins": "RX"}, "--margins"),
        ({"pt3b": "yes"}, "--pt3b"),
        ({"adt": "yes"}, "--adt"),
        ({"adt": True, "adt_since": "June"}, "--adt-since"),
        ({"adt": True, "adt_since": "2025-13"}, "--adt-since"),
        ({"adt": False, "adt_since": "2025"}, "--adt yes"),
        ({"adt": True, "adt_details": "x" * 201}, "--adt"),
        ({"adt": True, "adt_details": "  "}, "--adt"),
        ({"prior_radiotherapy_details": "seeds"}, "--prior-radiotherapy"),
    ],
)
def test_what_cannot_be_is_refused(values, option):
    with pytest.raises(ClinicalFactsError, match=option):
        ClinicalFacts(**values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, (None, None)),
        ("yes", (True, None)),
        (" NO ", (False, None)),
        ("bicalutamide  150 mg", (True, "bicalutamide 150 mg")),
        ("yes: leuprorelin", (True, "leuprorelin")),
        ("yes:", (True, "yes:")),
    ],
)
def test_what_the_command_line_says(text, expected):
    assert yes_no_or_details(text, "--adt") == expected


@pytest.mark.parametrize("text", ["", "  ", "no: stopped 2024"])
def test_contradictions_and_empty_words(text):
    with pytest.raises(ClinicalFactsError, match="--adt"):
        yes_no_or_details(text, "--adt")
