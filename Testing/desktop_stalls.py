"""How long each press keeps desktop Slicer from answering: the longest turn of its event loop, in ms.

Slicer --no-splash --additional-module-paths PSMAPlanning --python-script Testing/desktop_stalls.py [PART ...]

A turn is what passes between two beats of a timer. Drawing of the views (software OpenGL on a machine without
a graphics card) is counted apart; `processor` is the main thread's own, whatever else the machine does.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer

LONGEST_S = 300.0
QUIET_S, QUIET_TURNS = 0.6, 40


@dataclass
class Turn:
    """One turn of the event loop: seconds of the clock and of the main thread's processor, and of drawing."""

    wall_s: float = 0.0
    processor_s: float = 0.0
    drawing_s: float = 0.0
    drawing_processor_s: float = 0.0

    @property
    def ours_s(self) -> float:
        return self.processor_s - self.drawing_processor_s


class Beat:
    """Measures the turns of the event loop while it runs."""

    def __init__(self) -> None:
        # Only the longest are kept: a list of all gave Python's garbage collection half a second to do.
        self.longest, self.most_drawn, self.longest_by_clock = Turn(), Turn(), Turn()
        self._turn = Turn()
        self._since = (time.perf_counter(), time.thread_time())
        self._drawing: tuple[float, float] | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._beat)
        self._observed = []
        for window in _render_windows():
            for event, heard in (("StartEvent", self._started), ("EndEvent", self._ended)):
                self._observed.append((window, window.AddObserver(event, heard)))
        self._timer.start()

    def close(self) -> None:
        self._timer.stop()
        self._timer.disconnect("timeout()", self._beat)
        for window, tag in self._observed:
            window.RemoveObserver(tag)

    def _beat(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        self._turn.wall_s, self._turn.processor_s = now[0] - self._since[0], now[1] - self._since[1]
        self.longest = max(self.longest, self._turn, key=lambda turn: turn.ours_s)
        self.most_drawn = max(self.most_drawn, self._turn, key=lambda turn: turn.drawing_s)
        self.longest_by_clock = max(self.longest_by_clock, self._turn, key=lambda turn: turn.wall_s)
        self._turn, self._since = Turn(), (time.perf_counter(), time.thread_time())

    def _started(self, _caller: Any, _event: str) -> None:
        self._drawing = (time.perf_counter(), time.thread_time())

    def _ended(self, _caller: Any, _event: str) -> None:
        if self._drawing is not None:
            self._turn.drawing_s += time.perf_counter() - self._drawing[0]
            self._turn.drawing_processor_s += time.thread_time() - self._drawing[1]
            self._drawing = None


def _render_windows() -> list[Any]:
    manager = slicer.app.layoutManager()
    windows = [manager.sliceWidget(name).sliceView().renderWindow() for name in manager.sliceViewNames()]
    return windows + [
        manager.threeDWidget(i).threeDView().renderWindow() for i in range(manager.threeDViewCount)
    ]


class Walk:
    """Presses one after the other; prints the longest turn of each."""

    def __init__(self, parts: set[str]) -> None:
        self.parts = parts
        widget = slicer.modules.psmaplanning.widgetRepresentation().self()
        self.panel, self.logic, self.ui = widget.panel, widget.logic, widget.panel.ui
        self.presenter = self.panel.presenter

    def step(self, name: str, press: Callable[[], Any]) -> None:
        if self.parts and not any(name.startswith(part) for part in self.parts):
            press()
            self._wait()
            return
        beat = Beat()
        qt.QTimer.singleShot(0, press)
        self._wait()
        beat.close()
        longest, drawn, wall = beat.longest, beat.most_drawn, beat.longest_by_clock
        print(
            f"{name:<34} processor {1000 * longest.ours_s:6.0f}  drawing {1000 * drawn.drawing_s:6.0f}  "
            f"whole turn {1000 * wall.wall_s:6.0f}  {self._said()}",
            flush=True,
        )

    def _said(self) -> str:
        message = self.presenter.view.message
        return f"{message.notice} {message.text}" if message.is_error else ""

    def _wait(self) -> None:
        end, quiet, turns = time.monotonic() + LONGEST_S, None, 0
        while time.monotonic() < end:
            slicer.app.processEvents()
            turns += 1
            # Not the presenter's view: whoever asks for it has all that is still to be shown shown at once.
            presenter = self.presenter
            busy = presenter.work.is_busy or presenter.is_changing or self.panel.worker.threads
            if busy:
                quiet = None
            elif quiet is None:
                quiet, turns = time.monotonic(), 0
            # A few long turns, as of drawing, are not quiet yet.
            elif time.monotonic() - quiet > QUIET_S and turns > QUIET_TURNS:
                return

    def open(self, wanted: str) -> None:
        for section in ("patient", "lesions", "contours", "rtVolumes", "coverage", "export"):
            getattr(self.ui, f"{section}CollapsibleButton").collapsed = section != wanted
        for name in [name for name in vars(self.ui) if name.endswith("GroupBox")]:
            getattr(self.ui, name).collapsed = False
        self._wait()

    def all(self) -> None:
        ui, presenter = self.ui, self.presenter
        self.open("patient")
        self.step("load the sample case", ui.sampleCaseButton.click)
        self.step("planning layout", ui.planningLayoutButton.click)
        self.open("lesions")
        self.step("find lesions", ui.findLesionsButton.click)
        self.step("find lesions again", ui.findLesionsButton.click)
        ids = [row.id for row in presenter.view.lesions]
        for lesion in ids[:3]:
            self.step(f"select {lesion}", lambda lesion=lesion: presenter.select_lesion(lesion))
        self.step("look at lesion", ui.lookAtLesionButton.click)
        self.step("accept", ui.acceptLesionButton.click)
        self.step("reject", lambda: presenter.reject("ureter"))
        self.step("undo", ui.undoButton.click)
        self.step("redo", ui.redoButton.click)
        self.step("undo", ui.undoButton.click)
        largest = max(self.logic.case.state.lesions, key=lambda item: item.contour.mask.volume_ml).id
        presenter.select_lesion(largest)
        near = self._two_near()
        self.step("merge", lambda: presenter.merge_lesions(near))
        self.step("undo merge", ui.undoButton.click)
        pet = self.logic.case.state.pet
        place = pet.grid.position_of(np.unravel_index(pet.array.argmax(), pet.array.shape))
        self.step("add at a point", lambda: presenter.add_lesion(place))
        self.step("undo add", ui.undoButton.click)
        self.step("drag detection", lambda: presenter.preview_detection(2.5))
        self.step("drag detection on", lambda: presenter.preview_detection(2.6))
        self.step("end drag", presenter.end_preview)
        self.open("contours")
        presenter.select_lesion(largest)
        self.step("drag lesion threshold", lambda: presenter.preview_lesion_threshold(4.0))
        self.step("set lesion threshold", lambda: presenter.set_lesion_threshold(4.0))
        self.step("choose another contour", lambda: presenter.choose_contour("fixed_suv"))
        self.step("contour again", ui.contourButton.click)
        self.step("edit", ui.editLesionButton.click)
        self.step("stroke", self._stroke)
        self.step("stroke again", self._stroke)
        self.step("end edit", ui.editLesionButton.click)
        self.step("undo edit", ui.undoButton.click)
        self.open("rtVolumes")
        self.step("find landmarks", ui.findLandmarksButton.click)
        self.step("propose nodes", ui.generateNodesButton.click)
        self.step("hide landmarks", ui.showLandmarksCheckBox.click)
        self.step("show landmarks", ui.showLandmarksCheckBox.click)
        self.open("coverage")
        self.step("guidelines side by side", ui.whatIfButton.click)
        self.open("lesions")
        for name in (
            "lookAtPelvisButton",
            "lookAtBodyButton",
            "lookAtLesionButton",
            "contextCheckBox",
            "intersectionsCheckBox",
        ):
            if hasattr(ui, name):
                self.step(name, getattr(ui, name).click)
        self.open("export")
        with tempfile.TemporaryDirectory() as folder:
            ui.outputFolderPathLineEdit.currentPath = folder
            self.step("export", ui.exportButton.click)
            scene = str(Path(folder) / "case.mrb")
            self.step("save scene (Slicer's own)", lambda: slicer.util.saveScene(scene))
            self.step("close scene", lambda: slicer.mrmlScene.Clear())
            self.step("load scene (with Slicer's own)", lambda: slicer.util.loadScene(scene))
        self.step("remove lesions node", self._remove_lesions)
        self.step("undo removal", ui.undoButton.click)

    def _two_near(self) -> list[str]:
        """The two lesions that lie nearest to each other."""
        places = {item.id: item.contour.mask.centroid_ras() for item in self.logic.case.state.lesions}
        pairs = [(a, b) for a in places for b in places if a < b]
        return list(
            min(pairs, key=lambda pair: np.linalg.norm(np.subtract(places[pair[0]], places[pair[1]])))
        )

    def _stroke(self) -> None:
        """What a brush does to the edited segment, and its release."""
        from PSMAPlanningLib.imaging.image import Mask
        from PSMAPlanningLib.scene.segments import oriented_image

        presenter = self.presenter
        lesion = self.logic.case.lesion(presenter.view.edited)
        mask = lesion.contour.mask
        array = mask.array.copy()
        array[np.unravel_index(np.flatnonzero(array)[::7], array.shape)] = False
        segmentation = presenter.view.edit_node.GetSegmentation()
        name = slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
        drawn = oriented_image(Mask(array, mask.grid), mask.grid)
        segmentation.GetSegment(lesion.id).AddRepresentation(name, drawn)
        segmentation.InvokeEvent(segmentation.SourceRepresentationModified)

    def _remove_lesions(self) -> None:
        from PSMAPlanningLib.scene.owned_nodes import LESIONS

        slicer.mrmlScene.RemoveNode(self.logic.session.scene.node(LESIONS))


def main(parts: set[str]) -> int:
    slicer.util.mainWindow().resize(1500, 950)
    slicer.util.selectModule("PSMAPlanning")
    try:
        Walk(parts).all()
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        return 1
    return 0


slicer.util.exit(main(set(sys.argv[1:])))
