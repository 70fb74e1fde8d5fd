"""The order in which a patient is built: skin, muscles, bones, organs; bowel last, into what is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import atlas_organs as organs
from . import atlas_soft as soft
from .canvas import Canvas, Loft, smooth_outline
from .physique import Physique
from .tissues import BONE, CODES, FAT, table_of
from .vessels import Vessel

_SIDES = (("right", False), ("left", True))
_NOT_BONE = ~BONE
_URETER_CLEARANCE_MM = 18.0
_SKIN = table_of("skin", "air")
_MEAT = table_of("muscle", *(f"{name}_{side}" for name in soft.MUSCLES if not name.startswith("muscle_")
                             for side in ("right", "left")))  # fmt: skip
_SNUG = ("obturator_internus", "piriformis", "iliopsoas", "autochthon", "muscle_crus")


def draw_frame(canvas: Canvas, physique: Physique) -> None:
    """Skin, fat and muscles."""
    lofts = _coat(physique.fat_mm)
    lofts.append(Loft(soft.CAVITY, CODES["visceral_fat"], wobble_mm=0.0))
    lofts += _wall()
    lofts.append(Loft(soft.CLEFT, CODES["skin"], over=FAT, wobble_mm=0.3))
    lofts.append(Loft(soft.LEVATOR, CODES["levator_ani"], wobble_mm=0.3))
    lofts.append(Loft(soft.LEVATOR, CODES["mesorectal_fat"], wobble_mm=0.3, inset_mm=4.0))
    for name, keyframes in soft.MUSCLES.items():
        for side, mirrored in _SIDES:
            code = CODES["muscle"] if name.startswith("muscle_") else CODES[f"{name}_{side}"]
            swell = 0.0 if name in _SNUG else soft.SWELL_MM
            muscle = Loft(keyframes, code, over=~_SKIN, cap_mm=12.0, mirrored=mirrored, inset_mm=-swell)
            if swell:
                plane = replace(muscle, code=CODES["septum"], over=_MEAT, inset_mm=-swell - 1.4)
                lofts.append(plane)
            lofts.append(muscle)
    psoas = _psoas()
    for side, mirrored in _SIDES:
        lofts.append(Loft(psoas, CODES[f"iliopsoas_{side}"], mirrored=mirrored))
    canvas.draw(lofts)


def _coat(fat_mm: float) -> list[Loft]:
    """Skin and the fat under it, trunk over thighs."""
    lofts = []
    for code, inset in ((CODES["skin"], -fat_mm), (CODES["subcutaneous_fat"], 1.9 - fat_mm)):
        for mirrored in (False, True):
            lofts.append(Loft(soft.THIGH, code, wobble_mm=0.0, mirrored=mirrored, inset_mm=0.6 * inset))
        lofts.append(Loft(soft.TRUNK, code, wobble_mm=0.0, inset_mm=inset))
    return lofts


def _wall() -> list[Loft]:
    """The abdominal wall's three layers and the rectus, both sides."""
    layers = [
        {z: _layer(outline, outer, inner) for z, outline in wall.items()}
        for wall in (soft.WALL_LOW, soft.WALL)
        for outer, inner in ((0.0, 0.33), (0.42, 0.66), (0.74, 1.0))
    ]
    lofts = []
    for _, mirrored in _SIDES:
        lofts += [Loft(layer, CODES["abdominal_wall"], mirrored=mirrored, wobble_mm=0.15) for layer in layers]
        lofts.append(Loft(soft.RECTUS, CODES["abdominal_wall"], mirrored=mirrored, wobble_mm=0.5))
    return lofts


def draw_pelvic_organs(canvas: Canvas, physique: Physique, generator: np.random.Generator) -> None:
    """Bladder, urethra, penile bulb, rectum in its mesorectal fat: what lesions are placed beside."""
    canvas.draw([Loft(organs.MESORECTUM, CODES["mesorectal_fat"], over=FAT, cap_mm=6.0)])
    room = FAT | table_of("levator_ani")
    bladder = bladder_outlines(physique)
    canvas.draw([Loft(bladder, CODES["bladder_wall"], over=room, wobble_mm=0.0, cap_mm=7.0)])
    canvas.draw(
        [
            Loft(
                bladder,
                CODES["bladder_urine"],
                over=table_of("bladder_wall"),
                wobble_mm=0.0,
                cap_mm=11.0,
                inset_mm=3.2,
            )
        ]
    )
    canvas.tube(*_swept(organs.PENIS), CODES["genitals"], over=FAT | table_of("skin", "air"))
    canvas.balls(np.array([organs.SCROTUM[0]]), np.array([1.0]), CODES["genitals"], flatten=organs.SCROTUM[1],
                 over=FAT | table_of("air", "skin"))  # fmt: skip
    for s in (1.0, -1.0):
        x, y, z = organs.TESTIS[0]
        canvas.balls(np.array([(s * x, y, z)]), np.array([1.0]), CODES["muscle"], flatten=organs.TESTIS[1])
        canvas.tube(_swept(organs.CRUS)[0] * (s, 1, 1), organs.CRUS[1], CODES["genitals"], over=_NOT_BONE)
    canvas.tube(
        *_swept(organs.URETHRA), CODES["urethra"], over=_NOT_BONE & ~table_of("bladder_urine", "bladder_wall")
    )
    canvas.tube(*_swept(organs.PENILE_BULB), CODES["penile_bulb"], over=_NOT_BONE)
    canvas.tube(*_swept(organs.ANAL_CANAL), CODES["anal_canal"], over=_NOT_BONE)
    rectum = np.array(organs.RECTUM)
    rectum[1:-1, :2] += generator.uniform(-2.0, 2.0, (len(rectum) - 2, 2))
    canvas.tube(rectum, organs.RECTUM_RADII, CODES["rectum_wall"], over=FAT | table_of("levator_ani"))
    radii = np.array(organs.RECTUM_RADII) - 3.2
    own = table_of("rectum_wall", "rectum_content", "anal_canal")
    canvas.tube(rectum, radii, CODES["rectum_content"], over=own)
    for n in range(1, 5):
        if generator.uniform() < physique.rectal_gas:
            middle = rectum[n] + (generator.uniform(-3, 3), 2.5, generator.uniform(-5, 5))
            radius = np.array([radii[n] * generator.uniform(0.45, 0.72)])
            inside = table_of("rectum_content")
            canvas.balls(middle[None], radius, CODES["rectum_gas"], over=inside, flatten=(1.1, 0.8, 1.3))


def draw_upper_organs(canvas: Canvas, generator: np.random.Generator) -> None:
    """Lungs, liver, spleen, stomach, pancreas, gallbladder and kidneys."""
    for lung in (organs.LUNG_RIGHT, organs.LUNG_LEFT):
        canvas.draw([Loft(lung, CODES["lung"], over=FAT)])
    roomy = FAT | table_of("lung")
    canvas.draw([Loft(organs.LIVER, CODES["liver"], over=roomy, wobble_mm=1.2)])
    canvas.draw([Loft(organs.SPLEEN, CODES["spleen"], over=roomy, cap_mm=10.0)])
    canvas.draw([Loft(organs.STOMACH, CODES["stomach_wall"], over=roomy, cap_mm=10.0, inset_mm=-7.0)])
    inner = table_of("stomach_wall")
    canvas.draw([Loft(organs.STOMACH, CODES["stomach_content"], over=inner, cap_mm=14.0, inset_mm=-3.0)])
    level = canvas.box_around((-110, 56, 230), (20, 110, 346))
    if level is not None:
        canvas.paint(
            level,
            np.ones(canvas.labels[level].shape, bool),
            CODES["stomach_gas"],
            table_of("stomach_content"),
        )
    canvas.tube(*_swept(organs.PANCREAS), CODES["pancreas"], over=FAT)
    canvas.tube(*_swept(organs.GALLBLADDER), CODES["gallbladder"], over=FAT | table_of("liver"))
    hepatic = table_of("liver")
    for _ in range(14):
        start = np.array((45.0, 40.0, 268.0)) + generator.uniform(-10, 10, 3)
        end = np.array((60.0, 30.0, 285.0)) + generator.uniform(-1, 1, 3) * (60, 50, 45)
        canvas.tube(np.array([start, (start + end) / 2 + generator.uniform(-8, 8, 3), end]), [3.2, 2.4, 1.6],
                    CODES["small_vessel"], over=hepatic)  # fmt: skip
    for s, at in ((1, (30, -30, 272)), (-1, (-40, -14, 280))):
        canvas.tube(
            np.array([at, (at[0] + 8, at[1] - 12, at[2] - 4)], dtype=float), 2.6, CODES["adrenal"], over=FAT
        )
        canvas.tube(
            np.array([at, (at[0] + s * 14, at[1] - 6, at[2] + 2)], dtype=float),
            2.2,
            CODES["adrenal"],
            over=FAT,
        )
    for side in ("right", "left"):
        _draw_kidney(canvas, side, generator)


def draw_ureters(canvas: Canvas, keep_clear_ras: np.ndarray, generator: np.random.Generator) -> None:
    """Both ureters, with urine standing in a few segments as peristalsis leaves it.

    keep_clear_ras: places (N, 3) that no standing urine comes near, so that truth stays visible.
    """
    for side, s in (("right", 1.0), ("left", -1.0)):
        curve = organs.URETER_RIGHT * (s, 1.0, 1.0)
        curve[:, :2] += generator.uniform(-2, 2, (len(curve), 2))
        canvas.tube(curve, 2.4, CODES[f"ureter_{side}"], over=FAT)
        own = table_of(f"ureter_{side}")
        free = [n for n in range(1, len(curve) - 1) if _clear(canvas, curve[n : n + 2], keep_clear_ras)]
        for start in generator.permutation(free)[:2].astype(int):
            canvas.tube(curve[start : start + 2], 2.2, CODES[f"ureter_filled_{side}"], over=own)


def _clear(canvas: Canvas, ends: np.ndarray, places_ras: np.ndarray) -> bool:
    along = canvas.to_patient(ends[0] + np.linspace(0, 1, 7)[:, None] * (ends[1] - ends[0]))
    distance = np.linalg.norm(along[:, None] - places_ras[None], axis=-1)
    return bool((distance > _URETER_CLEARANCE_MM).all())


def draw_clips(canvas: Canvas, vessels: dict[str, Vessel], generator: np.random.Generator) -> None:
    """Metal clips of the node dissection and along the bed."""
    for side, s in (("right", 1.0), ("left", -1.0)):
        vein = vessels[f"vein_external_{side}"]
        for _ in range(3):
            n = int(generator.integers(len(vein.points) // 12, len(vein.points) // 4))
            place = vein.points[n] + (
                -s * (vein.radii_mm[n] + generator.uniform(3, 8)),
                generator.uniform(-8, 2),
                0.0,
            )
            canvas.balls(
                place[None], np.array([1.3]), CODES["surgical_clip"], over=FAT, flatten=(0.8, 1.6, 1.2)
            )
        place = np.array(
            (s * generator.uniform(14, 22), generator.uniform(-18, -8), generator.uniform(-6, 12))
        )
        canvas.balls(place[None], np.array([1.3]), CODES["surgical_clip"], over=FAT, flatten=(1.6, 0.8, 1.2))


def bladder_outlines(physique: Physique) -> dict[float, list[tuple[float, float]]]:
    """The bladder's outlines at this filling, grown about the fixed anastomosis."""
    scale = physique.bladder_scale
    _, front, low = organs.BLADDER_NECK
    return {
        low + (z - low) * scale: [(x * scale, front + (y - front) * scale) for x, y in outline]
        for z, outline in organs.BLADDER.items()
    }


def bladder_back(physique: Physique, x: float, z: float) -> float:
    """Template y of the bladder's back wall at a lateral place and level."""
    outlines = bladder_outlines(physique)
    levels = sorted(outlines)
    backs = []
    for level in levels:
        curve = smooth_outline(outlines[level])
        middle = curve[:, 1].mean()
        rear = curve[curve[:, 1] < middle]
        backs.append(float(rear[np.argmin(np.abs(rear[:, 0] - x)), 1]))
    return float(np.interp(z, levels, backs))


def _swept(curve: tuple[list, list]) -> tuple[np.ndarray, list]:
    return np.array(curve[0], dtype=float), curve[1]


def _layer(crescent: list[tuple[float, float]], outer: float, inner: float) -> list[tuple[float, float]]:
    """The part of a crescent between two shares of its thickness; its outline runs out along the outside."""
    half = len(crescent) // 2
    outside, inside = np.array(crescent[:half]), np.array(crescent[half:])[::-1]
    first, second = (outside + (inside - outside) * share for share in (outer, inner))
    return [tuple(p) for p in np.concatenate([first, second[::-1]])]


def _psoas() -> dict[float, list[tuple[float, float]]]:
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    return {
        z: [(x + a * np.cos(t), y + b * np.sin(t) * (1 - 0.15 * np.cos(t))) for t in angles]
        for x, y, z, a, b in soft.PSOAS
    }


def _draw_kidney(canvas: Canvas, side: str, generator: np.random.Generator) -> None:
    (x, y, z), (lean_x, lean_y) = organs.KIDNEYS[side]
    inward = -1.0 if side == "right" else 1.0
    heights = np.linspace(-54, 54, 13)
    outlines = {}
    for h in heights:
        share = np.sqrt(max(0.02, 1 - (h / 55.0) ** 2))
        a, b = 30 * share, 25 * share
        middle = (x - lean_x * h, y + lean_y * h)
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        dent = 1 - 0.5 * np.exp(-((h / 20.0) ** 2) - ((angle - 0.7) / 0.5) ** 2)
        px, py = a * dent * np.cos(angle) * inward, b * dent * np.sin(angle)
        outlines[z + h] = list(zip(middle[0] + px, middle[1] + py, strict=True))
    canvas.draw([Loft(outlines, CODES[f"kidney_cortex_{side}"], over=FAT | table_of("liver"))])
    cortex = table_of(f"kidney_cortex_{side}")
    for h in np.linspace(-36, 36, 7):
        for angle in generator.uniform(0, 2 * np.pi, 4):
            middle = (x - lean_x * h + 15 * np.cos(angle), y + lean_y * h + 12 * np.sin(angle), z + h)
            canvas.balls(np.array([middle]), np.array([5.0]), CODES[f"kidney_medulla_{side}"], over=cortex)
    own = cortex | table_of(f"kidney_medulla_{side}")
    sinus = np.array([(x + inward * 26, y + 10, z), (x + inward * 12, y + 6, z), (x, y, z)], dtype=float)
    canvas.tube(sinus, [6, 7.5, 6.5], CODES["visceral_fat"], over=own, flatten=(1, 1, 2.2))
    canvas.tube(sinus, 3.5, CODES[f"ureter_{side}"], over=FAT, flatten=(1, 1, 1.8))
