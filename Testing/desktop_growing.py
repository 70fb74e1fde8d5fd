"""Growing by clicks in desktop Slicer: mouse events on the slice views' own widgets, and what came of them.

Slicer --no-splash --additional-module-paths PSMAPlanning --python-script Testing/desktop_growing.py [FOLDER]

FOLDER: where pictures of the window go. Prints each check and ends Slicer with 0 or 1.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer
import vtk

PICTURES = Path(sys.argv[1]) if len(sys.argv) > 1 else None
LONGEST_S = 60.0
_failed: list[str] = []


def check(name: str, is_right: bool, told: object = "") -> None:
    print(f"{'ok    ' if is_right else 'FAILED'} {name} {told}", flush=True)
    if not is_right:
        _failed.append(name)


def run_events(seconds: float = 0.1) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        slicer.app.processEvents()


def picture(name: str) -> None:
    if PICTURES is not None:
        run_events(0.3)
        slicer.util.mainWindow().grab().save(str(PICTURES / f"{name}.png"))


class Mouse:
    """A mouse over one slice view; places in pixels from its lower left corner, as VTK counts them."""

    def __init__(self, name: str = "Red") -> None:
        widget = slicer.app.layoutManager().sliceWidget(name)
        self.node = widget.mrmlSliceNode()
        self.interactor = widget.sliceView().interactor()
        self.widget = next(each for each in widget.sliceView().children() if "VTK" in each.className())

    @property
    def observers(self) -> int:
        return str(self.interactor).count("vtkObserver (")

    def go_to(self, point_ras: tuple[float, float, float]) -> tuple[int, int]:
        """Bring a point into the middle of the view; the pixel where it is then."""
        self.node.JumpSliceByCentering(*point_ras)
        run_events()
        to_xy = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.node.GetXYToRAS(), to_xy)
        return tuple(round(x) for x in to_xy.MultiplyPoint((*point_ras, 1.0))[:2])

    def send(self, kind: Any, at: tuple[int, int], button: Any, held: Any) -> None:
        place = qt.QPoint(at[0], self.widget.height - 1 - at[1])
        event = qt.QMouseEvent(kind, qt.QPointF(place), button, held, qt.Qt.NoModifier)
        slicer.app.sendEvent(self.widget, event)

    def press(self, at: tuple[int, int], button: Any = qt.Qt.LeftButton) -> None:
        self.send(qt.QEvent.MouseButtonPress, at, button, button)

    def move(self, at: tuple[int, int], held: Any = qt.Qt.LeftButton) -> None:
        self.send(qt.QEvent.MouseMove, at, qt.Qt.NoButton, held)

    def release(self, at: tuple[int, int], button: Any = qt.Qt.LeftButton) -> None:
        self.send(qt.QEvent.MouseButtonRelease, at, button, qt.Qt.NoButton)

    def click(self, at: tuple[int, int]) -> None:
        self.move(at, qt.Qt.NoButton)
        self.press(at)
        self.release(at)

    def drag(self, button: Any) -> None:
        self.press((200, 200), button)
        for step in range(1, 10):
            self.move((200 + 4 * step, 200 + 4 * step), button)
        self.release((236, 236), button)
        run_events()

    def wheel(self) -> None:
        event = qt.QWheelEvent(qt.QPointF(200, 200), 120, qt.Qt.NoButton, qt.Qt.NoModifier)
        slicer.app.sendEvent(self.widget, event)
        run_events()


class Walk:
    """The sample case with one lesion taken out of its list, for a click to find again."""

    def __init__(self) -> None:
        slicer.util.mainWindow().resize(1700, 1050)
        slicer.util.selectModule("PSMAPlanning")
        self.panel = slicer.modules.psmaplanning.widgetRepresentation().self().panel
        self.ui, self.presenter = self.panel.ui, self.panel.presenter
        logic = self.panel._logic
        logic.loadSampleCase("full")
        logic.findLesions()
        state = self.presenter.case.state
        self.gone = state.lesions[2]
        self.organ = next(each for each in state.regions if each.region_class.value == "physiologic")
        kept = tuple(each for each in state.lesions if each is not self.gone)
        self.presenter._perform("without", lesions=kept)
        for section in ("patient", "rtVolumes", "coverage", "export"):
            getattr(self.ui, f"{section}CollapsibleButton").collapsed = True
        self.ui.lesionsCollapsibleButton.collapsed = self.ui.contoursCollapsibleButton.collapsed = False
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            width, height, depth = node.GetFieldOfView()
            node.SetFieldOfView(0.3 * width, 0.3 * height, depth)
        run_events(1.0)
        self.mouse = Mouse()
        self.observers = self.mouse.observers
        self.drawing_s, self.drawings = 0.0, 0

    def wait(self) -> None:
        end = time.monotonic() + LONGEST_S
        while self.presenter.work.is_busy and time.monotonic() < end:
            run_events(0.01)
        run_events(0.3)

    def all(self) -> None:
        self.clicks()
        self.drags()
        self.what_stays_slicers()
        self.editing()
        self.ends()

    def clicks(self) -> None:
        presenter, mouse = self.presenter, self.mouse
        self.ui.growButton.click()
        run_events()
        check("the cursor is a cross", mouse.widget.cursor.shape() == qt.Qt.CrossCursor)
        lesions = len(presenter.view.lesions)
        mouse.click(mouse.go_to(self.gone.region.peak_ras))
        self.wait()
        check("a click contours a lesion", len(presenter.view.lesions) == lesions + 1)
        picture("grow_new_lesion")
        state = presenter.case.state
        for name, at in (("an organ", mouse.go_to(self.organ.peak_ras)), ("nothing", (3, 3))):
            mouse.click(at)
            self.wait()
            check(f"on {name} it is refused", presenter.case.state is state, self.ui.messageLabel.text)
        self.lesion = state.lesions[0]
        mouse.click(mouse.go_to(self.lesion.region.peak_ras))
        run_events()
        check("inside a lesion it selects", presenter.view.selected == self.lesion.id)

    def drags(self) -> None:
        presenter, mouse = self.presenter, self.mouse
        x, y = mouse.go_to(self.lesion.region.peak_ras)
        state = presenter.case.state
        mouse.press((x, y))
        mouse.move((x, y + 5))
        steps_s, drawn_s = [], []
        self.watch_drawing()
        for step in range(5, 65):
            run_events(0.01)
            self.drawing_s, start = 0.0, time.thread_time()
            mouse.move((x, y + step))
            steps_s.append(time.thread_time() - start - self.drawing_s)
            drawn_s.append(self.drawing_s)
        start = time.thread_time()
        for _ in range(20):
            state.pet.array.max()
        passes = np.array(steps_s) / ((time.thread_time() - start) / 20)
        said = f"{np.median(passes):.1f} passes over the PET in the middle, {passes.max():.1f} at most"
        said += f", and {1000 * np.median(drawn_s):.0f} ms of drawing"
        print(f"       each of {len(passes)} steps after the first: {said}")
        check("the outline follows", self.drawings >= len(steps_s), f"{self.drawings} drawings")
        picture("grow_threshold")
        mouse.release((x, y + 64))
        self.wait()
        name = presenter.view.undo_name or ""
        check("letting go is one step", name.startswith("threshold lesion"), name)
        presenter.undo()
        check("and undone", presenter.case.state is state)
        width = mouse.node.GetFieldOfView()[0]
        mouse.press((x, y))
        mouse.move((x, y - 30))
        mouse.press((x, y - 30), qt.Qt.RightButton)
        mouse.move((x, y - 60), qt.Qt.RightButton)
        mouse.release((x, y - 60), qt.Qt.RightButton)
        mouse.release((x, y - 60))
        check("the right button takes it back", presenter.view.threshold_preview is None)
        check("and does not zoom", np.isclose(mouse.node.GetFieldOfView()[0], width))
        check("nothing has changed", presenter.case.state is state)

    def watch_drawing(self) -> None:
        """Add up how long the slice views draw, seconds of this thread."""
        manager, began = slicer.app.layoutManager(), [0.0]

        def start(_caller: Any, _event: str) -> None:
            began[0] = time.thread_time()

        def end(_caller: Any, _event: str) -> None:
            self.drawing_s += time.thread_time() - began[0]
            self.drawings += 1

        for name in manager.sliceViewNames():
            window = manager.sliceWidget(name).sliceView().renderWindow()
            window.AddObserver("StartEvent", start)
            window.AddObserver("EndEvent", end)

    def what_stays_slicers(self) -> None:
        node = self.mouse.node
        width = node.GetFieldOfView()[0]
        self.mouse.drag(qt.Qt.RightButton)
        check("the right button zooms", not np.isclose(node.GetFieldOfView()[0], width))
        origin = node.GetXYZOrigin()
        self.mouse.drag(qt.Qt.MiddleButton)
        check("the middle button moves", not np.allclose(node.GetXYZOrigin(), origin))
        offset = node.GetSliceOffset()
        self.mouse.wheel()
        check("the wheel scrolls", node.GetSliceOffset() != offset)

    def editing(self) -> None:
        presenter, lesion = self.presenter, self.lesion
        presenter.select_lesion(lesion.id)
        # Somebody drew around one side of it only; a click on its peak brings the rest.
        mask, peak = lesion.contour.mask, np.array(lesion.region.peak_ras)
        array = np.zeros_like(mask.array)
        array[mask.array] = mask.points_ras()[:, 0] > peak[0] + 2.0
        presenter.case.edit_contour(lesion.id, type(mask)(array, mask.grid))
        run_events(0.5)
        self.ui.editLesionButton.click()
        run_events(0.5)
        before_ml = presenter.case.lesion(lesion.id).contour.mask.volume_ml
        self.mouse.click(self.mouse.go_to(lesion.region.peak_ras))
        self.wait()
        after_ml = presenter.case.lesion(lesion.id).contour.mask.volume_ml
        told = f"{before_ml:.2f} to {after_ml:.2f} mL; {self.ui.messageLabel.text}"
        check("while editing a click grows", after_ml > before_ml, told)
        check("as a step of its own", presenter.view.undo_name == f"grow lesion {lesion.id}")
        picture("grow_editing")
        editor = self.panel.contours.editor.widget
        editor.setActiveEffectByName("Paint")
        run_events(0.3)
        check("an effect ends the mode", not presenter.view.contours.is_growing)
        self.ui.growContourButton.click()
        run_events(0.3)
        check("and the mode an effect", editor.activeEffect() is None)
        self.ui.editLesionButton.click()
        run_events(0.3)

    def ends(self) -> None:
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        escape = qt.QKeyEvent(qt.QEvent.KeyPress, qt.Qt.Key_Escape, qt.Qt.NoModifier)
        for name, end in (
            ("Esc", lambda: slicer.app.sendEvent(self.mouse.widget, escape)),
            ("placing", lambda: interaction.SetCurrentInteractionMode(interaction.Place)),
            ("another module", lambda: slicer.util.selectModule("Data")),
            ("the button", self.ui.growButton.click),
            ("closing the scene", lambda: slicer.mrmlScene.Clear(0)),
        ):
            slicer.util.selectModule("PSMAPlanning")
            if not self.presenter.view.contours.is_growing:
                self.ui.growButton.click()
            run_events(0.3)
            check(f"before {name} the mode is on", self.presenter.view.contours.is_growing)
            end()
            run_events(0.5)
            is_off = not self.presenter.view.contours.is_growing
            check(f"{name} ends it", is_off and self.mouse.observers == self.observers)
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)


is_right = False
try:
    Walk().all()
    is_right = not _failed
finally:
    slicer.util.exit(0 if is_right else 1)
