"""Volumes generated for a case: which guidelines act, what the case keeps, what the report says."""

from dataclasses import replace

import numpy as np
import pytest
from nodal_cases import phantom_anatomy, phantom_of
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.case_document import case_document
from PSMAPlanningLib.chain import CaseFiles, read_case
from PSMAPlanningLib.errors import GuidelineError, InputError, LandmarkError, SettingsError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.image_file import write_image_file
from PSMAPlanningLib.imaging.phantom.file_export import on_grid
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.report.generated_card import generated_card
from PSMAPlanningLib.rtvolumes.generated_record import GeneratedRecord
from PSMAPlanningLib.rtvolumes.guideline_files import load_guideline
from PSMAPlanningLib.rtvolumes.landmarks import LandmarkSource
from PSMAPlanningLib.scene.stored_case import CaseWriter, read_document, records_of
from PSMAPlanningLib.scene.stored_volumes import volume_facts, volume_fields
from PSMAPlanningLib.settings import Settings, VolumeSettings
from PSMAPlanningLib.volume_generation import (
    TOP_AT_L4_L5,
    GenerationRequest,
    VolumeGenerator,
    case_anatomy,
    generate_volumes,
    wanted_guidelines,
)

RTOG = "rtog2009_nodes"


@pytest.fixture(scope="module")
def generator():
    return VolumeGenerator(phantom_anatomy(phantom_of(1)))


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """A PET of nothing over the small phantom's pelvis, its organs as label map, and their names."""
    folder = tmp_path_factory.mktemp("patient")
    phantom, structures = phantom_of(1), phantom_of(1, structures=True)
    labels, names = np.zeros(phantom.ct.grid.shape_kji, np.float32), {}
    # The rectum is also colon in the phantom; a label map holds one of them.
    for value, (name, mask) in enumerate(sorted(structures.items(), key=lambda item: item[0] == "rectum"), 1):
        labels[on_grid(mask, phantom.ct.grid).array] = value
        names[value] = name
    grid = phantom.ct.grid
    write_image_file(Image(labels, grid, Quantity.UNKNOWN), folder / "organs.nrrd")
    low, high = grid.corners_ras().min(axis=0), grid.corners_ras().max(axis=0)
    coarse = VoxelGrid(tuple(int(n) for n in ((high - low) // 8)[::-1]), (8.0, 8.0, 8.0), tuple(low + 4.0))
    write_image_file(
        Image(np.ones(coarse.shape_kji, np.float32), coarse, Quantity.SUVBW), folder / "pet.nrrd"
    )
    return CaseFiles(pet=folder / "pet.nrrd", units="SUVbw", anatomy=folder / "organs.nrrd", names=names)


@pytest.fixture(scope="module")
def state(patient):
    return read_case(patient, Settings(), Stage(no_progress))


def test_which_guidelines_act():
    settings, asked = Settings(), GenerationRequest(("nrg2021_nodes", RTOG, RTOG))
    names = [g.name for g in wanted_guidelines(GenerationRequest(), settings, True, False)]
    assert names == [RTOG]
    assert wanted_guidelines(GenerationRequest(), settings, True, True) == ()
    assert wanted_guidelines(GenerationRequest(), settings, False, False) == ()
    assert [g.name for g in wanted_guidelines(asked, settings, True, True)] == ["nrg2021_nodes", RTOG]
    none = replace(settings, volumes=VolumeSettings(()))
    assert wanted_guidelines(GenerationRequest(), none, True, False) == ()
    with pytest.raises(InputError, match="give them with --anatomy"):
        wanted_guidelines(asked, settings, False, False)
    with pytest.raises(GuidelineError, match="no guideline 'rtog'"):
        wanted_guidelines(GenerationRequest(("rtog",)), settings, True, False)
    with pytest.raises(GuidelineError, match="no guideline 'rtog'"):
        wanted_guidelines(
            GenerationRequest(), replace(settings, volumes=VolumeSettings(("rtog",))), True, False
        )
    for names in (("",), (RTOG, RTOG)):
        with pytest.raises(SettingsError, match="list each once"):
            VolumeSettings(names)


def test_a_case_with_anatomy_and_no_volumes_gets_a_proposal(state):
    (volume,) = state.volumes
    assert (volume.name, volume.kind, volume.origin, volume.status) == (
        "CTVn",
        "CTV",
        "generated",
        "proposal",
    )
    assert volume.source_file == RTOG
    assert 200 < volume.mask.volume_ml < 500
    assert set(volume.unverified) == {"obturator_strip_width", "presacral_thickness", "external_end"}
    assert not state.landmarks["L5_S1"].is_missing
    said = [warning for warning in state.warnings if warning.startswith("CTVn was generated")]
    assert len(said) == 1 and "not read in their source" in said[0]


def test_the_document_and_the_report_tell_how(state):
    case = PlanningCase(start=state)
    document = case_document(case)
    (volume,) = document["volumes"]
    assert volume["verified"] is False
    assert volume["plausible_ml"] == [85.8, 502]
    assert volume["guideline"]["name"] == RTOG
    grown = next(step for step in volume["steps"] if step["what"] == "grow_vessels")
    assert grown["numbers"] == {"vessel_margin_mm": 7}
    assert document["settings"]["volumes"]["guidelines"] == [RTOG]
    assert {mark["name"] for mark in document["case"]["landmarks"]["landmarks"]} >= {"L5_S1", "symphysis_top"}
    html = generated_card(document)
    assert "NOT VERIFIED" in html and "not a verdict" in html
    assert "vessel margin 7 mm" in html and "Lawton 2009" in html
    assert "No volume was generated" in generated_card({"volumes": [{**volume, "guideline": None}]})


def test_what_is_stored_in_a_scene_comes_back(state):
    records = records_of(read_document(CaseWriter().text_of(state)))
    assert records["landmarks"] == state.landmarks
    (volume,) = state.volumes
    assert volume_fields(volume_facts(volume))["generated"] == volume.generated
    assert GeneratedRecord.from_document(volume.generated.to_document()) == volume.generated


def test_named_guidelines_stand_beside_given_volumes(patient, state, tmp_path):
    write_image_file(state.volumes[0].mask, tmp_path / "CTVn.nrrd")
    given = replace(patient, volumes=(tmp_path / "CTVn.nrrd",))
    assert [v.origin for v in read_case(given, Settings(), Stage(no_progress)).volumes] == ["imported"]
    request = GenerationRequest((RTOG, "rtog2010_bed"), (("L5_S1", state.landmarks["S1_top"].point_ras),))
    both = read_case(replace(given, generation=request), Settings(), Stage(no_progress))
    assert [(v.name, v.origin) for v in both.volumes] == [
        ("CTVn", "imported"),
        ("CTVn_rtog2009", "generated"),
    ]
    assert both.landmarks["L5_S1"].source.value == "user"
    assert both.volumes[1].mask.volume_ml < state.volumes[0].mask.volume_ml
    assert any("needs the landmarks anastomosis" in warning for warning in both.warnings)


def test_anatomy_without_vessels_is_a_warning(patient):
    names = {value: name for value, name in patient.names.items() if not name.startswith("iliac_")}
    bare = read_case(replace(patient, names=names), Settings(), Stage(no_progress))
    assert bare.volumes == ()
    assert any(
        w.startswith("No volume was generated by RTOG 2009") and "iliac vessels" in w for w in bare.warnings
    )


def test_presets_and_switches_for_the_what_if(generator):
    (rtog,) = generator.make_volumes(RTOG)
    assert generator.make_volumes(RTOG, {})[0] is rtog
    (higher,) = generator.make_volumes(RTOG, {TOP_AT_L4_L5: True})
    top, disc = (volume.mask.points_ras()[:, 2].max() for volume in (rtog, higher))
    assert disc - top > 20
    assert "cranial" in higher.unverified and "cranial" not in rtog.unverified
    assert higher.generated.switches == rtog.generated.switches
    with pytest.raises(GuidelineError, match="no switch 'rectum'"):
        generator.make_volumes(RTOG, {"rectum": True})
    with pytest.raises(LandmarkError, match="needs the landmarks anastomosis"):
        generator.make_volumes("rtog2010_bed")


def test_a_dragged_plane_takes_the_work_over(generator):
    (before,) = generator.make_volumes(RTOG)
    right, anterior, superior = generator.landmarks["L5_S1"].point_ras
    dragged = generator.with_moved_landmark("L5_S1", (right, anterior, superior - 8.0))
    (after,) = dragged.make_volumes(RTOG)
    assert dragged.landmarks["L5_S1"].source is LandmarkSource.USER
    top, lower = (volume.mask.points_ras()[:, 2].max() for volume in (before, after))
    assert top - lower == pytest.approx(8.0, abs=1.1)
    # The pieces are those of the first generator, which keeps its own volume.
    assert dragged._nodal._pieces is generator._nodal._pieces
    assert generator.make_volumes(RTOG)[0] is before
    (back,) = dragged.with_landmarks(generator.landmarks).make_volumes(RTOG)
    assert back.mask.voxels == before.mask.voxels
    with pytest.raises(LandmarkError, match="no landmark 'apex'"):
        generator.with_moved_landmark("apex", (0.0, 0.0, 0.0))
    with pytest.raises(LandmarkError, match="outside the labelled anatomy"):
        generator.with_moved_landmark("L5_S1", (right, anterior, superior + 900.0)).make_volumes(RTOG)


@pytest.mark.slow
def test_shared_work_changes_nothing(generator):
    """One preset after the other, against each from nothing."""
    for name, switches in (
        ("nrg2021_nodes", {}),
        (RTOG, {"mesorectum": True}),
        (RTOG, {"para_aortic": True}),
        (RTOG, {TOP_AT_L4_L5: True, "para_aortic": True}),
        (RTOG, {TOP_AT_L4_L5: True}),
        ("pivotal2015_nodes", {}),
    ):
        alone = VolumeGenerator(generator.anatomy, None, generator.landmarks)
        (here,), (there,) = (each.make_volumes(name, switches) for each in (generator, alone))
        assert here.mask.voxels == there.mask.voxels, name
        assert here.mask.centroid_ras() == pytest.approx(there.mask.centroid_ras(), abs=1e-9)
        # Millilitres of uncut pieces differ: they reach as far up as the space they were made in.
        for one, other in zip(here.generated.steps, there.generated.steps, strict=True):
            assert (one.what, one.rests_on) == (other.what, other.rests_on)
            assert dict(one.numbers) == pytest.approx(dict(other.numbers))


def test_a_generated_volume_has_room_for_a_margin(generator):
    (volume,) = generator.make_volumes(RTOG)
    at = np.argwhere(volume.mask.array)
    room = np.minimum(at.min(axis=0), np.array(volume.mask.array.shape) - 1 - at.max(axis=0))
    assert (room * np.array(volume.mask.grid.spacing_kji_mm) >= 29.0).all()
    cropped = generator.generated(load_guideline(RTOG)).mask
    np.testing.assert_allclose(volume.mask.centroid_ras(), cropped.centroid_ras(), atol=1e-6)


@pytest.mark.slow
def test_two_guidelines_of_a_kind_are_told_apart(generator):
    guidelines = [load_guideline(RTOG), load_guideline("pivotal2015_nodes")]
    volumes, said = generate_volumes(generator, guidelines, (), Stage(no_progress))
    assert [volume.name for volume in volumes] == ["CTVn_rtog2009", "CTVn_pivotal2015"]
    assert all(len(volume.name) <= 16 for volume in volumes)
    assert len(said) == 2


def test_organs_by_alias_and_by_the_users_table():
    mask = Mask(np.ones((2, 2, 2), bool), VoxelGrid((2, 2, 2), (1.0, 1.0, 1.0)))
    anatomy = case_anatomy({"Harnblase": mask, "Knochen": mask}, {"Knochen": "sacrum"})
    assert set(anatomy.masks) == {"bladder", "sacrum"}
