"""The digital patient as a planning case: known lesions, standard volumes, nothing to download."""

from __future__ import annotations

from ..delineation.physiologic import physiologic_organs
from ..imaging.phantom import PhantomParameters, make_phantom
from ..progress import Stage
from ..records import CaseState, Registration, RtVolume
from ..rtvolumes.names import kind_of
from ..scene.surfaces import surface_for_display
from ..settings import Settings

SOURCE = "sample case"


def make_surfaces(state: CaseState, stage: Stage) -> None:
    """Make what 3D will show ahead of time, so that the interface does not wait for it."""
    masks = [volume.mask for volume in state.volumes]
    for lesion in state.lesions:
        masks += [lesion.contour.mask, *(candidate.mask for candidate in lesion.candidates)]
    for number, mask in enumerate(masks):
        stage.report(number / len(masks), "surfaces")
        surface_for_display(mask)


def sample_case(parameters: PhantomParameters, settings: Settings, stage: Stage) -> CaseState:
    """PET, CT, organs and volumes of a phantom; no lesions yet."""
    phantom = make_phantom(parameters, stage.part(0.0, 0.7).report)
    anatomy = {}
    names = [name for name in phantom.structure_names if name in physiologic_organs()]
    for number, name in enumerate(names):
        stage.report(0.7 + 0.3 * number / len(names), "organs")
        mask = phantom.structure(name).cropped()
        if not mask.is_empty:
            anatomy[name] = mask
    volumes = tuple(
        RtVolume(name, mask, kind_of(name, None)[0], "imported", SOURCE)
        for name, mask in phantom.volumes.items()
    )
    stage.report(1.0, "done")
    return CaseState(
        settings=settings,
        pet=phantom.pet,
        ct=phantom.ct,
        anatomy=anatomy,
        registration=Registration("same_frame_of_reference"),
        volumes=volumes,
    )
