"""Simulated patients with the quotas of Calais et al. (J Nucl Med 2018;59:230), told by exact balls alone.

Volumes are those of digital patients; lesions are balls put near places where disease occurs, drawn without
looking at any volume. What each patient is follows from the exact balls and the volumes by counting points,
not by this program's coverage; patients are drawn until every quota of the published table is full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.phantom import Phantom, PhantomParameters, make_phantom
from PSMAPlanningLib.imaging.phantom.lesions import ball_offsets
from PSMAPlanningLib.imaging.phantom.tissues import BONE
from PSMAPlanningLib.rtvolumes.occupancy import OccupancyField

PUBLISHED = {"negative": 138, "covered": 80, "pelvic_outside": 19, "extrapelvic": 33}
"""132 of 270 positive, 52 major: 33 extrapelvic and 19 pelvic but outside; the rest are 80."""
ANATOMIES = 8
SMALL = {"negative": 6, "covered": 8, "pelvic_outside": 5, "extrapelvic": 6}
_PREVALENCE = {
    "Anastomosis": 0.14, "Retrovesical": 0.12, "Obturator": 0.13, "External iliac": 0.13,
    "Internal iliac": 0.15, "Presacral": 0.07, "Mesorectal": 0.08, "Common iliac": 0.05,
    "Retroperitoneal": 0.05, "Pelvic bone": 0.08,
}  # fmt: skip
EXTRAPELVIC = ("Retroperitoneal", "Pelvic bone")
_LESIONS = (1, 2, 3, 4, 5)
_HOW_MANY = (0.6, 0.2, 0.1, 0.06, 0.04)
_SPREAD_MM = (3.0, 8.0)
"""Most lie near where their kind usually lies, three in ten farther off."""
_SPREAD_OTHERS_MM = 2.0
COVERED_FROM = 0.99
_PARTS = 8


@dataclass(frozen=True)
class Ball:
    """One true lesion. place: the region it was put near; fractions: of it in each target, by points."""

    place: str
    centre_ras: tuple[float, float, float]
    diameter_mm: float
    fractions: Mapping[str, float]

    @property
    def in_clinical(self) -> float:
        return max(self.fractions["CTVn"], self.fractions["CTVsb"])

    @property
    def in_planning(self) -> float:
        return max(self.fractions["PTVn"], self.fractions["PTVsb"])


@dataclass(frozen=True)
class Patient:
    """anatomy: number of the digital patient whose volumes he has."""

    anatomy: int
    balls: tuple[Ball, ...]

    @property
    def label(self) -> str:
        """What he is, by the exact balls."""
        missed = [ball for ball in self.balls if ball.in_clinical < COVERED_FROM]
        if not self.balls:
            return "negative"
        if not missed:
            return "covered"
        return "extrapelvic" if any(b.place in EXTRAPELVIC for b in missed) else "pelvic_outside"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which of the difficult kinds he is."""
        missed = [ball for ball in self.balls if ball.in_clinical < COVERED_FROM]
        places = {ball.place for ball in self.balls}
        found = []
        if any(ball.in_clinical >= 0.1 for ball in missed):
            found.append("partial")
        if any(ball.in_clinical < 0.1 and ball.in_planning >= COVERED_FROM for ball in missed):
            found.append("setup_margin_only_lesion")
        if "Pelvic bone" in places and places & {
            "Obturator",
            "External iliac",
            "Internal iliac",
            "Presacral",
        }:
            found.append("bone_plus_node")
        return tuple(found)


def anatomies(seed: int, count: int = ANATOMIES) -> list[Phantom]:
    """Digital patients, whose volumes and typical places of disease the cohort uses."""
    return [_phantom(1000 * seed + number) for number in range(count)]


@lru_cache(maxsize=16)
def _phantom(seed: int) -> Phantom:
    return make_phantom(PhantomParameters(seed=seed, variant="small", ct_spacing_mm=(1.6, 1.6, 2.0)))


def cohort(phantoms: Sequence[Phantom], quotas: Mapping[str, int], seed: int) -> list[Patient]:
    """Patients drawn at random until every quota is full; those of a full one are sent away."""
    random = np.random.default_rng(seed)
    left, patients = dict(quotas), [Patient(0, ())] * quotas["negative"]
    left["negative"] = 0
    while any(left.values()):
        patient = _drawn(phantoms, random)
        if left[patient.label] > 0:
            left[patient.label] -= 1
            patients.append(patient)
    return patients


def _drawn(phantoms: Sequence[Phantom], random: np.random.Generator) -> Patient:
    number = int(random.integers(len(phantoms)))
    phantom = phantoms[number]
    count = int(random.choice(_LESIONS, p=_HOW_MANY))
    weights = np.array(list(_PREVALENCE.values()))
    places = random.choice(list(_PREVALENCE), count, p=weights / weights.sum(), replace=False)
    anchors = {truth.name: truth.centre_ras for truth in phantom.lesions}
    balls = []
    for place in places:
        diameter = float(random.uniform(4.0, 13.0))
        centre, points = _placed(str(place), anchors[place], diameter, phantom, random)
        shares = {name: _share(mask, points) for name, mask in phantom.volumes.items()}
        balls.append(Ball(str(place), tuple(float(x) for x in centre), diameter, shares))
    return Patient(number, tuple(balls))


def _placed(
    place: str, anchor: tuple, diameter: float, phantom: Phantom, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A middle near an anchor, and points of the ball; soft-tissue lesions keep out of bone."""
    fixed = place in ("Pelvic bone", "Retroperitoneal", "Common iliac")
    while True:
        spread = _SPREAD_OTHERS_MM if fixed else random.choice(_SPREAD_MM, p=(0.7, 0.3))
        centre = np.array(anchor) + random.normal(0.0, spread, 3)
        points = centre + ball_offsets(diameter / 2, 15)
        kji = np.rint(phantom.ct.grid.kji_of(points)).astype(int)
        if place == "Pelvic bone" or not BONE[phantom.labels[tuple(kji.T)]].any():
            return centre, points


def _share(mask: Mask, points: np.ndarray) -> float:
    nearest = np.rint(mask.grid.kji_of(points)).astype(int)
    held = ((nearest >= 0) & (nearest < mask.array.shape)).all(axis=1)
    return float(mask.array[tuple(nearest[held].T)].sum()) / len(points)


def ball_mask(ball: Ball) -> Mask:
    """A ball on voxels of 1 mm that lie as they happen to."""
    reach = int(np.ceil(ball.diameter_mm / 2)) + 1
    low = np.floor(np.array(ball.centre_ras)) - reach
    axis = [low[n] + np.arange(2 * reach + 2) - ball.centre_ras[n] for n in range(3)]
    squared = axis[2][:, None, None] ** 2 + axis[1][None, :, None] ** 2 + axis[0][None, None, :] ** 2
    grid = VoxelGrid(squared.shape, (1.0, 1.0, 1.0), tuple(low))
    return Mask(squared <= (ball.diameter_mm / 2) ** 2, grid)


def ball_filling(ball: Ball) -> OccupancyField:
    """The shares of the same voxels that the ball fills."""
    grid = ball_mask(ball).grid
    fine = grid.refine((_PARTS,) * 3)
    steps = np.arange(fine.shape_kji[0])
    axis = [fine.origin_ras[n] + fine.spacing_mm[n] * steps - ball.centre_ras[n] for n in range(3)]
    squared = axis[2][:, None, None] ** 2 + axis[1][None, :, None] ** 2 + axis[0][None, None, :] ** 2
    inside = (squared <= (ball.diameter_mm / 2) ** 2).reshape(
        [n for k in grid.shape_kji for n in (k, _PARTS)]
    )
    return OccupancyField(inside.mean(axis=(1, 3, 5)).astype(np.float32), grid)
