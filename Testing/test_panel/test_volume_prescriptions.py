"""Prescriptions in the RT volumes section: what is stated, its EQD2, and the steps that undo takes back."""

from dataclasses import replace

import pytest
from PSMAPlanningLib.case_document import case_document
from PSMAPlanningLib.case_prescriptions import prescriptions_of
from PSMAPlanningLib.errors import PrescriptionError, SettingsError
from PSMAPlanningLib.panel.thread_worker import InlineWorker
from PSMAPlanningLib.panel.view_state import Action, Reason
from test_panel.doubles import Panel


@pytest.fixture
def full(headless):
    panel = Panel(headless, worker=InlineWorker())
    panel.fill()
    yield panel
    panel.close()


def rows(panel):
    return {row.volume: row for row in panel.view.rt.prescriptions}


def test_every_target_has_a_row_and_organs_have_none(full):
    targets = {volume.name for volume in full.state.volumes if volume.is_target}
    assert set(rows(full)) == targets and "Bladder" not in targets
    assert all(row.dose_gy is None and row.eqd2_gy is None for row in rows(full).values())


def test_a_prescription_is_one_step_and_brings_its_eqd2(full):
    assert full.presenter.prescribe("CTVp", 62.5, 25)
    assert full.view.undo_name == "prescribe CTVp"
    row = rows(full)["CTVp"]
    assert (row.dose_gy, row.fractions, row.source) == (62.5, 25, "entered")
    # 62.5 Gy in 25: 71.4 and 68.8 Gy (by hand: 62.5 * (2.5 + a/b) / (2 + a/b)).
    assert row.eqd2_gy == pytest.approx((62.5 * 4.0 / 3.5, 62.5 * 5.5 / 5.0))
    (printed,) = (
        v["prescription"] for v in case_document(full.presenter.case)["volumes"] if v["name"] == "CTVp"
    )
    assert printed["eqd2_gy"] == [
        {"alpha_beta_gy": 1.5, "dose_gy": pytest.approx(71.43, abs=0.01)},
        {"alpha_beta_gy": 3.0, "dose_gy": pytest.approx(68.75, abs=0.01)},
    ]
    full.presenter.undo()
    assert rows(full)["CTVp"].dose_gy is None


def test_without_fractions_there_is_no_eqd2(full):
    assert full.presenter.prescribe("CTVp", 66.0)
    row = rows(full)["CTVp"]
    assert row.dose_gy == 66.0 and row.eqd2_gy is None
    assert prescriptions_of(full.state) == {}


def test_alpha_beta_are_settings_of_the_case(full):
    full.presenter.prescribe("CTVp", 60.0, 20)
    assert full.presenter.state_alpha_beta(2.0, 10.0)
    assert full.view.rt.alpha_beta_gy == (2.0, 10.0)
    assert rows(full)["CTVp"].eqd2_gy == pytest.approx((60.0 * 5.0 / 4.0, 60.0 * 13.0 / 12.0))
    assert full.view.undo_name == "state alpha/beta"
    before = full.state
    assert not full.presenter.state_alpha_beta(0.0, 3.0)
    assert isinstance(full.presenter.error, SettingsError) and full.state is before
    assert full.presenter.state_alpha_beta(2.0, 10.0) and full.state is before
    full.presenter.undo()
    assert full.view.rt.alpha_beta_gy == (1.5, 3.0)


def test_what_a_name_says_is_shown_until_somebody_states_another(full):
    volumes = tuple(replace(v, name="PTVn_5600x35") if v.name == "CTVp" else v for v in full.state.volumes)
    full.fill(replace(full.state, volumes=volumes))
    row = rows(full)["PTVn_5600x35"]
    assert (row.dose_gy, row.fractions, row.source) == (56.0, 35, "name")
    full.presenter.prescribe("PTVn_5600x35", 50.4, 28)
    assert rows(full)["PTVn_5600x35"].source == "entered"
    full.presenter.prescribe("PTVn_5600x35", None)
    assert rows(full)["PTVn_5600x35"].source == "name"


@pytest.mark.parametrize("fractions", [35.5, float("nan"), float("inf"), 0, 101])
def test_fractions_that_are_none_are_refused(full, fractions):
    before = full.state
    assert not full.presenter.prescribe("CTVp", 70.0, fractions)
    assert isinstance(full.presenter.error, PrescriptionError) and full.state is before


def test_a_volume_that_went_takes_its_line_along(full):
    full.presenter.prescribe("CTVp", 70.0, 35)
    full.presenter.remove_volume("CTVp")
    assert full.presenter.error is None
    assert "CTVp" not in rows(full) and "CTVp" not in prescriptions_of(full.state)
    full.presenter.undo()
    assert rows(full)["CTVp"].dose_gy == 70.0


def test_without_targets_it_says_what_it_waits_for(full):
    organs = tuple(volume for volume in full.state.volumes if not volume.is_target)
    full.fill(replace(full.state, volumes=organs))
    assert rows(full) == {}
    assert full.view.blocked[Action.PRESCRIBE] is Reason.NO_TARGETS
    assert not full.presenter.state_alpha_beta(2.0, 3.0)
