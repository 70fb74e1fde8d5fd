"""The tutorial walked on the stand-in: on the small digital patient, and on a real whole-body scan."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from test_panel import standin_fixture

standin = standin_fixture.standin
TUTORIAL = Path(__file__).resolve().parents[2] / "Documentation" / "tutorial.py"


@pytest.fixture
def walker(standin, tmp_path):
    """The tutorial over the opened module, with its pictures in `tmp_path`."""
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

    return tutorial.Tutorial(panel, take_picture, standin.run_events, variant="small")


def test_tutorial(walker, tmp_path):
    walker.walk()
    assert len(list(tmp_path.glob("*.png"))) == 7
    view = walker.presenter.view
    assert {"accepted", "rejected", "proposed"} <= {row.state for row in view.lesions}
    assert view.plan.what_if
    assert "report.html" in view.plan.written


@pytest.mark.slow
def test_a_real_whole_body_scan(walker, shared_data, tmp_path):
    """STS_001: PET and structure set from their folder; FDG, no CT, no organ masks, a mass of 366 mL."""
    folder = shared_data("sts001_ge_wholebody_pet")
    walker.open("patient")
    walker.presenter.load_folder(folder)
    walker.wait()
    walker.take_picture("1-patient")
    walker.lesions()
    walker.contours()
    walker.open("coverage")
    walker.take_picture("5-coverage")
    walker.export()
    view = walker.presenter.view
    # The bladder, which is no lesion.
    hottest = max(walker.presenter.case.state.regions, key=lambda region: region.suv_max)
    assert hottest.suv_max == pytest.approx(66.52, abs=0.005)
    assert hottest.reason == "position:urinary_bladder"
    assert any(
        cell.volume == "GTV_Mass" and cell.coverage_class == "inside" for _, cell in view.coverage_rows
    )
    assert {"accepted", "rejected", "proposed"} & {row.state for row in view.lesions}
    assert "report.html" in view.plan.written
    assert len(list(tmp_path.glob("*.png"))) == 5
