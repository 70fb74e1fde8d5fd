"""What the nodal volume is made from: vessels per side, what is kept out, and what the labels cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import GenerationError
from ..imaging.image import Image, Mask
from .landmarks import Landmarks
from .landmarks_ends import FemoralHead, head_of
from .landmarks_finding import find_landmarks
from .mesorectum import S2_ABOVE_S3_BOTTOM_MM
from .nodal_anatomy import SIDES, Anatomy
from .nodal_inferred import discs, inferred_rectum, inferred_wall
from .nodal_near import grown_by
from .nodal_space import WorkingSpace, make_space
from .nodal_strips import Side
from .steps import Finding
from .vessels import PARTS, split_vessel

BONES = (*(f"{bone}_{side}" for bone in ("hip", "femur") for side in SIDES), "sacrum", "S1",
         *(f"L{n}" for n in range(1, 7)))  # fmt: skip
WALL_MUSCLES = ("iliopsoas", "psoas", "obturator_internus", "piriformis", "gluteus_maximus",
                "gluteus_medius", "gluteus_minimus")  # fmt: skip
BOWEL = ("colon", "small_bowel", "duodenum", "sigmoid", "rectum", "anal_canal")

_AROUND_MM = 32.0
"""Beyond the vessels: margin, strip, and room for the side wall that bounds it."""
_DRAG_MM = 25.0
"""How far below the lowest landmark the space reaches, so that planes can be dragged there."""


@dataclass(frozen=True, eq=False)
class Material:
    """Arrays of one space. lumens: by part and side; kept_out: by "bone", "muscle", "bladder", "bowel".

    external_artery: of a side, all of the external lumen where no artery is labelled.
    split_s: level of the common iliac bifurcation per side; has_internal: sides whose labels show it.
    wall: muscles and bones of the side wall; low_wall: hip bone, femur and obturator internus alone.
    rectum: None when it can neither be found nor inferred.
    """

    space: WorkingSpace
    sides: Mapping[str, Side]
    lumens: Mapping[tuple[str, str], np.ndarray]
    external_artery: Mapping[str, np.ndarray]
    split_s: Mapping[str, float]
    has_internal: frozenset[str]
    kept_out: Mapping[str, np.ndarray]
    wall: np.ndarray
    low_wall: np.ndarray
    levator: np.ndarray
    sacrum: np.ndarray
    lumbar: np.ndarray
    psoas: np.ndarray
    great_vessels: np.ndarray
    rectum: np.ndarray | None
    heads: Mapping[str, FemoralHead | None]
    automatic: Landmarks
    findings: tuple[Finding, ...] = field(default_factory=tuple)

    @property
    def lumen(self) -> np.ndarray:
        """All iliac vessels."""
        whole = self.space.empty()
        for array in self.lumens.values():
            whole |= array
        return whole

    @property
    def obstacles(self) -> np.ndarray:
        """Everything the volume must stay out of."""
        whole = self.space.empty()
        for array in self.kept_out.values():
            whole |= array
        return whole


def sides_with_vessels(anatomy: Anatomy) -> tuple[str, ...]:
    """Sides with a labelled iliac vessel; raises GenerationError when there is none."""
    found = tuple(side for side in SIDES if _vessel_masks(anatomy, side))
    if not found:
        raise GenerationError(
            "The anatomy has no iliac vessels (iliac_artery_left, iliac_vena_left ...); run TotalSegmentator "
            "(task total) on the CT, or give a name table."
        )
    return found


def gather(anatomy: Anatomy, ct: Image | None, highest_s: float | None, bowel_margin_mm: float) -> Material:
    """Bring the anatomy onto a working space and take the vessels apart.

    highest_s: level the space must reach beyond the vessels, for the para-aortic extension; None: not.
    """
    sides = sides_with_vessels(anatomy)
    automatic = find_landmarks(anatomy)
    findings: list[Finding] = []
    space = _space(anatomy, sides, automatic, highest_s)
    middle_r = _middle(anatomy, automatic)
    turned = {side: Side.of(space, side, middle_r) for side in sides}
    lumens, external_artery, split_s, has_internal = {}, {}, {}, set()
    great = space.smooth(anatomy.all_of(("aorta", "vena_cava")))
    for side in sides:
        found = _parts_of(anatomy, side, space, automatic, findings)
        lumens.update({(part, side): array for part, array in found.parts.items()})
        external_artery[side], split_s[side] = found.external_artery, found.split_s
        has_internal |= {side} if found.has_internal else set()
    findings += [Finding(side, "left_out", "side_missing") for side in SIDES if side not in sides]
    notch = automatic["S3_bottom"]
    notch_s = None if notch.is_missing else notch.superior_mm
    s2_bottom_s = None if notch_s is None else notch_s + S2_ABOVE_S3_BOTTOM_MM
    rectum = inferred_rectum(anatomy, space, s2_bottom_s, findings)
    kept_out = _kept_out(anatomy, space, findings)
    lumbar = space.exact(anatomy.all_of(("L4", "L5", "L6")))
    sacrum = space.exact(anatomy.all_of(("sacrum", "S1")))
    spine = space.exact(anatomy.all_of((*(f"L{n}" for n in range(1, 7)), "S1", "sacrum")))
    disc_gaps = discs(anatomy, spine, space)
    kept_out["bone"] |= disc_gaps
    wall = space.exact(anatomy.all_of(f"{m}_{side}" for m in WALL_MUSCLES for side in SIDES))
    hips = space.exact(anatomy.all_of(f"{b}_{side}" for b in ("hip", "femur") for side in SIDES))
    lumen = np.logical_or.reduce(list(lumens.values()))
    others = lumen | kept_out["bladder"] | kept_out["bowel"]
    inferred = inferred_wall(anatomy, space, ct, hips, others, notch_s, findings)
    levator = space.exact(anatomy.all_of(("levator",)))
    kept_out["muscle"] |= inferred | levator
    if bowel_margin_mm > 0:
        # The margin may not take away the vessels themselves, which every guideline includes.
        kept_out["bowel"] |= grown_by(kept_out["bowel"], bowel_margin_mm, space.spacing_kji) & ~lumen
    if anatomy.get("prostate") is not None:
        findings.append(Finding("prostate", "excluded", "prostate_excluded"))
    return Material(
        space=space,
        sides=turned,
        lumens=lumens,
        external_artery=external_artery,
        split_s=split_s,
        has_internal=frozenset(has_internal),
        kept_out=kept_out,
        wall=wall | hips | inferred,
        low_wall=hips | inferred | space.exact(anatomy.all_of(f"obturator_internus_{s}" for s in SIDES)),
        levator=levator,
        sacrum=sacrum,
        lumbar=lumbar | disc_gaps,
        psoas=space.exact(anatomy.all_of(f"{m}_{s}" for m in ("iliopsoas", "psoas") for s in SIDES)),
        great_vessels=great,
        rectum=rectum,
        heads={side: head_of(anatomy, side) for side in sides},
        automatic=automatic,
        findings=tuple(findings),
    )


def _vessel_masks(anatomy: Anatomy, side: str) -> list[Mask]:
    roles = [kind + part for kind in ("artery", "vein") for part in ("", "_common", "_external", "_internal")]
    return anatomy.all_of(f"{role}_{side}" for role in roles)


def _space(
    anatomy: Anatomy, sides: tuple[str, ...], automatic: Landmarks, highest_s: float | None
) -> WorkingSpace:
    masks = [mask for side in sides for mask in _vessel_masks(anatomy, side)]
    points = np.concatenate([mask.points_ras() for mask in masks])
    low, high = points.min(axis=0) - _AROUND_MM, points.max(axis=0) + _AROUND_MM
    ends = [automatic[name] for name in ("femoral_head_top", "symphysis_top")]
    ends = [mark.superior_mm - _DRAG_MM for mark in ends if not mark.is_missing]
    low[2] = max(low[2], min(ends)) if ends else low[2]
    fork = automatic["aortic_bifurcation"]
    high[2] = max(points[:, 2].max() + 10.0, -np.inf if fork.is_missing else fork.superior_mm + _DRAG_MM)
    if highest_s is not None:
        high[2] = max(high[2], highest_s + 5.0)
    sacrum = anatomy.points("sacrum")
    bottom = automatic["S3_bottom"]
    if sacrum is not None and not bottom.is_missing:
        # Far enough back for the presacral sheet in the hollow of the sacrum.
        low[1] = min(low[1], bottom.point_ras[1] - 5.0)
    return make_space(masks[0].grid, low, high)


def _middle(anatomy: Anatomy, automatic: Landmarks) -> float:
    """R of the patient's middle: sacrum, else symphysis, else half-way between the vessels."""
    sacrum = anatomy.points("sacrum")
    if sacrum is not None:
        return float((sacrum[:, 0].min() + sacrum[:, 0].max()) / 2)
    symphysis = automatic["symphysis_top"]
    if not symphysis.is_missing:
        return float(symphysis.point_ras[0])
    hips = anatomy.all_of(("hip_left", "hip_right"))
    if len(hips) == 2:
        return float(np.mean([mask.points_ras()[:, 0].mean() for mask in hips]))
    raise GenerationError(
        "Neither sacrum nor both hip bones are labelled, so left and right cannot be told apart; "
        "give a segmentation of the pelvic bones."
    )


@dataclass(frozen=True, eq=False)
class _SideVessels:
    """Vessels of a side by part, the bifurcation's level, and whether the internal ones are labelled."""

    parts: Mapping[str, np.ndarray]
    external_artery: np.ndarray
    split_s: float
    has_internal: bool


def _parts_of(
    anatomy: Anatomy, side: str, space: WorkingSpace, automatic: Landmarks, findings: list[Finding]
) -> _SideVessels:
    parts = {part: space.empty() for part in PARTS}
    levels: list[float] = []
    fallback, artery = automatic["S1_top"], None
    for kind in ("artery", "vein"):
        named = {part: anatomy.get(f"{kind}_{part}_{side}") for part in PARTS}
        if named["external"] is not None and named["internal"] is not None:
            own = {part: space.smooth([mask]) for part, mask in named.items() if mask is not None}
            levels.append(float(named["internal"].points_ras()[:, 2].max()))
        else:
            masks = [anatomy.get(f"{kind}_{side}"), *named.values()]
            lumen = space.smooth([mask for mask in masks if mask is not None])
            if not lumen.any():
                findings.append(Finding(f"iliac_{kind}_{side}", "cannot_be_told", "one_vessel_kind_missing"))
                continue
            if fallback.is_missing:
                raise GenerationError(
                    "The top of S1 cannot be found, and the common iliac bifurcation may need it; label "
                    "the sacrum."
                )
            split = split_vessel(lumen, space.spacing_kji, float(space.axis(0)[0]), fallback.superior_mm)
            own = {part: getattr(split, part) for part in PARTS}
            if split.split_s is not None:
                levels.append(split.split_s)
        for part, array in own.items():
            parts[part] |= array
        artery = own["external"] if kind == "artery" else artery
    has_internal = bool(parts["internal"].any())
    if not levels:
        findings.append(Finding(f"iliac_bifurcation_{side}", "inferred", "common_split_inferred"))
    if not has_internal:
        findings.append(Finding(f"internal_iliac_{side}", "inferred", "internal_iliac_inferred"))
    split_s = float(np.mean(levels)) if levels else fallback.superior_mm
    return _SideVessels(parts, parts["external"] if artery is None else artery, split_s, has_internal)


def _kept_out(anatomy: Anatomy, space: WorkingSpace, findings: list[Finding]) -> dict[str, np.ndarray]:
    muscles = [f"{m}_{side}" for m in (*WALL_MUSCLES, "autochthon") for side in SIDES]
    bowel = BOWEL if anatomy.all_of(("colon", "small_bowel")) else (*BOWEL, "bowel_bag")
    kept_out = {}
    for what, roles in (("bone", BONES), ("muscle", muscles), ("bladder", ("bladder",)), ("bowel", bowel)):
        masks = anatomy.all_of(roles)
        kept_out[what] = space.exact(masks)
        if not masks:
            findings.append(Finding(what, "cannot_be_told", f"{what}_missing"))
    return kept_out
