"""More of a lesion by a click: its contour grown from there by the rule that it goes by."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from scipy.spatial import cKDTree

from .delineation.lesion_crop import LesionCrop, lesion_crop
from .delineation.rules import Delineation, delineate
from .delineation.seeded_regions import SEARCH_MM, with_focus
from .errors import CaseError, RuleError
from .imaging.grid import grow_box
from .imaging.image import Mask
from .lesion_again import CHOSEN
from .lesion_clicks import Aim, aim_at, detection_threshold_suv, require_lesion_uptake
from .lesion_consensus import UNFIT, candidate_names, fuse_candidates
from .lesion_contours import CONSENSUS
from .lesion_facts import crop_of, measured_facts
from .lesion_revision import THRESHOLD, threshold_contour, united
from .records import CaseState, Change, Contour, Lesion, Point

GROWN = "grown"
_HELD, _CLICKED = 1, 2
_SET_THRESHOLD = re.compile(r"threshold SUV (\d+(?:\.\d+)?)")
"""What an entry of a lesion's record says when a user set a threshold of its own."""
_WHY_NOT = {
    "empty": "nothing there reaches its threshold",
    "leaks": "it would leak into the surroundings",
    "collapsed": "it would hold only a hot spot",
    "no_background": "it needs a background, and there is none around",
    "no_liver": "it needs the uptake of the liver, which is not known",
    "no_contrast": "the uptake does not stand out enough",
}


def grown(state: CaseState, lesion_id: str, point_ras: Point, change: Change) -> CaseState:
    """The state with a lesion's contour grown from a point by the rule that the contour goes by.

    The rule, with the numbers it had for this lesion, starts at the local peak: the hottest voxel of the
    lesion's uptake within 6 mm of the point, and for a focus beside the lesion that focus's. What it contours
    on that peak's side of the saddle is added to what the lesion has: the threshold of a faint peak would
    otherwise reach around the bright one. A contour drawn by hand grows by the one that the settings name.
    Raises CaseError, with why, when nothing can be added.
    """
    lesion = next((each for each in state.lesions if each.id == lesion_id), None)
    if lesion is None:
        raise CaseError(f"There is no lesion {lesion_id!r} in this case; its list may have been recomputed.")
    aim = aim_at(state, point_ras)
    crop = _crop_at(state, lesion, aim, point_ras)
    added = _contoured(state, lesion, crop)
    _require_near(state, lesion, added)
    mask = united((lesion.contour.mask, added))
    # Less than the PET can show: the rim of what the lesion holds, and not a peak of its own.
    if mask.volume_ml - lesion.contour.mask.volume_ml < state.pet.grid.voxel_volume_ml:
        raise _holds_all(lesion, state)
    contour = Contour(mask.cropped(), "hand", flags=(GROWN,))
    wide = crop_of(replace(lesion, contour=contour), state)
    try:
        others = [candidate.mask for candidate in lesion.candidates]
        facts = measured_facts(contour.mask, wide, state.pet, state.settings, others)
    except RuleError as error:
        raise CaseError(str(error)) from None
    contour = replace(contour, facts=facts, flags=tuple(sorted({GROWN, *facts.flags})))
    # The last entry of a rejected lesion's record tells why it was rejected.
    after = lesion.with_contour(contour, replace(change, reason=lesion.rejection_reason))
    return replace(state, lesions=tuple(after if each is lesion else each for each in state.lesions))


# Where the rule starts


def _crop_at(state: CaseState, lesion: Lesion, aim: Aim, point_ras: Point) -> LesionCrop:
    """The surroundings for the rule, with the local peak of the click for their peak."""
    if aim.lesion is not None and aim.lesion is not lesion:
        raise CaseError(
            f"This is lesion {aim.lesion.id}; merge the two in the table to make one of them, or end the "
            "editing to select it."
        )
    if aim.lesion is None:
        require_lesion_uptake(state, aim.region)
        regions = with_focus(state.regions, aim.region)
        region = regions[-1] if aim.region.id == "" else aim.region
        return lesion_crop(state.pet, regions, region, state.settings.contours)
    return _own_crop(state, lesion, point_ras)


def _own_crop(state: CaseState, lesion: Lesion, point_ras: Point) -> LesionCrop:
    pet = state.pet
    point = np.array(point_ras, dtype=float)
    seed = np.rint(pet.grid.kji_of(point)).astype(int)
    margins = tuple(math.ceil(SEARCH_MM / spacing) for spacing in pet.grid.spacing_kji_mm)
    box = grow_box(tuple(slice(int(n), int(n) + 1) for n in seed), margins, pet.grid.shape_kji)
    crop = crop_of(lesion, state)
    # One row per voxel of the box, in the order of its values.
    kji = np.indices([s.stop - s.start for s in box]).reshape(3, -1).T + [s.start for s in box]
    places = pet.grid.ras_of(kji)
    fine = np.rint(crop.grid.kji_of(places)).astype(int)
    is_own = ((fine >= 0) & (fine < crop.suv.shape)).all(axis=1)
    is_own[is_own] = crop.territory[tuple(fine[is_own].T)]
    is_own &= np.linalg.norm(places - point, axis=1) <= SEARCH_MM
    around = pet.array[box].ravel()
    values = np.where(is_own & np.isfinite(around), around, -np.inf)
    hottest = int(values.argmax())
    suv = float(values[hottest])
    if suv == -np.inf:
        raise CaseError(
            f"Where you clicked other uptake than that of lesion {lesion.id} begins; click nearer to it."
        )
    # A lesion that a person added below the threshold has uptake of its own to begin from.
    inside = pet.array[lesion.region.box][lesion.region.mask.array]
    lowest = min(detection_threshold_suv(state), float(np.nanmin(inside)))
    if suv < lowest:
        raise CaseError(
            f"The uptake where you clicked reaches SUV {suv:.2f}, below {lowest:.2f}, where lesion "
            f"{lesion.id} begins; click on its uptake."
        )
    peak = tuple(int(n) for n in fine[hottest])
    return replace(crop, peak_kji=peak, suv_max=suv, territory=_side_of(crop, peak, lesion, state))


def _side_of(
    crop: LesionCrop, peak_kji: tuple[int, int, int], lesion: Lesion, state: CaseState
) -> np.ndarray:
    """The part of the territory that is flooded downhill from a peak and not from the present contour."""
    markers = np.zeros(crop.suv.shape, dtype=np.uint8)
    held = np.rint(crop.grid.kji_of(lesion.contour.mask.points_ras())).astype(int)
    held = held[((held >= 0) & (held < crop.suv.shape)).all(axis=1)]
    markers[tuple(held.T)] = _HELD
    if markers[peak_kji] == _HELD:
        raise _holds_all(lesion, state)
    markers[peak_kji] = _CLICKED
    basins = sitk.MorphologicalWatershedFromMarkers(
        sitk.GetImageFromArray(-crop.suv), sitk.GetImageFromArray(markers), False, True
    )
    return crop.territory & (sitk.GetArrayFromImage(basins) == _CLICKED)


# The rule that the contour goes by


def _holds_all(lesion: Lesion, state: CaseState) -> CaseError:
    return CaseError(
        f"Lesion {lesion.id} holds all that {_rule_words(state, lesion)} contours there already; click on "
        "other uptake, or drag up or down for another threshold."
    )


def _going_by(state: CaseState, lesion: Lesion) -> tuple[str, float | None]:
    """ "consensus", the name of a candidate, or "threshold" and its SUV.

    A contour drawn or grown by hand is taken for what was last chosen for the lesion before that, and without
    any choice for what the settings name.
    """
    contour, known = lesion.contour, {CONSENSUS, *candidate_names(lesion.candidates)}
    known |= {candidate.rule for candidate in lesion.candidates}
    if contour.source == THRESHOLD or contour.source in known:
        return contour.source, contour.threshold_suv
    for entry in reversed(lesion.history):
        said = _SET_THRESHOLD.fullmatch(entry.what)
        if said is not None:
            return THRESHOLD, float(said[1])
        chosen = entry.what.removeprefix(CHOSEN)
        if entry.what.startswith(CHOSEN) and chosen in known:
            return chosen, None
    wanted = state.settings.contours.lesion_contour
    return (wanted if wanted in known else CONSENSUS), None


def _rule_words(state: CaseState, lesion: Lesion) -> str:
    name, _ = _going_by(state, lesion)
    own = {THRESHOLD: "its own threshold", CONSENSUS: "the consensus of the rules"}
    return own.get(name, f"the rule {name.replace('_', ' ')}")


def _contoured(state: CaseState, lesion: Lesion, crop: LesionCrop) -> Mask:
    """The rule's contour in this crop; raises CaseError when there is none that can be used."""
    name, threshold_suv = _going_by(state, lesion)
    if name == THRESHOLD:
        contour = threshold_contour(crop, threshold_suv)
        return _usable(state, lesion, contour.mask, contour.flags)
    if not lesion.candidates:
        raise CaseError(f"Lesion {lesion.id} has no contours by rules to grow by; press Contour again first.")
    if name != CONSENSUS:
        found = _again(crop, _candidate(lesion, name))
        return _usable(state, lesion, found.mask, found.flags)
    found = [_again(crop, candidate) for candidate in lesion.candidates]
    if all(any(flag in UNFIT for flag in each.flags) for each in found):
        return _usable(state, lesion, found[0].mask, found[0].flags)
    fused = fuse_candidates(found, state.settings.consensus, state.pet)
    if fused.mask is None:
        raise CaseError(fused.refused)
    return _usable(state, lesion, fused.mask, ())


def _candidate(lesion: Lesion, name: str) -> Delineation:
    """The candidate of that name or rule; of a rule that was run twice the one that the lesion goes by."""
    names = candidate_names(lesion.candidates)
    fitting = [c for own, c in zip(names, lesion.candidates, strict=True) if name in (own, c.rule)]
    same = [c for c in fitting if c.threshold_suv == lesion.contour.threshold_suv]
    return (same or fitting)[0]


def _again(crop: LesionCrop, former: Delineation) -> Delineation:
    try:
        return delineate(crop, former.rule, former.parameters)
    except RuleError as error:
        raise CaseError(str(error)) from None


def _usable(state: CaseState, lesion: Lesion, mask: Mask, flags: Sequence[str]) -> Mask:
    why = next((flag for flag in UNFIT if flag in flags), "empty" if mask.is_empty else None)
    if why is not None:
        raise CaseError(
            f"Nothing was grown by {_rule_words(state, lesion)}: {_WHY_NOT[why]}; click elsewhere or choose "
            "another contour of the lesion first."
        )
    return mask.cropped(1)


def _require_near(state: CaseState, lesion: Lesion, added: Mask) -> None:
    """What is added must lie within what a rule sees around the lesion, as lesions that are merged do."""
    if lesion.contour.mask.is_empty:
        return
    reach_mm = state.settings.contours.crop_margin_mm
    gap_mm = float(cKDTree(lesion.contour.mask.points_ras()).query(added.points_ras())[0].min())
    if gap_mm > reach_mm:
        raise CaseError(
            f"This focus lies {gap_mm:.0f} mm from lesion {lesion.id}, more than the {reach_mm:g} mm that a "
            "lesion grows over; end the editing and click there for a lesion of its own."
        )
