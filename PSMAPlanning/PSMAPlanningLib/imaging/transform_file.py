"""Rigid transforms from files: ITK and Slicer transform files, and DICOM Spatial Registration objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset

from ..errors import FrameOfReferenceError, InputError, RegistrationError
from .dicom_values import DAMAGED
from .registration import RigidTransform

ITK_SUFFIXES = (".tfm", ".txt", ".h5", ".hdf5", ".mat")
DIRECTIONS = ("pet-to-planning", "planning-to-pet")
_SPATIAL_REGISTRATION = "1.2.840.10008.5.1.4.1.1.66.1"
_DEFORMABLE_REGISTRATION = "1.2.840.10008.5.1.4.1.1.66.3"
_IDENTITY_TOLERANCE = 1e-9


@dataclass(frozen=True)
class PlanningTransform:
    """How the PET's frame is carried onto the planning frame, and where that was said.

    source: "user_transform" or "dicom_spatial_registration".
    header: the DICOM header, for comparing patients; None for ITK files.
    """

    planning_from_pet: RigidTransform
    source: str
    header: Dataset | None = field(default=None, repr=False, compare=False)


def read_planning_transform(
    path: Path | str,
    direction: str | None,
    pet_frame_uid: str | None,
    planning_frame_uid: str | None,
) -> PlanningTransform:
    """The transform of a file, as the map from the PET's frame to the planning frame.

    direction: which image the registration carries onto which, "pet-to-planning" or "planning-to-pet".
        Needed for ITK and Slicer files. These store the map of points against the image's movement: ITK
        from the output (fixed) image to the input (moving) one, Slicer its "from parent" transform. So a
        file that carries the PET onto the planning CT holds the map from planning points to PET points.
    pet_frame_uid, planning_frame_uid: what a DICOM Spatial Registration is matched by. It says itself
        which frame goes where; `direction` may then be left out, and must not contradict it.

    Raises InputError for a file that is no transform, RegistrationError for one that is not rigid or has
    no stated direction, FrameOfReferenceError for a registration between other frames.
    """
    path = Path(path)
    if direction is not None and direction not in DIRECTIONS:
        raise RegistrationError(
            f"The direction is {direction!r}; give --transform-direction {' or '.join(DIRECTIONS)}."
        )
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path given for the transform.")
    if path.is_dir() or _is_dicom(path):
        dataset = _registration_dataset(path)
        transform = _from_dicom(path, dataset, direction, pet_frame_uid, planning_frame_uid)
        return PlanningTransform(transform, "dicom_spatial_registration", dataset)
    stored = read_itk_transform(path)
    if direction is None:
        raise RegistrationError(
            f"{path.name} does not say which image it moves; say it with --transform-direction "
            "pet-to-planning when it carries the PET onto the planning CT, else planning-to-pet."
        )
    # The file maps points against the movement of the image (see above).
    planning_from_pet = stored.inverse() if direction == "pet-to-planning" else stored
    return PlanningTransform(planning_from_pet, "user_transform")


def read_itk_transform(path: Path | str) -> RigidTransform:
    """The map of points that an ITK or Slicer transform file holds, as it stands in the file.

    Raises InputError when the file is no transform, RegistrationError when it is not rigid.
    """
    path = Path(path)
    if path.suffix.lower() not in ITK_SUFFIXES:
        raise InputError(
            f"{path} is no transform file; give one ending in {', '.join(ITK_SUFFIXES)}, or a DICOM "
            "Spatial Registration."
        )
    try:
        transform = sitk.ReadTransform(str(path))
    except RuntimeError:
        raise InputError(
            f"{path} cannot be read as an ITK transform; save it again as .tfm or .h5."
        ) from None
    if transform.GetDimension() != 3:
        raise RegistrationError(
            f"{path.name} is a transform of {transform.GetDimension()} dimensions; give one of three."
        )
    if not transform.IsLinear():
        raise RegistrationError(
            f"{path.name} deforms the patient ({transform.GetName()}), which changes uptake and volumes; "
            "register rigidly and give that transform."
        )
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, 3] = origin
    for axis in range(3):
        matrix[:3, axis] = np.array(transform.TransformPoint(tuple(np.eye(3)[axis]))) - origin
    return _rigid(path, matrix)


def _rigid(path: Path, matrix_lps: np.ndarray) -> RigidTransform:
    try:
        return RigidTransform.from_lps(matrix_lps)
    except RegistrationError as error:
        raise RegistrationError(f"{path.name}: {error}") from None


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error


def _registration_dataset(path: Path) -> Dataset:
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    found = []
    for file in files:
        if not _is_dicom(file):
            continue
        try:
            with pydicom.config.disable_value_validation():
                dataset = pydicom.dcmread(file, stop_before_pixels=True)
                kind = str(dataset.get("SOPClassUID") or "")
        except DAMAGED:
            raise InputError(f"{file} is damaged or cut short; copy it again from the archive.") from None
        if kind == _DEFORMABLE_REGISTRATION:
            raise RegistrationError(
                f"{file.name} is a deformable registration, which would change uptake and volumes; "
                "register rigidly and give that object."
            )
        if kind == _SPATIAL_REGISTRATION:
            found.append(dataset)
    if len(found) != 1:
        raise InputError(
            f"{path} holds {len(found)} DICOM Spatial Registrations; give the file of the one between "
            "PET and planning CT."
        )
    return found[0]


def _from_dicom(
    path: Path,
    dataset: Dataset,
    direction: str | None,
    pet_frame_uid: str | None,
    planning_frame_uid: str | None,
) -> RigidTransform:
    if not pet_frame_uid or not planning_frame_uid:
        raise FrameOfReferenceError(
            f"{path.name} registers frames of reference, but the "
            f"{'PET' if not pet_frame_uid else 'planning CT'} states none; give both as DICOM, "
            "or the transform as a .tfm file."
        )
    if pet_frame_uid == planning_frame_uid:
        raise RegistrationError(
            f"PET and planning CT already share one frame of reference; leave {path.name} out, "
            "or say with a .tfm file how the patient lies differently."
        )
    try:
        with pydicom.config.disable_value_validation():
            registered_uid = str(dataset.get("FrameOfReferenceUID") or "")
            into_registered = _matrices(path, dataset)
    except DAMAGED:
        raise InputError(f"{path.name} is a damaged Spatial Registration; export it again.") from None
    into_registered.setdefault(registered_uid, RigidTransform())
    for name, uid in (("PET", pet_frame_uid), ("planning CT", planning_frame_uid)):
        if uid not in into_registered:
            raise FrameOfReferenceError(
                f"{path.name} does not register the {name}'s frame of reference; "
                "give the registration between this PET and this planning CT."
            )
    said = {planning_frame_uid: "pet-to-planning", pet_frame_uid: "planning-to-pet"}.get(registered_uid)
    if direction is not None and said is not None and direction != said:
        raise RegistrationError(
            f"{path.name} registers {said} by its frames of reference, and --transform-direction says "
            f"{direction}; leave the option out."
        )
    return into_registered[planning_frame_uid].inverse().after(into_registered[pet_frame_uid])


def _matrices(path: Path, dataset: Dataset) -> dict[str, RigidTransform]:
    """By frame of reference UID, the map from that frame to the registered one (PS3.3 C.20.2)."""
    found: dict[str, RigidTransform] = {}
    for item in dataset.get("RegistrationSequence") or ():
        uid = str(item.get("FrameOfReferenceUID") or "")
        if not uid:
            raise RegistrationError(
                f"{path.name} registers images without naming their frame of reference (0020,0052); "
                "export the registration with it."
            )
        transform = _rigid(path, _one_matrix(path, item))
        if uid in found and np.abs(found[uid].array - transform.array).max() > _IDENTITY_TOLERANCE:
            raise RegistrationError(
                f"{path.name} registers one frame of reference in two ways; export one registration."
            )
        found[uid] = transform
    return found


def _one_matrix(path: Path, item: Dataset) -> np.ndarray:
    matrices = [
        np.array([float(x) for x in matrix.FrameOfReferenceTransformationMatrix]).reshape(4, 4)
        for registration in item.get("MatrixRegistrationSequence") or ()
        for matrix in registration.get("MatrixSequence") or ()
    ]
    moving = [m for m in matrices if np.abs(m - np.eye(4)).max() > _IDENTITY_TOLERANCE]
    if len(moving) > 1:
        raise RegistrationError(
            f"{path.name} chains {len(moving)} matrices for one frame of reference; export them as one."
        )
    return moving[0] if moving else np.eye(4)
