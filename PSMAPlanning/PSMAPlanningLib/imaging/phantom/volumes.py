"""Standard volumes drawn from the phantom's own anatomy, by tubes and lofts.

CTVn: 7 mm around the common, external and internal iliac vessels from the aortic bifurcation to the femoral
heads, the obturator fossae and a presacral band at S1 to S3. CTVsb: from below the anastomosis up behind the
bladder. PTVs: 7 mm more in every direction.
"""

from __future__ import annotations

import numpy as np

from ..grid import bounding_box, grow_box
from ..image import Mask
from . import atlas_organs as organs
from .anatomy import bladder_back
from .canvas import Canvas, symmetric
from .physique import Physique
from .tissues import BONE, STRUCTURES, table_of
from .vessels import Vessel

VESSEL_MARGIN_MM = 7.0
PTV_MARGIN_MM = 7.0
FEMORAL_HEAD_TOP_Z = 33.5
_INTERNAL_END_Z = 45.0

_OBTURATOR = {
    4: [(45, 20), (46, 0), (45, -16), (36, -18), (30, -4), (32, 18)],
    20: [(48, 26), (50, 0), (48, -24), (38, -26), (31, -4), (33, 24)],
    40: [(56, 40), (56, 10), (52, -30), (40, -30), (34, 0), (38, 34)],
    62: [(58, 30), (60, 8), (56, -32), (42, -32), (38, -4), (42, 24)],
}
_PRESACRAL = {
    58: symmetric([(0, -64), (20, -62), (32, -58), (32, -72), (16, -78), (0, -80)]),
    66: symmetric([(0, -57), (20, -56), (34, -52), (36, -66), (16, -70), (0, -71)]),
    81: symmetric([(0, -36), (20, -35), (38, -34), (42, -48), (20, -49), (0, -50)]),
    96: symmetric([(0, -16), (22, -18), (42, -24), (46, -36), (22, -32), (0, -30)]),
    110: symmetric([(0, -4), (22, -7), (36, -16), (40, -28), (22, -20), (0, -16)]),
    118: symmetric([(0, -3), (20, -5), (32, -14), (34, -24), (20, -18), (0, -16)]),
}


def nodal_tubes(vessels: dict[str, Vessel]) -> tuple[np.ndarray, np.ndarray]:
    """Template points and radii of the balls whose union is the vessel part of the nodal CTV."""
    points, radii = [], []
    for side in ("left", "right"):
        for part, low in (
            ("common", -np.inf),
            ("external", FEMORAL_HEAD_TOP_Z),
            ("internal", _INTERNAL_END_Z),
        ):
            artery, vein = vessels[f"artery_{part}_{side}"], vessels[f"vein_{part}_{side}"]
            for vessel in (artery, vein):
                kept = vessel.points[:, 2] >= low
                points.append(vessel.points[kept])
                radii.append(vessel.radii_mm[kept] + VESSEL_MARGIN_MM)
            partner = np.argmin(np.abs(vein.points[None, :, 2] - artery.points[:, None, 2]), axis=1)
            between = (artery.points + vein.points[partner]) / 2
            level = np.abs(artery.points[:, 2] - vein.points[partner, 2]) < 3
            kept = level & (artery.points[:, 2] >= low)
            points.append(between[kept])
            radii.append(((artery.radii_mm + vein.radii_mm[partner]) / 2 + VESSEL_MARGIN_MM)[kept])
            if part == "external":
                # The lateral group lies along the psoas: planners add about 10 mm in front and to the side.
                outward = np.array((4.0 if side == "right" else -4.0, 5.0, 0.0))
                points.append(artery.points[kept] + outward)
                radii.append(artery.radii_mm[kept] + VESSEL_MARGIN_MM)
    return np.concatenate(points), np.concatenate(radii)


def depth_in_tubes(places: np.ndarray, tubes: tuple[np.ndarray, np.ndarray], top_z: float) -> np.ndarray:
    """How deep template places lie inside the vessel part of the nodal CTV, mm; negative outside."""
    points, radii = tubes
    distance = np.linalg.norm(places[:, None, :] - points[None], axis=-1)
    return np.minimum(np.max(radii - distance, axis=1), top_z - places[:, 2])


def make_volumes(canvas: Canvas, physique: Physique, vessels: dict[str, Vessel]) -> dict[str, Mask]:
    """CTVn, PTVn, CTVsb and PTVsb, each on the smallest part of the CT's grid that holds it."""
    nodal = np.zeros(canvas.labels.shape, np.uint8)
    points, radii = nodal_tubes(vessels)
    canvas.balls(points[::2], radii[::2], 1, target=nodal)
    for mirrored in (False, True):
        _add_loft(canvas, nodal, _OBTURATOR, mirrored)
    _add_loft(canvas, nodal, _PRESACRAL, False)
    bifurcation = canvas.indices(np.array((0.0, 0.0, physique.bifurcation_z)))[2]
    nodal[int(np.floor(bifurcation)) + 1 :] = 0
    bed = np.zeros(canvas.labels.shape, np.uint8)
    _add_loft(canvas, bed, bed_outlines(physique), False)
    hollow = [
        n for n in ("urinary_bladder", "colon", "small_bowel", "duodenum", "anal_canal") if n in STRUCTURES
    ]
    muscles = [
        n
        for n in STRUCTURES
        if n.startswith(("iliopsoas", "gluteus", "obturator", "piriformis", "autochthon"))
    ]
    other = ("levator_ani", "abdominal_wall", "muscle", "joint", "disc", "air")
    outside = BONE | table_of(*hollow, *muscles, *other)
    bed_outside = BONE | table_of("rectum", "anal_canal", "joint", "bladder_urine")
    bed_outside |= table_of("obturator_internus_left", "obturator_internus_right")
    volumes = {}
    for name, drawn, kept_out in (("n", nodal, outside), ("sb", bed, bed_outside)):
        box = bounding_box(drawn.view(bool))
        clinical = drawn[box].view(bool) & ~kept_out[canvas.labels[box]]
        spacing = canvas.grid.spacing_kji_mm
        reach = tuple(int(np.ceil(PTV_MARGIN_MM / s)) + 1 for s in spacing)
        wide = grow_box(box, reach, canvas.labels.shape)
        padded = np.zeros(tuple(s.stop - s.start for s in wide), bool)
        inside = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(box, wide, strict=True))
        padded[inside] = clinical
        planning = grown(padded, spacing, PTV_MARGIN_MM) & (canvas.labels[wide] != 0)
        volumes[f"CTV{name}"] = Mask(clinical, canvas.grid.crop(box)).cropped()
        volumes[f"PTV{name}"] = Mask(planning, canvas.grid.crop(wide)).cropped()
    return volumes


def bed_outlines(physique: Physique) -> dict[float, list[tuple[float, float]]]:
    """The prostate bed between symphysis or bladder in front and rectum behind, level by level."""
    rectum = np.array(organs.RECTUM)
    order = np.argsort(rectum[:, 2])
    outlines = {}
    for z in (-21.0, -10.0, -4.0, 4.0, 14.0, 24.0, 33.0):
        behind = np.interp(z, rectum[order, 2], rectum[order, 1] + np.array(organs.RECTUM_RADII)[order]) - 1.0
        behind = max(behind, -38.0)
        front = 22.0 if z < 2 else bladder_back(physique, 0.0, z) + 6.0
        half = float(np.interp(z, [-21, -4, 10, 33], [13, 18, 25, 27]))
        middle = (front + behind) / 2
        flank = [(0.75 * half, front - 4), (half, middle), (0.8 * half, behind + 2)]
        outlines[z] = symmetric([(0, front), *flank, (0, behind)])
    return outlines


def grown(mask: np.ndarray, spacing_kji_mm: tuple[float, float, float], margin_mm: float) -> np.ndarray:
    """All voxels whose centre lies within a margin of one of the mask's; exact, separable, short of reach."""
    unreachable = np.float32(1e6)
    squared = np.where(mask, np.float32(0), unreachable)
    for axis, spacing in enumerate(spacing_kji_mm):
        best = squared.copy()
        for step in range(1, int(margin_mm / spacing) + 1):
            near, far = [slice(None)] * 3, [slice(None)] * 3
            near[axis], far[axis] = slice(step, None), slice(None, -step)
            cost = np.float32((step * spacing) ** 2)
            for to, source in ((tuple(near), tuple(far)), (tuple(far), tuple(near))):
                np.minimum(best[to], squared[source] + cost, out=best[to])
        squared = best
    return squared <= margin_mm**2


def _add_loft(canvas: Canvas, target: np.ndarray, keyframes: dict, mirrored: bool) -> None:
    drawn = canvas.loft_mask(keyframes, mirrored=mirrored)
    if drawn is not None:
        np.copyto(target[drawn[0]], 1, where=drawn[1])
