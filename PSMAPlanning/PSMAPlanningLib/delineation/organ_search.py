"""What rules on the place of organs look at, and what they return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import NamedTuple

import numpy as np

from ..imaging.image import Mask
from .body_frame import BodyFrame
from .uptake_blobs import Blob

HIGH = "high"
MODERATE = "moderate"


@dataclass(frozen=True, eq=False)
class OrganByPosition:
    """An organ that the PET itself shows.

    name: as in TotalSegmentator; confidence: "high" or "moderate"; mask: on the PET's voxels;
    tiles: the same on the frame's tiles; median_suv: inside;
    hottest_suv: what is hotter inside is a focus in the organ, None when it may be as hot as it likes;
    whole_only: only the region that holds most of it is the organ; peaks beside it are their own.
    """

    name: str
    confidence: str
    mask: Mask
    tiles: np.ndarray
    median_suv: float
    hottest_suv: float | None = None
    whole_only: bool = False


Found = list["OrganByPosition | None"]


@dataclass(frozen=True, eq=False)
class Search:
    """What the rules on single organs look at.

    suv: the frame's smoothed tiles; found: organs named so far; ct_hu: CT on the tiles, None without one.
    """

    frame: BodyFrame
    suv: np.ndarray
    blobs: tuple[Blob, ...]
    threshold_suv: float
    found: dict[str, OrganByPosition]
    ct_hu: np.ndarray | None = None

    def organ(
        self,
        name: str,
        confidence: str,
        tiles: np.ndarray,
        hottest_suv: float | None = None,
        whole_only: bool = False,
    ) -> OrganByPosition | None:
        """The organ of these tiles; None when nothing of them lies in the PET."""
        mask = self.frame.coarse.on_pet(tiles)
        if mask is None:
            return None
        median = float(np.median(self.suv[tiles]))
        return OrganByPosition(name, confidence, mask, tiles, median, hottest_suv, whole_only)


class KidneyAxis(NamedTuple):
    """Level (S mm), depth position (A mm), lowest and highest level of both kidneys."""

    middle_s: float
    middle_a: float
    lowest_s: float
    highest_s: float


def kidney_axis(search: Search) -> KidneyAxis | None:
    """Where the kidneys lie; None without them."""
    if "kidney_right" not in search.found or "kidney_left" not in search.found:
        return None
    points = np.concatenate(
        [
            search.frame.coarse.positions(np.argwhere(search.found[f"kidney_{side}"].tiles))
            for side in ("right", "left")
        ]
    )
    middle = points.mean(axis=0)
    return KidneyAxis(
        float(middle[2]), float(middle[1]), float(points[:, 2].min()), float(points[:, 2].max())
    )


def beside_kidneys(rule: Callable[[Search, KidneyAxis], Found]) -> Callable[[Search], Found]:
    """A rule that tells organs by their place about the kidneys; it finds none where these are not known."""

    @wraps(rule)
    def find(search: Search) -> Found:
        axis = kidney_axis(search)
        return [] if axis is None else rule(search, axis)

    return find


def between(value: float, limits: tuple[float, float]) -> bool:
    return bool(limits[0] <= value <= limits[1])


def ratio(first: float, second: float) -> float:
    return max(first, second) / max(min(first, second), 1e-6)
