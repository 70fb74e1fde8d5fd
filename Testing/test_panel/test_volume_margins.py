"""PTVs and boosts made in the panel: no margin has a default, what was cropped is told."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.panel.view_state import Action, Notice, Reason
from PSMAPlanningLib.panel.volume_growing import with_room
from PSMAPlanningLib.records import LesionState, RtVolume
from test_panel.doubles import Panel
from test_panel.volume_cases import row, run, sample_state, with_lesion

SIX = (5.0, 6.0, 7.0, 4.0, 8.0, 9.0)


@pytest.fixture
def full(headless):
    panel = Panel(headless)
    panel.fill(sample_state())
    yield panel
    panel.close()


def test_there_is_no_ptv_until_six_values_are_given(full):
    assert full.view.blocked[Action.GROW] is Reason.NO_VOLUME_SELECTED
    full.presenter.select_volume("PTVn")
    assert full.view.blocked[Action.GROW] is Reason.NOT_CLINICAL
    full.presenter.select_volume("CTVsb")
    assert full.view.blocked[Action.GROW] is Reason.MARGINS_INCOMPLETE
    full.presenter.state_margins((*SIX[:5], None))
    assert full.view.blocked[Action.GROW] is Reason.MARGINS_INCOMPLETE
    assert not full.presenter.make_planning_target()
    full.presenter.state_margins(SIX)
    assert full.view.can(Action.GROW)


@pytest.mark.parametrize("bad", [(-1.0, *SIX[1:]), (float("nan"), *SIX[1:]), (500.0, *SIX[1:]), SIX[:5]])
def test_impossible_margins_are_refused(full, bad):
    assert not full.presenter.state_margins(bad)
    assert full.view.rt.margins == (None,) * 6
    assert full.view.message.notice is Notice.ERROR


def test_a_ptv_reaches_as_far_as_stated_on_each_side(full):
    full.presenter.select_volume("CTVsb")
    full.presenter.state_margins(SIX)
    assert full.presenter.make_planning_target()
    run(full)
    assert full.presenter.error is None
    made = full.state.volumes[-1]
    assert (made.kind, made.role, made.name) == ("PTV", "bed", "PTVsb_2")
    source = full.state.volumes[[v.name for v in full.state.volumes].index("CTVsb")].mask
    reach_up = made.mask.points_ras().max(axis=0) - source.points_ras().max(axis=0)
    reach_down = source.points_ras().min(axis=0) - made.mask.points_ras().min(axis=0)
    right, left, anterior, posterior, superior, inferior = SIX
    spacing = np.array(source.grid.spacing_mm)
    assert np.abs(reach_up - (right, anterior, superior)).max() <= spacing.max()
    assert np.abs(reach_down - (left, posterior, inferior)).max() <= spacing.max()
    assert full.view.undo_name == "make the PTV of CTVsb"
    assert "mm" in made.origin and any("PTVsb_2" in note for note in full.view.rt.notes)


def test_cropping_leaves_room_around_the_organ_and_says_what_it_took(full):
    full.presenter.select_volume("CTVsb")
    full.presenter.state_margins((10.0,) * 6)
    assert full.presenter.crop_by(["rectum"], 3.0)
    assert full.presenter.make_planning_target()
    run(full)
    made = full.state.volumes[-1]
    rectum = with_room(full.state.anatomy["rectum"], 6.0, None)
    from PSMAPlanningLib.rtvolumes.boolean import intersection, on_grid
    from PSMAPlanningLib.rtvolumes.margins import SixMargins, grow

    grown = grow(rectum, SixMargins.uniform(3.0))
    assert intersection([made.mask, on_grid(grown, made.mask.grid)]).is_empty
    assert "rectum + 3 mm" in made.origin
    assert "cropped" in full.view.rt.notes[1]


def test_a_ptv_is_marked_when_its_ctv_changes(full):
    full.presenter.select_volume("CTVsb")
    full.presenter.state_margins((5.0,) * 6)
    full.presenter.make_planning_target()
    run(full)
    name = full.state.volumes[-1].name
    assert not row(full, name).is_outdated
    former = next(v for v in full.state.volumes if v.name == "CTVsb")
    smaller = replace(former, mask=former.mask.cropped(1))
    volumes = tuple(smaller if v is former else v for v in full.state.volumes)
    full.presenter.case.perform("other CTV", replace(full.state, volumes=volumes))
    assert row(full, name).is_outdated
    full.presenter.undo()
    assert not row(full, name).is_outdated


def test_what_is_often_cropped_by_comes_first(full):
    organs = full.view.rt.organs
    assert "rectum" in organs[0]
    assert organs.index("urinary_bladder") < organs.index("skin")


def test_a_deleted_organ_is_an_error_and_no_other_volume(full):
    full.presenter.select_volume("CTVsb")
    full.presenter.state_margins((5.0,) * 6)
    full.presenter.crop_by(["rectum"])
    full.presenter.case.perform("no organs", replace(full.state, anatomy={}))
    before = full.state
    full.presenter.make_planning_target()
    run(full)
    assert full.state is before and "rectum" in full.view.message.text


def test_boosts_wait_for_accepted_lesions_and_margins(full):
    assert full.view.blocked[Action.BOOST] is Reason.NO_ACCEPTED
    full.fill(with_lesion(sample_state(), LesionState.PROPOSED))
    assert full.view.blocked[Action.BOOST] is Reason.NO_ACCEPTED
    full.fill(with_lesion(sample_state()))
    assert full.view.blocked[Action.BOOST] is Reason.BOOST_INCOMPLETE
    full.presenter.state_boost_margins(0.0, None)
    assert full.view.blocked[Action.BOOST] is Reason.BOOST_INCOMPLETE
    full.presenter.state_boost_margins(0.0, 3.0)
    assert full.view.can(Action.BOOST)


def test_boosts_hold_the_lesion_and_are_no_cover(full):
    full.fill(with_lesion(sample_state()))
    former = full.view.lesions[0].color_key
    full.presenter.state_boost_margins(2.0, 4.0)
    assert full.presenter.make_boosts()
    run(full)
    assert full.presenter.error is None
    names = [v.name for v in full.state.volumes[-2:]]
    assert names == ["CTV1_PT1", "PTV1_PT1"]
    clinical, planning = full.state.volumes[-2:]
    gross = full.state.lesions[0].contour.mask
    assert gross.volume_ml < clinical.mask.volume_ml < planning.mask.volume_ml
    assert {clinical.role, planning.role} == {"boost"}
    # A volume drawn around a lesion covers it by construction; the class tells of the others.
    assert full.view.lesions[0].color_key == former
    full.presenter.make_boosts()
    run(full)
    assert [v.name for v in full.state.volumes].count("PTV1_PT1") == 1


def test_a_boost_into_an_organ_says_what_is_left_outside(full):
    state = with_lesion(sample_state())
    gross = state.lesions[0].contour.mask
    half = gross.array.copy()
    half[: half.shape[0] // 2 + 1] = False
    organ = RtVolume(
        "Bladder", Mask(half, gross.grid), "ORGAN", "imported", "x", role="bladder", tg263="Bladder"
    )
    full.fill(replace(state, volumes=(*state.volumes, organ)))
    full.presenter.state_boost_margins(0.0, 5.0)
    full.presenter.crop_by(["Bladder"])
    full.presenter.make_boosts()
    run(full)
    assert full.presenter.error is None, full.view.message
    assert any("outside its cropped PTV" in note for note in full.view.rt.notes)


def test_room_is_made_where_a_mask_ends_at_its_own_box_but_not_beyond_the_ct():
    ct = VoxelGrid((30, 40, 50), (2.0, 2.0, 3.0))
    array = np.ones((4, 4, 4), bool)
    mask = Mask(array, ct.crop((slice(10, 14), slice(0, 4), slice(20, 24))))
    roomy = with_room(mask, 10.0, ct)
    assert roomy.voxels == mask.voxels
    assert roomy.grid.shape_kji[1] == 4 + math.ceil(10 / 2) + 2, "at the edge of the CT there is no more"
    assert roomy.grid.shape_kji[2] == 4 + 2 * (math.ceil(10 / 2) + 2)
    assert np.allclose(roomy.points_ras(), mask.points_ras())
