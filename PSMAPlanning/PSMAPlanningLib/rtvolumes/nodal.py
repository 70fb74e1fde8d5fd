"""The pelvic nodal CTV by a guideline: made once per patient, cut anew whenever a landmark plane moves.

A proposal, never more: even experts agree with the RTOG template only to Dice 0.63 to 0.68 (Hall 2021,
10.1016/j.ijrobp.2020.08.034).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import GenerationError, LandmarkError
from ..imaging.grid import bounding_box
from ..imaging.image import Image, Mask
from .guideline import Guideline, GuidelineLevel
from .landmarks import Landmark, Landmarks
from .landmarks_finding import S3_SHARE, SHARE_OF_SACRUM, TRANSITIONAL, find_landmarks
from .levels import cut_pieces, tg263_name
from .nodal_anatomy import Anatomy
from .nodal_material import Material, gather
from .nodal_near import pieces as pieces_of
from .nodal_parts import PieceMaker, Pieces, needed_height
from .steps import Finding, GeneratedVolume, Step

NAME = "CTVn"
_LOW_CONFIDENCE = 0.5
_GAP_WORTH_SAYING_MM = 5.0
_ASKED = (TRANSITIONAL,)


class NodalGenerator:
    """Nodal volumes of one patient by one guideline.

    anatomy: structures by role; ct: tells the side wall's muscle where no label does, in the anatomy's frame.
    Raises GenerationError for anatomy without vessels, GuidelineError for a guideline of another kind.
    """

    def __init__(self, anatomy: Anatomy, guideline: Guideline, ct: Image | None = None) -> None:
        if guideline.kind != "nodes":
            raise GenerationError(
                f"Guideline {guideline.name} is for the prostate bed; choose one for nodes."
            )
        self.anatomy = anatomy
        self.guideline = guideline
        self.ct = ct
        self._reach: float | None = None
        self._material: Material | None = None
        self._pieces: Pieces | None = None

    def with_guideline(self, guideline: Guideline) -> NodalGenerator:
        """A generator of the same patient by another guideline, which takes over the work they share.

        Raises GuidelineError for a guideline of another kind.
        """
        other, mine = NodalGenerator(self.anatomy, guideline, self.ct), self.guideline
        if guideline.value("bowel_margin") == mine.value("bowel_margin"):
            other._material, other._reach = self._material, self._reach
            # Of the borders only this one says what a piece is made from; the others cut.
            tops = (each.level("presacral_top").landmark for each in (guideline, mine))
            alike = guideline.numbers == mine.numbers and guideline.switches == mine.switches
            if alike and len(set(tops)) == 1:
                other._pieces = self._pieces
        return other

    def landmarks(self) -> Landmarks:
        """What can be found automatically."""
        return self._material.automatic if self._material is not None else find_landmarks(self.anatomy)

    def generate(self, landmarks: Landmarks | None = None) -> GeneratedVolume:
        """The volume between these landmarks, by default the automatic ones.

        Raises LandmarkError when a border's landmark is missing or outside the labelled anatomy.
        """
        landmarks = landmarks or self.landmarks()
        levels = self._checked_levels(landmarks)
        material, pieces = self._prepared(landmarks)
        cut = cut_pieces(material, pieces, self._planes(landmarks))
        array, dropped_ml = _hanging_together(cut, material)
        if not array.any():
            raise GenerationError(
                "Nothing is left between the landmark planes; check that the upper one lies above the others."
            )
        mask = material.space.mask(array)
        rested = tuple(levels[name] for name in self._acting_levels(levels))
        numbers = {f"{name}_s_mm": mark.superior_mm for name, mark in self._planes(landmarks).items()}
        if landmarks["S3_bottom"].reason == SHARE_OF_SACRUM:
            numbers["S3_at_share_of_sacral_height"] = S3_SHARE
        last = Step("cut_at_landmarks", numbers, rested, mask.volume_ml)
        return GeneratedVolume(
            name=NAME,
            kind="CTV",
            mask=mask,
            guideline=self.guideline.name,
            guideline_title=self.guideline.title,
            steps=(*pieces.steps, last),
            findings=(*material.findings, *pieces.findings, *self._findings(landmarks, material, dropped_ml)),
            published=self.guideline.published_volumes,
        )

    def parts(self, landmarks: Landmarks | None = None) -> dict[str, Mask]:
        """Sub-volumes by TG-263 name (LN_Iliac_Ext_L, LN_Obturator_R, LN_Presacral, ...), cut alike."""
        landmarks = landmarks or self.landmarks()
        self._checked_levels(landmarks)
        material, pieces = self._prepared(landmarks)
        cut = cut_pieces(material, pieces, self._planes(landmarks))
        return {tg263_name(part): material.space.mask(array) for part, array in cut.items() if array.any()}

    def _prepared(self, landmarks: Landmarks) -> tuple[Material, Pieces]:
        reach = needed_height(self.guideline, landmarks)
        higher = reach is not None and (self._reach is None or reach > self._reach + 1.0)
        if self._material is None or higher:
            margin = self.guideline.value("bowel_margin")
            self._material = gather(self.anatomy, self.ct, reach, margin)
            self._pieces, self._reach = None, reach
        if self._pieces is None:
            self._pieces = PieceMaker(self._material, self.guideline).make()
        return self._material, self._pieces

    def _acting_levels(self, levels: Mapping[str, GuidelineLevel]) -> list[str]:
        return [
            name for name in levels if name != "para_aortic_top" or self.guideline.switches["para_aortic"]
        ]

    def _checked_levels(self, landmarks: Landmarks) -> dict[str, GuidelineLevel]:
        levels = {name: self.guideline.level(name) for name in ("cranial", "external_end", "obturator_end")}
        lost = landmarks.missing_of(tuple(dict.fromkeys(level.landmark for level in levels.values())))
        if lost:
            asked = "transitional_vertebra" in landmarks.findings and "L5_S1" in lost
            why = (
                "; an extra or a missing lumbar vertebra was found, say which level is L5/S1" if asked else ""
            )
            raise LandmarkError(
                f"Guideline {self.guideline.name} needs the landmarks {', '.join(lost)}; place them{why}."
            )
        for name in ("presacral_top", "presacral_bottom", "para_aortic_top"):
            level = self.guideline.level(name)
            if not landmarks[level.landmark].is_missing:
                levels[name] = level
        for name in self._acting_levels(levels):
            self._check_inside(landmarks[levels[name].landmark])
        return levels

    def _check_inside(self, mark: Landmark) -> None:
        low, high = self._extent_s()
        if not low <= mark.superior_mm <= high:
            raise LandmarkError(
                f"The landmark {mark.name} lies at S {mark.superior_mm:.0f} mm, outside the labelled anatomy "
                f"({low:.0f} to {high:.0f} mm); move it inside or label more."
            )

    def _extent_s(self) -> tuple[float, float]:
        heights = [corner for mask in self.anatomy.masks.values() for corner in mask.grid.corners_ras()[:, 2]]
        return min(heights), max(heights)

    def _planes(self, landmarks: Landmarks) -> dict[str, Landmark]:
        planes = {}
        for name, level in self.guideline.levels.items():
            mark = landmarks[level.landmark]
            if not mark.is_missing:
                planes[name] = mark.moved_by(level.offset_mm)
        return planes

    def _findings(self, landmarks: Landmarks, material: Material, dropped_ml: float) -> list[Finding]:
        """What this set of planes brings up."""
        found = [Finding("spine", "asked", code) for code in landmarks.findings if code in _ASKED]
        for name, mark in self._planes(landmarks).items():
            acts = name != "para_aortic_top" or self.guideline.switches["para_aortic"]
            if acts and mark.source.value == "automatic" and mark.confidence < _LOW_CONFIDENCE:
                numbers = {"confidence": mark.confidence}
                found.append(Finding(mark.name, "inferred", "low_confidence_landmark", numbers))
        planes = self._planes(landmarks)
        for side in material.sides:
            found += _gaps(material, side, planes)
        if dropped_ml > 0:
            found.append(Finding(NAME, "left_out", "islands_dropped", {"dropped_ml": dropped_ml}))
        return found


def _gaps(material: Material, side: str, planes: Mapping[str, Landmark]) -> list[Finding]:
    """Where the vessels' labels end before the borders do."""
    lumen = material.lumens["common", side] | material.lumens["external", side]
    held = np.flatnonzero(lumen.any(axis=(1, 2)))
    levels = material.space.axis(0)
    found = []
    missing_above = planes["cranial"].superior_mm - float(levels[held[-1]])
    missing_below = float(levels[held[0]]) - planes["external_end"].superior_mm
    for gap, code in ((missing_above, "vessels_end_below"), (missing_below, "vessels_end_above")):
        if gap > _GAP_WORTH_SAYING_MM:
            found.append(Finding(f"iliac_vessels_{side}", "left_out", code, {"gap_mm": gap}))
    return found


def _hanging_together(cut: Mapping[str, np.ndarray], material: Material) -> tuple[np.ndarray, float]:
    """The union without islands, and how many mL those were.

    Each side keeps the one piece that holds most of its vessels; what is neither in it nor joined to it
    through the middle hangs on nothing. The mesorectum hangs on the rectum.
    """
    arrays = list(cut.values())
    whole = np.logical_or.reduce(arrays)
    box = bounding_box(whole)
    if box is None:
        return whole, 0.0
    labels, count = pieces_of(whole[box])
    if count <= 1:
        return whole, 0.0
    chosen = set()
    for side in material.sides:
        own = cut[f"common_{side}"][box] | cut[f"external_{side}"][box]
        sizes = np.bincount(labels[own], minlength=count + 1)
        sizes[0] = 0
        if sizes.any():
            chosen.add(int(np.argmax(sizes)))
    kept = np.isin(labels, list(chosen))
    if "mesorectal" in cut:
        kept |= cut["mesorectal"][box]
    dropped = np.count_nonzero(whole[box]) - np.count_nonzero(kept)
    result = np.zeros_like(whole)
    result[box] = kept
    return result, dropped * material.space.grid.voxel_volume_ml
