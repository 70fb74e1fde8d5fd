"""The panel keeps its width whatever it says: sentences wrap, and sections ask for no more than they need.

Slicer makes the module's panel as wide as its contents would like to be; a wrapped label likes to be 80
letters wide, so that the panel jumped by 200 pixels when one was filled.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

UI = Path(__file__).resolve().parents[2] / "PSMAPlanning" / "Resources" / "UI" / "PSMAPlanning.ui"


@pytest.fixture(scope="module")
def widgets():
    return list(ElementTree.parse(UI).getroot().iter("widget"))


def wanted_width(widget):
    """The horizontal size policy; None where the widget's own holds."""
    policy = widget.find("./property[@name='sizePolicy']/sizepolicy")
    return policy.get("hsizetype") if policy is not None else None


def test_wrapped_labels_take_the_width_there_is(widgets):
    wrapped = [
        widget
        for widget in widgets
        if widget.get("class") == "QLabel" and widget.findtext("./property[@name='wordWrap']/bool") == "true"
    ]
    assert len(wrapped) > 20
    assert [widget.get("name") for widget in wrapped if wanted_width(widget) != "Ignored"] == []


def test_sections_can_be_as_narrow_as_what_is_in_them(widgets):
    sections = [widget for widget in widgets if widget.get("class") == "ctkCollapsibleButton"]
    assert len(sections) == 6
    assert [widget.get("name") for widget in sections if wanted_width(widget) != "Preferred"] == []
