"""Coverage and export over a real scene: sentence, what-if, dose, files that appear whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.dicomrt.rtstruct_reader import read_rtstruct
from PSMAPlanningLib.errors import CancelledError, DoseError, OutputError, PrescriptionError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.panel.beside import Beside
from PSMAPlanningLib.panel.thread_worker import InlineWorker
from PSMAPlanningLib.panel.view_state import Action, Notice, Reason
from PSMAPlanningLib.scene.appearance import COVERAGE_COLORS, volume_colors
from test_dicomrt.ct_on_disk import ct_datasets, save
from test_panel.doubles import Panel

PLAN_GY = 60.0


@pytest.fixture
def panel(headless):
    panel = Panel(headless, worker=InlineWorker())
    panel.presenter.beside.worker = InlineWorker()
    yield panel
    panel.close()


@pytest.fixture
def full(panel):
    panel.fill()
    return panel


def dose_node(panel, gray=PLAN_GY, quantity=Quantity.DOSE, name="Plan"):
    pet = panel.state.pet
    array = np.full(pet.grid.shape_kji, gray, np.float32)
    # The lower half of the patient gets nothing.
    array[: len(array) // 2] = 0.0
    return panel.volume_node(Image(array, pet.grid, quantity), name)


# What follows from the case


def test_without_lesions_the_sentence_says_so(panel):
    panel.presenter.select_lesion(None)
    patient = panel.view.plan.patient
    assert patient.impact.counts["covered"] == 0 and not patient.lesions


def test_the_result_follows_every_decision(full):
    patient = full.view.plan.patient
    assert patient.is_provisional
    assert patient.impact.counts == {
        "covered": 1,
        "partial": 1,
        "inside_setup_margin_only": 0,
        "outside": 1,
        "not_compared": 0,
    }
    for lesion_id in ("L01", "L02"):
        full.presenter.accept(lesion_id)
    full.presenter.reject("ureter", "L03")
    patient = full.view.plan.patient
    assert not patient.is_provisional and patient.rejected == ("L03",)
    assert patient.impact.major is True
    full.presenter.undo()
    assert full.view.plan.patient.is_provisional


def test_while_a_result_is_under_way_the_view_says_so(headless):
    panel = Panel(headless)
    try:
        panel.presenter.beside.worker = panel.worker
        panel.fill()
        assert panel.view.plan.is_computing and panel.view.plan.patient is None
        for job in panel.worker.jobs:
            job.run()
        assert panel.view.plan.patient is not None and panel.heard[-1].plan.patient is not None
        panel.presenter.accept("L01")
        assert panel.view.plan.patient is None, "The result of the state before is not shown as this one's."
    finally:
        panel.close()


def test_another_case_drops_what_was_worked_out(full):
    assert isinstance(full.presenter.beside, Beside)
    full.presenter.begin_again()
    assert not full.view.plan.patient.lesions
    assert full.view.plan.what_if == ()


# What if


def test_what_if_without_anatomy_says_why_and_keeps_the_decisions(full):
    volumes = tuple(replace(v, role="bed") if v.kind == "CTV" else v for v in full.state.volumes)
    full.presenter.case.perform("roles", replace(full.state, volumes=volumes))
    assert full.presenter.compare_guidelines(())
    columns = {column.question.name: column for column in full.view.plan.what_if}
    assert "anatomy" in columns["rtog2009_nodes"].failed
    assert set(columns["bed_only"].missed) == {"L02", "L03"}
    assert full.view.message.notice is Notice.COMPARED
    assert not any("+" in name for name in columns), "No extension was asked for."
    before = full.state
    full.presenter.accept("L01")
    assert full.view.plan.what_if_is_old
    full.presenter.undo()
    assert full.state is before and not full.view.plan.what_if_is_old


def test_what_if_changes_nothing_and_needs_lesions(panel):
    assert panel.view.blocked[Action.WHAT_IF] is Reason.NO_LESIONS
    panel.fill()
    state = panel.state
    panel.presenter.compare_guidelines(("mesorectum",))
    names = [column.question.name for column in panel.view.plan.what_if]
    assert panel.state is state and "rtog2009_nodes+mesorectum" in names


# Dose


def test_dose_of_a_node_with_units_and_a_prescription_classifies_the_lesions(full):
    node = dose_node(full)
    assert full.view.blocked[Action.COMPARE_DOSE] is Reason.NO_DOSE
    assert full.presenter.choose_dose(node)
    plan = full.view.plan
    assert plan.dose_name == "Plan" and plan.dose_node is node
    assert plan.dose.fields["L01"].reason == "no_prescription"
    assert full.presenter.prescribe("CTVp", PLAN_GY, 30)
    plan = full.view.plan
    assert plan.targets[0].prescribed.dose_gy == PLAN_GY and plan.dose.fractions == 30
    assert plan.dose.fields["L01"].field is not None
    assert plan.dose.fields["L03"].reason == "no_prescription", "No target holds it."
    assert full.presenter.prescribe(None, 40.0)
    assert full.view.plan.dose.fields["L03"].prescription.volume is None
    assert full.presenter.prescribe("CTVp", None)
    assert full.view.plan.targets[0].prescribed is None


def test_second_dose_is_compared_and_both_go_with_one_press(full):
    full.presenter.choose_dose(dose_node(full))
    assert full.presenter.choose_dose(dose_node(full, 66.0, name="Other"), second=True)
    comparison = full.view.plan.dose.comparison
    target = next(each for each in comparison.targets if each.volume == "CTVp")
    assert target.second["d2_gy"] - target.first["d2_gy"] == pytest.approx(6.0, abs=0.01)
    assert full.presenter.clear_dose()
    assert full.state.dose is None and full.state.comparison_dose is None
    full.presenter.undo()
    assert full.view.plan.comparison_name == "Other"
    full.presenter.choose_dose(None)
    assert full.state.dose is None and full.state.comparison_dose is None


def test_a_node_that_does_not_say_gray_is_refused(full):
    before = full.state
    assert not full.presenter.choose_dose(dose_node(full, quantity=Quantity.UNKNOWN))
    assert isinstance(full.presenter.error, DoseError) and full.state is before
    node = dose_node(full, quantity=Quantity.UNKNOWN)
    node.SetAttribute("DicomRtImport.DoseUnitName", "GY")
    assert full.presenter.choose_dose(node), "As SlicerRT marks it."


def test_dose_with_negative_voxels_is_refused(full):
    assert not full.presenter.choose_dose(dose_node(full, -1.0))
    assert isinstance(full.presenter.error, DoseError)


def test_a_file_that_is_no_dose_leaves_the_case(full, tmp_path):
    (tmp_path / "x.dcm").write_text("no dose")
    before = full.state
    full.presenter.load_dose(tmp_path / "x.dcm")
    assert full.presenter.error is not None and full.state is before


@pytest.mark.parametrize(("dose", "fractions"), [(-1.0, None), (float("nan"), None), (60.0, 0), (1000.0, 20)])
def test_impossible_prescriptions_are_refused(full, dose, fractions):
    before = full.state
    assert not full.presenter.prescribe("CTVp", dose, fractions)
    assert isinstance(full.presenter.error, PrescriptionError) and full.state is before


def test_constraints_are_written_edited_and_read_back(full, tmp_path):
    path = tmp_path / "ours.json"
    assert full.presenter.write_constraints(path)
    assert not full.presenter.write_constraints(path), "Nothing is overwritten."
    full.presenter.choose_dose(dose_node(full))
    document = json.loads(path.read_text(encoding="utf-8"))
    document["sets"] = [{**each, "enabled": False} for each in document["sets"]]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert full.presenter.choose_constraints(path)
    assert full.view.plan.constraints_name == "ours.json" and full.view.plan.dose.constraints == ()
    path.write_text("{", encoding="utf-8")
    assert not full.presenter.choose_constraints(path)
    assert full.presenter.choose_constraints(None)
    assert full.view.plan.dose.table.name == "constraints.json"


def test_a_prescription_whose_volume_went_is_told_and_nothing_fails(full):
    full.presenter.choose_dose(dose_node(full))
    full.presenter.prescribe("CTVp", 60.0)
    kept = tuple(volume for volume in full.state.volumes if volume.name != "CTVp")
    full.presenter.case.perform("drop", replace(full.state, volumes=kept))
    facts = full.view.plan.facts
    assert "CTVp" in facts.dose_problem and facts.dose is None and facts.patient is not None


# Export


def results_of(panel):
    return sorted(path.name for path in (panel.folder / panel.view.plan.written_in).iterdir())


@pytest.fixture
def folder(full, tmp_path):
    full.folder = tmp_path
    return tmp_path


def test_export_writes_a_new_folder_each_time(full, folder):
    for _ in range(2):
        assert full.presenter.export_results(folder, pictures=False, scene=False)
        assert results_of(full) == ["coverage.csv", "report.html", "report.json"]
    assert len(list(folder.iterdir())) == 2
    document = json.loads((folder / full.view.plan.written_in / "report.json").read_text(encoding="utf-8"))
    assert document["patient"]["provisional"] and document["export"] is None
    assert full.view.message.notice is Notice.EXPORTED


def test_export_holds_the_what_if_table_only_while_it_is_of_this_case(full, folder):
    full.presenter.compare_guidelines(())
    full.presenter.export_results(folder, pictures=False, scene=False)
    report = folder / full.view.plan.written_in / "report.json"
    assert json.loads(report.read_text(encoding="utf-8"))["what_if"]
    full.presenter.accept("L01")
    full.presenter.export_results(folder, pictures=False, scene=False)
    report = folder / full.view.plan.written_in / "report.json"
    assert json.loads(report.read_text(encoding="utf-8"))["what_if"] is None


def test_export_of_the_scene_and_the_lesions(full, folder):
    assert full.presenter.export_results(folder, pictures=False, scene=True)
    assert {"lesions.seg.nrrd", "scene.mrb"} <= set(results_of(full))


def test_where_to_must_be_said(full, tmp_path):
    for parent, more in (
        (tmp_path / "not there", {}),
        (tmp_path, {"structures": frozenset({"lesions"})}),
        (tmp_path, {"structures": frozenset({"organs"})}),
        (tmp_path, {"planning_ct": tmp_path / "none"}),
    ):
        assert not full.presenter.export_results(parent, pictures=False, scene=False, **more)
        assert isinstance(full.presenter.error, OutputError)
    assert list(tmp_path.iterdir()) == []


def test_a_ct_that_is_none_leaves_nothing_behind(full, folder):
    ct = folder / "ct"
    ct.mkdir()
    parts = frozenset({"lesions"})
    full.presenter.export_results(folder, planning_ct=ct, pictures=False, scene=False, structures=parts)
    assert full.presenter.error is not None
    assert [path.name for path in folder.iterdir()] == ["ct"]


def test_structure_set_holds_what_was_chosen_in_the_colours_of_the_screen(full, folder):
    # Slices around the small patient, in LPS.
    grid = VoxelGrid.from_lps((54, 84, 84), (3.0, 3.0, 3.0), (-130.0, -130.0, 15.0), np.eye(3))
    save(ct_datasets(grid), folder / "CT")
    full.presenter.accept("L01")

    def export(*parts, **more):
        files = {"planning_ct": folder / "CT", "pictures": False, "scene": False}
        assert full.presenter.export_results(folder, structures=frozenset(parts), **files, **more)
        assert full.presenter.error is None
        path = folder / full.view.plan.written_in / "rtstruct.dcm"
        return {roi.name: roi for roi in read_rtstruct(path).rois}

    assert set(export("lesions")) == {"GTV1_PT1"}
    both = export("lesions", "volumes", include_undecided=True)
    assert {"GTV1_PT1", "GTV2_PT1", "GTV3_PT1", "CTVp", "Bladder"} == set(both)
    shown = COVERAGE_COLORS["inside"]
    assert both["GTV1_PT1"].colour == tuple(round(255 * part) for part in shown)
    assert both["CTVp"].colour == tuple(
        round(255 * part) for part in volume_colors(full.state.volumes)["CTVp"]
    )
    candidates = export("lesions", "candidates")
    assert {roi.kind for name, roi in candidates.items() if name != "GTV1_PT1"} == {"CONTROL"}
    assert len(candidates) == 3, "Those of the accepted lesion only."


def test_cancelled_export_leaves_nothing_behind(headless, tmp_path):
    panel = Panel(headless)
    try:
        panel.fill()
        panel.presenter.export_results(tmp_path, pictures=False, scene=False)
        job = panel.worker.jobs[-1]
        assert panel.view.blocked[Action.EXPORT] is Reason.BUSY
        assert panel.presenter.cancel()
        with pytest.raises(CancelledError):
            job.work(lambda _fraction, _doing: False)
        assert list(tmp_path.iterdir()) == [] and panel.view.plan.written == ()
    finally:
        panel.close()
