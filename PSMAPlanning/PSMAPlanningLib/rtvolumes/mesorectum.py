"""The mesorectum: fat and nodes around the rectum, from the pelvic floor up to the rectosigmoid junction.

Borders and their sources (abstracts, tables and captions were read, not the papers' full text):
above, where the rectum leaves the sacrum and loops forwards: RTOG (Gay 2012, 10.1016/j.ijrobp.2012.01.023:
"loses its round shape in the axial plane and connects anteriorly with the sigmoid") and the sigmoid take-off
of D'Souza 2019, 10.1097/SLA.0000000000003251; no higher than S2/3 (STAR-TREC, PMC7031087); below and in
front the fat thins out (10.1186/s13244-020-00890-7, figure 3), in front up to bladder, vesicles and prostate
or their bed; sideways and behind muscle and bone (10.1007/s00330-005-2657-5 measures it between them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from .nodal_near import distance_within, grown_by, pieces
from .nodal_space import WorkingSpace
from .steps import Finding, Step

if TYPE_CHECKING:
    from .nodal_parts import PieceMaker

S2_ABOVE_S3_BOTTOM_MM = 30.0
"""S2/3 lies about one sacral segment above the lower end of S3."""
ANTERIOR_FAT_MM = 7.8
"""Fat in front of the rectum at the ischial spines, mean of 35 men (Dis Colon Rectum 2009, "Morphology of the
mesorectum in patients with primary rectal cancer", abstract)."""
THINNING = 1.0
"""Millimetres of reach gained per millimetre above the rectum's lower end: the levator's funnel, taken as 45
degrees. Ours; the source only says that the fat tapers downwards."""
_LOOP_DEPTH = 1.75
"""A tube cut at 55 degrees to its axis is 1.75 times as deep as wide: it runs forwards more than upwards."""
_LOOP_ADVANCE_MM = 10.0
"""In as many millimetres of height the front moves forwards by more, which is steeper than 45 degrees."""
_CALIBRE_OVER_MM = 30.0
"""The rectum widens from anal canal to ampulla within 2 to 3 cm."""


@dataclass(frozen=True, eq=False)
class TracedRectum:
    """The rectum from its lower end to the rectosigmoid junction.

    array: of the space; junction_s: S of the junction, mm, None when no forward loop was met;
    bottom_s: of the lowest level; front_a: A of the front edge by level, mm, NaN where there is no rectum.
    """

    array: np.ndarray
    junction_s: float | None
    bottom_s: float
    front_a: np.ndarray


def trace_rectum(bowel: np.ndarray, space: WorkingSpace, highest_s: float) -> TracedRectum:
    """Follow the bowel upwards from its lowest axial section until it loops forwards.

    bowel: rectum or caudal colon, not empty. Sections that hang beside it (loops of sigmoid) are not followed
    until they join it. highest_s: level above which it is not followed, mm.
    """
    levels, step = space.axis(0), space.spacing_kji[0]
    ahead = space.axis(1)
    result = np.zeros_like(bowel)
    fronts = np.full(len(levels), np.nan)
    widths: list[float] = []
    held = np.flatnonzero(bowel.any(axis=(1, 2)))
    first, junction_s = int(held[0]), None
    back_levels = max(1, round(_LOOP_ADVANCE_MM / step))
    section = np.ones(bowel.shape[1:], bool)
    for k in range(first, int(held[-1]) + 1):
        if levels[k] > highest_s:
            break
        section = _followed(bowel[k], section)
        rows = np.flatnonzero(section.any(axis=1))
        if len(rows) == 0:
            break
        front, depth = float(ahead[rows[-1]]), (rows[-1] - rows[0] + 1) * space.spacing_kji[1]
        calibre = max(widths[-max(1, round(_CALIBRE_OVER_MM / step)) :], default=np.inf)
        advanced = front - fronts[max(first, k - back_levels)] > _LOOP_ADVANCE_MM
        if depth > _LOOP_DEPTH * calibre and advanced:
            junction_s = float(levels[k] - step / 2)
            break
        result[k], fronts[k] = section, front
        widths.append(_inscribed_mm(section, space))
    return TracedRectum(result, junction_s, float(levels[first]), fronts)


def _followed(bowel: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The sections of one level that lie on the section below."""
    labels, _ = ndimage.label(bowel, np.ones((3, 3)))
    on = np.unique(labels[below & bowel])
    return np.isin(labels, on[on > 0])


def _inscribed_mm(section: np.ndarray, space: WorkingSpace) -> float:
    """Diameter of the largest circle inside a section."""
    rows, columns = (np.flatnonzero(section.any(axis=axis)) for axis in (1, 0))
    part = section[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inside = ndimage.distance_transform_edt(np.pad(part, 1), sampling=space.spacing_kji[1:])
    return float(2 * inside.max())


def mesorectal(maker: PieceMaker) -> np.ndarray | None:
    """Around the rectum up to its junction, behind the bladder; None switched off or without a rectum."""
    if not maker.guideline.switches["mesorectum"]:
        return None
    material, reach = maker.material, maker.guideline.number("mesorectal_reach")
    bottom = material.automatic["S3_bottom"]
    if material.rectum is None or not material.rectum.any():
        maker.findings.append(Finding("mesorectum", "left_out", "mesorectum_left_out"))
        return None
    highest_s = np.inf if bottom.is_missing else bottom.superior_mm + S2_ABOVE_S3_BOTTOM_MM
    traced = trace_rectum(material.rectum, material.space, highest_s)
    top_s = highest_s if traced.junction_s is None else min(traced.junction_s, highest_s)
    piece = _around(traced, top_s, reach.value, maker)
    numbers = {
        "mesorectal_reach_mm": reach.value,
        "anterior_reach_mm": min(reach.value, ANTERIOR_FAT_MM),
        "reach_gained_per_mm_above_its_lower_end": THINNING,
    }
    if np.isfinite(top_s):
        numbers["up_to_s_mm"] = float(top_s)
    maker.steps.append(Step("mesorectum", numbers, (reach,), maker.volume_ml([piece])))
    if traced.junction_s is None:
        maker.findings.append(Finding("mesorectum", "inferred", "no_rectosigmoid_junction"))
    else:
        above = {"s_mm": traced.junction_s, "above_mm": traced.junction_s - traced.bottom_s}
        maker.findings.append(Finding("mesorectum", "inferred", "rectosigmoid_junction_inferred", above))
    return piece


def _around(traced: TracedRectum, top_s: float, reach_mm: float, maker: PieceMaker) -> np.ndarray:
    material, space = maker.material, maker.material.space
    levels, ahead = space.axis(0), space.axis(1)
    around = grown_by(traced.array, reach_mm, space.spacing_kji)
    around &= (levels <= top_s)[:, None, None]
    funnel = np.maximum(0.0, THINNING * (levels - traced.bottom_s))
    narrow = slice(0, int(np.searchsorted(funnel, reach_mm)))
    near_mm = distance_within(traced.array, reach_mm, space.spacing_kji)[narrow]
    around[narrow] &= near_mm <= funnel[narrow, None, None]
    # Nothing in front of levels that have no rectum: below its lower end.
    front = np.where(np.isfinite(traced.front_a), traced.front_a + ANTERIOR_FAT_MM, -np.inf)
    around &= ahead[None, :, None] <= front[:, None, None]
    bladder = material.kept_out["bladder"]
    back = np.where(bladder.any(axis=1), np.argmax(bladder, axis=1), bladder.shape[1])
    around &= np.arange(bladder.shape[1])[None, :, None] < back[:, None, :]
    piece = maker.trimmed(around)
    # What lies beyond the levator or behind a bone is not mesorectum, near as it may be.
    labels, _ = pieces(piece | traced.array | (around & material.kept_out["bowel"]))
    return piece & np.isin(labels, np.unique(labels[traced.array]))
