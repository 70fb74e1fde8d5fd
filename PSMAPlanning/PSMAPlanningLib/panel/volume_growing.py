"""PTVs and boosts of a case: grown by margins that somebody stated, and cropped, with what that took."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..case_frames import on_lattice
from ..case_targets import with_planning_targets
from ..errors import MarginError
from ..imaging.grid import VoxelGrid, bounding_box
from ..imaging.image import Mask
from ..records import CaseState, Lesion, LesionState, RtVolume
from ..rtvolumes.boolean import on_grid
from ..rtvolumes.boost import boost
from ..rtvolumes.margins import CropBy, Grown, SixMargins, cropped, grow
from ..rtvolumes.occupancy import OccupancyField
from ..rtvolumes.planning_target import InstitutionMargins

PROPOSAL = "proposal"
BOOST_ORIGIN = "boost of lesion"
_ENTERED = "entered by the user"


@dataclass(frozen=True)
class Cropping:
    """What a grown volume must not enter.

    organs: names of organ masks or of volumes of the case; margin_mm: kept free around each of them, too.
    within: name of the volume that bounds everything, None for none.
    """

    organs: tuple[str, ...] = ()
    margin_mm: float = 0.0
    within: str | None = None


def croppable(state: CaseState) -> dict[str, Mask]:
    """Everything that can be cropped by: organs among the volumes, then organ masks of other names."""
    found = {
        volume.name: volume.mask
        for volume in state.volumes
        if not volume.is_target and volume.role not in ("external", "ignored")
    }
    return {**{name: mask for name, mask in state.anatomy.items() if name not in found}, **found}


def planning_target_of(
    state: CaseState, name: str, margin: SixMargins, cropping: Cropping, source: str = ""
) -> tuple[RtVolume, tuple[str, ...]]:
    """The PTV of one volume of the case, and what was said on the way.

    source: whose margin it is. Raises MarginError for a margin that shrinks or reaches past the image, or
    when nothing is left after cropping.
    """
    if margin.shrinks:
        raise MarginError("A PTV is never smaller than its CTV; give margins of 0 mm or more.")
    volume = next(each for each in state.volumes if each.name == name)
    roomy = with_room(volume.mask, _reach_mm(margin), _image_grid(state))
    role = volume.role or "target"
    stated = InstitutionMargins(source or _ENTERED, "", {role: margin})
    grown_from = replace(volume, kind="CTV", role=role, mask=roomy)
    (_, made), _said = with_planning_targets([grown_from], stated)
    made = replace(made, role=volume.role, matched_by=volume.matched_by, asks=False)
    if not cropping.organs and cropping.within is None:
        return made, ()
    left = cropped(roomy, on_grid(made.mask, roomy.grid), crop_by(state, cropping), _within(state, cropping))
    occupancy = None if made.occupancy is None else _occupied(made.occupancy, left.mask)
    said = [cropped_text(left, cropping)]
    if left.removed_from_source_ml > 0:
        said.append(f"{left.removed_from_source_ml:.2f} mL of {name} itself lie outside its PTV.")
    made = replace(
        made, mask=left.mask.cropped(), occupancy=occupancy, origin=f"{made.origin}, {said[0].rstrip('.')}"
    )
    return made, tuple(said)


def boosts_of(
    state: CaseState, to_clinical: SixMargins, to_planning: SixMargins, cropping: Cropping
) -> tuple[tuple[RtVolume, ...], tuple[str, ...]]:
    """CTV and PTV around the contour of each accepted lesion, and a sentence about each.

    A CTV only where its margin is not zero: else it is the lesion. The contour itself is never cropped; where
    the PTV does not hold all of it, the sentence says so. Raises MarginError as `boost` does.
    """
    organs, body = crop_by(state, cropping), _within(state, cropping)
    made, said = [], []
    for number, lesion in enumerate(accepted(state), start=1):
        gross = with_room(lesion.contour.mask, _reach_mm(to_clinical) + _reach_mm(to_planning), None)
        found = boost(gross, to_clinical, to_planning, organs, body)
        origin = f"{BOOST_ORIGIN} {lesion.id}: {_numbers(to_clinical)} mm to the CTV"
        if not to_clinical.is_zero:
            made.append(_boost_volume("CTV", number, found.clinical, origin, cropping))
        origin += f", {_numbers(to_planning)} mm to the PTV (L/R/A/P/S/I)"
        made.append(_boost_volume("PTV", number, found.planning, origin, cropping))
        text = f"{made[-1].name} of {lesion.id}: {found.planning.volume_ml_after:.1f} mL"
        if cropping.organs or cropping.within:
            text += f", {cropped_text(found.planning, cropping)}"
        said.append(text.rstrip(".") + ".")
        if found.gross_outside_ml > 0:
            outside = f"{found.gross_outside_ml:.2f} mL of {lesion.id}'s PET contour"
            said.append(f"{outside} lie outside its cropped PTV.")
    return tuple(made), tuple(said)


def accepted(state: CaseState) -> tuple[Lesion, ...]:
    """The lesions a boost is made of."""
    return tuple(lesion for lesion in state.lesions if lesion.state is LesionState.ACCEPTED)


def crop_by(state: CaseState, cropping: Cropping) -> list[CropBy]:
    """The organs to crop by, grown already: once, and not once per lesion. Raises MarginError without one."""
    masks = croppable(state)
    organs = []
    for name in cropping.organs:
        if name not in masks:
            raise MarginError(
                f"There is no organ {name} in this case any more; choose what to crop by again."
            )
        mask = masks[name]
        if cropping.margin_mm > 0:
            around = SixMargins.uniform(cropping.margin_mm)
            mask = grow(with_room(mask, _reach_mm(around), None), around, cut_at_image_edge=True)
        organs.append(CropBy(name, mask))
    return organs


def with_room(mask: Mask, reach_mm: float, image: VoxelGrid | None) -> Mask:
    """The same voxels on a grid that goes on by reach_mm on all sides, but not beyond the image.

    image: the CT that the mask's voxels belong to; one whose voxels it does not share bounds nothing.
    """
    box = bounding_box(mask.array)
    if box is None:
        raise MarginError("An empty structure has no margin; draw it first.")
    pad = np.array([math.ceil(reach_mm / spacing) + 2 for spacing in mask.grid.spacing_kji_mm])
    low = np.array([part.start for part in box]) - pad
    high = np.array([part.stop for part in box]) + pad
    if image is not None and on_lattice(mask.grid, image):
        start = np.rint(image.kji_of(np.array(mask.grid.origin_ras))).astype(int)
        low = np.maximum(low, -start)
        high = np.minimum(high, np.array(image.shape_kji) - start)
    shape = tuple(int(n) for n in high - low)
    origin = tuple(float(x) for x in mask.grid.ras_of(low.astype(float)))
    return on_grid(mask, VoxelGrid(shape, mask.grid.spacing_mm, origin, mask.grid.direction_ras))


def cropped_text(grown: Grown, cropping: Cropping) -> str:
    """What cropping took, organ by organ, in one sentence."""
    around = f" + {cropping.margin_mm:g} mm" if cropping.margin_mm > 0 else ""
    parts = [
        f"{volume_ml:.1f} mL outside {cropping.within}"
        if name == "outside" and cropping.within
        else f"{volume_ml:.1f} mL by {name}{around}"
        for name, volume_ml in grown.removed_ml
    ]
    return f"cropped {', '.join(parts)}."


def _boost_volume(kind: str, number: int, grown: Grown, origin: str, cropping: Cropping) -> RtVolume:
    name = f"{kind}{number}_PT1"
    if cropping.organs or cropping.within:
        origin = f"{origin}, {cropped_text(grown, cropping).rstrip('.')}"
    return RtVolume(
        name, grown.mask.cropped(), kind, origin, "the lesions", PROPOSAL, tg263=name, role="boost",
        matched_by="exact",
    )  # fmt: skip


def _occupied(occupancy: OccupancyField, left: Mask) -> OccupancyField:
    """The field without the voxels that were cropped."""
    grown = occupancy.mask()
    removed = grown.array & ~on_grid(left, occupancy.grid).array
    return OccupancyField(np.where(removed, np.float32(0.0), occupancy.fraction), occupancy.grid)


def _within(state: CaseState, cropping: Cropping) -> Mask | None:
    if cropping.within is None:
        return None
    found = [volume.mask for volume in state.volumes if volume.name == cropping.within]
    if not found:
        raise MarginError(f"There is no volume {cropping.within} in this case any more; choose again.")
    return found[0]


def _image_grid(state: CaseState) -> VoxelGrid | None:
    ct = state.planning_ct or state.ct
    return None if ct is None else ct.grid


def _reach_mm(margin: SixMargins) -> float:
    return max(margin.as_tuple()) * math.sqrt(3.0)


def _numbers(margin: SixMargins) -> str:
    values = margin.as_tuple()
    return f"{values[0]:g}" if len(set(values)) == 1 else "/".join(f"{mm:g}" for mm in values)
