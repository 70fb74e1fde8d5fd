"""Which regions of the pelvis a lesion could belong to, with a score: distance as a share of the reach.

A score below 1 is within reach; the lowest wins. What cannot be told because a structure is not labelled is
a candidate too, with no score: the nearest of the others is then not taken for the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..imaging.image import Mask
from ..rtvolumes.landmarks_finding import bottom_of
from ..rtvolumes.nodal_anatomy import SIDES
from ..settings import RegionSettings
from .regions import Region
from .regions_anatomy import RegionAnatomy

NEAR_MIDDLE_MM = 4.0
_CENTRAL_MM = 40.0
_BED_HALF_WIDTH_MM = 32.0
_BED_BELOW_NECK_MM = 22.0
_BED_ABOVE_NECK_MM = 55.0
_NECK_HEIGHT_MM = 15.0
_ANASTOMOSIS_ABOVE_MM = 3.0
_LEVEL_MM = 4.0
_OBTURATOR_THICKNESS_MM = 12.0
"""Added to the side wall's reach where obturator internus, 1 to 2 cm thick, is not labelled."""
_FROM_MIDDLE_MM = 18.0
_INFERRED_CERTAINTY = 0.8
"""Of a structure that no label names and that was told from another."""
_GROIN_FROM_MIDDLE_MM = 45.0


@dataclass(frozen=True)
class Candidate:
    """score: None when the structure it would be told by is not labelled; needs: which."""

    region: Region
    score: float | None
    side: str | None = None
    distance_mm: float | None = None
    needs: str | None = None
    certainty: float = 1.0


@dataclass(frozen=True, eq=False)
class PelvicPlace:
    """One lesion in a patient's anatomy.

    points_ras: (N, 3) of its contour; radius_mm: of a ball of its volume; side: by the patient's middle.
    """

    centroid_ras: np.ndarray
    points_ras: np.ndarray
    radius_mm: float
    anatomy: RegionAnatomy
    settings: RegionSettings
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def from_middle_mm(self) -> float | None:
        """Distance to the patient's middle, positive to the patient's right."""
        middle = self.anatomy.middle_r
        return None if middle is None else float(self.centroid_ras[0]) - middle

    @property
    def side(self) -> str | None:
        offset = self.from_middle_mm
        if offset is None:
            return None
        return "midline" if abs(offset) < NEAR_MIDDLE_MM else "right" if offset > 0 else "left"

    def height_mm(self, landmark: str) -> float | None:
        """How far the lesion's middle lies above a landmark; None when it is missing."""
        mark = self.anatomy.landmarks[landmark]
        return None if mark.is_missing else float(mark.height_mm(self.centroid_ras))

    def score(self, masks: list[Mask], reach_mm: float) -> tuple[float, float]:
        """Distance to the masks as a share of the reach beyond the lesion's radius, and the distance."""
        distance = self.anatomy.distance_mm(masks, self.centroid_ras)
        return distance / (reach_mm + self.radius_mm), distance


def pelvic_candidates(place: PelvicPlace) -> list[Candidate]:
    """Everything below the aortic bifurcation that is not bone."""
    found = [*_vessels(place), *_side_wall(place), *_presacral(place), *_groin(place)]
    bed = _bed(place)
    return [*found, *bed, *_mesorectal(place, bool(bed))]


def _vessels(place: PelvicPlace) -> list[Candidate]:
    anatomy, found = place.anatomy, []
    below_groin = place.height_mm("femoral_head_top")
    for region, part in (
        (Region.EXTERNAL_ILIAC, "external"),
        (Region.INTERNAL_ILIAC, "internal"),
        (Region.COMMON_ILIAC, "common"),
    ):
        for side in SIDES:
            masks = anatomy.iliac_vessels.get((part, side))
            if masks is None:
                if _may_be_beside(place, part, side):
                    found.append(Candidate(region, None, side, needs=f"iliac_vessels_{part}_{side}"))
                continue
            score, distance = place.score(masks, place.settings.vessel_reach_mm)
            is_groin = part == "external" and below_groin is not None and below_groin < 0
            found.append(Candidate(Region.INGUINAL if is_groin else region, score, side, distance))
    return found


def _may_be_beside(place: PelvicPlace, part: str, side: str) -> bool:
    """Whether a vessel that is not labelled could run near the lesion."""
    offset, top, low = place.from_middle_mm, place.height_mm("S1_top"), place.height_mm("femoral_head_top")
    if offset is None:
        return True
    if place.side not in (side, "midline"):
        return False
    if part == "common":
        return top is None or top > -20.0
    if part == "internal" and _cannot_be_internal(place, side):
        return False
    below = low is not None and low < (-40.0 if part == "external" else 0.0)
    return abs(offset) > _FROM_MIDDLE_MM and not below and (top is None or top < 20.0)


def _cannot_be_internal(place: PelvicPlace, side: str) -> bool:
    """Internal iliac vessels run behind the external ones, along sacrum and side wall.

    Below S3 they are at the side wall only, where they leave by the greater sciatic foramen.
    """
    anatomy = place.anatomy
    external = anatomy.iliac_vessels.get(("external", side))
    if external is not None and not _is_behind(place, external):
        return True
    level, hip = place.height_mm("S3_bottom"), anatomy.roles.get(f"hip_{side}")
    if hip is None or level is None:
        return False
    walls = [hip, *anatomy.roles.all_of((f"piriformis_{side}", *(("sacrum",) if level > 0 else ())))]
    reach = place.settings.side_wall_reach_mm + _OBTURATOR_THICKNESS_MM
    return anatomy.distance_mm(walls, place.centroid_ras) > reach


def _side_wall(place: PelvicPlace) -> list[Candidate]:
    """The obturator fossa: inwards of the side wall, behind the external vessels, below the sacrum's top."""
    anatomy, offset, top = place.anatomy, place.from_middle_mm, place.height_mm("S1_top")
    if offset is None or abs(offset) < _FROM_MIDDLE_MM or (top is not None and top > 0):
        return []
    side = "right" if offset > 0 else "left"
    low = place.height_mm("symphysis_top")
    if low is not None and low < -10.0:
        return []
    external = anatomy.iliac_vessels.get(("external", side))
    if external is not None and not _is_behind(place, external):
        return []
    muscle, hip = anatomy.roles.get(f"obturator_internus_{side}"), anatomy.roles.get(f"hip_{side}")
    wall = muscle or hip
    if wall is None:
        return [Candidate(Region.OBTURATOR, None, side, needs=f"hip_{side}")]
    _, nearest = anatomy.nearest(wall, place.centroid_ras)
    if abs(nearest[0] - anatomy.middle_r) < abs(offset) - 2.0:
        # The wall lies towards the middle: the lesion is outside the pelvis.
        return []
    reach = place.settings.side_wall_reach_mm + (0.0 if muscle is not None else _OBTURATOR_THICKNESS_MM)
    score, distance = place.score([wall], reach)
    return [Candidate(Region.OBTURATOR, score, side, distance, certainty=1.0 if muscle is not None else 0.7)]


def _is_behind(place: PelvicPlace, vessels: list[Mask]) -> bool:
    """Whether the lesion lies behind the vessels of its own level, or of their nearest level."""
    points = np.concatenate([mask.points_ras() for mask in vessels])
    near = np.abs(points[:, 2] - place.centroid_ras[2])
    level = points[near < near.min() + _LEVEL_MM]
    return bool(place.centroid_ras[1] < level[:, 1].mean())


def _presacral(place: PelvicPlace) -> list[Candidate]:
    top, bottom, offset = place.height_mm("S1_top"), place.height_mm("S3_bottom"), place.from_middle_mm
    if offset is None or abs(offset) > _CENTRAL_MM:
        return []
    sacrum = place.anatomy.roles.all_of(("sacrum", "S1"))
    if not sacrum or top is None or bottom is None:
        return [Candidate(Region.PRESACRAL, None, place.side, needs="sacrum")]
    if top > 5.0 or bottom < -5.0:
        return []
    nearest = min((place.anatomy.nearest(mask, place.centroid_ras) for mask in sacrum), key=lambda n: n[0])
    if nearest[1][1] > place.centroid_ras[1] + 2.0:
        return []
    score, distance = place.score(sacrum, place.settings.presacral_reach_mm)
    return [Candidate(Region.PRESACRAL, score, place.side, distance)]


def _groin(place: PelvicPlace) -> list[Candidate]:
    """In front of the femoral head and below its top, where no vessel label reaches."""
    below, offset = place.height_mm("femoral_head_top"), place.from_middle_mm
    if below is None or offset is None or below > -5.0 or abs(offset) < _GROIN_FROM_MIDDLE_MM:
        return []
    side = "right" if offset > 0 else "left"
    femur = place.anatomy.roles.get(f"femur_{side}")
    if femur is None:
        return []
    distance, nearest = place.anatomy.nearest(femur, place.centroid_ras)
    if place.centroid_ras[1] < nearest[1]:
        return []
    return [Candidate(Region.INGUINAL, distance / (40.0 + place.radius_mm), side, distance, certainty=0.6)]


def _bed(place: PelvicPlace) -> list[Candidate]:
    """Around the bladder's outlet and behind the bladder, near the middle."""
    offset, above = place.from_middle_mm, place.height_mm("symphysis_top")
    if offset is not None and abs(offset) > _BED_HALF_WIDTH_MM:
        return []
    if above is not None and above > place.settings.bed_above_symphysis_mm:
        return []
    anatomy = place.anatomy
    bladder, outlet = anatomy.roles.get("bladder"), anatomy.landmarks["anastomosis"]
    if bladder is None:
        low = above is not None and above < place.settings.bed_above_symphysis_mm
        return [Candidate(Region.RETROVESICAL, None, needs="bladder")] if low else []
    neck_s = bottom_of(bladder)[2] if outlet.is_missing else outlet.superior_mm
    height = float(place.centroid_ras[2]) - neck_s
    if not -_BED_BELOW_NECK_MM <= height <= _BED_ABOVE_NECK_MM:
        return []
    targets = [bladder]
    score, distance = place.score(targets, place.settings.bed_reach_mm)
    if not outlet.is_missing:
        to_outlet = float(np.linalg.norm(place.centroid_ras - np.array(outlet.point_ras)))
        score = min(score, to_outlet / (place.settings.bed_reach_mm + place.radius_mm))
    place.numbers["above_bladder_neck_mm"] = height
    if height <= _ANASTOMOSIS_ABOVE_MM:
        region = Region.ANASTOMOSIS
    elif _is_behind_bladder(place, bladder):
        region = Region.RETROVESICAL
    elif height <= _NECK_HEIGHT_MM:
        region = Region.BLADDER_NECK
    else:
        # Beside or in front of the bladder, above its neck, lies no part of the bed.
        return []
    # Within 3 mm of the level between the parts of the bed their names are a matter of taste.
    certainty = min(1.0, 0.6 + 0.4 * abs(height - _ANASTOMOSIS_ABOVE_MM) / 3.0)
    if outlet.is_missing and region is Region.ANASTOMOSIS:
        certainty = min(certainty, 0.7)
    return [Candidate(region, score, place.side, distance, certainty=certainty)]


def _is_behind_bladder(place: PelvicPlace, bladder: Mask) -> bool:
    points = bladder.points_ras()
    level = points[np.abs(points[:, 2] - place.centroid_ras[2]) < _LEVEL_MM]
    if len(level) == 0:
        level = points
    near = level[np.abs(level[:, 0] - place.centroid_ras[0]) < 10.0]
    back = (near if len(near) else level)[:, 1].min()
    return bool(place.centroid_ras[1] < back + place.radius_mm)


def _mesorectal(place: PelvicPlace, is_in_bed_zone: bool) -> list[Candidate]:
    """Around the rectum; in front of it, at the bed's level, lies the bed."""
    anatomy, offset = place.anatomy, place.from_middle_mm
    top, low = place.height_mm("S1_top"), place.height_mm("symphysis_top")
    if (offset is not None and abs(offset) > _CENTRAL_MM) or (top is not None and top > 0):
        return []
    if low is not None and low < -15.0:
        return []
    bladder = anatomy.roles.get("bladder")
    if bladder is not None and place.centroid_ras[1] > bladder.centroid_ras()[1]:
        return []
    rectum = anatomy.rectum
    if rectum is None:
        return [Candidate(Region.MESORECTAL, None, place.side, needs="rectum")]
    _, nearest = anatomy.nearest(rectum, place.centroid_ras)
    toward = place.centroid_ras - nearest
    if is_in_bed_zone and toward[1] > abs(toward[0]):
        return []
    score, distance = place.score([rectum], place.settings.mesorectal_reach_mm)
    is_labelled = anatomy.roles.get("rectum") is not None
    certainty = 1.0 if is_labelled else _INFERRED_CERTAINTY
    return [Candidate(Region.MESORECTAL, score, place.side, distance, certainty=certainty)]
