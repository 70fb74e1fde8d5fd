"""The README's tutorial walked on the stand-in, on the small digital patient: every button it names works."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from test_panel import standin_fixture

standin = standin_fixture.standin
TUTORIAL = Path(__file__).resolve().parents[2] / "Documentation" / "tutorial.py"


def test_tutorial(standin, tmp_path):
    import slicer

    spec = importlib.util.spec_from_file_location("tutorial", TUTORIAL)
    tutorial = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tutorial)
    slicer.util.selectModule("PSMAPlanning")
    window = slicer.util.getModule("PSMAPlanning").widgetRepresentation()
    window.resize(500, 1000)
    window.show()
    panel = slicer.util.getModuleWidget("PSMAPlanning").panel

    def take_picture(name):
        standin.run_events(0.05)
        assert window.grab().save(str(tmp_path / f"{name}.png"))

    tutorial.Tutorial(panel, take_picture, standin.run_events, variant="small").walk()
    assert len(list(tmp_path.glob("*.png"))) == 7
    states = {row.state for row in panel.presenter.view.lesions}
    assert {"accepted", "rejected", "proposed"} <= states
    assert panel.presenter.view.plan.what_if
    assert "report.html" in panel.presenter.view.plan.written
