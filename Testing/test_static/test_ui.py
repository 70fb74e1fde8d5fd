"""The panel's .ui file: valid, wired, explained, and holding every widget that the code names."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

MODULE = Path(__file__).resolve().parents[2] / "PSMAPlanning"
UI = ElementTree.parse(MODULE / "Resources" / "UI" / "PSMAPlanning.ui").getroot()
WIDGETS = {widget.get("name"): widget for widget in UI.iter("widget")}
PANEL_FILES = sorted((MODULE / "PSMAPlanningLib" / "panel").glob("*.py"))
PANEL = ast.parse((MODULE / "PSMAPlanningLib" / "panel" / "widget.py").read_text(encoding="utf-8"))
NOT_INPUTS = {"QLabel", "QWidget", "QFrame", "ctkCollapsibleButton", "qMRMLWidget"}
INPUTS = [name for name, widget in WIDGETS.items() if widget.get("class") not in NOT_INPUTS]
SECTIONS = ["Patient", "Lesions", "Contours", "RT volumes", "Coverage", "Export"]


def _property(widget: ElementTree.Element, name: str) -> str | None:
    value = widget.find(f"property[@name='{name}']/*")
    return None if value is None else (value.text or "")


def _connections() -> set[tuple[str, ...]]:
    parts = ("sender", "signal", "receiver", "slot")
    return {tuple(c.findtext(part) for part in parts) for c in UI.iter("connection")}


def test_root_is_a_mrml_widget() -> None:
    root = UI.find("widget")
    assert (root.get("class"), root.get("name"), UI.findtext("class")) == (
        "qMRMLWidget",
        "PSMAPlanning",
        "PSMAPlanning",
    )


def test_names_are_unique_and_camel_case() -> None:
    names = [e.get("name") for kind in ("widget", "layout", "spacer") for e in UI.iter(kind)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-zA-Z]*", name) for name in names if name != "PSMAPlanning")


def test_sections_in_the_order_of_the_work() -> None:
    sections = [w for w in UI.iter("widget") if w.get("class") == "ctkCollapsibleButton"]
    assert [_property(section, "text") for section in sections] == SECTIONS
    for section in sections:
        stem = section.get("name").removesuffix("CollapsibleButton")
        assert f"{stem}StatusLabel" in {w.get("name") for w in section.iter("widget")}


@pytest.mark.parametrize("name", INPUTS)
def test_input_has_a_tooltip(name: str) -> None:
    assert len(_property(WIDGETS[name], "toolTip") or "") > 10


@pytest.mark.parametrize("name", [n for n in INPUTS if _property(WIDGETS[n], "suffix")])
def test_tooltip_of_a_number_says_its_unit(name: str) -> None:
    unit = _property(WIDGETS[name], "suffix").strip()
    assert unit in _property(WIDGETS[name], "toolTip")


@pytest.mark.parametrize("name", [n for n, w in WIDGETS.items() if w.get("class").startswith("qMRML")][1:])
def test_mrml_widget_gets_the_scene(name: str) -> None:
    expected = ("PSMAPlanning", "mrmlSceneChanged(vtkMRMLScene*)", name, "setMRMLScene(vtkMRMLScene*)")
    assert expected in _connections()


@pytest.mark.parametrize("name", [n for n, w in WIDGETS.items() if w.get("class") == "qMRMLNodeComboBox"])
def test_no_node_is_chosen_by_guessing(name: str) -> None:
    assert _property(WIDGETS[name], "noneEnabled") == "true"


def test_connections_name_widgets_that_exist() -> None:
    for sender, _signal, receiver, _slot in _connections():
        assert {sender, receiver} <= set(WIDGETS)


def test_custom_widgets_are_declared() -> None:
    declared = {c.findtext("class"): c.findtext("header") for c in UI.iter("customwidget")}
    used = {w.get("class") for w in UI.iter("widget") if not w.get("class").startswith("Q")}
    assert set(declared) == used
    assert all(header == f"{name}.h" for name, header in declared.items())


def test_says_that_it_is_research_software() -> None:
    label = WIDGETS["researchSoftwareLabel"]
    assert _property(label, "text") == "Research software. Not a medical device."
    assert _property(label, "visible") is None


def test_widgets_used_by_the_panel_exist() -> None:
    used = {
        node.attr
        for file in PANEL_FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("ui", "self.ui", "self._ui")
    }
    assert used
    assert used <= set(WIDGETS), used - set(WIDGETS)


def test_parameters_bound_in_the_ui_exist() -> None:
    parameters = next(n for n in PANEL.body if isinstance(n, ast.ClassDef) and n.name == "PanelParameters")
    types = {n.target.id: ast.unparse(n.annotation) for n in parameters.body if isinstance(n, ast.AnnAssign)}
    bound = {name: p for name, w in WIDGETS.items() if (p := _property(w, "SlicerParameterName"))}
    assert sorted(bound.values()) == sorted(types)
    for name, parameter in bound.items():
        node_types = [s.text for s in WIDGETS[name].iterfind("property[@name='nodeTypes']//string")]
        assert [f"slicer.{node_type}" for node_type in node_types] == [types[parameter]]


def test_every_button_is_connected() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in PANEL_FILES)
    for name in (n for n, w in WIDGETS.items() if w.get("class") in ("QPushButton", "QToolButton")):
        assert f"ui.{name}.connect(" in source, name
