"""psma-planning run with a PET/CT that lies elsewhere than the planning CT, and with two patients' files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PSMAPlanningLib.chain import CaseFiles, read_case, run_chain
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.commands.demo import write_patient
from PSMAPlanningLib.errors import FrameOfReferenceError, InputError, PatientMismatchError
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.image_file import write_image_file
from PSMAPlanningLib.imaging.phantom import PhantomParameters, make_phantom, write_dicom
from PSMAPlanningLib.imaging.phantom.file_export import write_rtstruct
from PSMAPlanningLib.imaging.registration import RigidTransform
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.settings import Settings
from scipy.spatial.transform import Rotation
from test_imaging.test_transform_file import itk_rigid, registration_object

MOVED_UID = "1.2.826.0.1.77"


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(PhantomParameters(seed=1, variant="small"))


@pytest.fixture(scope="module")
def planning_from_pet(phantom):
    """7 degrees about an oblique axis and 15 mm."""
    axis = np.array([1.0, 2.0, -1.5])
    rotation = Rotation.from_rotvec(np.radians(7) * axis / np.linalg.norm(axis)).as_matrix()
    middle = phantom.ct.grid.corners_ras().mean(axis=0)
    shift = np.array([8.0, -10.0, 8.0])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = middle - rotation @ middle + 15 * shift / np.linalg.norm(shift)
    return RigidTransform(tuple(map(tuple, matrix)))


@pytest.fixture(scope="module")
def plain(phantom, tmp_path_factory):
    """The patient with PET and planning in one frame."""
    return write_patient(phantom, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def moved(phantom, planning_from_pet, plain, tmp_path_factory):
    """The same patient, PET and CT lying elsewhere by planning_from_pet, in a frame of their own."""
    folder = tmp_path_factory.mktemp("moved")
    back = planning_from_pet.inverse()
    pet, ct = back.image(phantom.pet, MOVED_UID), back.image(phantom.ct, MOVED_UID)
    write_dicom(replace(phantom, pet=pet, ct=ct), folder)
    # As ITK writes a registration with the planning CT fixed: planning points to PET points.
    sitk.WriteTransform(itk_rigid(back), str(folder / "registration.tfm"))
    return replace(
        plain,
        pet=folder / "PT",
        ct=folder / "CT",
        planning_ct=plain.ct,
        transform=folder / "registration.tfm",
        transform_direction="pet-to-planning",
    )


def read(files: CaseFiles, **changes):
    return read_case(replace(files, **changes), Settings(), Stage(no_progress))


def unregistered(files: CaseFiles, **changes):
    return read(files, transform=None, transform_direction=None, **changes)


def classes(case):
    return {
        lesion: {name: (c.coverage_class, c.fraction) for name, c in by_volume.items()}
        for lesion, by_volume in case.coverage().items()
    }


def test_a_pet_that_lies_elsewhere_gives_the_same_lesions_and_classes(plain, moved, planning_from_pet):
    expected, got = run_chain(plain, Settings(), "test"), run_chain(moved, Settings(), "test")
    assert len(got.state.lesions) >= 8
    assert [r.reason for r in got.state.regions] == [r.reason for r in expected.state.regions]
    found = classes(got)
    for lesion, one in classes(expected).items():
        for name, (coverage_class, fraction) in one.items():
            assert found[lesion][name][0] is coverage_class
            # DICOM's rounded directions leave micrometres, enough for voxels that lie exactly on a
            # volume's face in the plain case and count half there.
            assert found[lesion][name][1] == pytest.approx(fraction, abs=0.01)
    assert np.array_equal(got.state.pet.array, expected.state.pet.array)
    for mine, other in zip(got.state.lesions, expected.state.lesions, strict=True):
        assert np.array_equal(mine.contour.mask.array, other.contour.mask.array)
    grids = got.state.pet.grid.corners_ras(), expected.state.pet.grid.corners_ras()
    assert np.abs(grids[0] - grids[1]).max() < 1e-2
    registration = got.state.registration
    assert registration.source == "user_transform"
    assert (registration.frames, registration.world) == ("different", "planning")
    assert registration.residual_mm < 0.05
    assert registration.uncertainty_mm is None
    assert np.allclose(registration.planning_from_pet, planning_from_pet.array, atol=1e-6)


def test_without_a_registration_nothing_is_compared(moved):
    with pytest.raises(FrameOfReferenceError, match="--transform"):
        unregistered(moved)


def test_one_frame_of_reference_needs_no_transform(plain):
    state = read(plain, planning_ct=plain.ct, volumes=(), anatomy=None)
    registration = state.registration
    assert (registration.source, registration.frames) == ("same_frame_of_reference", "same")
    assert registration.planning_from_pet is None
    assert state.planning_ct is not None
    assert state.warnings == read(plain, volumes=(), anatomy=None).warnings


def test_the_wrong_direction_is_noticed_on_the_bones(moved):
    state = read(moved, transform_direction="planning-to-pet", volumes=(), anatomy=None)
    assert any("check --transform-direction" in warning for warning in state.warnings)


def test_a_dicom_registration_needs_no_direction(moved, phantom, planning_from_pet, tmp_path):
    uid = phantom.ct.frame_of_reference_uid
    path = registration_object(tmp_path / "reg.dcm", uid, [(MOVED_UID, [planning_from_pet.lps_array])])
    changes = {"transform": path, "transform_direction": None, "volumes": (), "anatomy": None}
    with pytest.raises(PatientMismatchError, match="spatial registration"):
        read(moved, **changes)
    dataset = pydicom.dcmread(path)
    header = pydicom.dcmread(next(moved.pet.iterdir()), stop_before_pixels=True)
    dataset.PatientID, dataset.PatientName = header.PatientID, header.PatientName
    dataset.save_as(path)
    state = read(moved, **changes)
    assert state.registration.source == "dicom_spatial_registration"
    assert "spatial registration" in state.patient_check.compared
    assert state.registration.residual_mm < 0.05


def test_bone_registration_on_request(moved, planning_from_pet):
    state = unregistered(moved, register_bone=True, volumes=(), anatomy=None)
    assert state.registration.source == "bone_registration"
    found = RigidTransform(state.registration.planning_from_pet)
    corners = state.pet.grid.corners_ras()
    at_pet = planning_from_pet.inverse().points(corners)
    assert np.linalg.norm(found.points(at_pet) - corners, axis=1).max() < 1.0
    assert state.registration.residual_mm < 1.0
    assert state.registration.uncertainty_mm is None
    with pytest.raises(InputError, match="--planning-ct"):
        unregistered(moved, register_bone=True, planning_ct=None)


def test_organs_of_neither_image_are_asked_for(moved, phantom, tmp_path):
    grid = replace(phantom.ct.grid, origin_ras=tuple(np.array(phantom.ct.grid.origin_ras) + 0.7))
    organs = Image((phantom.labels > 0).astype(np.uint8), grid, Quantity.UNKNOWN)
    write_image_file(organs, tmp_path / "organs.nrrd")
    changes = {"anatomy": tmp_path / "organs.nrrd", "names": {1: "body"}, "volumes": ()}
    with pytest.raises(InputError, match="--anatomy-frame"):
        read(moved, **changes)
    stays, moves = (read(moved, anatomy_frame=f, **changes).anatomy["body"] for f in ("planning", "pet"))
    assert np.allclose(stays.grid.direction_ras, grid.direction_ras)
    assert not np.allclose(moves.grid.direction_ras, grid.direction_ras)


def test_volumes_of_neither_image_are_the_plans_and_that_is_said(moved, phantom, tmp_path):
    mask = phantom.volumes["CTVn"]
    shifted = replace(mask, grid=replace(mask.grid, origin_ras=tuple(np.array(mask.grid.origin_ras) + 0.4)))
    write_image_file(shifted, tmp_path / "CTVn.nrrd")
    state = read(moved, volumes=(tmp_path / "CTVn.nrrd",), anatomy=None)
    assert state.volumes[0].mask.grid.same_as(shifted.grid)
    assert any("taken as drawn on the planning CT" in w for w in state.warnings)
    on_pet = read(moved, volumes=(tmp_path / "CTVn.nrrd",), anatomy=None, volumes_frame="pet")
    assert not on_pet.volumes[0].mask.grid.same_as(shifted.grid)


# One patient


@pytest.fixture
def two_patients(plain, tmp_path):
    """The planning CT is somebody else's, by ID and name."""
    folder = tmp_path / "other"
    folder.mkdir()
    for path in plain.ct.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PatientID, dataset.PatientName = "SECRET-9", "Geheim^Person"
        dataset.save_as(folder / path.name)
    return replace(plain, planning_ct=folder, volumes=(), anatomy=None)


def test_two_patients_stop_before_anything_is_compared(two_patients):
    with pytest.raises(PatientMismatchError) as caught:
        read(two_patients)
    message = str(caught.value)
    assert "patient ID (PET and CT differs from planning CT)" in message
    assert "name (" in message
    for secret in ("SECRET", "Geheim", "PHANTOM", "birth date"):
        assert secret not in message


def test_a_confirmation_is_kept(two_patients):
    check = read(two_patients, confirmed_by=" M. Physicist ").patient_check
    assert check.confirmed.who == "M. Physicist"
    assert len(check.confirmed.what_differed) == 2
    with pytest.raises(InputError, match="name or initials"):
        read(two_patients, confirmed_by="  ")


def test_the_whole_command(moved, tmp_path, capsys):
    volumes = [path for path in moved.volumes if "CTV" in path.name]
    # Nor are lesions looked for.
    (tmp_path / "s.json").write_text('{"schema_version": 1, "detection": {"threshold_suv": 900}}')
    arguments = [
        *("run", "--pet", moved.pet, "--ct", moved.ct, "--planning-ct", moved.planning_ct),
        *("--transform", moved.transform, "--transform-direction", "pet-to-planning"),
        *("--volumes", *volumes, "--uncertainty-bed-mm", "5", "--psa-ng-ml", "0.42", "--adt", "no"),
        *("--margins", "R1", "--pt3b", "yes", "--prior-radiotherapy", "seeds 2012"),
        *("--settings", tmp_path / "s.json", "--out", tmp_path / "out", "--json"),
    ]
    assert main([str(a) for a in arguments]) == 0
    case = json.loads(capsys.readouterr().out)["case"]
    registration = case["registration"]
    assert registration["source"] == "user_transform"
    assert registration["transform_file"] == "registration.tfm"
    assert (registration["uncertainty_mm"], registration["uncertainty_bed_mm"]) == (None, 5.0)
    assert case["clinical"]["psa_ng_ml"] == 0.42
    assert case["clinical"]["adt"] is False
    assert case["clinical"]["prior_radiotherapy_details"] == "seeds 2012"
    assert case["patient_check"]["compared"] == ["PET", "CT", "planning CT"]
    assert case["patient_check"]["differences"] == []
    assert case["planning_ct_grid"]["spacing_mm"]
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "a transform that the user supplied" in html
    for secret in ("PHANTOM-1", "PSMAPlanning^Phantom", "19580101"):
        assert secret not in html
        assert secret not in json.dumps(case)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--transform-direction", "pet-to-planning"), "needs a --transform"),
        (("--transform", "missing.tfm"), "missing.tfm"),
        (("--register-bone",), "--planning-ct"),
        (("--psa-ng-ml", "-1"), "--psa-ng-ml"),
        (("--adt-since", "soon"), "--adt-since"),
        (("--uncertainty-bed-mm", "nan"), "--uncertainty-bed-mm"),
    ],
)
def test_options_that_cannot_be(plain, tmp_path, capsys, arguments, said):
    assert main(["run", "--pet", str(plain.pet), *arguments, "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err.strip()
    assert said in message
    assert len(message.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_the_help_tells_the_conventions(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "ITK maps points of the output (fixed) image to the input (moving) one" in text
    assert "Slicer stores the transform from parent" in text


def test_an_rtstruct_of_the_plan_stays_and_its_patient_is_compared(moved, phantom, plain, tmp_path):
    """Drawn on the planning CT: its contours stay, the PET's organs move, and all are one patient's."""
    pytest.importorskip("rt_utils", reason="writes the RTSTRUCT")
    folder = plain.ct.parent
    rtstruct = write_rtstruct(phantom, folder)
    state = read(moved, volumes=(rtstruct,), anatomy=None)
    expected = read(plain, volumes=(rtstruct,), anatomy=None)
    assert state.patient_check.compared == ("PET", "CT", "planning CT", "RTSTRUCT")
    assert state.patient_check.differences == ()
    for mine, other in zip(state.volumes, expected.volumes, strict=True):
        assert mine.name == other.name
        assert np.array_equal(mine.mask.array, other.mask.array)
        assert mine.mask.grid.same_as(other.mask.grid)
    organs = read(moved, volumes=(), anatomy=rtstruct).anatomy
    assert {"Bladder", "Rectum"} <= set(organs)
    dataset = pydicom.dcmread(rtstruct)
    dataset.PatientID = "SECRET-9"
    dataset.save_as(tmp_path / "other.dcm")
    with pytest.raises(PatientMismatchError, match="RTSTRUCT") as caught:
        read(moved, volumes=(tmp_path / "other.dcm",), anatomy=None)
    assert "SECRET" not in str(caught.value)


def test_an_rtstruct_of_the_pet_ct_moves_along(moved, phantom, plain, planning_from_pet, tmp_path):
    pytest.importorskip("rt_utils", reason="writes the RTSTRUCT")
    source = write_rtstruct(phantom, plain.ct.parent)
    on_pet, on_plan = tmp_path / "on-pet.dcm", tmp_path / "on-plan.dcm"
    plan_uid = phantom.ct.frame_of_reference_uid
    _rewrite_contours(source, on_plan, plan_uid, RigidTransform())
    _rewrite_contours(source, on_pet, MOVED_UID, planning_from_pet.inverse())
    state = read(moved, volumes=(on_pet,), anatomy=None)
    expected = read(plain, volumes=(on_plan,), anatomy=None)
    for mine, other in zip(state.volumes, expected.volumes, strict=True):
        assert mine.mask.volume_ml == pytest.approx(other.mask.volume_ml, rel=0.01)
        assert np.linalg.norm(np.subtract(mine.mask.centroid_ras(), other.mask.centroid_ras())) < 0.1


def _rewrite_contours(source, target, frame_uid, transform):
    """Contours carried over; pushed aside by a little first, for rt-utils draws through pixel centres."""
    dataset = pydicom.dcmread(source)
    for item in dataset.StructureSetROISequence:
        item.ReferencedFrameOfReferenceUID = frame_uid
    for item in dataset.ROIContourSequence:
        for contour in item.get("ContourSequence") or ():
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3) * [-1, -1, 1]
            lps = transform.points(points + np.array((0.31, 0.17, 0.0))) * [-1, -1, 1]
            contour.ContourData = [f"{x:.6f}" for x in lps.ravel()]
    dataset.save_as(target)


def test_a_ct_of_another_frame_is_not_the_ct_of_this_pet(moved, plain):
    with pytest.raises(FrameOfReferenceError, match="not the CT of this PET/CT"):
        read(plain, ct=moved.ct, volumes=(), anatomy=None)
