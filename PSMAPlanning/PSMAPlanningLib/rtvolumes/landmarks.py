"""Landmarks that prostate bed, pelvic nodes, regions and the recurrence map share.

A landmark is a plane through a point: its level where the normal is the patient's superior axis, which is
what contouring guidelines mean by "from L5/S1 downwards". Points such as the anastomosis are landmarks too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np

from ..errors import LandmarkError

LANDMARK_NAMES = (
    "L2_L3", "aortic_bifurcation", "L4_L5", "L5_S1", "S1_top", "S3_bottom", "femoral_head_top",
    "symphysis_top", "anastomosis", "penile_bulb_top", "seminal_vesicle_bed_top",
)  # fmt: skip
"""From the head to the feet, more or less; the last three are points that only a user can be sure of."""

_UP = (0.0, 0.0, 1.0)
_LARGEST_TILT_DEGREES = 60.0
_UNIT_TOLERANCE = 1e-12
SCHEMA_VERSION = 1


class LandmarkSource(str, Enum):
    """Where a landmark's place comes from."""

    AUTOMATIC = "automatic"
    USER = "user"
    MISSING = "missing"


@dataclass(frozen=True)
class Landmark:
    """One landmark.

    point_ras: on the plane, RAS mm; None when the landmark is missing.
    normal_ras: unit vector, towards the head.
    confidence: 0 to 1, how far the automatic place can be trusted; 1 for the user's, 0 when missing.
    reason: code of how it was found or why it is missing.
    """

    name: str
    source: LandmarkSource
    point_ras: tuple[float, float, float] | None = None
    normal_ras: tuple[float, float, float] = _UP
    confidence: float = 0.0
    reason: str = ""

    def __post_init__(self) -> None:
        if self.name not in LANDMARK_NAMES:
            raise LandmarkError(f"There is no landmark {self.name!r}; known: {', '.join(LANDMARK_NAMES)}.")
        object.__setattr__(self, "source", LandmarkSource(self.source))
        if (self.point_ras is None) is not (self.source is LandmarkSource.MISSING):
            raise LandmarkError(f"Landmark {self.name}: a missing one has no point, any other needs one.")
        if self.point_ras is not None:
            object.__setattr__(self, "point_ras", _vector(self.name, "point", self.point_ras))
        normal = np.array(_vector(self.name, "normal", self.normal_ras))
        length = float(np.linalg.norm(normal))
        if length < 1e-6 or normal[2] / length < math.cos(math.radians(_LARGEST_TILT_DEGREES)):
            raise LandmarkError(
                f"Landmark {self.name}: its plane must face the head, within {_LARGEST_TILT_DEGREES:g} "
                "degrees; turn it back."
            )
        # A unit vector stays as it is, to the last digit: what is stored and read again is equal.
        normal = normal if abs(length - 1.0) < _UNIT_TOLERANCE else normal / length
        object.__setattr__(self, "normal_ras", tuple(float(x) for x in normal))
        if not 0.0 <= self.confidence <= 1.0:
            raise LandmarkError(f"Landmark {self.name}: confidence is {self.confidence}; give 0 to 1.")

    @property
    def is_missing(self) -> bool:
        return self.point_ras is None

    @property
    def superior_mm(self) -> float:
        """The point's S coordinate; raises LandmarkError when the landmark is missing."""
        return float(self._placed()[2])

    def height_mm(self, points_ras: np.ndarray) -> np.ndarray:
        """How far RAS points, (..., 3), lie above the plane (negative: below), mm."""
        return (np.asarray(points_ras, dtype=float) - self._placed()) @ np.array(self.normal_ras)

    def moved_by(self, offset_mm: float) -> Landmark:
        """The same plane further towards the head along its normal."""
        return replace(self, point_ras=tuple(self._placed() + offset_mm * np.array(self.normal_ras)))

    def _placed(self) -> np.ndarray:
        if self.point_ras is None:
            raise LandmarkError(f"The landmark {self.name} is missing; place it.")
        return np.array(self.point_ras)


@dataclass(frozen=True)
class Landmarks:
    """All landmarks of one patient; replaced, never changed. Those not given are missing.

    findings: codes of what somebody must look at, such as "transitional_vertebra".
    """

    placed: Mapping[str, Landmark] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, landmark in self.placed.items():
            if landmark.name != name:
                raise LandmarkError(
                    f"Landmark {landmark.name} is filed under {name}; file it under its name."
                )
        whole = {name: self.placed.get(name) or missing(name) for name in LANDMARK_NAMES}
        object.__setattr__(self, "placed", whole)

    def __getitem__(self, name: str) -> Landmark:
        if name not in self.placed:
            raise LandmarkError(f"There is no landmark {name!r}; known: {', '.join(LANDMARK_NAMES)}.")
        return self.placed[name]

    def with_moved(
        self,
        name: str,
        point_ras: tuple[float, float, float],
        normal_ras: tuple[float, float, float] | None = None,
    ) -> Landmarks:
        """The landmarks with one put elsewhere by the user; its plane keeps its tilt unless one is given."""
        landmark = Landmark(
            name, LandmarkSource.USER, point_ras, normal_ras or self[name].normal_ras, 1.0, "placed_by_user"
        )
        return replace(self, placed={**self.placed, name: landmark})

    def with_automatic(self, found: Landmarks) -> Landmarks:
        """What was found automatically, without touching what the user placed."""
        kept = {name: mark for name, mark in self.placed.items() if mark.source is LandmarkSource.USER}
        return Landmarks({**found.placed, **kept}, found.findings)

    def missing_of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the names that are missing, in order."""
        return tuple(name for name in names if self[name].is_missing)

    def to_document(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "schema_version": SCHEMA_VERSION,
            "findings": list(self.findings),
            "landmarks": [
                {
                    "name": mark.name,
                    "source": mark.source.value,
                    "point": None if mark.point_ras is None else list(mark.point_ras),
                    "normal": list(mark.normal_ras),
                    "confidence": mark.confidence,
                    "reason": mark.reason,
                }
                for mark in self.placed.values()
            ],
        }

    @classmethod
    def from_document(cls, document: Any) -> Landmarks:
        """The inverse of to_document; raises LandmarkError, naming the entry, for anything else."""
        if not isinstance(document, Mapping) or not isinstance(document.get("landmarks"), list):
            raise LandmarkError("Landmarks must be an object with a list called landmarks.")
        if document.get("schema_version") != SCHEMA_VERSION:
            raise LandmarkError(
                f"Landmarks have schema_version {document.get('schema_version')!r}; this version reads "
                f"{SCHEMA_VERSION}."
            )
        placed = {}
        for entry in document["landmarks"]:
            if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
                raise LandmarkError("Each landmark must be an object with a name.")
            placed[entry["name"]] = _from_entry(entry)
        findings = document.get("findings", [])
        if not isinstance(findings, list) or not all(isinstance(code, str) for code in findings):
            raise LandmarkError("The landmarks' findings must be a list of codes.")
        return cls(placed, tuple(findings))


def missing(name: str, reason: str = "not_placed") -> Landmark:
    """A landmark without a place."""
    return Landmark(name, LandmarkSource.MISSING, None, _UP, 0.0, reason)


def _from_entry(entry: Mapping[str, Any]) -> Landmark:
    name = entry["name"]
    try:
        source = LandmarkSource(entry.get("source"))
    except ValueError:
        raise LandmarkError(
            f"Landmark {name}: source is {entry.get('source')!r}; it must be automatic, user or missing."
        ) from None
    confidence, reason = entry.get("confidence", 0.0), entry.get("reason", "")
    if isinstance(confidence, bool) or not isinstance(confidence, (int, float)):
        raise LandmarkError(f"Landmark {name}: confidence is {confidence!r}; it must be a number.")
    if not isinstance(reason, str):
        raise LandmarkError(f"Landmark {name}: reason must be a code.")
    return Landmark(name, source, entry.get("point"), entry.get("normal", _UP), float(confidence), reason)


def _vector(name: str, what: str, value: Any) -> tuple[float, float, float]:
    if (
        not isinstance(value, (list, tuple, np.ndarray))
        or len(value) != 3
        or not all(isinstance(x, (int, float, np.number)) and not isinstance(x, bool) for x in value)
        or not all(math.isfinite(x) for x in value)
    ):
        raise LandmarkError(f"Landmark {name}: its {what} must be three finite numbers, RAS mm.")
    return tuple(float(x) for x in value)
