"""Pieces of the nodal volume cut by the landmark planes, and what the cut parts are called."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .landmarks import Landmark
from .nodal_material import Material
from .nodal_near import grown_by
from .nodal_parts import Pieces

_END_MM = 2.0
_TG263 = {
    "common": "LN_Iliac_Cmn",
    "external": "LN_Iliac_Ext",
    "internal": "LN_Iliac_Int",
    "strip": "LN_Obturator",
    "presacral": "LN_Presacral",
    "mesorectal": "LN_Mesorectal",
    "para_aortic": "LN_Paraaortic",
}


def cut_pieces(material: Material, pieces: Pieces, planes: Mapping[str, Landmark]) -> dict[str, np.ndarray]:
    """Arrays by part ("external_left", "presacral", ...), each between the planes that bound it.

    planes: by level of the guideline: cranial, external_end, obturator_end, and where they exist
    presacral_top, presacral_bottom and para_aortic_top.
    """
    # Axial planes give one truth per slice; joined before they meet a whole array, they cost nothing.
    heights = {name: material.space.heights(mark) for name, mark in planes.items()}
    below_top = heights["cranial"] <= 0
    above_end = below_top & (heights["external_end"] >= 0)
    above_symphysis = below_top & (heights["obturator_end"] >= 0)
    cut = {}
    for side in material.sides:
        cut[f"common_{side}"] = pieces.vessels["common", side] & below_top
        cut[f"external_{side}"] = pieces.vessels["external", side] & above_end
        if pieces.taper_mm > 0:
            cut[f"external_{side}"] |= _taper(material, pieces, side, heights["external_end"])
        # The internal branches leave through the sciatic notch, far above the symphysis; the plane only
        # catches labels that run astray.
        cut[f"internal_{side}"] = pieces.vessels["internal", side] & above_symphysis
        cut[f"strip_{side}"] = pieces.strips[side] & above_symphysis
    bounds = {"presacral_top", "presacral_bottom"} <= set(heights)
    if pieces.presacral is not None and bounds:
        between = (heights["presacral_top"] <= 0) & (heights["presacral_bottom"] >= 0)
        cut["presacral"] = pieces.presacral & (below_top & between)
    if pieces.mesorectal is not None:
        cut["mesorectal"] = pieces.mesorectal & above_symphysis
    if pieces.para_aortic is not None and "para_aortic_top" in heights:
        above = (heights["cranial"] >= 0) & (heights["para_aortic_top"] <= 0)
        cut["para_aortic"] = pieces.para_aortic & above
    return cut


def _taper(material: Material, pieces: Pieces, side: str, height: np.ndarray) -> np.ndarray:
    """The rounded end of the external part below its plane: what lies within the margin of the last lumen."""
    lumen = material.lumens["external", side]
    result = np.zeros_like(lumen)
    near = np.flatnonzero((np.abs(height) <= pieces.taper_mm + _END_MM).any(axis=(1, 2)))
    if len(near) == 0:
        return result
    slab = slice(int(near[0]), int(near[-1]) + 1)
    here = height[slab]
    end = lumen[slab] & (here >= 0) & (here <= _END_MM)
    grown = grown_by(end, pieces.taper_mm, material.space.spacing_kji)
    result[slab] = grown & (here < 0) & ~pieces.kept_out[slab]
    return result


def tg263_name(part: str) -> str:
    """The TG-263 name of a cut part; side letters L and R at the end."""
    kind, _, side = part.rpartition("_") if part.endswith(("_left", "_right")) else (part, "", "")
    return f"{_TG263[kind]}_{side[0].upper()}" if side else _TG263[kind]
