"""Lesions of a case: avid regions found, contoured by every rule of the settings, fused.

A lesion goes by the consensus of the rules unless the settings name one of them. On digital patients the
default consensus (fixed SUV 3, 41 % of SUVmax, background + 41 % and the recovery-based rule, one vote per
family) comes a little nearer to the truth than background + 41 % alone, the best single rule, which stands
in where there is no consensus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .delineation.avid_regions import AvidRegion, RegionClass
from .delineation.detection_threshold import needed_references
from .delineation.lesion_crop import LesionCrop, lesion_crop
from .delineation.physiologic import CONFIDENCE
from .delineation.reference_regions import PROPOSED, ReferenceRegion, reference_from_sphere
from .delineation.rule_numbers import measured_references, references_of, rule_numbers
from .delineation.rules import RULES, Delineation, checked_parameters, delineate, patient_threshold
from .delineation.seeded_regions import BELOW_THRESHOLD, region_at, with_focus
from .errors import CaseError, RuleError
from .finding_words import search_sentences, tracer_sentences
from .imaging.grid import Box, bounding_box
from .imaging.image import Image, Mask
from .lesion_consensus import fuse_candidates
from .lesion_contours import named_contour
from .lesion_detection import search, why_not_contoured
from .lesion_facts import measured_facts
from .progress import Stage
from .records import CaseState, Change, Contour, Lesion, LesionState, Point
from .settings import Settings

SUBSTITUTE_RULE = "background_percent"
BY_HAND = "added_by_hand"
PROPOSED_REFERENCE = "proposed_reference"


@dataclass(frozen=True)
class _Rule:
    """A rule of the settings with its numbers, those measured in the patient among them.

    flags: "proposed_reference" where one of them is from a sphere that nobody has looked at.
    """

    name: str
    numbers: Mapping[str, float]
    flags: tuple[str, ...] = ()

    def contour(self, crop: LesionCrop) -> Delineation:
        delineation = delineate(crop, self.name, self.numbers)
        return replace(delineation, flags=(*delineation.flags, *self.flags))


def find_lesions(state: CaseState, found: Change, stage: Stage) -> CaseState:
    """The state with the lesions of its PET, contoured by every rule of its settings and fused.

    found: the first entry of each lesion's record. Regions that are no candidates (see `why_not_contoured`)
    stay in the state's regions, with their reason. Raises RuleError when the detection method needs a
    reference region that is not there.
    """
    for rule in state.settings.contours.rules:
        checked_parameters(rule.name, rule.parameters)
    seen = search(state, stage.part(0.0, 0.3))
    rules, said = _rules_with_numbers(state.settings, seen.references)
    contoured = [region for region in seen.regions if why_not_contoured(region) is None]
    lesions = []
    for number, region in enumerate(contoured, start=1):
        stage.report(0.3 + 0.7 * number / len(contoured), f"contouring {number} of {len(contoured)}")
        lesions.append(_lesion(f"L{number}", state.pet, seen.regions, region, seen.settings, rules, found))
    stage.report(1.0, "contoured")
    names = [rule.name for rule in rules]
    of_threshold = [warning for region in seen.threshold.references for warning in region.warnings]
    warnings = (
        *search_sentences(seen),
        *tracer_sentences(state.suv, seen.threshold.method, names),
        *of_threshold,
        *said,
        *_contour_warnings(lesions),
    )
    return replace(
        state,
        regions=seen.regions,
        lesions=tuple(lesions),
        references=seen.references,
        detection_threshold=seen.threshold,
        faint_foci=seen.foci,
        detectability=seen.seen,
        finding_warnings=tuple(dict.fromkeys(warnings)),
    )


def lesion_at(state: CaseState, point_ras: Point, found: Change) -> CaseState:
    """The state with one more lesion: the avid region at a point, else the focus nearby, however faint.

    The lesion is contoured by the settings, proposed and flagged "added_by_hand"; its region counts as a
    lesion from then on. found: the first entry of its record; what the region was before becomes its reason.
    Raises CaseError without a PET or where a lesion is already, RuleError where nothing stands out.
    """
    if state.pet is None:
        raise CaseError("There is no PET to add a lesion on; load one first.")
    region = region_at(state.pet, state.regions, point_ras)
    there = next((lesion for lesion in state.lesions if region.id and lesion.region.id == region.id), None)
    if there is not None:
        raise CaseError(f"Lesion {there.id} is there already; accept it, reject it or edit its contour.")
    regions = with_focus(state.regions, region)
    position = len(regions) - 1 if region.id == "" else regions.index(region)
    named = _by_hand(regions[position], state)
    regions = (*regions[:position], named, *regions[position + 1 :])
    if region.id:
        found = replace(found, reason=f"region {region.id} was {region.region_class.value}{_because(region)}")
    else:
        found = replace(found, reason=f"focus of SUV {region.suv_max:.2f} that was in no region")
    lesion = lesion_of_region(state, regions, named, next_lesion_id(state.lesions), found)
    return replace(
        state,
        regions=regions,
        lesions=(*state.lesions, lesion),
        finding_warnings=(*state.finding_warnings, *_contour_warnings([lesion])),
    )


def with_reference(
    state: CaseState, name: str, centre_ras: Point, radius_mm: float | None = None
) -> CaseState:
    """The state with a reference region measured in a sphere that the user placed.

    radius_mm: None takes the usual one. Thresholds and contours that rest on it change when lesions are found
    the next time. Raises CaseError without a PET, RuleError for an unknown name or a sphere outside the PET.
    """
    if state.pet is None:
        raise CaseError("There is no PET to measure a reference region on; load one first.")
    region = reference_from_sphere(state.pet, name, centre_ras, radius_mm)
    former = state.references.get(name)
    outdated = f"{name}: placed after the search; find lesions again for what rests on it."
    said_before = {outdated, *(former.warnings if former is not None else ())}
    rests_on_it = name in _needed_references(state.settings) or (
        name in needed_references(state.settings.detection.method)
    )
    return replace(
        state,
        reference_spheres={**state.reference_spheres, name: (region.centre_ras, region.radius_mm)},
        references={**state.references, name: region},
        finding_warnings=(
            *(warning for warning in state.finding_warnings if warning not in said_before),
            *region.warnings,
            *((outdated,) if rests_on_it and state.lesions else ()),
        ),
    )


def lesion_of_region(
    state: CaseState, regions: tuple[AvidRegion, ...], region: AvidRegion, lesion_id: str, found: Change
) -> Lesion:
    """A lesion of one of `regions`, contoured by every rule of the case's settings and fused.

    found: the first entry of its record. References that the search did not measure are measured here.
    """
    missing = [name for name in _needed_references(state.settings) if name not in state.references]
    measured = measured_references(missing, state.pet, state.anatomy, state.reference_spheres)
    rules, _ = _rules_with_numbers(state.settings, {**state.references, **measured})
    return _lesion(lesion_id, state.pet, regions, region, state.settings, rules, found)


def _needed_references(settings: Settings) -> tuple[str, ...]:
    return references_of((rule.name, rule.parameters) for rule in settings.contours.rules)


def _by_hand(region: AvidRegion, state: CaseState) -> AvidRegion:
    """A region as the user's lesion, without what spoke against it."""
    threshold = state.detection_threshold
    threshold_suv = state.settings.detection.threshold_suv if threshold is None else threshold.lowest_suv
    dropped = {why_not_contoured(region)}
    if region.suv_max >= threshold_suv:
        # Too small for the list by the settings, or clicked before any search: not below the threshold.
        dropped.add(BELOW_THRESHOLD)
    kept = [flag for flag in region.flags if flag not in dropped and not flag.startswith(CONFIDENCE)]
    return replace(region.classified(RegionClass.LESION, None), flags=(*kept, BY_HAND))


def _because(region: AvidRegion) -> str:
    return "" if region.reason is None else f" ({region.reason})"


def next_lesion_id(lesions: Sequence[Lesion]) -> str:
    """An id that no lesion has: one more than the highest number."""
    numbers = [int(lesion.id[1:]) for lesion in lesions if lesion.id[1:].isdigit()]
    return f"L{max(numbers, default=0) + 1}"


def _lesion(
    lesion_id: str,
    pet: Image,
    regions: tuple[AvidRegion, ...],
    region: AvidRegion,
    settings: Settings,
    rules: Sequence[_Rule],
    found: Change,
) -> Lesion:
    crop = lesion_crop(pet, regions, region, settings.contours)
    candidates = _on_common_box(tuple(rule.contour(crop) for rule in rules))
    fused = fuse_candidates(candidates, settings.consensus, pet)
    wanted = named_contour(settings.contours.lesion_contour, candidates, fused)
    contour = wanted or _in_its_place(crop, region)
    facts = measured_facts(contour.mask, crop, pet, settings, [c.mask for c in candidates])
    contour = replace(contour, facts=facts, flags=tuple(sorted({*contour.flags, *facts.flags})))
    state = LesionState.PROPOSED if region.region_class is RegionClass.LESION else LesionState.UNDECIDED
    return Lesion(lesion_id, region, candidates, contour, state, (found,), fused)


def _in_its_place(crop: LesionCrop, region: AvidRegion) -> Contour:
    """Background + 41 %, and where there is no background the region itself; flagged as a substitute."""
    substitute = delineate(crop, SUBSTITUTE_RULE, {})
    if substitute.mask.is_empty:
        return Contour(region.mask, "region", flags=("substitute",))
    return Contour(
        substitute.mask.cropped(1),
        SUBSTITUTE_RULE,
        None,
        substitute.threshold_suv,
        flags=("substitute", *substitute.flags),
    )


def _contour_warnings(lesions: Sequence[Lesion]) -> list[str]:
    """Why a lesion does not go by the contour that the settings ask for; equal reasons together."""
    lesions_by_reason: dict[str, list[str]] = {}
    for lesion in lesions:
        if "substitute" in lesion.contour.flags:
            reason = lesion.consensus.refused or "The rule gives no contour here."
            lesions_by_reason.setdefault(f"{lesion.contour.source}\n{reason}", []).append(lesion.id)
    warnings = []
    for key, ids in lesions_by_reason.items():
        source, reason = key.split("\n")
        warnings.append(f"{', '.join(ids)}: {reason} The contour by {source} stands in its place.")
    return warnings


def _rules_with_numbers(
    settings: Settings, known: Mapping[str, ReferenceRegion]
) -> tuple[list[_Rule], list[str]]:
    """Every rule of the settings with its numbers, the liver's and the scanner's among them; warnings.

    known: reference regions by name.
    """
    rules, used = [], []
    for wanted in settings.contours.rules:
        names = references_of([(wanted.name, wanted.parameters)])
        references = {name: known[name] for name in names if name in known}
        numbers = rule_numbers(wanted.name, wanted.parameters, references, settings.detection.fwhm_mm)
        is_proposed = any(region.source == PROPOSED for region in references.values())
        rules.append(_Rule(wanted.name, numbers, (PROPOSED_REFERENCE,) if is_proposed else ()))
        used += references.values()
    warnings = list(dict.fromkeys(warning for region in used for warning in region.warnings))
    without = [r.name for r in rules if RULES[r.name].family == "liver" and not _is_told(r.name, r.numbers)]
    if without:
        warnings.append(
            f"{', '.join(without)}: left out, the liver is not known; give organ masks or its values, or "
            "place a sphere in it."
        )
    return rules, warnings


def _is_told(name: str, known: Mapping[str, float]) -> bool:
    """Whether a rule that is the same for the whole patient has what it needs."""
    try:
        patient_threshold(name, known)
    except RuleError:
        return False
    return True


def _on_common_box(candidates: tuple[Delineation, ...]) -> tuple[Delineation, ...]:
    """The contours cropped to the box that holds them all, so that a case does not keep empty space."""
    boxes = [box for c in candidates if (box := bounding_box(c.mask.array, 1)) is not None]
    if not boxes:
        return candidates
    common: Box = tuple(
        slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*boxes, strict=True)
    )
    grid = candidates[0].mask.grid.crop(common)
    return tuple(replace(c, mask=Mask(c.mask.array[common].copy(), grid)) for c in candidates)
