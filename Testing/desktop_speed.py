"""Mouse release after painting, and a step of either slider, in desktop Slicer, in passes over the PET.

Slicer --no-splash --additional-module-paths PSMAPlanning --python-script Testing/desktop_speed.py

A pass is `array.max()` over the digital patient's PET, timed in turns with what it is the measure of, as
`psma-planning benchmark` does. Wall times are with all views drawing (software OpenGL
where there is no graphics card); processor times are the main thread's. Drawing is told apart.
"""

from __future__ import annotations

import statistics
import sys
import time
import traceback
from pathlib import Path

import slicer

sys.path.insert(0, str(Path(__file__).resolve().parent))

_TURNS = 8
_VIEWS = ("Red", "Green", "Yellow")


def _median_ms(values: list[float]) -> float:
    return 1000 * statistics.median(values)


class Speed:
    """The module's panel with the sample case, one lesion of which is painted on."""

    def __init__(self) -> None:
        slicer.util.mainWindow().resize(1500, 950)
        slicer.util.selectModule("PSMAPlanning")
        widget = slicer.modules.psmaplanning.widgetRepresentation().self()
        self.panel, self.ui, self.logic = widget.panel, widget.panel.ui, widget.logic
        self.presenter = widget.panel.presenter
        self.logic.loadSampleCase("full")
        self.logic.findLesions()
        self._passes: list[float] = []

    def _pass(self) -> None:
        pet, thread = self.logic.case.state.pet.array, time.thread_time()
        pet.max()
        self._passes.append(time.thread_time() - thread)

    def _told(self, what: str, wall_ms: float, processor_ms: float, rest: str) -> None:
        one_ms, self._passes = _median_ms(self._passes), []
        print(
            f"{what}: wall {wall_ms:.0f} ms = {wall_ms / one_ms:.0f} passes of {one_ms:.2f} ms, processor "
            f"{processor_ms:.0f} ms = {processor_ms / one_ms:.0f} passes; {rest}",
            flush=True,
        )

    def release(self) -> None:
        """From the editor's event, as a released brush sends it, to another volume in the lesion's line."""
        from PSMAPlanningLib.commands.benchmark_panel import _drawings
        from PSMAPlanningLib.scene.segments import oriented_image

        lesion = max(self.logic.case.state.lesions, key=lambda each: each.contour.mask.volume_ml).id
        self.logic.selectLesion(lesion)
        self.ui.editLesionButton.click()
        self._wait()
        table, name = (
            self.ui.lesionTable,
            slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName(),
        )
        row = next(n for n in range(table.rowCount) if table.item(n, 0).text() == lesion)
        drawings = _drawings(self.logic.case.lesion(lesion).contour.mask)
        wall, processor, after = [], [], []
        for turn in range(_TURNS):
            segmentation = self.presenter.view.edit_node.GetSegmentation()
            image = oriented_image(drawings[turn % len(drawings)], drawings[0].grid)
            segmentation.GetSegment(lesion).AddRepresentation(name, image)
            self._wait()
            former = table.item(row, 4).text()
            start, thread = time.perf_counter(), time.thread_time()
            segmentation.InvokeEvent(segmentation.SourceRepresentationModified)
            while table.item(row, 4).text() == former and time.perf_counter() - start < 10:
                slicer.app.processEvents()
            wall.append(time.perf_counter() - start)
            processor.append(time.thread_time() - thread)
            start = time.perf_counter()
            self._wait()
            after.append(time.perf_counter() - start)
            self._pass()
        self.ui.editLesionButton.click()
        self._wait()
        rest = f"then all that follows: {_median_ms(after):.0f} ms"
        self._told("release to table", _median_ms(wall), _median_ms(processor), rest)

    def sliders(self) -> None:
        """One step of the detection threshold, and one of a lesion's own."""
        presenter = self.presenter
        for what, preview in (
            ("detection slider", presenter.preview_detection),
            ("lesion slider", presenter.preview_lesion_threshold),
        ):
            for suv in (3.0, 3.1):
                preview(suv)
                self._wait()
            wall, processor, drawn = [], [], []
            for step in range(_TURNS):
                start, thread = time.perf_counter(), time.thread_time()
                preview(2.0 + 0.1 * step)
                wall.append(time.perf_counter() - start)
                processor.append(time.thread_time() - thread)
                self._pass()
                start = time.perf_counter()
                for view in _VIEWS:
                    slicer.app.layoutManager().sliceWidget(view).sliceView().forceRender()
                drawn.append(time.perf_counter() - start)
            presenter.end_preview()
            presenter.end_lesion_preview()
            self._wait()
            self._told(
                what,
                _median_ms(wall),
                _median_ms(processor),
                f"drawing three slice views: {_median_ms(drawn):.0f} ms",
            )

    def _wait(self) -> None:
        quiet_until = time.monotonic() + 0.3
        while time.monotonic() < quiet_until:
            slicer.app.processEvents()
            if self.presenter.work.is_busy or self.panel.worker.threads:
                quiet_until = time.monotonic() + 0.3


def main() -> int:
    try:
        speed = Speed()
        speed.release()
        speed.sliders()
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        return 1
    return 0


slicer.util.exit(main())
