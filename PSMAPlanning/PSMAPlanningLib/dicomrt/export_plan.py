"""What goes into a structure set: which structures, under which names, with which contours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from ..errors import ExportError
from ..settings import HOLE_FORMS, ExportSettings
from .export_names import StructureCode, export_names, interpreted_type, structure_code
from .keyholes import with_keyholes
from .planning_series import PlanningSeries
from .slab_contours import TOLERANCE_MM, SliceContour, StructureContours, slab_contours
from .slab_shares import CROSS_SECTION, VOLUME, Shape

XOR, KEYHOLE = HOLE_FORMS
_LONGEST_LABEL = 16
_COLOURS = ((255, 0, 0), (0, 160, 0), (0, 90, 255), (255, 170, 0), (170, 0, 255), (0, 190, 190))


class Algorithm(str, Enum):
    """ROI Generation Algorithm (3006,0036): how the voxels came to be."""

    AUTOMATIC = "AUTOMATIC"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    MANUAL = "MANUAL"


class Decision(str, Enum):
    """What a person decided about a structure. Only decided ones are exported unless asked for."""

    DECIDED = "decided"
    NOT_ACCEPTED = "not accepted"
    UNDECIDED = "undecided"
    REJECTED = "rejected"


@dataclass(frozen=True, eq=False)
class ExportStructure:
    """One structure to be exported.

    shape: a mask or occupancies on any voxels, in the planning CT's RAS millimetres.
    kind: GTV, CTV, PTV, ORGAN ...; None when nobody knows.
    algorithm: AUTOMATIC when no person touched it, SEMIAUTOMATIC when one edited or chose it, MANUAL when
    drawn.
    colour: as on screen, red, green, blue 0 to 255. is_lesion: must have a contour.
    source_name: what it was called where it came from, when `name` is another.
    frame_of_reference_uid: of the image it was drawn on, where that is known.
    """

    name: str
    shape: Shape
    kind: str | None
    algorithm: Algorithm
    colour: tuple[int, int, int] | None = None
    description: str = ""
    is_lesion: bool = False
    decision: Decision = Decision.DECIDED
    source_name: str | None = None
    frame_of_reference_uid: str | None = field(default=None, repr=False)

    @property
    def original_name(self) -> str:
        return self.source_name or self.name


@dataclass(frozen=True)
class ExportOptions:
    """holes: "xor" (contours inside contours) or "keyhole". include_undecided: also what nobody accepted.
    slices: contours hold the "cross-section" at the plane of each slice, or the "volume" in its slab.

    Raises ExportError for a value that cannot be.
    """

    holes: str = XOR
    include_undecided: bool = False
    label: str = "PSMAPlanning"
    tolerance_mm: float = TOLERANCE_MM
    slices: str = CROSS_SECTION

    def __post_init__(self) -> None:
        if self.holes not in (XOR, KEYHOLE):
            raise ExportError(f"Holes are written as {XOR} or {KEYHOLE}, not as '{self.holes}'.")
        if self.slices not in (CROSS_SECTION, VOLUME):
            raise ExportError(f"Contours hold the {CROSS_SECTION} or the {VOLUME}, not '{self.slices}'.")
        if not 1 <= len(self.label) <= _LONGEST_LABEL or not self.label.isprintable() or "\\" in self.label:
            raise ExportError(f"A structure set's label has 1 to {_LONGEST_LABEL} plain characters.")
        if not 0.0 < self.tolerance_mm <= 1.0:
            raise ExportError("Contours are simplified by more than 0 and at most 1 mm; 0.1 is usual.")

    @classmethod
    def from_settings(cls, settings: ExportSettings, include_undecided: bool = False) -> ExportOptions:
        return cls(
            settings.holes,
            include_undecided,
            tolerance_mm=settings.contour_tolerance_mm,
            slices=settings.slices,
        )


@dataclass(frozen=True, eq=False)
class PlannedRoi:
    """One structure of the file. name: as written; contours: as written, channels of keyholes included."""

    number: int
    name: str
    structure: ExportStructure
    drawn: StructureContours
    contours: tuple[SliceContour, ...]
    exported_ml: float

    @property
    def interpreted_type(self) -> str | None:
        return interpreted_type(self.structure.kind)

    @property
    def code(self) -> StructureCode | None:
        return structure_code(self.structure.kind, self.name)

    @property
    def colour(self) -> tuple[int, int, int]:
        return self.structure.colour or _COLOURS[(self.number - 1) % len(_COLOURS)]

    @property
    def description(self) -> str:
        """What the reader of the planning system has to know."""
        parts = [] if self.structure.decision is Decision.DECIDED else [_MARKS[self.structure.decision]]
        if self.structure.original_name != self.name:
            parts.append(self.structure.original_name)
        if self.structure.description:
            parts.append(self.structure.description)
        return "; ".join(parts)

    @property
    def point_count(self) -> int:
        return sum(len(each.points) for each in self.contours)


_MARKS = {
    Decision.NOT_ACCEPTED: "NOT ACCEPTED: proposed by software, not reviewed by a person",
    Decision.UNDECIDED: "UNDECIDED: nobody has said whether this is a lesion",
    Decision.REJECTED: "REJECTED as a lesion",
}


@dataclass(frozen=True, eq=False)
class ExportPlan:
    """rois: what is written, in order; left_out: what is not, because nobody accepted it; empty: no
    voxels."""

    series: PlanningSeries
    options: ExportOptions
    rois: tuple[PlannedRoi, ...]
    left_out: tuple[ExportStructure, ...]
    empty: tuple[ExportStructure, ...]


def plan_export(
    structures: Sequence[ExportStructure], series: PlanningSeries, options: ExportOptions | None = None
) -> ExportPlan:
    """Names, numbers and contours of the structures on the slices of the planning CT."""
    options = options or ExportOptions()
    undecided = [s for s in structures if s.decision is not Decision.DECIDED]
    left_out = () if options.include_undecided else tuple(undecided)
    kept = [s for s in structures if s not in left_out]
    drawn = [slab_contours(s.shape, series, options.tolerance_mm, options.slices) for s in kept]
    filled = [(s, d) for s, d in zip(kept, drawn, strict=True) if d.volume_ml > 0 or s.is_lesion]
    empty = tuple(s for s, d in zip(kept, drawn, strict=True) if d.volume_ml == 0 and not s.is_lesion)
    names = export_names([s.name for s, _ in filled])
    rois = []
    for number, ((structure, outlines), name) in enumerate(zip(filled, names, strict=True), start=1):
        exported = exported_volume_ml(outlines.contours, series)
        contours = outlines.contours
        if options.holes == KEYHOLE:
            contours = _keyholed(contours)
        rois.append(PlannedRoi(number, name, structure, outlines, contours, exported))
    return ExportPlan(series, options, tuple(rois), left_out, empty)


def exported_volume_ml(contours: Sequence[SliceContour], series: PlanningSeries) -> float:
    """Volume as a planning system will see it: even-odd area of the contours times slab thickness."""
    # Lines as traced never cross, and holes have negative areas: their sum is the even-odd area.
    return (
        sum(each.area_mm2 * float(series.slab_thickness_mm[each.slice_number]) for each in contours) / 1000.0
    )


def _by_slice(contours: Sequence[SliceContour]) -> dict[int, list[np.ndarray]]:
    groups: dict[int, list[np.ndarray]] = {}
    for each in contours:
        groups.setdefault(each.slice_number, []).append(each.points)
    return groups


def _keyholed(contours: Sequence[SliceContour]) -> tuple[SliceContour, ...]:
    result = []
    for number, polygons in _by_slice(contours).items():
        joined = with_keyholes(polygons) if len(polygons) > 1 else polygons
        result += [SliceContour(number, polygon, 0.0) for polygon in joined]
    return tuple(result)
