"""Transforms from files: ITK's and Slicer's conventions, DICOM's own directions, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from PSMAPlanningLib.errors import FrameOfReferenceError, InputError, RegistrationError
from PSMAPlanningLib.imaging.registration import RigidTransform
from PSMAPlanningLib.imaging.transform_file import read_itk_transform, read_planning_transform
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian
from test_imaging.test_registration import rigid

PET_UID, PLANNING_UID, THIRD_UID = "1.2.3.1", "1.2.3.2", "1.2.3.3"
PLANNING_FROM_PET = rigid()


def itk_rigid(transform: RigidTransform) -> sitk.Euler3DTransform:
    """An ITK transform that maps points as `transform` does."""
    itk = sitk.Euler3DTransform()
    itk.SetMatrix(transform.lps_array[:3, :3].ravel().tolist(), 1e-9)
    itk.SetTranslation(transform.lps_array[:3, 3].tolist())
    return itk


def close(a: RigidTransform, b: RigidTransform, tolerance: float = 1e-9) -> bool:
    return bool(np.abs(a.array - b.array).max() < tolerance)


@pytest.mark.parametrize("suffix", [".tfm", ".txt", ".h5", ".mat"])
def test_itk_files_map_points_against_the_movement_of_the_image(tmp_path, suffix):
    """An ITK registration of the PET to the planning CT maps planning points to PET points."""
    path = tmp_path / f"t{suffix}"
    sitk.WriteTransform(itk_rigid(PLANNING_FROM_PET.inverse()), str(path))
    found = read_planning_transform(path, "pet-to-planning", None, None)
    assert close(found.planning_from_pet, PLANNING_FROM_PET, 1e-6)
    assert found.source == "user_transform"
    assert close(read_itk_transform(path), PLANNING_FROM_PET.inverse(), 1e-6)
    other = read_planning_transform(path, "planning-to-pet", None, None)
    assert close(other.planning_from_pet, PLANNING_FROM_PET.inverse(), 1e-6)


def test_the_convention_is_that_of_simpleitk_itself(tmp_path):
    """Resampled with the transform in the file, a PET lands where our transform puts it."""
    pet = sitk.Image([40, 40, 40], sitk.sitkFloat32)
    pet.SetSpacing([3.0, 3.0, 3.0])
    pet.SetOrigin([-60.0, -60.0, -60.0])
    pet[25, 12, 30] = 1000.0
    hot_ras = np.array(pet.TransformIndexToPhysicalPoint((25, 12, 30))) * [-1, -1, 1]
    path = tmp_path / "t.tfm"
    sitk.WriteTransform(itk_rigid(PLANNING_FROM_PET.inverse()), str(path))
    shown = sitk.Resample(pet, pet, sitk.ReadTransform(str(path)), sitk.sitkLinear, 0.0)
    array = sitk.GetArrayFromImage(shown)
    kji = np.argwhere(array > 0)
    centre_ijk = (kji * array[tuple(kji.T)][:, None]).sum(axis=0)[::-1] / array.sum()
    landed = np.array(shown.TransformContinuousIndexToPhysicalPoint(centre_ijk.tolist())) * [-1, -1, 1]
    ours = read_planning_transform(path, "pet-to-planning", None, None).planning_from_pet
    assert np.linalg.norm(landed - ours.points(hot_ras)) < 0.5


def test_slicer_writes_the_transform_from_parent(tmp_path, headless):
    """A PET put under this transform node lies on the planning CT; Slicer's own writer makes the file."""
    from slicer import vtkMRMLTransformStorageNode
    from vtk import vtkMatrix4x4

    node = headless.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtkMatrix4x4()
    matrix.DeepCopy(PLANNING_FROM_PET.array.ravel().tolist())
    node.SetMatrixTransformToParent(matrix)
    for suffix in (".tfm", ".h5"):
        storage = vtkMRMLTransformStorageNode()
        headless.scene.AddNode(storage)
        storage.SetFileName(str(tmp_path / f"slicer{suffix}"))
        assert storage.WriteData(node)
        found = read_planning_transform(tmp_path / f"slicer{suffix}", "pet-to-planning", None, None)
        assert close(found.planning_from_pet, PLANNING_FROM_PET)


def test_a_chain_of_rigid_transforms_is_one(tmp_path):
    path = tmp_path / "chain.h5"
    chain = sitk.CompositeTransform([itk_rigid(PLANNING_FROM_PET), itk_rigid(rigid((1, 2, 3), (9, 8, 7)))])
    chain.WriteTransform(str(path))
    assert close(read_itk_transform(path), PLANNING_FROM_PET.after(rigid((1, 2, 3), (9, 8, 7))), 1e-6)


def _scaling(path):
    sitk.WriteTransform(sitk.ScaleTransform(3, (1.02, 1.0, 1.0)), str(path))


def _spline(path):
    spline = sitk.BSplineTransform(3, 3)
    sitk.WriteTransform(spline, str(path))


def _plane(path):
    sitk.WriteTransform(sitk.Euler2DTransform(), str(path))


@pytest.mark.parametrize(
    ("write", "reason"), [(_scaling, "scales"), (_spline, "deforms"), (_plane, "2 dimensions")]
)
def test_transforms_that_are_not_rigid_are_refused(tmp_path, write, reason):
    path = tmp_path / "t.tfm"
    write(path)
    with pytest.raises(RegistrationError, match=reason):
        read_planning_transform(path, "pet-to-planning", None, None)


def test_the_direction_must_be_stated_and_known(tmp_path):
    path = tmp_path / "t.tfm"
    sitk.WriteTransform(itk_rigid(PLANNING_FROM_PET), str(path))
    with pytest.raises(RegistrationError, match="--transform-direction"):
        read_planning_transform(path, None, None, None)
    with pytest.raises(RegistrationError, match="pet-to-planning or planning-to-pet"):
        read_planning_transform(path, "forwards", None, None)


def test_files_that_are_no_transform(tmp_path):
    for name, text in (("a.tfm", "hello"), ("b.nrrd", "NRRD0004"), ("c.h5", "")):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=name):
            read_planning_transform(tmp_path / name, "pet-to-planning", None, None)
    with pytest.raises(InputError, match="does not exist"):
        read_planning_transform(tmp_path / "none.tfm", "pet-to-planning", None, None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="0 DICOM Spatial Registrations"):
        read_planning_transform(tmp_path / "empty", None, PET_UID, PLANNING_UID)


# DICOM Spatial Registration


def registration_object(path, registered_uid, items, sop_class="1.2.840.10008.5.1.4.1.1.66.1"):
    """items: frame of reference UID to the matrices (LPS) that lead from it to the registered frame."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, "1.2.3.4"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = sop_class, "1.2.3.4", "REG"
    dataset.PatientID, dataset.PatientName = "SYNTHETIC", "Nobody^Synthetic"
    dataset.FrameOfReferenceUID = registered_uid
    sequence = []
    for uid, matrices in items:
        item, registration = Dataset(), Dataset()
        if uid:
            item.FrameOfReferenceUID = uid
        registration.MatrixSequence = Sequence()
        for matrix in matrices:
            one = Dataset()
            one.FrameOfReferenceTransformationMatrixType = "RIGID"
            one.FrameOfReferenceTransformationMatrix = [f"{x:.10g}"[:16] for x in matrix.ravel()]
            registration.MatrixSequence.append(one)
        item.MatrixRegistrationSequence = Sequence([registration])
        sequence.append(item)
    dataset.RegistrationSequence = Sequence(sequence)
    dataset.save_as(path, enforce_file_format=True)
    return path


LPS = PLANNING_FROM_PET.lps_array
TO_THIRD = rigid((2, 1, -3), (7, 7, 7))


@pytest.mark.parametrize(
    ("registered", "items"),
    [
        (PLANNING_UID, [(PET_UID, [LPS]), (PLANNING_UID, [np.eye(4)])]),
        (PLANNING_UID, [(PET_UID, [LPS])]),
        (PLANNING_UID, [(PET_UID, [np.eye(4), LPS])]),
        (PET_UID, [(PLANNING_UID, [np.linalg.inv(LPS)]), (PET_UID, [np.eye(4)])]),
        (THIRD_UID, [(PET_UID, [TO_THIRD.lps_array @ LPS]), (PLANNING_UID, [TO_THIRD.lps_array])]),
    ],
)
def test_dicom_registrations_say_themselves_what_goes_where(tmp_path, registered, items):
    path = registration_object(tmp_path / "reg.dcm", registered, items)
    for place in (path, tmp_path):
        found = read_planning_transform(place, None, PET_UID, PLANNING_UID)
        assert close(found.planning_from_pet, PLANNING_FROM_PET, 1e-6)
        assert found.source == "dicom_spatial_registration"
        assert found.header.PatientID == "SYNTHETIC"


def test_a_direction_that_contradicts_the_object_is_refused(tmp_path):
    path = registration_object(tmp_path / "reg.dcm", PLANNING_UID, [(PET_UID, [LPS])])
    read_planning_transform(path, "pet-to-planning", PET_UID, PLANNING_UID)
    with pytest.raises(RegistrationError, match="leave the option out"):
        read_planning_transform(path, "planning-to-pet", PET_UID, PLANNING_UID)


@pytest.mark.parametrize(
    ("items", "pet_uid", "planning_uid", "error", "reason"),
    [
        ([(THIRD_UID, [LPS])], PET_UID, PLANNING_UID, FrameOfReferenceError, "PET's frame"),
        ([(PET_UID, [LPS])], PET_UID, "9.9", FrameOfReferenceError, "planning CT's frame"),
        ([(PET_UID, [LPS])], None, PLANNING_UID, FrameOfReferenceError, "PET states none"),
        ([(PET_UID, [LPS])], PET_UID, None, FrameOfReferenceError, "planning CT states none"),
        ([(PET_UID, [LPS])], PET_UID, PET_UID, RegistrationError, "already share"),
        ([(None, [LPS])], PET_UID, PLANNING_UID, RegistrationError, "without naming"),
        ([(PET_UID, [LPS, LPS])], PET_UID, PLANNING_UID, RegistrationError, "chains 2 matrices"),
        ([(PET_UID, [LPS]), (PET_UID, [np.eye(4)])], PET_UID, PLANNING_UID, RegistrationError, "two ways"),
        ([(PET_UID, [np.diag([1.1, 1, 1, 1.0])])], PET_UID, PLANNING_UID, RegistrationError, "scales"),
        ([(PET_UID, [np.eye(3)])], PET_UID, PLANNING_UID, InputError, "damaged"),
    ],
)
def test_dicom_registrations_that_do_not_fit(tmp_path, items, pet_uid, planning_uid, error, reason):
    path = registration_object(tmp_path / "reg.dcm", PLANNING_UID, items)
    with pytest.raises(error, match=reason):
        read_planning_transform(path, None, pet_uid, planning_uid)


def test_a_deformable_registration_is_refused(tmp_path):
    path = registration_object(tmp_path / "def.dcm", PLANNING_UID, [], "1.2.840.10008.5.1.4.1.1.66.3")
    with pytest.raises(RegistrationError, match="deformable"):
        read_planning_transform(path, None, PET_UID, PLANNING_UID)


def test_another_dicom_file_is_no_registration(tmp_path):
    path = registration_object(tmp_path / "ct.dcm", PLANNING_UID, [], "1.2.840.10008.5.1.4.1.1.2")
    with pytest.raises(InputError, match="0 DICOM Spatial Registrations"):
        read_planning_transform(path, None, PET_UID, PLANNING_UID)
