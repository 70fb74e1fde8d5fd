"""The pieces of the nodal volume before any landmark plane cuts them; planes can then move cheaply.

Order of construction (reference document of this project, section 3.2): vessels grown by the margin, strip
along the side wall, presacral sheet, extensions; each kept out of bone, muscle, bladder and bowel; smoothed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .guideline import Guideline, GuidelineNumber
from .landmarks import Landmarks
from .mesorectum import mesorectal
from .nodal_extensions import anterolateral, clefts, para_aortic
from .nodal_inferred import THICKEST_DISC_MM
from .nodal_material import Material
from .nodal_near import grown_by, smoothed
from .nodal_strips import (
    BLEND_MM,
    FORAMEN_MM,
    INFERRED_CALIBRE_MM,
    NEAR_MIDDLE_MM,
    PAST_THE_FACE_MM,
    Course,
    StripLimits,
    course_of,
    drawn_course,
    inferred_internal,
    presacral_sheet,
    side_wall_strip,
)
from .steps import Finding, Step

_SACRAL_TILT = 0.7071
"""A sheet of 10 mm on axial slices is 7 mm thick across a sacrum that is tilted by the usual 45 degrees."""
SMOOTHING_MM = 2.0
"""Details finer than this are traces of the slices, not anatomy; no guideline states it."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Arrays of the material's space. vessels: by part and side; strips: by side.

    kept_out: what no piece may enter; taper_mm: how far the external part runs out below its plane.
    """

    vessels: dict[tuple[str, str], np.ndarray]
    strips: dict[str, np.ndarray]
    presacral: np.ndarray | None
    mesorectal: np.ndarray | None
    para_aortic: np.ndarray | None
    kept_out: np.ndarray
    taper_mm: float
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]


class PieceMaker:
    """Makes the pieces of one patient by one guideline."""

    def __init__(self, material: Material, guideline: Guideline) -> None:
        self.material = material
        self.guideline = guideline
        self.spacing = material.space.spacing_kji
        self.obstacles = material.obstacles
        self.lumen = material.lumen
        self.steps: list[Step] = []
        self.findings: list[Finding] = []

    def make(self) -> Pieces:
        self.steps.append(
            Step("split_vessels", {f"bifurcation_{n}_s_mm": s for n, s in self.material.split_s.items()})
        )
        vessels = self._vessels()
        courses = {side: self._courses(side) for side in self.material.sides}
        strips = {side: self._strip(side, *courses[side]) for side in self.material.sides}
        internal = {side: self._inferred(side, courses[side][1]) for side in self.material.sides}
        for side, array in internal.items():
            if array is not None:
                vessels["internal", side] = vessels["internal", side] | array
        presacral = self._presacral({side: courses[side] for side in courses})
        for side, array in clefts(self).items():
            vessels["common", side] = vessels["common", side] | array
        self._note_trimming()
        taper = self.guideline.switches["taper_external_end"]
        return Pieces(
            vessels=vessels,
            strips=strips,
            presacral=presacral,
            mesorectal=mesorectal(self),
            para_aortic=para_aortic(self),
            kept_out=self.obstacles,
            taper_mm=self.guideline.value("vessel_margin") if taper else 0.0,
            steps=tuple(self.steps),
            findings=tuple(self.findings),
        )

    def trimmed(self, array: np.ndarray) -> np.ndarray:
        """Kept out of the obstacles, smoothed, and kept out once more."""
        result = smoothed(array & ~self.obstacles, SMOOTHING_MM, self.spacing)
        result &= ~self.obstacles
        return result

    def volume_ml(self, arrays: list[np.ndarray]) -> float:
        """Millilitres of the union of arrays."""
        whole = np.logical_or.reduce(arrays)
        return float(np.count_nonzero(whole)) * self.material.space.grid.voxel_volume_ml

    def _vessels(self) -> dict[tuple[str, str], np.ndarray]:
        margin = self.guideline.number("vessel_margin")
        lateral = self.guideline.number("external_anterolateral")
        pieces = {}
        for (part, side), lumen in self.material.lumens.items():
            array = grown_by(lumen, margin.value, self.spacing)
            if part == "common":
                array |= self._great_vessels(side, margin.value)
            if part == "external" and lateral.value > 0:
                array |= anterolateral(self.material, side, margin.value, lateral.value)
            # What lies in the vessel itself belongs to the volume, however thin the rest around it is.
            pieces[part, side] = self.trimmed(array) | (lumen & ~self.obstacles)
        rested = (margin, lateral) if lateral.value > 0 else (margin,)
        numbers = {"vessel_margin_mm": margin.value}
        if lateral.value > 0:
            numbers["external_anterolateral_mm"] = lateral.value
        self.steps.append(Step("grow_vessels", numbers, rested, self.volume_ml(list(pieces.values()))))
        return pieces

    def _great_vessels(self, side: str, margin_mm: float) -> np.ndarray:
        """Aorta and vena cava of a side; below the upper border they are the common iliac level."""
        turned = self.material.sides[side]
        half = turned.turned(self.material.great_vessels) & (turned.sideways >= 0)
        low = self.material.space.axis(0) < self._top_of_common(margin_mm)
        return grown_by(turned.turned(half) & low[:, None, None], margin_mm, self.spacing)

    def _top_of_common(self, margin_mm: float) -> float:
        fork = self.material.automatic["aortic_bifurcation"]
        return np.inf if fork.is_missing else fork.superior_mm + margin_mm + 30.0

    def _courses(self, side: str) -> tuple[Course, Course]:
        """Course of common and external vessels, and of the internal ones, labelled or inferred."""
        turned, material = self.material.sides[side], self.material
        main = course_of(
            turned.turned(material.lumens["common", side] | material.lumens["external", side]), turned
        )
        if side in material.has_internal:
            return main, course_of(turned.turned(material.lumens["internal", side]), turned)
        bottom = material.automatic["S3_bottom"]
        if bottom.is_missing:
            nothing = np.full(len(turned.levels), np.nan)
            return main, Course.of_calibre(nothing, nothing, INFERRED_CALIBRE_MM)
        clearance = self.guideline.value("vessel_margin") + INFERRED_CALIBRE_MM
        return main, inferred_internal(
            main,
            turned.turned(material.sacrum),
            turned,
            material.split_s[side],
            bottom.superior_mm,
            clearance,
        )

    def _inferred(self, side: str, internal: Course) -> np.ndarray | None:
        if side in self.material.has_internal or not internal.held.any():
            return None
        turned, margin = self.material.sides[side], self.guideline.number("vessel_margin")
        radius = margin.value + INFERRED_CALIBRE_MM
        piece = self.trimmed(turned.turned(drawn_course(internal, turned, radius)))
        numbers = {
            "vessel_margin_mm": margin.value,
            "inferred_vessel_radius_mm": INFERRED_CALIBRE_MM,
            "back_to_sacrum_within_mm": BLEND_MM,
        }
        self.steps.append(Step(f"infer_internal_iliac_{side}", numbers, (margin,), self.volume_ml([piece])))
        return piece

    def _strip(self, side: str, main: Course, internal: Course) -> np.ndarray:
        material, turned = self.material, self.material.sides[side]
        width, margin = (self.guideline.number(n) for n in ("obturator_strip_width", "vessel_margin"))
        head = material.heads[side]
        ends = [material.automatic[name] for name in ("femoral_head_top", "symphysis_top")]
        # A strip that stands for a missing internal vessel has to begin where that vessel would.
        connect = self.guideline.switches["connect_external_internal"] or side not in material.has_internal
        if head is None or any(mark.is_missing for mark in ends) or not internal.held.any():
            self.findings.append(Finding(f"obturator_{side}", "left_out", "strip_left_out"))
            return material.space.empty()
        internal_end = float(turned.levels[np.flatnonzero(internal.held)[0]])
        limits = StripLimits(
            head.front_a, head.middle_a, ends[0].superior_mm, internal_end, ends[1].superior_mm
        )
        top = material.split_s[side] if connect else self._top_of_fossa(internal_end)
        organs = material.kept_out["bladder"] | material.kept_out["bowel"]
        strip = side_wall_strip(
            turned.turned(material.wall),
            turned.turned(material.low_wall),
            turned.turned(organs),
            turned.turned(material.levator),
            main,
            internal,
            turned,
            limits,
            width.value,
            margin.value,
            top,
        )
        piece = self.trimmed(turned.turned(strip))
        self.steps.append(
            Step(
                f"side_wall_strip_{side}",
                {
                    "obturator_strip_width_mm": width.value,
                    "vessel_margin_mm": margin.value,
                    "from_s_mm": top,
                    "past_the_wall_face_mm": PAST_THE_FACE_MM,
                    "clear_of_the_middle_mm": NEAR_MIDDLE_MM,
                },
                (width, margin),
                self.volume_ml([piece]),
            )
        )
        return piece

    def _top_of_fossa(self, internal_end_s: float) -> float:
        """Where the obturator fossa begins: at the lower end of S3, which is the greater sciatic notch."""
        bottom = self.material.automatic["S3_bottom"]
        return internal_end_s if bottom.is_missing else bottom.superior_mm

    def _presacral(self, courses: dict[str, tuple[Course, Course]]) -> np.ndarray | None:
        material, thickness = self.material, self.guideline.number("presacral_thickness")
        lost = [name for name in ("S1_top", "S3_bottom") if material.automatic[name].is_missing]
        if thickness.value <= 0:
            return None
        if lost or not material.sacrum.any():
            self.findings.append(
                Finding("presacral", "left_out", "presacral_left_out", {"missing": float(len(lost))})
            )
            return None
        above_s1 = self.guideline.level("presacral_top").landmark != "S1_top"
        bones = material.sacrum | material.lumbar if above_s1 else material.sacrum
        near_mm = thickness.value * _SACRAL_TILT
        # Lumbar bodies stand upright; around their lower edge a sheet in all directions hangs in the air.
        near_bones = grown_by(material.sacrum, near_mm, self.spacing)
        edges = {side: self._edge(side, *courses[side]) for side in courses}
        nothing = np.full(bones.shape[0], np.nan)
        sheet = presacral_sheet(
            bones,
            near_bones,
            thickness.value,
            edges.get("left", nothing),
            edges.get("right", nothing),
            material.space,
        )
        piece = self.trimmed(sheet)
        numbers = {
            "presacral_thickness_mm": thickness.value,
            "across_the_sheet_mm": near_mm,
            "bridged_foramen_mm": FORAMEN_MM,
        }
        self.steps.append(Step("presacral_sheet", numbers, (thickness,), self.volume_ml([piece])))
        return piece

    def _edge(self, side: str, main: Course, internal: Course) -> np.ndarray:
        """R of the vessels that bound the presacral sheet sideways: internal, above the bifurcation common.

        Below the internal vessels their last place holds.
        """
        turned = self.material.sides[side]
        place = np.where(internal.held, internal.sideways, np.nan)
        above = turned.levels > self.material.split_s[side]
        place = np.where(above & main.held, main.sideways, place)
        held = np.flatnonzero(np.isfinite(place))
        if len(held) == 0:
            return place
        place = np.interp(np.arange(len(place)), held, place[held])
        middle_r = float(self.material.space.axis(2)[-1] - turned.sideways[-1])
        if side == "left":
            middle_r = float(self.material.space.axis(2)[0] + turned.sideways[-1])
            return middle_r - place
        return middle_r + place

    def _note_trimming(self) -> None:
        margin: GuidelineNumber = self.guideline.number("bowel_margin")
        self.steps.append(
            Step(
                "keep_out_bone_muscle_bladder_bowel",
                {
                    "bowel_margin_mm": margin.value,
                    "smoothing_mm": SMOOTHING_MM,
                    "thickest_disc_mm": THICKEST_DISC_MM,
                },
                (margin,),
            )
        )


def needed_height(guideline: Guideline, landmarks: Landmarks) -> float | None:
    """Level the space must reach for the para-aortic extension; None when it is off or has no landmark."""
    mark = landmarks[guideline.level("para_aortic_top").landmark]
    return mark.superior_mm if guideline.switches["para_aortic"] and not mark.is_missing else None
