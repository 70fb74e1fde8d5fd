"""The README's tutorial, walked by pressing what a person presses, with a picture of every step.

Slicer --no-splash --additional-module-paths PSMAPlanning --python-script Documentation/tutorial.py [FOLDER]

Writes into FOLDER, or beside this file. With --testing Slicer ends with 1 when a step fails. The tests walk
the same way on the stand-in for Slicer's Qt half.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WINDOW_PIXELS = (1500, 950)
LONGEST_S = 300.0
_SECTIONS = ("patient", "lesions", "contours", "rtVolumes", "coverage", "export")


class Tutorial:
    """One walk through the panel.

    panel: the module's `PlanningPanel`. take_picture: saves what is on screen under a name.
    process_events: lets Qt work for a moment. bring: scrolls the panel to a widget.
    variant: of the digital patient, "full" or "small".
    """

    def __init__(
        self,
        panel: Any,
        take_picture: Callable[[str], None],
        process_events: Callable[[], None],
        bring: Callable[[Any], None] = lambda _widget: None,
        variant: str = "full",
    ) -> None:
        self.panel, self.ui, self.presenter = panel, panel.ui, panel.presenter
        self.take_picture, self.process_events = take_picture, process_events
        self.bring = bring
        self.variant = variant

    def walk(self) -> None:
        """All steps in the order of the README."""
        for step in (
            self.patient,
            self.lesions,
            self.contours,
            self.volumes,
            self.coverage,
            self.what_if,
            self.export,
        ):
            step()

    # Steps

    def patient(self) -> None:
        self.open("patient")
        if self.variant == "full":
            self.press("sampleCaseButton")
        else:
            self.presenter.load_sample_case(self.variant)
            self.wait()
        self.show_layout()
        self.press("lookAtBodyButton")
        self.check("contextCheckBox", True)
        self.take_picture("1-patient")

    def lesions(self) -> None:
        self.open("lesions")
        self.press("findLesionsButton")
        self.show_layout()
        self.check("contextCheckBox", False)
        rows = self.presenter.view.lesions
        self.presenter.select_lesion(rows[1].id)
        self.press("acceptLesionButton")
        self.presenter.select_lesion(rows[3].id)
        self.ui.rejectionReasonLineEdit.setText("ureter")
        self.press("rejectLesionButton")
        partial = [row for row in self.presenter.view.lesions if row.color_key == "partial"]
        self.presenter.select_lesion((partial or rows)[0].id)
        self.press("lookAtLesionButton")
        self.take_picture("2-lesions")

    def contours(self) -> None:
        self.open("contours")
        self.press("editLesionButton")
        self.bring(self.ui.editorFrame)
        self.take_picture("3-contours")
        self.press("editLesionButton")

    def volumes(self) -> None:
        self.open("rtVolumes")
        self.open_groups("generateGroupBox")
        if self.ui.findLandmarksButton.enabled:
            self.press("findLandmarksButton")
        if self.ui.generateNodesButton.enabled:
            self.press("generateNodesButton")
        # The ruler's label would lie over those of the landmarks.
        selected = self.presenter.view.selected
        self.presenter.select_lesion(None)
        self.press("lookAtPelvisButton")
        self.bring(self.ui.proposalsLabel)
        self.take_picture("4-volumes")
        self.check("showLandmarksCheckBox", False)
        self.presenter.select_lesion(selected)
        self.press("lookAtPelvisButton")

    def coverage(self) -> None:
        self.open("coverage")
        self.open_groups("patientResultGroupBox")
        self.bring(self.ui.patientResultTable)
        # What matters most is said on top; the result's first lines still have room below.
        self.bring(self.ui.patientSentenceLabel)
        self.take_picture("5-coverage")

    def what_if(self) -> None:
        self.open_groups("whatIfGroupBox")
        self.press("whatIfButton")
        self.bring(self.ui.whatIfTable)
        self.take_picture("6-what-if")

    def export(self) -> None:
        self.open("export")
        with tempfile.TemporaryDirectory() as folder:
            self.ui.outputFolderPathLineEdit.currentPath = folder
            self.process_events()
            if self.ui.exportButton.enabled:
                self.press("exportButton")
            self.take_picture("7-export")

    # Hands

    def press(self, name: str) -> None:
        """Press a button that is enabled, and wait for the work it starts."""
        self.process_events()
        button = getattr(self.ui, name)
        if not button.enabled:
            raise RuntimeError(f"{name} cannot be pressed now: {button.toolTip}")
        button.click()
        self.wait()

    def check(self, name: str, is_on: bool) -> None:
        """Switch a box that can be used on or off, and wait for the work it starts."""
        box = getattr(self.ui, name)
        if box.enabled and box.checked != is_on:
            box.click()
            self.wait()

    def show_layout(self) -> None:
        """Have the planning layout; its button pressed twice would put the former one back."""
        if not self.ui.planningLayoutButton.checked:
            self.press("planningLayoutButton")

    def wait(self) -> None:
        """Let Qt work until nothing runs any more; an error the panel shows ends the walk.

        What views show beside the case, as the projection of the PET, is waited for too.
        """
        end = time.monotonic() + LONGEST_S
        self.process_events()
        while self.presenter.view.is_busy or self.panel.worker.threads:
            if time.monotonic() > end:
                raise RuntimeError("The work did not end.")
            self.process_events()
            time.sleep(0.01)
        self.process_events()
        if self.presenter.view.message.is_error:
            raise RuntimeError(self.ui.messageLabel.text)

    def open(self, wanted: str) -> None:
        """Open one section of the panel and close the others."""
        for section in _SECTIONS:
            getattr(self.ui, f"{section}CollapsibleButton").collapsed = section != wanted
        self.process_events()

    def open_groups(self, *wanted: str) -> None:
        """Open some groups of the open section and close its others."""
        for name in [name for name in vars(self.ui) if name.endswith("GroupBox")]:
            getattr(self.ui, name).collapsed = name not in wanted
        self.process_events()


def main(folder: Path) -> None:
    import slicer

    window = slicer.util.mainWindow()
    window.resize(*WINDOW_PIXELS)
    slicer.util.selectModule("PSMAPlanning")
    panel = slicer.modules.psmaplanning.widgetRepresentation().self().panel

    def take_picture(name: str) -> None:
        for _ in range(20):
            slicer.app.processEvents()
        window.grab().save(str(folder / f"tutorial-{name}.png"))

    def bring(widget: Any) -> None:
        area = widget.parent()
        while area is not None and not area.inherits("QScrollArea"):
            area = area.parent()
        if area is not None:
            slicer.app.processEvents()
            area.ensureWidgetVisible(widget)

    # It takes a third of the panel's height.
    slicer.util.findChild(window, "DataProbeCollapsibleWidget").collapsed = True
    Tutorial(panel, take_picture, slicer.app.processEvents, bring).walk()


if __name__ == "__main__":
    import slicer

    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
    slicer.util.exit(0)
