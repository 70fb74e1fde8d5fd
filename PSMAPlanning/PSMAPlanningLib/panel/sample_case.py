"""The digital patient as a planning case: known lesions, standard volumes, nothing to download."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..imaging.image import Mask
from ..imaging.phantom import PhantomParameters, make_phantom
from ..progress import Stage
from ..records import CaseState, Registration, RtVolume
from ..rtvolumes.name_mapping import NamedStructure, match_names
from ..scene.prepared_segments import prepare_segments
from ..settings import Settings
from ..volume_generation import GenerationRequest, case_anatomy, case_landmarks

SOURCE = "sample case"
_PLACED = ("anastomosis", "seminal_vesicle_bed_top")


def make_surfaces(state: CaseState, stage: Stage) -> None:
    """Make what 3D will show ahead of time, so that the interface does not wait for it."""
    prepare_segments(state, stage)


def sample_case(parameters: PhantomParameters, settings: Settings, stage: Stage) -> CaseState:
    """PET, CT, organs, landmarks and volumes of a phantom; no lesions yet."""
    phantom = make_phantom(parameters, stage.part(0.0, 0.6).report)
    anatomy = {}
    names = phantom.structure_names
    for number, name in enumerate(names):
        stage.report(0.6 + 0.35 * number / len(names), "organs")
        mask = phantom.structure(name).cropped()
        if not mask.is_empty:
            anatomy[name] = mask
    stage.report(0.95, "landmarks")
    # What the surgeon left cannot be found in organ masks; whoever made the patient knows where it is.
    placed = tuple((name, phantom.landmarks[name]) for name in _PLACED if name in phantom.landmarks)
    landmarks = case_landmarks(case_anatomy(anatomy), GenerationRequest(landmarks=placed))
    stage.report(1.0, "done")
    return CaseState(
        settings=settings,
        pet=phantom.pet,
        ct=phantom.ct,
        anatomy=anatomy,
        registration=Registration("same_frame_of_reference"),
        volumes=tuple(_volumes(phantom.volumes)),
        landmarks=landmarks,
    )


def _volumes(masks: Mapping[str, Mask]) -> Iterator[RtVolume]:
    matches = match_names([NamedStructure(name, None, mask) for name, mask in masks.items()])
    for (name, mask), match in zip(masks.items(), matches, strict=True):
        yield RtVolume(
            name,
            mask,
            match.kind,
            "imported",
            SOURCE,
            tg263=match.tg263,
            role=match.role,
            matched_by=match.matched_by,
        )
