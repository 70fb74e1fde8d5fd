"""Planning targets of a case: each CTV grown by the margins the institution states, never by a default."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .errors import MarginError
from .imaging.grid import VoxelGrid, bounding_box
from .records import RtVolume
from .rtvolumes.margins import SixMargins, grow, grow_occupancy
from .rtvolumes.names import unique_names
from .rtvolumes.occupancy import OccupancyField
from .rtvolumes.planning_target import InstitutionMargins
from .rtvolumes.tg263 import LONGEST_NAME

PROPOSAL = "proposal"
_CLINICAL, _PLANNING = "CTV", "PTV"


def with_planning_targets(
    volumes: Sequence[RtVolume], margins: InstitutionMargins
) -> tuple[tuple[RtVolume, ...], tuple[str, ...]]:
    """The volumes, a PTV for every CTV whose role is known, and a sentence for each CTV without one.

    The origin of a PTV holds the numbers that made it. Raises MarginError when a role has no margin in the
    file, when the volumes hold no CTV, or when a PTV would reach past the image.
    """
    clinical = [volume for volume in volumes if volume.kind == _CLINICAL]
    if not clinical:
        raise MarginError("There is no CTV to be grown to a PTV; give the volumes that the margins are for.")
    made, said = [], []
    for volume in clinical:
        if volume.role is None:
            said.append(
                f"{volume.name} got no PTV, because it is not known which margin is meant for it; "
                "name it with --names, such as CTVsb or CTVn."
            )
            continue
        made.append(_planning_target(volume, margins.for_role(volume.role), margins.institution))
    names = unique_names([volume.name for volume in (*volumes, *made)])[len(volumes) :]
    named = [replace(volume, name=name) for volume, name in zip(made, names, strict=True)]
    return (*volumes, *named), tuple(said)


def _planning_target(volume: RtVolume, margin: SixMargins, institution: str) -> RtVolume:
    if volume.occupancy is not None:
        occupancy = grow_occupancy(_with_room(volume.occupancy, volume.mask.grid, margin), margin)
        mask = occupancy.mask()
    else:
        occupancy, mask = None, grow(volume.mask, margin)
    numbers = "/".join(f"{mm:g}" for mm in margin.as_tuple())
    return RtVolume(
        _planning_name(volume.name),
        mask.cropped(),
        _PLANNING,
        f"grown from {volume.name} by {numbers} mm (L/R/A/P/S/I)",
        f"the margins of {institution}",
        PROPOSAL,
        tg263=_planning_name(volume.tg263) if volume.tg263 else None,
        role=volume.role,
        matched_by=volume.matched_by,
        occupancy=occupancy,
        # What the CTV rests on, the PTV rests on too.
        generated=volume.generated,
    )


def _with_room(occupancy: OccupancyField, image: VoxelGrid, margin: SixMargins) -> OccupancyField:
    """The field on as much of the image as the margin may reach; it lies on a part of the image's voxels."""
    reach_mm = max(margin.as_tuple()) * math.sqrt(3.0)
    pad = np.ceil(reach_mm / np.array(image.spacing_kji_mm)).astype(int) + 2
    start = np.rint(image.kji_of(np.array(occupancy.grid.origin_ras))).astype(int)
    box = bounding_box(occupancy.fraction > 0)
    low = np.clip(start + [s.start for s in box] - pad, 0, None)
    high = np.minimum(start + [s.stop for s in box] + pad, image.shape_kji)
    part = image.crop(tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True)))
    fraction = np.zeros(part.shape_kji, np.float32)
    place = start + [s.start for s in box] - low
    inner = tuple(slice(int(p), int(p) + s.stop - s.start) for p, s in zip(place, box, strict=True))
    fraction[inner] = occupancy.fraction[box]
    return OccupancyField(fraction, part)


def _planning_name(name: str) -> str:
    """CTVn_4500 becomes PTVn_4500; a name without prefix gets one."""
    if name.upper().startswith(_CLINICAL):
        return _PLANNING + name[len(_CLINICAL) :]
    return f"{_PLANNING}_{name}"[:LONGEST_NAME]
