"""Anatomy as regions need it: distances to structures, iliac vessels by part and side, the middle."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..imaging.image import Mask
from ..rtvolumes.landmarks import Landmarks
from ..rtvolumes.landmarks_finding import find_landmarks
from ..rtvolumes.nodal_anatomy import SIDES, anatomy_of, plain
from ..rtvolumes.nodal_space import make_space
from ..rtvolumes.vessels import PARTS, split_vessel

_AROUND_VESSELS_MM = 4.0
_RECTUM_REACHES_MM = 15.0
_RECTUM_FROM_MIDDLE_MM = 30.0
_SIDE_LETTERS = {"l": "left", "r": "right"}


@dataclass(frozen=True, eq=False)
class NamedStructure:
    """A bone or organ by the name a clinician uses, with its side or level."""

    name: str
    side: str | None
    mask: Mask
    is_pelvic: bool = False


class RegionAnatomy:
    """One patient's anatomy; what is asked for is worked out once.

    structures: masks by name (TotalSegmentator, CADS, TG-263), in the lesions' world. The label "prostate" is
    not used: after prostatectomy it is false. landmarks: those the user placed outrank what is found.
    """

    def __init__(self, structures: Mapping[str, Mask], landmarks: Landmarks | None = None) -> None:
        self.structures = {name: mask for name, mask in structures.items() if not mask.is_empty}
        self.roles = anatomy_of(self.structures)
        self._placed = landmarks
        self._trees: dict[int, cKDTree] = {}

    @cached_property
    def landmarks(self) -> Landmarks:
        found = find_landmarks(self.roles)
        return found if self._placed is None else self._placed.with_automatic(found)

    @cached_property
    def middle_r(self) -> float | None:
        """R of the patient's middle: between the hip bones, else of the sacrum or a lumbar vertebra."""
        hips = self.roles.all_of(f"hip_{side}" for side in SIDES)
        if len(hips) == 2:
            return float(np.mean([mask.centroid_ras()[0] for mask in hips]))
        for role in ("sacrum", "S1", *(f"L{n}" for n in range(6, 0, -1))):
            mask = self.roles.get(role)
            if mask is not None:
                return float(mask.centroid_ras()[0])
        return None

    @cached_property
    def bones(self) -> tuple[NamedStructure, ...]:
        return self._named("bones")

    @cached_property
    def viscera(self) -> tuple[NamedStructure, ...]:
        return self._named("viscera")

    def first(self, *names: str) -> Mask | None:
        """The first structure of one of these plain names, whatever its role."""
        by_name = {plain(name): mask for name, mask in self.structures.items()}
        return next((by_name[name] for name in names if name in by_name), None)

    def distance_mm(self, masks: Iterable[Mask], point_ras: np.ndarray) -> float | None:
        """From a RAS point to the nearest voxel of the masks, 0 inside; None without masks."""
        nearest = [self.nearest(mask, point_ras)[0] for mask in masks]
        return min(nearest) if nearest else None

    def nearest(self, mask: Mask, point_ras: np.ndarray) -> tuple[float, np.ndarray]:
        """Distance to a structure's outermost voxels, 0 inside, and the RAS position of the nearest."""
        if inside_fraction(mask, np.asarray(point_ras)[None]) > 0:
            return 0.0, np.asarray(point_ras, float)
        if id(mask) not in self._trees:
            # Kept with its mask, so that the id stays its own.
            self._trees[id(mask)] = (mask, cKDTree(_rim_ras(mask), balanced_tree=False))
        tree = self._trees[id(mask)][1]
        distance, index = tree.query(point_ras)
        return float(distance), tree.data[index]

    @cached_property
    def rectum(self) -> Mask | None:
        """The rectum: its label, else the piece of colon below S3 that goes down to the pelvic floor.

        TotalSegmentator labels the rectum as colon. A loop of sigmoid that hangs low ends above the floor,
        and is not taken for it.
        """
        colon = self.roles.get("colon")
        level, floor = self.landmarks["S3_bottom"], self.landmarks["symphysis_top"]
        if self.roles.get("rectum") is not None or colon is None or level.is_missing:
            return self.roles.get("rectum")
        index = np.argwhere(colon.array)
        points = colon.grid.ras_of(index)
        below = np.zeros(colon.array.shape, bool)
        below[tuple(index[points[:, 2] < level.superior_mm].T)] = True
        labels, count = ndimage.label(below, ndimage.generate_binary_structure(3, 3))
        if not count or floor.is_missing or self.middle_r is None:
            return None
        piece = labels[tuple(index[np.argmin(points[:, 2])])]
        found = Mask(labels == piece, colon.grid).cropped() if piece else None
        if found is None or points[:, 2].min() > floor.superior_mm + _RECTUM_REACHES_MM:
            return None
        is_central = abs(found.centroid_ras()[0] - self.middle_r) < _RECTUM_FROM_MIDDLE_MM
        return found if is_central else None

    @cached_property
    def iliac_vessels(self) -> dict[tuple[str, str], list[Mask]]:
        """Arteries and veins by part ("common", "external", "internal") and side; only what is labelled."""
        found: dict[tuple[str, str], list[Mask]] = {}
        for side in SIDES:
            for kind in ("artery", "vein"):
                for part, mask in self._parts_of(kind, side).items():
                    found.setdefault((part, side), []).append(mask)
        return found

    def _parts_of(self, kind: str, side: str) -> dict[str, Mask]:
        named = {part: self.roles.get(f"{kind}_{part}_{side}") for part in PARTS}
        if named["external"] is not None and named["internal"] is not None:
            return {part: mask for part, mask in named.items() if mask is not None}
        whole = [m for m in (self.roles.get(f"{kind}_{side}"), *named.values()) if m is not None]
        fallback = self.landmarks["S1_top"]
        if not whole or fallback.is_missing:
            return {}
        corners = np.concatenate([mask.grid.corners_ras() for mask in whole])
        low, high = corners.min(axis=0) - _AROUND_VESSELS_MM, corners.max(axis=0) + _AROUND_VESSELS_MM
        space = make_space(whole[0].grid, low, high)
        lumen = space.smooth(whole)
        if not lumen.any():
            return {}
        split = split_vessel(lumen, space.spacing_kji, float(space.axis(0)[0]), fallback.superior_mm)
        arrays = {part: getattr(split, part) for part in PARTS}
        return {part: space.mask(array) for part, array in arrays.items() if array.any()}

    def _named(self, group: str) -> tuple[NamedStructure, ...]:
        found = []
        for name, mask in self.structures.items():
            for pattern, row in _table()[group]:
                match = pattern.fullmatch(plain(name))
                if match is None:
                    continue
                groups = match.groupdict()
                side = groups.get("side")
                level = groups.get("level")
                title = row["name"] if level is None else f"{row['name']} {level.upper()}"
                side = _SIDE_LETTERS.get(side, side)
                found.append(NamedStructure(title, side, mask, bool(row.get("pelvic", False))))
                break
        return tuple(found)


def inside_fraction(mask: Mask, points_ras: np.ndarray) -> float:
    """Share of RAS points, (N, 3), that lie in a voxel of a mask."""
    index = np.rint(mask.grid.kji_of(points_ras)).astype(np.intp)
    held = ((index >= 0) & (index < mask.array.shape)).all(axis=1)
    return float(np.count_nonzero(mask.array[tuple(index[held].T)])) / len(points_ras)


def _rim_ras(mask: Mask) -> np.ndarray:
    array = np.pad(mask.array, 1)
    rim = array & ~ndimage.binary_erosion(array)
    return mask.grid.ras_of(np.argwhere(rim) - 1)


@lru_cache(maxsize=1)
def _table() -> dict[str, list[tuple[re.Pattern[str], dict]]]:
    text = resources.files("PSMAPlanningLib.data").joinpath("region_structures.json").read_text("utf-8")
    document = json.loads(text)
    return {
        group: [(re.compile(row["pattern"]), row) for row in document[group]]
        for group in ("bones", "viscera")
    }
