"""Organs, landmarks, and proposed nodal and bed CTVs in Qt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt

from . import total_segmentator
from . import volume_words as words
from .presenter import Presenter
from .translation import tr as _
from .view_state import ViewState
from .volumes_form import SWITCHES
from .volumes_view import GuidelineChoice


class GenerateGroup:
    """Wires the two groups that propose volumes."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._is_showing = False
        self._choices: dict[str, tuple[GuidelineChoice, ...]] = {}
        self._combos = {"nodes": ui.nodesGuidelineComboBox, "bed": ui.bedGuidelineComboBox}
        boxes = (ui.nodesMesorectumCheckBox, ui.nodesTopCheckBox, ui.nodesParaAorticCheckBox)
        self._switches = dict(zip(SWITCHES, boxes, strict=True))
        self._points = {
            "anastomosis": (ui.anastomosisPlaceButton, ui.anastomosisStateLabel),
            "penile_bulb_top": (ui.bulbPlaceButton, ui.bulbStateLabel),
            "symphysis_top": (ui.symphysisPlaceButton, ui.symphysisStateLabel),
            "seminal_vesicle_bed_top": (ui.vesiclePlaceButton, ui.vesicleStateLabel),
        }
        self._run_tooltip = ui.totalSegmentatorButton.toolTip
        self._connect()

    def _connect(self) -> None:
        ui, presenter = self._ui, self._presenter
        ui.takeOrgansButton.connect(
            "clicked()", lambda: presenter.take_organs(ui.organsSelector.currentNode())
        )
        ui.organNamesButton.connect("clicked()", self.choose_names)
        ui.totalSegmentatorButton.connect("clicked()", self._run_total_segmentator)
        ui.findLandmarksButton.connect("clicked()", lambda: presenter.find_landmarks())
        ui.showLandmarksCheckBox.connect("clicked(bool)", lambda on: presenter.show_landmarks(on))
        ui.upperLevelButton.connect("clicked()", lambda: presenter.answer_level(0))
        ui.lowerLevelButton.connect("clicked()", lambda: presenter.answer_level(1))
        ui.guidelineFileButton.connect("clicked()", self.choose_guideline_file)
        ui.generateNodesButton.connect("clicked()", lambda: presenter.generate("nodes"))
        ui.generateBedButton.connect("clicked()", lambda: presenter.generate("bed"))
        for kind, combo in self._combos.items():
            combo.connect("activated(int)", lambda index, kind=kind: self._choose(kind, index))
        for name, box in self._switches.items():
            box.connect("clicked(bool)", lambda on, name=name: presenter.switch(name, on))
        ui.anastomosisPlaceButton.connect("clicked()", lambda: presenter.place_landmark("anastomosis"))
        ui.bulbPlaceButton.connect("clicked()", lambda: presenter.place_landmark("penile_bulb_top"))
        ui.symphysisPlaceButton.connect("clicked()", lambda: presenter.place_landmark("symphysis_top"))
        ui.vesiclePlaceButton.connect(
            "clicked()", lambda: presenter.place_landmark("seminal_vesicle_bed_top")
        )

    def choose_names(self) -> None:
        """Ask for a name table and take the organs by it."""
        path = self._open(_("Names of the structures"))
        if path is not None:
            self._presenter.take_organs(self._ui.organsSelector.currentNode(), path)

    def choose_guideline_file(self) -> None:
        """Ask for an institution's guideline and choose it."""
        path = self._open(_("Guideline of your institution"))
        if path is None:
            return
        kind = self._presenter.kind_of_guideline(str(path))
        if kind is not None:
            self._presenter.choose_guideline(kind, str(path))

    def show(self, view: ViewState) -> None:
        self._is_showing = True
        try:
            ui, rt = self._ui, view.rt
            ui.organsLabel.text = words.organs_text(view)
            self._show_total_segmentator(view)
            ui.showLandmarksCheckBox.checked = rt.are_planes_shown
            ui.showLandmarksCheckBox.enabled = bool(rt.landmarks)
            ui.levelFrame.setVisible(bool(rt.asked_levels))
            ui.levelLabel.text = words.level_text(rt)
            for kind, combo in self._combos.items():
                self._show_guidelines(kind, combo, view)
            for name, box in self._switches.items():
                box.checked = rt.switches.get(name, False)
            for name, (button, label) in self._points.items():
                label.text = words.landmark_text(rt, name)
                button.text = _("Stop") if rt.placing == name else _("Place")
            ui.bedLabel.text = words.bed_text(view)
        finally:
            self._is_showing = False

    def _show_guidelines(self, kind: str, combo: Any, view: ViewState) -> None:
        choices = tuple(each for each in view.rt.guidelines if each.kind == kind)
        if choices != self._choices.get(kind):
            self._choices[kind] = choices
            combo.clear()
            for choice in choices:
                combo.addItem(words.guideline_text(choice))
        chosen = next(each for each in choices if each.name == view.rt.chosen_guidelines[kind])
        combo.setCurrentIndex(choices.index(chosen))
        label = self._ui.nodesGuidelineTextLabel if kind == "nodes" else self._ui.bedGuidelineTextLabel
        label.text = words.unverified_text(chosen)

    def _show_total_segmentator(self, view: ViewState) -> None:
        button = self._ui.totalSegmentatorButton
        is_there = total_segmentator.is_installed()
        ct = view.nodes["planning_ct"] or view.nodes["ct"]
        button.enabled = is_there and ct is not None and not view.is_busy
        why = ""
        if not is_there:
            why = words.TOTALSEGMENTATOR_MISSING
        elif ct is None:
            why = _("Choose a CT under Patient first.")
        button.toolTip = f"{self._run_tooltip}\n\n{why}" if why else self._run_tooltip

    def _run_total_segmentator(self) -> None:
        nodes = self._presenter.view.nodes
        segmentation = total_segmentator.run(nodes["planning_ct"] or nodes["ct"])
        if segmentation is not None:
            self._presenter.take_organs(segmentation)

    def _choose(self, kind: str, index: int) -> None:
        if not self._is_showing:
            self._presenter.choose_guideline(kind, self._choices[kind][index].name)

    def _open(self, title: str) -> Path | None:
        path = qt.QFileDialog.getOpenFileName(self._ui.generateGroupBox, title, "", _("JSON files (*.json)"))
        return Path(str(path)) if path else None
