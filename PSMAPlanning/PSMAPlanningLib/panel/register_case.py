"""PET and planning CT of a case brought together anew: what is moved, what is kept, what has to go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from ..case_frames import CaseFrames
from ..case_registration import RegistrationRequest, register
from ..errors import FrameOfReferenceError
from ..imaging.image import Image
from ..imaging.registration import RigidTransform
from ..imaging.transform_file import PlanningTransform
from ..progress import Stage
from ..records import CaseState, Registration, RtVolume
from ..volume_generation import GENERATED

FOUND_NOTHING: dict[str, Any] = {"regions": (), "lesions": (), "finding_warnings": ()}
"""The fields of a case without lesions: those found lie where the PET was."""


class UnmovedImages:
    """The images of the PET/CT as their nodes have them, by the moved ones that the case holds."""

    def __init__(self) -> None:
        self._unmoved: WeakKeyDictionary[Image, Image] = WeakKeyDictionary()

    def of(self, image: Image | None, registration: Registration) -> Image | None:
        """The image before the case's registration moved it."""
        if image is None or registration.planning_from_pet is None:
            return image
        known = self._unmoved.get(image)
        return known or RigidTransform(registration.planning_from_pet).inverse().image(image, None)

    def moved(self, frames: CaseFrames, image: Image | None) -> Image | None:
        """An image of the PET/CT in the case's world; itself where nothing moves."""
        if image is None or frames.transform.is_identity:
            return image
        there = frames.moved(image)
        self._unmoved[there] = image
        return there


@dataclass(frozen=True)
class Registering:
    """What the user wants: a transform, the bones, or the images as they lie.

    planning_ct: None for no planning CT; transform: from PET to planning CT; name: of its node.
    """

    planning_ct: Image | None
    transform: RigidTransform | None = None
    name: str = ""
    on_bone: bool = False

    def request(self, stated: Registration) -> RegistrationRequest:
        """In the words of `case_registration`, with the uncertainties that were stated."""
        return RegistrationRequest(
            bone=self.on_bone,
            uncertainty_mm=stated.uncertainty_mm,
            uncertainty_bed_mm=stated.uncertainty_bed_mm,
            uncertainty_nodes_mm=stated.uncertainty_nodes_mm,
        )


def registered(
    state: CaseState, wanted: Registering, images: UnmovedImages, stage: Stage
) -> tuple[CaseState, tuple[str, ...]]:
    """The case with PET and CT moved onto the planning CT, and what there is to say about it.

    Organs drawn on the PET/CT are carried along. Lesions go when the PET moves: they are found again there.
    Landmarks and the volumes proposed from them go too, because they would stay where the organs were.
    Raises FrameOfReferenceError, RegistrationError or InputError as `case_registration.register` does.
    """
    former = RigidTransform(state.registration.planning_from_pet or RigidTransform().matrix)
    frames = CaseFrames(
        images.of(state.pet, state.registration), images.of(state.ct, state.registration), wanted.planning_ct
    )
    request, file = wanted.request(state.registration), None
    if wanted.transform is not None:
        file = PlanningTransform(wanted.transform, "user_transform")
        # The node's name where the record has a file's.
        name = Path(wanted.name.replace("/", " ").replace("\\", " "))
        request = replace(request, transform=name, direction="pet-to-planning")
    frames, record, said = register(frames, request, file, stage)
    step = frames.transform.after(former.inverse())
    if _is_nothing(step):
        return replace(state, planning_ct=frames.planning_ct, registration=record), said
    after = replace(
        state,
        pet=images.moved(frames, frames.pet),
        ct=images.moved(frames, frames.ct),
        planning_ct=frames.planning_ct,
        registration=record,
        anatomy={name: step.mask(mask) for name, mask in state.anatomy.items()},
        landmarks=None,
        volumes=_not_generated(state.volumes),
        **FOUND_NOTHING,
    )
    if len(after.volumes) < len(state.volumes):
        said = (*said, "The proposed volumes went with the move of the PET/CT; generate them again.")
    return after, said


def _not_generated(volumes: tuple[RtVolume, ...]) -> tuple[RtVolume, ...]:
    kept = tuple(volume for volume in volumes if volume.origin != GENERATED)
    return kept if len(kept) < len(volumes) else volumes


def with_ct(state: CaseState, ct: Image | None, images: UnmovedImages) -> CaseState:
    """The case with another CT of the PET/CT, carried along with the PET.

    Raises FrameOfReferenceError when it is known not to be the PET's.
    """
    unmoved = images.of(state.pet, state.registration)
    uids = [image.frame_of_reference_uid for image in (unmoved, ct) if image is not None]
    if len(uids) == 2 and all(uids) and uids[0] != uids[1]:
        raise FrameOfReferenceError(
            "This CT has another frame of reference than the PET, so it is not the CT of this PET/CT; if the "
            "plan is made on it, choose it as the planning CT."
        )
    if ct is None or state.registration.planning_from_pet is None:
        return replace(state, ct=ct)
    frames = CaseFrames(unmoved, ct, state.planning_ct, RigidTransform(state.registration.planning_from_pet))
    return replace(state, ct=images.moved(frames, ct))


def without_registration(state: CaseState, images: UnmovedImages) -> dict[str, Any]:
    """The fields that change when the PET does: a transform of the former PET says nothing of the next."""
    if state.registration.planning_from_pet is None:
        return {}
    return {"ct": images.of(state.ct, state.registration), "registration": Registration()}


def _is_nothing(transform: RigidTransform) -> bool:
    """Whether it moves nothing by more than rounding does, over a metre."""
    corners = [(x, y, z) for x in (-500.0, 500.0) for y in (-500.0, 500.0) for z in (-500.0, 500.0)]
    return all(transform.shift_mm_at(corner) < 1e-6 for corner in corners)
