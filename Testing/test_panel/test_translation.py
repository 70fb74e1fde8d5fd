"""Visible text is asked for once and in the context of the file that asks, as Slicer's own `tr` does it."""

from __future__ import annotations

import pytest
from test_panel import standin_fixture

standin = standin_fixture.standin


@pytest.fixture
def translation(standin, monkeypatch):
    import slicer

    slicer.util.selectModule("PSMAPlanning")
    from PSMAPlanningLib.panel import translation

    monkeypatch.setattr(translation, "_known", {})
    return translation


def test_asked_again_it_is_not_looked_up_again(translation, monkeypatch):
    asked = []

    def translate(context, text):
        asked.append((context, text))
        return text.upper()

    monkeypatch.setattr(translation, "translate", translate)
    assert [translation.tr("lesion") for _ in range(3)] == ["LESION"] * 3
    assert asked == [(translation.getContext(__file__), "lesion")]


@pytest.mark.parametrize("translated", ["{lasion} mm", "mm", "{lesion mm"])
def test_a_translation_that_lost_its_placeholder_is_not_used(translation, monkeypatch, translated):
    monkeypatch.setattr(translation, "translate", lambda _context, _text: translated)
    assert translation.tr("{lesion} mm") == "{lesion} mm"


def test_a_placeholder_may_be_formatted_otherwise(translation, monkeypatch):
    monkeypatch.setattr(translation, "translate", lambda _context, _text: "mm: {mm:.2f}")
    assert translation.tr("{mm:.1f} mm") == "mm: {mm:.2f}"
