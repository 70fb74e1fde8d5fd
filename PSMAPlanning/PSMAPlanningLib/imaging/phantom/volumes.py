"""Standard volumes drawn from the phantom's own anatomy, by tubes and lofts.

CTVn: 7 mm around the common, external and internal iliac vessels from the aortic bifurcation to the femoral
heads, the obturator fossae and a presacral band at S1 to S3. CTVsb: from below the anastomosis up behind the
bladder. PTVs: 7 mm more in every direction.
"""

from __future__ import annotations

import numpy as np

from ..grid import Box, grow_box
from ..image import Mask
from . import atlas_organs as organs
from .anatomy import bladder_back
from .canvas import Canvas
from .curves import symmetric
from .filling import members
from .physique import Physique
from .products import product
from .tissues import BONE, STRUCTURES, table_of
from .vessels import Vessel

VESSEL_MARGIN_MM = 7.0
PTV_MARGIN_MM = 7.0
FEMORAL_HEAD_TOP_Z = 33.5
BED_TOP_Z = 33.0
"""Where the drawn bed ends above: the top of the bed of the seminal vesicles, 33 mm above the symphysis."""
_INTERNAL_END_Z = 45.0
_FAR_MM = 40.0

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
    # What lies a whole vessel's reach above or below holds none of the places.
    near = (points[:, 2] > places[:, 2].min() - _FAR_MM) & (points[:, 2] < places[:, 2].max() + _FAR_MM)
    points, radii = points[near], radii[near]
    squared = (places**2).sum(axis=1)[:, None] - product(2 * places, points.T) + (points**2).sum(axis=1)
    distance = np.sqrt(np.maximum(squared, 0.0, out=squared), out=squared)
    return np.minimum(np.max(radii - distance, axis=1, initial=-_FAR_MM), top_z - places[:, 2])


def make_volumes(canvas: Canvas, physique: Physique, vessels: dict[str, Vessel]) -> dict[str, Mask]:
    """CTVn, PTVn, CTVsb and PTVsb, each on the smallest part of the CT's grid that holds it."""
    points, radii = nodal_tubes(vessels)
    parts = list(canvas.ball_masks(points[::2], radii[::2]))
    parts += [canvas.loft_mask(_OBTURATOR, mirrored) for mirrored in (False, True)]
    parts.append(canvas.loft_mask(_PRESACRAL))
    nodal_box, nodal = _united(parts)
    bifurcation = canvas.indices(np.array((0.0, 0.0, physique.bifurcation_z)))[2]
    nodal[max(0, int(np.floor(bifurcation)) + 1 - nodal_box[0].start) :] = False
    bed_box, bed = _united([canvas.loft_mask(bed_outlines(physique))])
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
    for name, box, drawn, kept_out in (
        ("n", nodal_box, nodal, outside),
        ("sb", bed_box, bed, bed_outside),
    ):
        clinical = Mask(drawn & ~members(canvas.labels[box], kept_out), canvas.grid.crop(box)).cropped()
        volumes[f"CTV{name}"] = clinical
        volumes[f"PTV{name}"] = _planning_volume(canvas, clinical)
    return volumes


def _united(parts: list[tuple[Box, np.ndarray] | None]) -> tuple[Box, np.ndarray]:
    """The union of masks drawn in boxes of one array, in the smallest box that holds them all."""
    drawn = [part for part in parts if part is not None]
    starts = [min(box[axis].start for box, _ in drawn) for axis in range(3)]
    stops = [max(box[axis].stop for box, _ in drawn) for axis in range(3)]
    union = np.zeros([b - a for a, b in zip(starts, stops, strict=True)], bool)
    for box, mask in drawn:
        union[tuple(slice(s.start - a, s.stop - a) for s, a in zip(box, starts, strict=True))] |= mask
    return tuple(slice(a, b) for a, b in zip(starts, stops, strict=True)), union


def _planning_volume(canvas: Canvas, clinical: Mask) -> Mask:
    """The clinical volume grown by the margin, within the body."""
    spacing = canvas.grid.spacing_kji_mm
    start = np.rint(canvas.grid.kji_of(clinical.grid.origin_ras)).astype(int)
    box = tuple(slice(int(a), int(a) + n) for a, n in zip(start, clinical.array.shape, strict=True))
    reach = tuple(int(PTV_MARGIN_MM / s) for s in spacing)
    wide = grow_box(box, reach, canvas.labels.shape)
    padded = np.zeros(tuple(s.stop - s.start for s in wide), bool)
    padded[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(box, wide, strict=True))] = (
        clinical.array
    )
    planning = grown(padded, spacing, PTV_MARGIN_MM) & (canvas.labels[wide] != 0)
    return Mask(planning, canvas.grid.crop(wide)).cropped()


def bed_outlines(physique: Physique) -> dict[float, list[tuple[float, float]]]:
    """The prostate bed between symphysis or bladder in front and rectum behind, level by level."""
    rectum = np.array(organs.RECTUM)
    order = np.argsort(rectum[:, 2])
    outlines = {}
    for z in (-21.0, -10.0, -4.0, 4.0, 14.0, 24.0, BED_TOP_Z):
        behind = np.interp(z, rectum[order, 2], rectum[order, 1] + np.array(organs.RECTUM_RADII)[order]) - 1.0
        behind = max(behind, -38.0)
        front = 22.0 if z < 2 else bladder_back(physique, 0.0, z) + 6.0
        half = float(np.interp(z, [-21, -4, 10, 33], [13, 18, 25, 27]))
        middle = (front + behind) / 2
        flank = [(0.75 * half, front - 4), (half, middle), (0.8 * half, behind + 2)]
        outlines[z] = symmetric([(0, front), *flank, (0, behind)])
    return outlines


def bed_top(physique: Physique) -> tuple[float, float, float]:
    """Template place in the middle of the bed's top, between bladder and rectum."""
    outline = np.array(bed_outlines(physique)[BED_TOP_Z])
    return 0.0, float((outline[:, 1].min() + outline[:, 1].max()) / 2), BED_TOP_Z


def grown(mask: np.ndarray, spacing_kji_mm: tuple[float, float, float], margin_mm: float) -> np.ndarray:
    """All voxels whose centre lies within a margin of one of the mask's; exact.

    The ball is taken apart into rows: the mask widened along I by each half-width that occurs, moved along J,
    joined, moved along K, joined.
    """
    squared = [(np.arange(int(margin_mm / s) + 1) * s) ** 2 for s in spacing_kji_mm]
    far_k, far_j, far_i = (len(steps) - 1 for steps in squared)
    widened = [mask]
    for step in range(1, far_i + 1):
        widened.append(_moved_into(widened[-1].copy(), mask, 2, step))
    result = np.zeros_like(mask)
    for k in range(far_k + 1):
        level = np.zeros_like(mask)
        for j in range(far_j + 1):
            halfway = np.flatnonzero(squared[0][k] + squared[1][j] + squared[2] <= margin_mm**2)
            if len(halfway):
                _moved_into(level, widened[halfway[-1]], 1, j)
        _moved_into(result, level, 0, k)
    return result


def _moved_into(target: np.ndarray, mask: np.ndarray, axis: int, step: int) -> np.ndarray:
    """Join a mask, moved by some voxels to either side along an axis, to another; returns that."""
    near, far = [slice(None)] * 3, [slice(None)] * 3
    near[axis], far[axis] = slice(step, None), slice(None, target.shape[axis] - step)
    target[tuple(near)] |= mask[tuple(far)]
    target[tuple(far)] |= mask[tuple(near)]
    return target
