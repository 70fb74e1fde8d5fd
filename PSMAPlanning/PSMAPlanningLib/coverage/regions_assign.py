"""The region of each lesion from anatomy, with a confidence; unknown where the anatomy does not tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..imaging.image import Mask
from ..settings import RegionSettings
from .regions import Region, RegionAssignment
from .regions_anatomy import NamedStructure, RegionAnatomy, inside_fraction
from .regions_candidates import Candidate, PelvicPlace, pelvic_candidates

_MOSTLY = 0.5
_PARTLY = 0.2
_CERTAIN_WITHOUT_RIVAL = 0.35
"""A lesion this near a structure, as a share of its reach, belongs to it although another is not labelled."""
_BORDER_MM = 10.0
_DIAPHRAGM_BORDER_MM = 40.0
_OTHER_BONE = "bone_or_soft_tissue"
_LUMBAR = tuple(f"L{n}" for n in range(1, 7))


def assign_regions(
    lesions: Mapping[str, Mask], anatomy: RegionAnatomy, settings: RegionSettings
) -> dict[str, RegionAssignment]:
    """The region of every lesion that has a voxel, by its id.

    lesions: contours by id, in the anatomy's world. A lesion whose region needs a structure that is not
    labelled is unknown, with the structure's name as the reason (why = "needs:rectum").
    """
    return {id_: assign_region(mask, anatomy, settings) for id_, mask in lesions.items() if not mask.is_empty}


def assign_region(lesion: Mask, anatomy: RegionAnatomy, settings: RegionSettings) -> RegionAssignment:
    """The region of one lesion; see `assign_regions`."""
    points = lesion.points_ras()
    radius = (3000.0 * lesion.volume_ml / (4.0 * np.pi)) ** (1.0 / 3.0)
    place = PelvicPlace(points.mean(axis=0), points, radius, anatomy, settings)
    bone, share = _holding(anatomy.bones, place)
    if bone is not None and share >= _MOSTLY:
        return _bone(place, bone, share)
    organ, held = _holding(anatomy.viscera, place)
    if organ is not None and held >= _MOSTLY:
        side = organ.side or (place.side if organ.name == "lung" else None)
        return RegionAssignment(Region.VISCERAL, side, organ.name, held, why="inside_organ")
    found = _outside_bone(place)
    if share >= _PARTLY and found.is_known:
        # Part of it lies in a bone: the CT and the PET may not fit to a few millimetres.
        return replace(found, confidence=found.confidence * (1.0 - share), runner_up=Region.BONE)
    if share >= _PARTLY and inside_fraction(bone.mask, place.centroid_ras[None]) > 0:
        return _bone(place, bone, share)
    return found


def _holding(
    structures: tuple[NamedStructure, ...], place: PelvicPlace
) -> tuple[NamedStructure | None, float]:
    """The structure that holds most of the lesion, and the share that all of them hold."""
    shares = [(inside_fraction(each.mask, place.points_ras), each) for each in structures]
    best = max(shares, key=lambda pair: pair[0], default=(0.0, None))
    return (best[1], min(1.0, sum(share for share, _ in shares))) if best[0] > 0 else (None, 0.0)


def _bone(place: PelvicPlace, bone: NamedStructure, share: float) -> RegionAssignment:
    return RegionAssignment(
        Region.BONE,
        bone.side or place.side,
        bone.name,
        share,
        why="inside_bone",
        is_pelvic_bone=bone.is_pelvic,
        numbers={"share_in_bone": share},
    )


def _outside_bone(place: PelvicPlace) -> RegionAssignment:
    if not place.anatomy.structures:
        return _unknown(place, "needs:anatomy")
    above, certainty = _above_bifurcation(place)
    if above is True:
        return _above(place, certainty)
    found = pelvic_candidates(place)
    if above is None:
        # Common iliac or retroperitoneal: the border between them is not there.
        found = [
            Candidate(c.region, None, c.side, needs="aortic_bifurcation")
            if c.region is Region.COMMON_ILIAC
            else c
            for c in found
        ]
    return _best(place, found, certainty)


def _above_bifurcation(place: PelvicPlace) -> tuple[bool | None, float]:
    """Whether the lesion lies above the aortic bifurcation, None when nothing tells; and how certain."""
    height = place.height_mm("aortic_bifurcation")
    if height is not None:
        place.numbers["above_aortic_bifurcation_mm"] = height
        trust = place.anatomy.landmarks["aortic_bifurcation"].confidence
        far = min(1.0, abs(height) / _BORDER_MM)
        return height > 0, trust + (1.0 - trust) * far if far == 1.0 else trust * (0.5 + 0.5 * far)
    # The aorta divides at L4; below the sacrum's top is below, above L2/3 is above.
    top, upper = place.height_mm("S1_top"), place.height_mm("L2_L3")
    if top is not None and top < 0:
        return False, 1.0
    if upper is not None and upper > 0:
        return True, 1.0
    return None, 1.0


def _above(place: PelvicPlace, certainty: float) -> RegionAssignment:
    """Between the bifurcation and the diaphragm, or above it."""
    level = _above_diaphragm_mm(place)
    if level is None:
        return _unknown(place, "needs:vertebrae")
    if level > 0:
        sure = min(0.9, 0.5 + 0.4 * level / _DIAPHRAGM_BORDER_MM)
        return RegionAssignment(
            Region.SUPRADIAPHRAGMATIC, place.side, confidence=sure, why="above_t12", numbers=place.numbers
        )
    vessels = place.anatomy.roles.all_of(("aorta", "vena_cava"))
    if not vessels:
        return _unknown(place, "needs:aorta")
    score, distance = place.score(vessels, place.settings.great_vessel_reach_mm)
    found = [Candidate(Region.RETROPERITONEAL, score, place.side, distance)]
    return _best(place, found, certainty)


def _above_diaphragm_mm(place: PelvicPlace) -> float | None:
    """Height above the top of T12, where the aorta passes the diaphragm; None when no vertebra tells."""
    z = float(place.centroid_ras[2])
    last = place.anatomy.first("vertebrae_t12", "vertebra_t12", "bone_thoracic_t12")
    if last is not None:
        return z - float(last.points_ras()[:, 2].max())
    lumbar = [float(mask.points_ras()[:, 2].max()) for mask in place.anatomy.roles.all_of(_LUMBAR)]
    return -1.0 if lumbar and z <= max(lumbar) else None


def _best(place: PelvicPlace, candidates: list[Candidate], certainty: float) -> RegionAssignment:
    scored = sorted((c for c in candidates if c.score is not None), key=lambda c: c.score)
    missing = [c for c in candidates if c.score is None]
    best = scored[0] if scored and scored[0].score <= 1.0 else None
    if missing and (best is None or best.score > _CERTAIN_WITHOUT_RIVAL):
        return _unknown(place, f"needs:{missing[0].needs}")
    if best is None:
        return _unknown(place, "far_from_labelled_anatomy")
    rival = next((c for c in scored[1:] if c.region is not best.region), None)
    second = 1.0 if rival is None else max(rival.score, best.score)
    lead = (second - best.score) / max(second + best.score, 1e-6)
    confidence = certainty * best.certainty * (1.0 - 0.5 * best.score) * (0.5 + 0.5 * lead)
    return RegionAssignment(
        best.region,
        best.side,
        confidence=float(np.clip(confidence, 0.0, 1.0)),
        why="nearest_structure",
        numbers={**place.numbers, "distance_mm": best.distance_mm, "score": best.score},
        runner_up=rival.region if rival is not None and rival.score <= 1.0 else None,
    )


def _unknown(place: PelvicPlace, why: str) -> RegionAssignment:
    return RegionAssignment(Region.UNKNOWN, place.side, why=why, numbers=place.numbers)
