"""Reference regions: uptake of liver, blood pool, parotid, spleen and gluteus, for rules and scores.

From an organ mask, kept off its edge where blurring mixes it with its neighbours, or from a sphere that is
proposed and that the user can move. What looks like a lesion inside is said, never taken out silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import RuleError
from ..imaging.grid import Box, VoxelGrid
from ..imaging.image import Image, Mask
from ..imaging.resampling import occupancy_at
from .avid_regions import TWENTY_SIX_CONNECTED

PERCIST_RADIUS_MM = 15.0
FROM_MASK, PROPOSED, MOVED = "mask", "proposed", "moved"
_LARGEST_COV = 0.35
_HOT_SPREADS = 5.0
_HOT_RATIO = 1.5
_FEWEST_HOT_ML = 0.1
_FEWEST_VOXELS = 8
_MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class ReferenceKind:
    """Which organs a reference region may be measured in (the first present pair or organ), and how.

    erosion_mm: how far from the organ's wall; radius_mm: of the proposed sphere.
    """

    name: str
    organs: tuple[tuple[str, ...], ...]
    erosion_mm: float
    radius_mm: float


REFERENCE_KINDS: dict[str, ReferenceKind] = {
    kind.name: kind
    for kind in (
        ReferenceKind("liver", (("liver",),), 10.0, PERCIST_RADIUS_MM),
        ReferenceKind("blood_pool", (("aorta",), ("heart_atrium_left", "heart")), 5.0, 5.0),
        ReferenceKind(
            "parotid",
            (("parotid_gland_left", "parotid_gland_right"), ("parotid_left", "parotid_right")),
            3.0,
            6.0,
        ),
        ReferenceKind("spleen", (("spleen",),), 8.0, 10.0),
        ReferenceKind("gluteus", (("gluteus_maximus_left", "gluteus_maximus_right"),), 8.0, 15.0),
    )
}
"""Names as in TotalSegmentator and CADS."""


@dataclass(frozen=True)
class ReferenceRegion:
    """Uptake of a reference region, SUV.

    cov: SD over mean; source: "mask", "proposed" (a sphere nobody has looked at yet) or "moved" (one that the
    user placed); centre_ras, radius_mm: of the sphere, None for a mask.
    """

    name: str
    mean: float
    sd: float
    maximum: float
    voxels: int
    volume_ml: float
    source: str
    centre_ras: tuple[float, float, float] | None = None
    radius_mm: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def cov(self) -> float | None:
        return self.sd / self.mean if self.mean > 0 else None

    def to_document(self) -> dict[str, object]:
        return {
            "name": self.name,
            "mean": self.mean,
            "sd": self.sd,
            "cov": self.cov,
            "max": self.maximum,
            "voxels": self.voxels,
            "volume_ml": self.volume_ml,
            "source": self.source,
            "centre": None if self.centre_ras is None else list(self.centre_ras),
            "radius_mm": self.radius_mm,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> ReferenceRegion:
        """The region of `to_document`. Raises RuleError for what is none."""
        try:
            centre, radius = document["centre"], document["radius_mm"]
            region = cls(
                name=_kind(str(document["name"])).name,
                mean=float(document["mean"]),
                sd=float(document["sd"]),
                maximum=float(document["max"]),
                voxels=int(document["voxels"]),
                volume_ml=float(document["volume_ml"]),
                source=str(document["source"]),
                centre_ras=None if centre is None else tuple(float(x) for x in centre),
                radius_mm=None if radius is None else float(radius),
                warnings=tuple(str(warning) for warning in document["warnings"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RuleError(f"This is no stored reference region ({error}); measure it again.") from error
        if region.source not in (FROM_MASK, PROPOSED, MOVED):
            raise RuleError(f"A reference region has the unknown source {region.source!r}; measure it again.")
        return region


def reference_from_sphere(
    pet: Image,
    name: str,
    centre_ras: tuple[float, float, float],
    radius_mm: float | None = None,
    source: str = MOVED,
) -> ReferenceRegion:
    """A reference region from the voxels whose centres lie in a sphere.

    radius_mm: None takes that of the kind; source: "moved" for one the user placed, "proposed" otherwise.
    Raises RuleError for an unknown name, a radius that cannot be, or a sphere that is not inside the PET.
    """
    kind = _kind(name)
    radius = kind.radius_mm if radius_mm is None else float(radius_mm)
    if not 1.0 <= radius <= 100.0:
        raise RuleError(f"The radius of the {name} sphere is {radius} mm; it must lie between 1 and 100 mm.")
    box = _box_of_sphere(pet.grid, centre_ras, radius)
    if box is None:
        raise RuleError(f"The {name} sphere lies outside the PET; move it into the image.")
    grid = pet.grid.crop(box)
    points = grid.ras_of(np.moveaxis(np.indices(grid.shape_kji), 0, -1))
    inside = np.linalg.norm(points - np.array(centre_ras, dtype=float), axis=-1) <= radius
    return _measured(pet, name, box, inside, source, tuple(float(x) for x in centre_ras), radius)


def reference_from_mask(pet: Image, name: str, masks: Mapping[str, Mask] | Mask) -> ReferenceRegion:
    """A reference region from organ masks by name, or from one mask, away from the wall.

    Raises RuleError when none of the organs it may be measured in is there, or not inside the PET.
    """
    kind = _kind(name)
    boxes = []
    for mask in _organs(kind, masks):
        box = _box_of_mask(pet.grid, mask)
        if box is not None:
            boxes.append((box, _away_from_wall(pet.grid.crop(box), mask, kind.erosion_mm)))
    boxes = [(box, inside) for box, inside in boxes if inside.any()]
    if not boxes:
        raise RuleError(f"The {name} lies outside the PET; use a sphere, or masks registered to the PET.")
    whole = tuple(
        slice(min(b[a].start for b, _ in boxes), max(b[a].stop for b, _ in boxes)) for a in range(3)
    )
    inside = np.zeros(tuple(s.stop - s.start for s in whole), dtype=bool)
    for box, part in boxes:
        inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(box, whole, strict=True))
        inside[inner] |= part
    return _measured(pet, name, whole, inside, FROM_MASK, None, None)


def proposed_sphere(
    pet: Image, name: str, masks: Mapping[str, Mask] | Mask
) -> tuple[tuple[float, float, float], float]:
    """Centre (RAS mm) and radius (mm) of a sphere deep inside an organ, for the user to move.

    In the liver on the patient's right half of the organ, as PERCIST asks. Raises RuleError without a mask.
    """
    kind = _kind(name)
    mask = max(_organs(kind, masks), key=lambda each: each.volume_ml).cropped(1)
    depth_mm = ndimage.distance_transform_edt(np.pad(mask.array, 1), sampling=mask.grid.spacing_kji_mm)
    depth_mm = depth_mm[1:-1, 1:-1, 1:-1]
    if name == "liver":
        right = mask.grid.ras_of(np.moveaxis(np.indices(mask.grid.shape_kji), 0, -1))[..., 0]
        depth_mm = np.where(right >= np.median(right[mask.array]), depth_mm, 0.0)
    deepest = np.unravel_index(int(depth_mm.argmax()), depth_mm.shape)
    radius = min(kind.radius_mm, max(2.0, float(depth_mm[deepest])))
    return mask.grid.position_of(deepest), radius


def reference_numbers(regions: Mapping[str, ReferenceRegion]) -> dict[str, float]:
    """The numbers that rules take: liver_mean, liver_sd, liver_max, blood_pool_mean, blood_pool_sd."""
    numbers: dict[str, float] = {}
    if "liver" in regions:
        liver = regions["liver"]
        numbers |= {"liver_mean": liver.mean, "liver_sd": liver.sd, "liver_max": liver.maximum}
    if "blood_pool" in regions:
        numbers |= {"blood_pool_mean": regions["blood_pool"].mean, "blood_pool_sd": regions["blood_pool"].sd}
    return numbers


def _kind(name: str) -> ReferenceKind:
    if name not in REFERENCE_KINDS:
        raise RuleError(f"There is no reference region {name!r}; known: {', '.join(REFERENCE_KINDS)}.")
    return REFERENCE_KINDS[name]


def _organs(kind: ReferenceKind, masks: Mapping[str, Mask] | Mask) -> list[Mask]:
    if isinstance(masks, Mask):
        found = [masks]
    else:
        found = next(
            (
                present
                for names in kind.organs
                if (present := [masks[name] for name in names if name in masks and not masks[name].is_empty])
            ),
            [],
        )
    found = [mask for mask in found if not mask.is_empty]
    if not found:
        names = ", ".join(name for group in kind.organs for name in group)
        raise RuleError(f"There is no mask for the {kind.name} ({names}); place a sphere instead.")
    return found


def _box_of_sphere(grid: VoxelGrid, centre_ras: tuple[float, float, float], radius_mm: float) -> Box | None:
    middle = grid.kji_of(np.array(centre_ras, dtype=float))
    margin = radius_mm / np.array(grid.spacing_kji_mm)
    return _clipped(grid, np.ceil(middle - margin), np.floor(middle + margin) + 1)


def _box_of_mask(grid: VoxelGrid, mask: Mask) -> Box | None:
    corners = grid.kji_of(mask.cropped().grid.corners_ras())
    return _clipped(grid, np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0)) + 1)


def _clipped(grid: VoxelGrid, low: np.ndarray, high: np.ndarray) -> Box | None:
    start = np.maximum(low.astype(int), 0)
    stop = np.minimum(high.astype(int), grid.shape_kji)
    if np.any(start >= stop):
        return None
    return tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))


def _away_from_wall(grid: VoxelGrid, mask: Mask, erosion_mm: float) -> np.ndarray:
    """Voxels of `grid` inside the mask and at least `erosion_mm` from its wall; less in a thin organ."""
    indices = np.moveaxis(np.indices(grid.shape_kji), 0, -1)
    points = grid.ras_of(indices).reshape(-1, 3)
    inside = (occupancy_at(mask, points) >= 0.5).reshape(grid.shape_kji)
    depth_mm = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=grid.spacing_kji_mm)
    depth_mm = depth_mm[1:-1, 1:-1, 1:-1]
    # A thin organ has no voxel that deep: then the deepest third of it.
    reach = min(erosion_mm, 0.67 * float(depth_mm.max(initial=0.0)))
    return inside & (depth_mm >= reach)


def _measured(
    pet: Image,
    name: str,
    box: Box,
    inside: np.ndarray,
    source: str,
    centre_ras: tuple[float, float, float] | None,
    radius_mm: float | None,
) -> ReferenceRegion:
    finite = inside & np.isfinite(pet.array[box])
    if not finite.any():
        raise RuleError(f"The {name} region holds no voxel of the PET; move it or make it larger.")
    values = pet.array[box][finite].astype(float)
    mean, sd = float(values.mean()), float(values.std(ddof=1)) if values.size > 1 else 0.0
    return ReferenceRegion(
        name=name,
        mean=mean,
        sd=sd,
        maximum=float(values.max()),
        voxels=int(values.size),
        volume_ml=values.size * pet.grid.voxel_volume_ml,
        source=source,
        centre_ras=centre_ras,
        radius_mm=radius_mm,
        warnings=_warnings(name, pet, box, finite, values, mean, sd),
    )


def _warnings(
    name: str, pet: Image, box: Box, inside: np.ndarray, values: np.ndarray, mean: float, sd: float
) -> tuple[str, ...]:
    warnings = []
    if values.size < _FEWEST_VOXELS:
        warnings.append(f"{name}: only {values.size} voxels; make the region larger.")
    if mean <= 0:
        warnings.append(f"{name}: the mean uptake is not above zero; check the region's place.")
    elif sd / mean > _LARGEST_COV:
        warnings.append(
            f"{name}: COV {100 * sd / mean:.0f} %, too uneven for a reference; "
            "it may hold lesions or reach beyond the organ."
        )
    # Median and its deviation, which lesions in a minority of the voxels do not move.
    median = float(np.median(values))
    spread = _MAD_TO_SD * float(np.median(np.abs(values - median)))
    hot = inside & (pet.array[box] > max(median + _HOT_SPREADS * spread, _HOT_RATIO * median))
    if hot.any():
        labels, _ = ndimage.label(hot, structure=TWENTY_SIX_CONNECTED)
        largest_ml = float(np.bincount(labels.ravel())[1:].max()) * pet.grid.voxel_volume_ml
        if largest_ml >= _FEWEST_HOT_ML:
            hottest = float(pet.array[box][hot].max())
            warnings.append(
                f"{name}: lesion-like uptake inside (SUV {hottest:.1f} where the median is {median:.1f}); "
                "move the region or correct the mask."
            )
    return tuple(warnings)
