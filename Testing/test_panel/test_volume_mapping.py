"""RT volumes imported and named in the panel: nothing guessed silently, each change one step of history."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.segmentation_file import Segment, write_segmentation
from PSMAPlanningLib.panel.view_state import Action, Notice, Reason
from PSMAPlanningLib.panel.volume_uses import USES, use_of, with_use
from PSMAPlanningLib.scene.owned_nodes import VOLUMES
from PSMAPlanningLib.scene.segments import segment_ids
from test_panel.doubles import Panel
from test_panel.volume_cases import row, run, sample_state


@pytest.fixture
def panel(headless):
    panel = Panel(headless)
    yield panel
    panel.close()


@pytest.fixture
def full(panel):
    panel.fill(sample_state())
    return panel


def _file(tmp_path, names, empty=()):
    """A Slicer segmentation file with boxes on the sample's CT, one per name."""
    grid = sample_state().ct.grid.crop((slice(40, 60), slice(40, 80), slice(60, 120)))
    segments = []
    for number, name in enumerate(names):
        array = np.zeros(grid.shape_kji, bool)
        if name not in empty:
            array[4 + number : 14, 8:30, 10:50] = True
        segments.append(Segment(name, array))
    path = tmp_path / "volumes.seg.nrrd"
    write_segmentation(segments, grid, path)
    return path


def test_importing_waits_for_a_pet(panel, tmp_path):
    assert not panel.presenter.import_volumes([tmp_path / "x.dcm"])
    assert panel.view.blocked[Action.IMPORT_VOLUMES] is Reason.NO_PET


def test_imported_structures_join_those_there_are(full, tmp_path):
    before = [each.name for each in full.view.rt.rows]
    path = _file(tmp_path, ["Rectum", "CTV_Fossa", "CTV 45", "mystery", "nothing"], empty=("nothing",))
    assert full.presenter.import_volumes([path])
    assert full.view.blocked[Action.IMPORT_VOLUMES] is Reason.BUSY
    run(full)
    assert full.presenter.error is None
    assert [each.name for each in full.view.rt.rows] == [*before, "Rectum", "CTV_Fossa", "CTV 45", "mystery"]
    assert (row(full, "Rectum").use, row(full, "Rectum").asks) == ("organ", False)
    assert (row(full, "CTV_Fossa").use, row(full, "CTV_Fossa").matched_by) == ("ctv_bed", "alias")
    assert {"mystery", "CTV 45"} <= set(full.view.rt.asking)
    assert any("nothing" in note and "empty" in note for note in full.view.rt.notes)
    assert full.view.undo_name == "import RT volumes"
    assert set(segment_ids(full.planning_scene.node(VOLUMES))) == {each.name for each in full.view.rt.rows}
    full.presenter.undo()
    assert [each.name for each in full.view.rt.rows] == before


def test_a_file_that_cannot_be_read_is_said_and_changes_nothing(full, tmp_path):
    before = full.state
    path = tmp_path / "broken.dcm"
    path.write_bytes(b"no dicom")
    full.presenter.import_volumes([path])
    run(full)
    assert full.state is before
    assert full.view.message.notice is Notice.ERROR


def test_a_changed_use_is_one_step_and_confirms(full, tmp_path):
    full.presenter.import_volumes([_file(tmp_path, ["CTV 45", "mystery"])])
    run(full)
    assert full.presenter.use_volume("CTV 45", "ctv_nodes")
    assert full.view.undo_name == "name CTV 45"
    found = row(full, "CTV 45")
    assert (found.use, found.tg263, found.matched_by, found.asks) == ("ctv_nodes", "CTVn", "user", False)
    full.presenter.undo()
    assert row(full, "CTV 45").asks
    assert not full.presenter.use_volume("CTV 45", "nobody's")
    assert not full.presenter.use_volume("not there", "organ")


def test_a_name_of_the_users_says_what_it_is_and_is_checked(full):
    assert full.presenter.name_volume("PTVn", "Bladder")
    assert (row(full, "PTVn").use, row(full, "PTVn").tg263) == ("organ", "Bladder")
    before = full.state
    assert not full.presenter.name_volume("PTVn", "a name of more than sixteen characters")
    assert "16" in full.view.message.text
    assert full.state is before


def test_ignored_structures_tell_nothing_about_coverage(full):
    for name in ("CTVn", "CTVsb", "PTVn", "PTVsb"):
        assert full.presenter.use_volume(name, "ignored")
        assert row(full, name).use == "ignored"
    assert all(not volume.is_target for volume in full.state.volumes)
    assert full.presenter.use_volume("CTVn", "ctv_nodes")
    assert row(full, "CTVn").tg263 == "CTVn"


def test_confirming_takes_proposals_only(full, tmp_path):
    assert full.view.blocked[Action.CONFIRM_NAMES] is Reason.NOTHING_ASKED
    full.presenter.import_volumes([_file(tmp_path, ["PTV70", "mystery"])])
    run(full)
    assert set(full.view.rt.asking) == {"PTV70", "mystery"}
    assert full.presenter.confirm_names()
    assert full.view.rt.asking == ("mystery",)
    assert not full.presenter.confirm_names()
    assert full.presenter.use_volume("mystery", "ignored")
    assert full.view.blocked[Action.CONFIRM_NAMES] is Reason.NOTHING_ASKED


def test_removing_is_undone(full):
    assert not full.presenter.remove_volume()
    assert full.view.message.text == Reason.NO_VOLUME_SELECTED.value
    assert full.presenter.select_volume("PTVn")
    assert full.presenter.remove_volume()
    assert row(full, "PTVn") is None and full.view.rt.selected is None
    full.presenter.undo()
    assert row(full, "PTVn") is not None
    assert not full.presenter.select_volume("nobody")


@pytest.mark.parametrize("use", USES)
def test_every_use_comes_back_as_itself(use):
    for volume in sample_state().volumes:
        after = with_use(volume, use)
        assert use_of(after) == use
        assert not after.asks and after.matched_by == "user"


def test_the_view_is_cheap_and_kept(full):
    view = full.presenter.view.rt
    assert full.presenter.view.rt is view


def test_real_structure_sets_are_said_structure_by_structure(full, shared_data, tmp_path):
    """The Eclipse phantom: 10 of 16 ROIs are empty; taken as drawn in this patient's frame for the test."""
    from dataclasses import replace

    from PSMAPlanningLib.dicomrt.rtstruct_reader import read_rtstruct

    folder = shared_data("slicerrt_eclipse_prostate")
    path = next(p for p in sorted(folder.rglob("*.dcm")) if b"RTSTRUCT" in p.read_bytes()[:2000])
    rois = read_rtstruct(path).rois
    points = np.concatenate([np.concatenate(list(roi.contours)) for roi in rois if roi.contours])
    low, high = points.min(axis=0), points.max(axis=0)
    state = full.state
    spacing = (4.0, 4.0, 3.0)
    shape = tuple(int(n) + 8 for n in ((high - low) / spacing)[::-1])
    origin = tuple(float(x) for x in low - 4 * np.array(spacing))
    from PSMAPlanningLib.imaging.grid import VoxelGrid

    grid = VoxelGrid(shape, spacing, origin)
    ct = replace(state.ct, array=np.zeros(shape, np.int16), grid=grid, frame_of_reference_uid=None)
    pet = replace(state.pet, array=np.zeros(shape, np.float32), grid=grid, frame_of_reference_uid=None)
    full.fill(replace(state, ct=ct, pet=pet, volumes=(), anatomy={}, landmarks=None))
    assert full.presenter.import_volumes([path])
    run(full)
    assert full.presenter.error is None
    taken, notes = {each.name for each in full.view.rt.rows}, full.view.rt.notes
    assert len(taken) + sum("left out" in note for note in notes) >= len(rois)
    assert sum("is empty" in note or "no closed contour" in note for note in notes) >= 9


def test_institution_margins_follow_the_selected_role(full, tmp_path):
    six = {f"{side}_mm": 5.0 for side in ("left", "right", "anterior", "posterior", "superior", "inferior")}
    path = tmp_path / "margins.json"
    path.write_text(json.dumps({"institution": "Here", "margins_mm": {"bed": {**six, "posterior_mm": 4.0}}}))
    assert full.presenter.select_volume("CTVsb")
    assert full.presenter.read_margins(path)
    assert full.view.rt.margins == (5.0, 5.0, 5.0, 4.0, 5.0, 5.0)
    assert full.view.rt.margin_file == "Here"
    full.presenter.select_volume("CTVn")
    assert full.view.rt.margins == (None,) * 6
    assert full.view.blocked[Action.GROW] is Reason.MARGINS_INCOMPLETE


def test_masks_of_the_scene_are_named_too(full):
    mask = sample_state().volumes[0].mask
    node = full.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "from elsewhere")
    from PSMAPlanningLib.scene.appearance import VOLUMES_TERMINOLOGY
    from PSMAPlanningLib.scene.segments import SegmentContent, write_segment

    content = SegmentContent(
        "thing", Mask(mask.array, mask.grid), (1, 0, 0), VOLUMES_TERMINOLOGY, {}, mask.grid
    )
    write_segment(node, "thing", content)
    assert full.presenter.choose_volumes(node)
    assert full.view.rt.asking == ("thing",)
    assert full.presenter.use_volume("thing", "ctv_bed")
    assert full.state.volumes[0].role == "bed"
