"""Where lesions go: beside the anatomy their region is named after, clear of what they cannot lie in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...errors import PhantomError
from . import atlas_organs as organs
from .anatomy import bladder_back
from .canvas import Canvas
from .parameters import PhantomLesion
from .physique import Physique
from .tissues import BONE, CODES, FAT, LUMEN_NAMES, table_of
from .vessels import Vessel
from .volumes import depth_in_tubes, nodal_tubes

_CLEARANCE_MM = 1.5
_URINE_CLEARANCE_MM = 9.0
_HALO_MM = 5.0
_BALL_POINTS = 9
_URINE = table_of("bladder_urine")
_BLADDER = table_of("urinary_bladder")
_SOLID = BONE | table_of(
    "muscle",
    "abdominal_wall",
    *(f"{m}_{s}" for m in ("iliopsoas", "obturator_internus", "piriformis") for s in ("left", "right")),
)
_LUMEN = table_of(*LUMEN_NAMES)
_DIRECTIONS = np.stack([np.cos(a := np.linspace(0, 2 * np.pi, 48, endpoint=False)), np.sin(a), 0 * a], axis=1)


def standard_lesions(generator: np.random.Generator) -> tuple[PhantomLesion, ...]:
    """Ten lesions, one per region: one of 6 mm, one faint, one in the bladder's halo; uptake within 10 %."""
    rows = (
        ("Anastomosis", "anastomosis", "right", 10.0, 24.0),
        ("Retrovesical", "retrovesical", "left", 9.0, 20.0),
        ("Obturator", "obturator", "left", 8.0, 14.0),
        ("External iliac", "external iliac", "right", 8.5, 22.0),
        ("Internal iliac", "internal iliac", "left", 7.0, 4.0),
        ("Presacral", "presacral", "left", 6.0, 26.0),
        ("Mesorectal", "mesorectal", "right", 8.0, 18.0),
        ("Common iliac", "common iliac", "right", 11.0, 20.0),
        ("Retroperitoneal", "retroperitoneal", "left", 13.0, 25.0),
        ("Pelvic bone", "pelvic bone", "left", 12.0, 15.0),
    )
    return tuple(
        PhantomLesion(name, region, None, diameter, round(suv * float(generator.uniform(0.9, 1.1)), 2), side)
        for name, region, side, diameter, suv in rows
    )


@dataclass(frozen=True)
class LesionPlacer:
    """Finds room for lesions in a patient whose bowel has not been laid in yet."""

    canvas: Canvas
    physique: Physique
    vessels: dict[str, Vessel]
    generator: np.random.Generator

    @cached_property
    def _tubes(self) -> tuple[np.ndarray, np.ndarray]:
        return nodal_tubes(self.vessels)

    def place(self, lesion: PhantomLesion) -> tuple[float, float, float]:
        """RAS middle of a lesion: its own when given, otherwise by its region."""
        if lesion.centre_ras is not None:
            return lesion.centre_ras
        s = {"left": -1.0, "right": 1.0, "midline": 1.0}[lesion.side]
        template = getattr(self, "_" + lesion.region.replace(" ", "_"))(s, lesion.diameter_mm / 2)
        return tuple(float(x) for x in self.canvas.to_patient(np.asarray(template, dtype=float)))

    def _anastomosis(self, s: float, radius: float) -> np.ndarray:
        x, y, z = organs.BLADDER_NECK
        return np.array((x + s * self._about(4.0, 1.0), y - 2.0 - radius, z - 3.0 + self._about(0.0, 1.0)))

    def _retrovesical(self, s: float, radius: float) -> np.ndarray:
        """Behind the bladder, the first place whose surface keeps clear of the urine by the halo's reach."""
        x, z = s * self._about(11.0, 2.0), self._about(13.0, 2.0)
        back = bladder_back(self.physique, x, z) - radius - np.arange(0.0, 14.0, 0.5)
        places = np.stack([np.full_like(back, x), back, np.full_like(back, z)], axis=1)
        clear = self._share(places, radius + _HALO_MM, _URINE) == 0
        return places[np.argmax(clear)]

    def _obturator(self, s: float, radius: float) -> np.ndarray:
        z = self._about(34.0, 4.0)
        shifts = np.stack(
            np.meshgrid(np.linspace(40, 50, 6), np.linspace(-20, 20, 11), (-6.0, 0.0, 6.0)), axis=-1
        )
        places = shifts.reshape(-1, 3) * (s, 1, 1) + (0, 0, z)
        return self._freest(places, radius, np.array((s * 44.0, 0.0, z)))

    def _external_iliac(self, s: float, radius: float) -> np.ndarray:
        return self._beside(("artery_external", "vein_external"), s, self._about(66.0, 6.0), radius)

    def _internal_iliac(self, s: float, radius: float) -> np.ndarray:
        return self._beside(("artery_internal", "vein_internal"), s, self._about(80.0, 4.0), radius)

    def _presacral(self, s: float, radius: float) -> np.ndarray:
        z = self._about(93.0, 2.0)
        front = float(np.interp(z, [81, 96, 112], [-49, -30, -16]))
        return np.array((s * self._about(11.0, 2.0), front + radius + 4.0, z))

    def _mesorectal(self, s: float, radius: float) -> np.ndarray:
        z = self._about(42.0, 4.0)
        reach = 15.0 + radius + 2.5
        return np.array((s * reach * 0.97, -66.0 + reach * 0.22, z))

    def _common_iliac(self, s: float, radius: float) -> np.ndarray:
        """On the edge of the nodal CTV, so that about half of it is missed."""
        side = "right" if s > 0 else "left"
        vessel = self.vessels[f"artery_common_{side}"]
        points, radii = self._tubes
        tubes = points[::2], radii[::2]
        wanted = self._about(137.0, 3.0)
        start = vessel.points[np.argmin(np.abs(vessel.points[:, 2] - wanted))]
        rays = start + np.linspace(8, 30, 45)[:, None] * _DIRECTIONS[_DIRECTIONS[:, 1] > 0.2][:, None]
        depth = depth_in_tubes(rays.reshape(-1, 3), tubes, self.physique.bifurcation_z)
        edge = np.argmax(depth.reshape(rays.shape[:2]) < 0.3, axis=1)
        near = start + np.array((s * 8.0, 10.0, 0.0))
        return self._freest(rays[np.arange(len(rays)), edge], radius, near)

    def _retroperitoneal(self, s: float, radius: float) -> np.ndarray:
        z = self.physique.bifurcation_z + self._about(27.0, 3.0)
        side = "aorta" if s < 0 else "inferior_vena_cava"
        vessel = self.vessels[side]
        nearest = np.argmin(np.abs(vessel.points[:, 2] - z))
        reach = vessel.radii_mm[nearest] + radius + 1.0
        places = vessel.points[nearest] + reach * _DIRECTIONS[_DIRECTIONS[:, 0] * s > 0.3]
        return self._freest(places, radius, vessel.points[nearest] + np.array((s * reach, 0.0, 0.0)))

    def _pelvic_bone(self, s: float, radius: float) -> np.ndarray:
        return np.array((s * self._about(85.0, 1.0), self._about(-13.0, 2.0), self._about(48.0, 3.0)))

    def _beside(self, names: tuple[str, str], s: float, z: float, radius: float) -> np.ndarray:
        """Touching an artery or vein and as deep in the nodal CTV as free fat allows."""
        side = "right" if s > 0 else "left"
        places = []
        for name in names:
            vessel = self.vessels[f"{name}_{side}"]
            for level in z + np.linspace(-10, 10, 5):
                nearest = np.argmin(np.abs(vessel.points[:, 2] - level))
                places.append(
                    vessel.points[nearest] + (vessel.radii_mm[nearest] + radius + 0.5) * _DIRECTIONS
                )
        places = np.concatenate(places)
        score = depth_in_tubes(places, self._tubes, self.physique.bifurcation_z)
        score -= 2.0 * self._share(places, radius, ~FAT) + 30.0 * self._share(places, radius + 1.0, _SOLID)
        return places[np.argmax(score)]

    def _freest(self, places: np.ndarray, radius: float, near: np.ndarray) -> np.ndarray:
        score = -30.0 * self._crowding(places, radius) - 0.3 * np.linalg.norm(places - near, axis=1)
        score -= 60.0 * self._share(places, radius + _URINE_CLEARANCE_MM, _BLADDER)
        return places[np.argmax(score)]

    def _crowding(self, places: np.ndarray, radius: float) -> np.ndarray:
        """Share of each would-be lesion and its close surroundings that is not fat (template places)."""
        return self._share(places, radius + _CLEARANCE_MM, ~FAT)

    def _share(self, places: np.ndarray, radius: float, table: np.ndarray) -> np.ndarray:
        """Share of a ball about each template place that holds tissues of a table."""
        return table.take(labels_in_balls(self.canvas, self.canvas.indices(places), radius)).mean(axis=1)

    def _about(self, middle: float, spread: float) -> float:
        return float(middle + self.generator.uniform(-spread, spread))


def check_place(canvas: Canvas, lesion: PhantomLesion, centre_ras: tuple[float, float, float]) -> None:
    """Refuse a lesion outside the body or inside urine or bowel content."""
    middle = canvas.grid.kji_of(centre_ras)[None, ::-1]
    codes = labels_in_balls(canvas, middle, lesion.diameter_mm / 2)
    if (codes == 0).any():
        raise PhantomError(
            f"Lesion {lesion.name}: centre_ras or diameter_mm puts it outside the body; "
            "move it inwards or let its region place it by leaving centre_ras out."
        )
    if _LUMEN[codes].mean() > 0.2:
        raise PhantomError(
            f"Lesion {lesion.name}: centre_ras lies in urine or bowel content; move it into tissue."
        )


def draw_node(canvas: Canvas, lesion: PhantomLesion, centre_ras: tuple[float, float, float]) -> None:
    """Show a lesion in soft fat as a node and keep bowel out of its neighbourhood."""
    if lesion.region == "pelvic bone":
        return
    code, fat = CODES["lymph_node"], table_of("visceral_fat")
    radius = lesion.diameter_mm / 2
    canvas.ellipsoid(centre_ras, [radius + 3.5] * 3, CODES["nodal_fat"], fat)
    canvas.ellipsoid(centre_ras, [radius] * 3, code, FAT)


def labels_in_balls(canvas: Canvas, middles_ijk: np.ndarray, radius_mm: float) -> np.ndarray:
    """Labels at points spread evenly in a ball about each place, (places, points); 0 beyond the grid."""
    along = radius_mm * _along(_BALL_POINTS)
    inside = np.flatnonzero(_in_ball(_BALL_POINTS))
    place, held = np.zeros((), int), np.ones((), bool)
    for axis, size in enumerate(canvas.labels.shape):
        ijk = 2 - axis
        wanted = np.rint(middles_ijk[:, ijk, None] + along / canvas.grid.spacing_mm[ijk]).astype(int)
        nearest = np.minimum(np.maximum(wanted, 0), size - 1)
        shape = (len(wanted), *(len(along) if n == axis else 1 for n in range(3)))
        place = place * size + nearest.reshape(shape)
        held = held & (wanted == nearest).reshape(shape)
    codes = canvas.labels.reshape(-1).take(place) * held
    return codes.reshape(len(middles_ijk), -1)[:, inside]


def ball_offsets(radius_mm: float, count: int) -> np.ndarray:
    """Evenly spread points inside a sphere about zero, (N, 3)."""
    along = _along(count)
    points = np.stack(np.meshgrid(along, along, along, indexing="ij"), axis=-1).reshape(-1, 3)
    return radius_mm * points[_in_ball(count)]


def _along(count: int) -> np.ndarray:
    return (np.arange(count) + 0.5) / count * 2 - 1


def _in_ball(count: int) -> np.ndarray:
    squared = _along(count) ** 2
    return (squared[:, None, None] + squared[:, None] + squared <= 1.0).ravel()
