"""Settings: exact round trip, one frozen sample per schema version, newer and wrong files refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PSMAPlanningLib import settings as module
from PSMAPlanningLib.errors import PlanningError, SettingsError
from PSMAPlanningLib.settings import DetectionSettings, RuleSettings, Settings

SAMPLES = sorted(Path(__file__).parent.glob("settings_v*.json"))


def test_round_trip():
    settings = Settings(detection=DetectionSettings(threshold_suv=2.71))
    assert Settings.from_json(settings.to_json()) == settings


def test_there_is_a_sample_of_every_version():
    assert [p.stem for p in SAMPLES] == [f"settings_v{n}" for n in range(1, module.SCHEMA_VERSION + 1)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda p: p.stem)
def test_frozen_samples_are_read(sample):
    settings = Settings.read(sample)
    assert settings.detection == DetectionSettings(2.5, 0.6, 1.8, 0.1, 5.5, "percist")
    assert settings.contours.rules == (
        RuleSettings("fixed_suv", {"suv": 4.0}),
        RuleSettings("percent_max", {}),
    )
    assert settings.consensus.method == "union"
    assert settings.coverage.inside_above_fraction == 0.95


def test_older_documents_are_migrated(monkeypatch):
    monkeypatch.setattr(module, "SCHEMA_VERSION", 2)
    old = {"schema_version": 1, "detection": {"threshold": 5.0}}

    def from_1_to_2(document):
        return {"detection": {"threshold_suv": document["detection"]["threshold"]}}

    assert Settings.from_document(old, {1: from_1_to_2}).detection.threshold_suv == 5.0


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"schema_version": 999}, "newer than"),
        ({}, "schema_version"),
        ({"schema_version": True}, "schema_version"),
        ([], "JSON object"),
        ({"schema_version": 1, "detection": {"threshold_suv": "3"}}, "must be a number"),
        ({"schema_version": 1, "detection": {"threshold_suv": True}}, "must be a number"),
        ({"schema_version": 1, "detection": {"threshold_suv": -1}}, "between"),
        ({"schema_version": 1, "detection": {"threshhold": 1}}, "no setting called 'threshhold'"),
        ({"schema_version": 1, "detection": 3}, "named values"),
        ({"schema_version": 1, "contours": {"rules": {}}}, "must be a list"),
        ({"schema_version": 1, "contours": {"rules": []}}, "at least one rule"),
        ({"schema_version": 1, "contours": {"background_to_mm": 1}}, "greater than"),
        ({"schema_version": 1, "coverage": {"outside_below_fraction": 0.95}}, "must not exceed"),
        ({"schema_version": 1, "consensus": {"method": 3}}, "must be a text"),
        ({"schema_version": 1, "consensus": {"weigh_families": 1}}, "must be true or false"),
        ({"schema_version": 1, "consensus": {"at_least": 1.5}}, "whole number"),
        ({"schema_version": 1, "consensus": {"domain": "body"}}, "must be full, crop"),
        ({"schema_version": 1, "contours": {"lesion_contour": "black"}}, "must be one of consensus"),
    ],
)
def test_wrong_documents_are_refused_by_name(document, message):
    with pytest.raises(SettingsError, match=message):
        Settings.from_document(document)


def test_not_json_and_not_a_file(tmp_path):
    with pytest.raises(SettingsError, match="not valid JSON"):
        Settings.from_json("{")
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.read(tmp_path / "missing.json")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    )
)
def test_any_json_is_settings_or_a_plain_error(content):
    text = json.dumps({"schema_version": 1, "detection": content, "contours": content})
    try:
        Settings.from_json(text)
    except PlanningError as error:
        assert str(error).endswith((".", ")"))
