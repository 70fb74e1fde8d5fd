"""Parts that only some guidelines have, or that are switched on: anterolateral external iliac, common cleft,
para-aortic. The mesorectum has a file of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .nodal_near import box_within, distance_within, grown_by
from .nodal_strips import CLEFT_MM, common_cleft, course_of
from .steps import Finding, Step

if TYPE_CHECKING:
    from .nodal_material import Material
    from .nodal_parts import PieceMaker

_CLEFT_SEEN_MM = 30.0


def anterolateral(material: Material, side: str, margin_mm: float, reach_mm: float) -> np.ndarray:
    """The external artery's margin carried on by a reach, forwards and sideways alike, along the iliopsoas.

    For the lateral external iliac nodes; Taylor 2005, 10.1016/j.ijrobp.2005.05.062, as quoted by table 1 of
    Radiat Oncol 2010, 10.1186/1748-717X-5-59.
    """
    turned, spacing = material.sides[side], material.space.spacing_kji
    result = grown_by(material.external_artery[side], margin_mm, spacing)
    seen = turned.turned(result.copy())
    finest = min(spacing[1:])
    for far_mm in np.arange(finest, reach_mm + finest / 2, finest):
        rows, columns = (round(float(far_mm * np.sqrt(0.5) / step)) for step in spacing[1:])
        moved = np.zeros_like(seen)
        moved[:, rows:, columns:] = seen[:, : seen.shape[1] - rows, : seen.shape[2] - columns]
        result |= turned.turned(moved)
    return result


def clefts(maker: PieceMaker) -> dict[str, np.ndarray]:
    """By side, the cleft between psoas and vertebra behind the common iliac vessels (NRG)."""
    reach = maker.guideline.number("common_cleft_reach")
    clefts = {side: maker.material.space.empty() for side in maker.material.sides}
    if reach.value <= 0:
        return clefts
    material, spacing = maker.material, maker.spacing
    bones = material.lumbar | material.sacrum
    for side, turned in material.sides.items():
        lumen = material.lumens["common", side]
        box = box_within(lumen, reach.value, spacing)
        if box is None:
            continue
        psoas_mm, bone_mm, vessel_mm = (
            distance_within(array[box], _CLEFT_SEEN_MM, spacing) for array in (material.psoas, bones, lumen)
        )
        course = course_of(turned.turned(lumen), turned)
        depth = np.where(course.held, course.depth, -np.inf)[box[0]]
        behind = (turned.depths[box[1]][None, :] <= depth[:, None])[:, :, None]
        own_half = turned.turned((turned.sideways > 0)[None, None, :])[:, :, box[2]]
        cleft = material.space.empty()
        cleft[box] = common_cleft(psoas_mm, bone_mm, vessel_mm, reach.value, behind) & own_half
        clefts[side] = maker.trimmed(cleft)
    numbers = {"common_cleft_reach_mm": reach.value, "widest_cleft_mm": CLEFT_MM}
    maker.steps.append(Step("common_iliac_cleft", numbers, (reach,), maker.volume_ml(list(clefts.values()))))
    return clefts


def para_aortic(maker: PieceMaker) -> np.ndarray | None:
    """Around aorta and vena cava; None when switched off or when neither is labelled."""
    if not maker.guideline.switches["para_aortic"]:
        return None
    margin = maker.guideline.number("para_aortic_margin")
    if not maker.material.great_vessels.any():
        maker.findings.append(Finding("para_aortic", "left_out", "para_aortic_left_out"))
        return None
    grown = grown_by(maker.material.great_vessels, margin.value, maker.spacing)
    piece = maker.trimmed(grown) | (maker.material.great_vessels & ~maker.obstacles)
    numbers = {"para_aortic_margin_mm": margin.value}
    maker.steps.append(Step("para_aortic", numbers, (margin,), maker.volume_ml([piece])))
    return piece
