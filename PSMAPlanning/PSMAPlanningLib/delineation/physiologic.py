"""Which avid regions are physiologic. Nothing is deleted; everything has a reason.

With organ masks a region is physiologic when its hottest voxel, or more than half of its voxels, lie in an
organ that takes up PSMA ligands. For organs without a mask, rules on position, size, shape and uptake name
the organs that the PET itself shows (`position_rules`); there the hottest voxel must lie in the organ.
What a region reaches beyond the organs' own spill-out, or what stands out inside liver, spleen or bowel, is
taken out as a region of its own, undecided: a recurrence behind the bladder often has no maximum of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np
from scipy import ndimage

from ..imaging.image import Image, Mask
from ..imaging.resampling import occupancy_at
from ..settings import Settings
from .avid_regions import TWENTY_SIX_CONNECTED, AvidRegion, RegionClass, part_of, renumbered
from .background import local_background_suv
from .body_frame import BodyFrame
from .organ_search import OrganByPosition
from .position_rules import organs_by_position
from .position_ureter import is_ureter
from .spill_out import distance_from_wall_mm, spill_out_mm, spill_out_suv

FAINT = "low_contrast"
NO_ANATOMY = "no_anatomy"
ORGAN = "organ:"
POSITION = "position:"
BEYOND = "beyond:"
FOCUS_IN = "focus_in:"
UNEVEN = "uneven:"
CONFIDENCE = "confidence_"

_UPTAKE_PERCENTILE = 90
_SMALLEST_FOCUS_VOXELS = 3
_SAMPLED_VOXELS = 4000
_BLUR_TOLERANCE = 1.3
_WALL_VOXELS = 0.75
"""How well a wall drawn through tiles is known."""
_SMALLEST_BOWEL_ML = 10.0
_EVEN_ORGANS = ("liver", "spleen")
_RIM_MM = 6.0
"""A liver drawn from the PET ends where it is even; its rim, no hotter than itself, is its own, too."""
_HOT_RATIO = 1.6
_HOT_SPREADS = 5.0
_MAD_TO_SD = 1.4826
_LARGEST_COV = 0.4


@cache
def physiologic_organs() -> frozenset[str]:
    """Names (TotalSegmentator, CADS) of the organs whose uptake is physiologic."""
    text = (files("PSMAPlanningLib.data") / "physiologic_organs.json").read_text(encoding="utf-8")
    return frozenset(json.loads(text)["organs"])


@dataclass(frozen=True, eq=False)
class _Organ:
    """An organ to compare regions with.

    confidence: of an organ told by position, None for a mask; median_suv: of its voxels;
    focus_suv: what is hotter inside is a focus, None in organs that may be as hot as they like;
    uneven: too uneven for a focus to be told from the organ; whole_only: see `OrganByPosition`;
    smallest_ml: a smaller region in it may be a node that lies there.
    """

    name: str
    mask: Mask
    confidence: str | None
    median_suv: float
    focus_suv: float | None = None
    uneven: bool = False
    whole_only: bool = False
    smallest_ml: float = 0.0

    @property
    def reason(self) -> str:
        return (ORGAN if self.confidence is None else POSITION) + self.name

    @property
    def flags(self) -> tuple[str, ...]:
        return () if self.confidence is None else (CONFIDENCE + self.confidence,)


def classify_regions(
    regions: tuple[AvidRegion, ...],
    anatomy: Mapping[str, Mask],
    pet: Image,
    settings: Settings,
    go_on: Callable[[], None] = lambda: None,
    ct: Image | None = None,
) -> tuple[AvidRegion, ...]:
    """The regions with class and reason code.

    Physiologic: "organ:NAME" (mask), "position:NAME" (rules; flag "confidence_high" or "_moderate").
    Undecided: "beyond:NAME", "focus_in:NAME", "uneven:NAME" (an organ whose foci cannot be told from it),
    "low_contrast", "no_anatomy". A region that holds more than its organ comes back in parts, so there can
    be more regions than before; all are named anew, hottest first.
    ct: in the PET's frame of reference; sharpens the rules on position.
    go_on: called before each piece of work; what it raises ends the work.
    """
    organs = [_organ_of_mask(n, mask, pet) for n, mask in anatomy.items() if n in physiologic_organs()]
    frame, by_position = (None, ())
    if regions and not physiologic_organs() <= set(anatomy):
        frame, by_position = organs_by_position(pet, settings.detection.threshold_suv, ct, go_on)
        organs += [_organ_of_place(organ, pet) for organ in by_position if organ.name not in anatomy]
    classified: list[AvidRegion] = []
    for region in regions:
        go_on()
        organ = _organ_of(region, organs)
        if organ is not None and organ.uneven:
            classified.append(region.classified(RegionClass.UNDECIDED, UNEVEN + organ.name))
        elif organ is not None:
            classified += _organ_and_foci(region, organ, organs, pet, settings, go_on)
        elif anatomy:
            classified.append(region.classified(RegionClass.LESION, None))
        else:
            classified.append(region.classified(RegionClass.UNDECIDED, NO_ANATOMY))
    if frame is not None and not any(name.startswith("ureter") for name in anatomy):
        classified = _with_ureters(classified, pet, frame, by_position, settings)
    named = renumbered(classified)
    judged = []
    for region in named:
        go_on()
        faint = _is_faint(pet, named, region, settings)
        judged.append(region.classified(RegionClass.UNDECIDED, FAINT) if faint else region)
    return tuple(judged)


def _organ_of_mask(name: str, mask: Mask, pet: Image) -> _Organ:
    values = _values_in(mask, pet)
    if values.size == 0:
        return _Organ(name, mask, None, 0.0)
    median = float(np.median(values))
    if name not in _EVEN_ORGANS or median <= 0:
        return _Organ(name, mask, None, median)
    spread = _spread(values, median)
    uneven = spread > _LARGEST_COV * median
    return _Organ(name, mask, None, median, max(_HOT_RATIO * median, median + _HOT_SPREADS * spread), uneven)


def _organ_of_place(organ: OrganByPosition, pet: Image) -> _Organ:
    values = _values_in(organ.mask, pet)
    median = float(np.median(values))
    focus_suv = organ.hottest_suv
    smallest_ml = _SMALLEST_BOWEL_ML if organ.name == "small_bowel" else 0.0
    if focus_suv is not None and organ.name in _EVEN_ORGANS:
        # Noise of single voxels is no focus; bowel is too uneven for its spread to say what noise is.
        focus_suv = max(focus_suv, median + _HOT_SPREADS * _spread(values, median))
    return _Organ(
        organ.name,
        organ.mask,
        organ.confidence,
        median,
        focus_suv,
        whole_only=organ.whole_only,
        smallest_ml=smallest_ml,
    )


def _spread(values: np.ndarray, median: float) -> float:
    """Standard deviation from the median deviation, which lesions in a minority of the voxels do not move."""
    return _MAD_TO_SD * float(np.median(np.abs(values - median)))


def _organ_of(region: AvidRegion, organs: list[_Organ]) -> _Organ | None:
    """The organ that holds the hottest voxel of the region, or by its mask most of it; None without one."""
    points = region.mask.points_ras()
    peak = np.array([region.peak_ras])
    for organ in organs:
        if region.volume_ml < organ.smallest_ml:
            continue
        if occupancy_at(organ.mask, peak)[0] >= 0.5:
            if not organ.whole_only or _holds_most(region, organ):
                return organ
        elif _may_hold_foci(organ) and np.mean(occupancy_at(organ.mask, points) >= 0.5) > 0.5:
            return organ
    return None


def _may_hold_foci(organ: _Organ) -> bool:
    """Whether a region whose peak lies outside an organ can be the organ's: a mask's, or one that is told
    from what stands out in it."""
    return organ.confidence is None or organ.focus_suv is not None


def _holds_most(region: AvidRegion, organ: _Organ) -> bool:
    """Whether more than half of an organ lies in a region."""
    inside = np.count_nonzero(occupancy_at(organ.mask, region.mask.points_ras()) >= 0.5)
    return inside * region.mask.grid.voxel_volume_ml > 0.5 * organ.mask.volume_ml


def _organ_and_foci(
    region: AvidRegion,
    main: _Organ,
    organs: list[_Organ],
    pet: Image,
    settings: Settings,
    go_on: Callable[[], None],
) -> list[AvidRegion]:
    """The organs' part of a region, named after the main organ, and what is not theirs, each on its own."""
    detection = settings.detection
    values = pet.array[region.box][region.mask.array]
    points = region.mask.points_ras()
    suv = np.asarray(pet.array[region.box])
    theirs = np.zeros(region.mask.array.shape, dtype=bool)
    hot_inside: dict[str, np.ndarray] = {}
    for organ in organs:
        go_on()
        inside = occupancy_at(organ.mask, points) >= 0.5
        if not inside.any() or organ.uneven:
            continue
        # Beside the main organ only what an organ takes up as a whole counts: the few voxels of a ureter
        # next to a node hold the node's uptake, and would hide it.
        uptake_suv = (
            float(np.percentile(values[inside], _UPTAKE_PERCENTILE)) if organ is main else organ.median_suv
        )
        reach_mm = spill_out_mm(uptake_suv, detection.threshold_suv, detection.fwhm_mm)
        # A voxel half in the shell is not beyond it.
        reach_mm += 0.5 * max(pet.grid.spacing_mm)
        if organ.confidence is not None and organ.name in _EVEN_ORGANS:
            reach_mm += _RIM_MM
        distance_mm = distance_from_wall_mm(organ.mask, region.mask.grid, reach_mm)
        explained = distance_mm <= reach_mm
        if organ.confidence is not None and organ.focus_suv is None:
            # The wall is the PET's own half level: what is hotter than its blur leaves is something else.
            seen_suv = spill_out_suv(
                uptake_suv, distance_mm - _WALL_VOXELS * max(pet.grid.spacing_mm), detection.fwhm_mm
            )
            explained &= (distance_mm <= 0) | (suv <= _BLUR_TOLERANCE * seen_suv + detection.threshold_suv)
        if organ.focus_suv is not None:
            hot_inside[organ.name] = explained & (suv > organ.focus_suv)
            explained &= suv <= organ.focus_suv
        theirs |= explained
    foci = _pieces(region.mask.array & ~theirs)
    rest = region.mask.array.copy()
    for focus in foci:
        rest &= ~focus
    if not rest.any():
        return [region.classified(RegionClass.UNDECIDED, BEYOND + main.name)]
    own = part_of(region, rest, pet).classified(RegionClass.PHYSIOLOGIC, main.reason)
    parts = [replace(own, flags=(*own.flags, *main.flags))]
    for focus in foci:
        held_by = next((name for name, hot in hot_inside.items() if np.mean(hot[focus]) > 0.5), None)
        reason = BEYOND + main.name if held_by is None else FOCUS_IN + held_by
        parts.append(part_of(region, focus, pet).classified(RegionClass.UNDECIDED, reason))
    return parts


def _pieces(mask: np.ndarray) -> list[np.ndarray]:
    """The connected parts of a mask that are no stray voxels."""
    labels, count = ndimage.label(mask, structure=TWENTY_SIX_CONNECTED)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    return [labels == n for n in range(1, count + 1) if sizes[n] >= _SMALLEST_FOCUS_VOXELS]


def _with_ureters(
    regions: list[AvidRegion],
    pet: Image,
    frame: BodyFrame,
    organs: tuple[OrganByPosition, ...],
    settings: Settings,
) -> list[AvidRegion]:
    """The regions, tubes on a ureter's course physiologic; only where kidneys and hot urine are known."""
    known = {organ.name: organ.mask.centroid_ras() for organ in organs}
    if not {"urinary_bladder", "kidney_right", "kidney_left"} <= set(known):
        return regions
    kidney_s_mm = (known["kidney_right"][2] + known["kidney_left"][2]) / 2
    bladder_ras = known["urinary_bladder"]
    judged = []
    for region in regions:
        open_to_rules = region.region_class is RegionClass.LESION or region.reason == NO_ANATOMY
        if open_to_rules and is_ureter(
            region, pet, frame, kidney_s_mm, bladder_ras, settings.detection.fwhm_mm
        ):
            right_mm, _ = frame.place(region.centroid_ras)
            reason = POSITION + ("ureter_right" if right_mm > 0 else "ureter_left")
            region = replace(
                region.classified(RegionClass.PHYSIOLOGIC, reason),
                flags=(*region.flags, CONFIDENCE + "moderate"),
            )
        judged.append(region)
    return judged


def _values_in(organ: Mask, pet: Image) -> np.ndarray:
    """Uptake of some thousand of an organ's voxels; none where it lies outside the PET."""
    indices = np.argwhere(organ.array)
    kji = pet.grid.kji_of(organ.grid.ras_of(indices[:: max(1, len(indices) // _SAMPLED_VOXELS)]))
    nearest = np.rint(kji).astype(int)
    nearest = nearest[np.all((nearest >= 0) & (nearest < pet.array.shape), axis=1)]
    return np.asarray(pet.array[tuple(nearest.T)], dtype=float)


def _is_faint(pet: Image, regions: tuple[AvidRegion, ...], region: AvidRegion, settings: Settings) -> bool:
    """Whether a region's maximum stands less than the minimum contrast above its surroundings.

    A region without free surroundings is not faint: what cannot be told is shown.
    """
    if region.region_class is RegionClass.PHYSIOLOGIC:
        return False
    background_suv = local_background_suv(pet, regions, region, settings.contours)
    return (
        background_suv is not None and region.suv_max < settings.detection.minimum_contrast * background_suv
    )
