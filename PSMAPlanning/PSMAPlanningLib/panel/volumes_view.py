"""What the RT volumes section shows at one moment, in codes and numbers; no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NO_MARGINS = (None,) * 6


@dataclass(frozen=True)
class MappingRow:
    """One structure and what it was taken for.

    use: code of `volume_uses.USES`, None when nobody knows; matched_by: user, exact, alias,
    interpreted_type, geometry or None. asks: a person has to confirm or change it.
    unverified: guideline numbers it rests on that nobody read in their source. is_outdated: it was grown from
    a volume that has changed since.
    """

    name: str
    use: str | None
    kind: str | None
    tg263: str | None
    matched_by: str | None
    asks: bool
    volume_ml: float
    origin: str
    source: str
    status: str = "ok"
    is_generated: bool = False
    unverified: tuple[str, ...] = ()
    is_outdated: bool = False


@dataclass(frozen=True)
class GuidelineChoice:
    """A guideline to choose; unverified: names of its numbers that were not read in their source.

    numbers: how many numbers and borders it has. source: "package" or the name of the user's file.
    """

    name: str
    title: str
    kind: str
    numbers: int
    unverified: tuple[str, ...]
    source: str = "package"


@dataclass(frozen=True)
class LandmarkRow:
    """A landmark: source automatic, user or missing; superior_mm: S of its point, None when missing."""

    name: str
    source: str
    superior_mm: float | None
    confidence: float
    reason: str


@dataclass(frozen=True)
class GeneratedRow:
    """A generated volume beside the published series.

    steps, findings: one sentence each. published: (what, mean, low, high in mL) of each series.
    """

    name: str
    guideline: str
    volume_ml: float
    unverified: tuple[str, ...]
    steps: tuple[str, ...]
    findings: tuple[str, ...]
    published: tuple[tuple[str, float | None, float | None, float | None], ...]


@dataclass(frozen=True)
class PrescriptionRow:
    """What a target is to receive: dose_gy and fractions None where nobody stated them.

    source: "entered", "name" for one read in the target's TG-263 name, "" for none. eqd2_gy: dose in 2 Gy
    fractions for the alpha/beta of the target and of late reactions, None without dose or fractions.
    """

    volume: str
    dose_gy: float | None = None
    fractions: int | None = None
    source: str = ""
    eqd2_gy: tuple[float, float] | None = None


@dataclass(frozen=True)
class VolumesView:
    """Everything the section shows.

    node: the segmentation that shows the case's volumes. notes: what was said when something was imported,
    grown or generated last; part of it may be in the case's warnings too.
    margins: right, left, anterior, posterior, superior, inferior in mm; None where nothing was entered.
    organs: names that can be cropped by. organ_count: organ masks that volumes can be generated from.
    asked_levels: S in mm of the levels that could be L5/S1, upper first, while that question is open.
    bed_missing: landmarks the bed still needs. placing: the landmark that the next click places.
    prescriptions: one row per target. alpha_beta_gy: of the target and of late reactions, as set.
    edited: name of the volume that is drawn on, in the segmentation edit_node over source_node.
    """

    node: Any | None = None
    rows: tuple[MappingRow, ...] = ()
    selected: str | None = None
    notes: tuple[str, ...] = ()
    margins: tuple[float | None, ...] = NO_MARGINS
    margin_file: str = ""
    crop_by: tuple[str, ...] = ()
    crop_margin_mm: float = 0.0
    organs: tuple[str, ...] = ()
    boost_margins: tuple[float | None, float | None] = (None, None)
    guidelines: tuple[GuidelineChoice, ...] = ()
    chosen_guidelines: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)
    organ_count: int = 0
    landmarks: tuple[LandmarkRow, ...] = ()
    are_planes_shown: bool = False
    asked_levels: tuple[float, ...] = ()
    bed_missing: tuple[str, ...] = ()
    placing: str | None = None
    generated: tuple[GeneratedRow, ...] = ()
    prescriptions: tuple[PrescriptionRow, ...] = ()
    alpha_beta_gy: tuple[float, float] = (1.5, 3.0)
    edited: str | None = None
    edit_node: Any | None = None
    source_node: Any | None = None

    @property
    def asking(self) -> tuple[str, ...]:
        """Names of the structures somebody has to confirm."""
        return tuple(row.name for row in self.rows if row.asks)

    def row(self, name: str | None) -> MappingRow | None:
        return next((row for row in self.rows if row.name == name), None)
