"""Files that come to a case later: another patient's are refused until somebody confirms."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import slicer
from PSMAPlanningLib.errors import PatientMismatchError
from PSMAPlanningLib.imaging.image import Quantity
from PSMAPlanningLib.panel.thread_worker import InlineWorker
from PSMAPlanningLib.panel.view_state import Action, Notice
from PSMAPlanningLib.scene.owned_nodes import OwnedNodes
from PSMAPlanningLib.scene.restore import CASE_PARAMETER, restore_case
from test_dicomrt.dose_builder import write_dose
from test_dicomrt.test_rtstruct_reader import contour, item, structure_set
from test_imaging.dicom_builder import ct_datasets, pet_datasets, write_series
from test_panel.doubles import Panel

FRAME = "1.2.3.4.5"
ID, NAME, BORN = "SYNTHETIC", "Nobody^Synthetic", "19500607"
STORED = np.full((6, 12, 12), 100, np.uint16)
SQUARE = (4, 4, 16, 4, 16, 16, 4, 16)


@pytest.fixture
def panel(headless, tmp_path):
    """A case from a folder of PET and CT."""
    for name, datasets in (("pet", pet_datasets), ("ct", ct_datasets)):
        write_series(datasets(STORED, PatientBirthDate=BORN, frame_uid=FRAME), tmp_path / "study" / name)
    panel = Panel(headless, worker=InlineWorker())
    assert panel.presenter.load_folder(tmp_path / "study"), panel.view.message
    yield panel
    panel.close()


def structures(folder, frame=FRAME, **changes):
    rings = [
        contour([c for x, y in np.reshape(SQUARE, (4, 2)) for c in (float(x), float(y), z)])
        for z in (3.0, 6.0, 9.0)
    ]
    dataset = structure_set(rings, PatientBirthDate=BORN, **changes)
    for roi in dataset.StructureSetROISequence:
        roi.ReferencedFrameOfReferenceUID = frame
    dataset.ReferencedFrameOfReferenceSequence = [item(FrameOfReferenceUID=frame)]
    folder.mkdir(exist_ok=True)
    write_series([dataset], folder, "rs")
    return folder / "rs000.dcm"


def dose(folder, **changes):
    values = {"PatientID": ID, "PatientName": NAME, "PatientBirthDate": BORN, "frame": FRAME, **changes}
    where = {"spacing_mm": (2.0, 2.0, 3.0), "origin_lps": (0.0, 0.0, 0.0)}
    return write_dose(folder / "dose.dcm", np.full(STORED.shape, 60.0), **where, **values)


def test_the_case_knows_its_patient_and_nobody_can_read_who(panel):
    state = panel.state
    assert state.known_patient is not None
    parameters = OwnedNodes(panel.scene).existing_parameters()
    text = parameters.GetParameter(CASE_PARAMETER)
    assert '"known_patient":{"salt":' in text
    assert not any(each in text for each in (ID, "Nobody", "nobody", "Synthetic", BORN))


def test_structures_of_the_same_patient_are_imported(panel, tmp_path):
    assert panel.presenter.import_volumes([structures(tmp_path / "rs")])
    assert panel.presenter.error is None, panel.view.message
    assert [volume.name for volume in panel.state.volumes] == ["PTV"]
    assert panel.state.patient_check.compared == ("PET", "CT", "RTSTRUCT")


@pytest.mark.parametrize("who", [{"PatientID": "OTHER"}, {"PatientName": "Else^Somebody"}])
def test_structures_of_another_patient_wait_for_a_confirmation(panel, tmp_path, who, caplog):
    before = panel.state
    panel.presenter.import_volumes([structures(tmp_path / "rs", **who)])
    assert panel.state is before
    assert isinstance(panel.presenter.error, PatientMismatchError)
    assert panel.view.message.notice is Notice.MISMATCH and "RTSTRUCT" in panel.view.mismatch
    said = panel.view.mismatch + panel.view.message.text + caplog.text
    assert not any(each in said for each in (*who.values(), ID, NAME, BORN))
    assert panel.view.can(Action.CONFIRM_PATIENT)
    assert panel.presenter.confirm_same_patient()
    assert panel.presenter.error is None, panel.view.message
    assert panel.view.mismatch is None and not panel.view.can(Action.CONFIRM_PATIENT)
    assert [volume.name for volume in panel.state.volumes] == ["PTV"]
    assert panel.state.patient_check.confirmed.who == "tester"
    assert panel.state.known_patient is before.known_patient
    panel.presenter.undo()
    assert panel.state.volumes == () and panel.state.patient_check.confirmed is None


def test_what_was_not_confirmed_is_forgotten_by_the_next_import(panel, tmp_path):
    panel.presenter.import_volumes([structures(tmp_path / "a", PatientID="OTHER")])
    panel.presenter.import_volumes([structures(tmp_path / "b")])
    assert panel.presenter.error is None and panel.view.mismatch is None
    assert not panel.presenter.confirm_same_patient()
    assert len(panel.state.volumes) == 1


def test_another_frame_of_reference_is_refused_whoever_it_is(panel, tmp_path):
    before = panel.state
    panel.presenter.import_volumes([structures(tmp_path / "rs", frame="9.9.9")])
    assert panel.state is before and "frame of reference" in panel.view.message.text
    panel.presenter.load_dose(dose(tmp_path, frame="9.9.9"))
    assert panel.state is before and "frame of reference" in panel.view.message.text


@pytest.mark.parametrize("second", [False, True])
def test_a_dose_of_another_patient_waits_for_a_confirmation(panel, tmp_path, second):
    path = dose(tmp_path)
    if second:
        panel.presenter.load_dose(path)
    path = dose(tmp_path, PatientID="OTHER")
    before = panel.state
    panel.presenter.load_dose(path, second)
    assert panel.state is before and panel.view.message.notice is Notice.MISMATCH
    assert panel.presenter.confirm_same_patient()
    after = panel.state.comparison_dose if second else panel.state.dose
    assert after is not None and panel.state.patient_check.confirmed.who == "tester"


def test_the_dose_of_the_same_patient_is_taken(panel, tmp_path):
    panel.presenter.load_dose(dose(tmp_path))
    assert panel.presenter.error is None, panel.view.message
    assert panel.state.dose is not None
    assert panel.state.patient_check.compared == ("PET", "CT", "RTDOSE")


def test_a_reloaded_case_still_knows_patient_and_frame(panel, tmp_path):
    restored = restore_case(OwnedNodes(panel.scene)).state
    assert restored.known_patient == panel.state.known_patient
    assert restored.pet.frame_of_reference_uid == FRAME
    assert restored.ct.frame_of_reference_uid == FRAME
    panel.presenter.begin_again(restored)
    panel.presenter.import_volumes([structures(tmp_path / "a", PatientID="OTHER")])
    assert panel.view.message.notice is Notice.MISMATCH and panel.state.volumes == ()
    panel.presenter.import_volumes([structures(tmp_path / "b", frame="9.9.9")])
    assert "frame of reference" in panel.view.message.text and panel.state.volumes == ()
    panel.presenter.import_volumes([structures(tmp_path / "c")])
    assert len(panel.state.volumes) == 1


def test_a_scene_from_before_patients_were_kept_is_still_read(panel, tmp_path):
    parameters = OwnedNodes(panel.scene).existing_parameters()
    document = json.loads(parameters.GetParameter(CASE_PARAMETER))
    del document["known_patient"], document["frames"]
    parameters.SetParameter(CASE_PARAMETER, json.dumps(document))
    restored = restore_case(OwnedNodes(panel.scene)).state
    assert restored.known_patient is None and restored.pet.frame_of_reference_uid is None
    panel.presenter.begin_again(restored)
    panel.presenter.import_volumes([structures(tmp_path / "rs")])
    assert panel.presenter.error is None and panel.state.known_patient is not None


@pytest.fixture
def database(monkeypatch):
    """What Slicer's DICOM database says of instances, by UID."""
    known = {}
    found = SimpleNamespace(
        instanceValue=lambda uid, tag: known.get(uid, {}).get(tag, ""), fileForInstance=lambda uid: ""
    )
    monkeypatch.setattr(slicer, "dicomDatabase", found, raising=False)
    return known


def node_of(panel, database, image, uid, patient_id):
    node = panel.volume_node(image, f"volume {uid}")
    node.SetAttribute("DICOM.instanceUIDs", f"{uid} {uid}.2")
    database[uid] = {"0010,0020": patient_id, "0010,0010": NAME, "0020,0052": FRAME}
    return node


def test_a_ct_in_the_scene_is_compared_too(panel, database):
    other = node_of(panel, database, panel.state.ct, "7.1", "OTHER")
    before = panel.state
    assert not panel.presenter.choose_ct(other)
    assert panel.state is before and panel.view.message.notice is Notice.MISMATCH
    assert panel.presenter.choose_ct(node_of(panel, database, panel.state.ct, "7.2", ID))
    assert panel.view.mismatch is None and panel.state.patient_check.compared == ("PET", "CT", "CT 2")
    assert not panel.presenter.choose_planning_ct(other)
    assert panel.view.message.notice is Notice.MISMATCH and panel.state.planning_ct is None
    assert panel.presenter.confirm_same_patient()
    assert panel.state.planning_ct is not None
    assert panel.state.patient_check.confirmed.what_differed == (
        "patient ID (case differs from planning CT)",
    )


def test_another_pet_beside_the_ct_of_the_first_is_refused_and_alone_it_is_a_new_patient(panel, database):
    other = node_of(panel, database, panel.state.pet, "8.1", "OTHER")
    former = panel.state.known_patient
    assert not panel.presenter.choose_pet(other)
    assert panel.view.message.notice is Notice.MISMATCH
    panel.presenter.choose_ct(None)
    assert panel.presenter.choose_pet(other)
    assert panel.state.known_patient != former and panel.state.patient_check.compared == ("PET",)
    assert panel.state.pet.quantity is Quantity.SUVBW


def test_clinical_facts_are_not_carried_to_another_patient(panel, tmp_path):
    panel.presenter.state_facts(psa_ng_ml=0.4)
    again = tmp_path / "again"
    write_series(pet_datasets(STORED, PatientBirthDate=BORN, frame_uid=FRAME), again)
    assert panel.presenter.load_folder(again)
    assert panel.state.clinical.psa_ng_ml == 0.4
    other = tmp_path / "other"
    write_series(pet_datasets(STORED, PatientID="OTHER"), other)
    assert panel.presenter.load_folder(other)
    assert panel.state.clinical.psa_ng_ml is None
