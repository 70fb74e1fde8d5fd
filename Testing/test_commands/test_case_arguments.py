"""Options about registration and patient, as they become what the chain is asked for."""

from __future__ import annotations

import argparse

import pytest
from PSMAPlanningLib.commands.case_arguments import (
    add_patient_arguments,
    add_registration_arguments,
    patient_values,
    registration_values,
)
from PSMAPlanningLib.errors import ClinicalFactsError


def parsed(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_registration_arguments(parser)
    add_patient_arguments(parser)
    return parser.parse_args(options)


def test_nothing_given_is_nothing_known():
    assert not any(registration_values(parsed()).values())
    values = patient_values(parsed())
    assert values["confirmed_by"] is None
    assert values["clinical"].is_empty


def test_registration_options():
    values = registration_values(
        parsed(
            "--planning-ct", "d", "--register-bone", "--uncertainty-nodes-mm", "0", "--anatomy-frame", "pet"
        )
    )
    assert values["planning_ct"].name == "d"
    assert values["register_bone"] is True
    assert values["uncertainty_nodes_mm"] == 0.0
    assert values["uncertainty_mm"] is None
    assert values["anatomy_frame"] == "pet"


def test_who_confirms(monkeypatch):
    assert patient_values(parsed("--confirm-same-patient", "A. B."))["confirmed_by"] == "A. B."
    monkeypatch.setattr("getpass.getuser", lambda: "account")
    assert patient_values(parsed("--confirm-same-patient"))["confirmed_by"] == "account"

    def nobody():
        raise KeyError("getpwuid")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert patient_values(parsed("--confirm-same-patient"))["confirmed_by"] == "user of the command line"


def test_clinical_facts():
    facts = patient_values(
        parsed("--adt-since", "2025-11", "--pt3b", "no", "--prior-radiotherapy", "no", "--psa-ng-ml", "0")
    )["clinical"]
    assert (facts.adt, facts.adt_since) == (True, "2025-11")
    assert (facts.pt3b, facts.prior_radiotherapy, facts.psa_ng_ml) == (False, False, 0.0)
    details = patient_values(parsed("--adt", "leuprorelin"))["clinical"]
    assert (details.adt, details.adt_details) == (True, "leuprorelin")


def test_no_deprivation_has_no_date():
    with pytest.raises(ClinicalFactsError, match="--adt yes"):
        patient_values(parsed("--adt", "no", "--adt-since", "2025"))
