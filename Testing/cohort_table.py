"""A simulated cohort of 270 with the quotas of Calais et al. (J Nucl Med 2018;59:230), beside their table.

Run: PYTHONPATH=PSMAPlanning:Testing python Testing/cohort_table.py [--seed 1] [--found 12]
Volumes are those of digital patients; lesions are balls put near places where disease occurs, drawn without
looking at any volume. What each patient is follows from the exact balls and the volumes by counting points,
not by this program's coverage; patients are drawn until every quota of the published table is full. The
program is given nothing but masks. --found: as many positive patients get a PET, and the program finds their
lesions itself.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.coverage.lesion_coverage import CoverageCache, CoverageClass, LesionVolumeCoverage
from PSMAPlanningLib.coverage.patient import CountedLesion, Cover, Impact, patient_impact
from PSMAPlanningLib.coverage.patient_result import PatientLesion, standing_of
from PSMAPlanningLib.coverage.regions import is_extrapelvic
from PSMAPlanningLib.coverage.regions_anatomy import RegionAnatomy
from PSMAPlanningLib.coverage.regions_assign import assign_region
from PSMAPlanningLib.coverage.registration_shift import Targets
from PSMAPlanningLib.errors import PhantomError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.phantom import Phantom, PhantomParameters, make_phantom
from PSMAPlanningLib.imaging.phantom.lesions import ball_offsets
from PSMAPlanningLib.imaging.phantom.parameters import PhantomLesion
from PSMAPlanningLib.imaging.phantom.tissues import BONE
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.rtvolumes.nodal_anatomy import NAMES_OF_ROLE
from PSMAPlanningLib.settings import CoverageSettings, RegionSettings

PUBLISHED = {"negative": 138, "covered": 80, "pelvic_outside": 19, "extrapelvic": 33}
"""132 of 270 positive, 52 major: 33 extrapelvic and 19 pelvic but outside; the rest are 80."""
ANATOMIES = 8
SMALL = {"negative": 6, "covered": 8, "pelvic_outside": 5, "extrapelvic": 6}
_PREVALENCE = {
    "Anastomosis": 0.14, "Retrovesical": 0.12, "Obturator": 0.13, "External iliac": 0.13,
    "Internal iliac": 0.15, "Presacral": 0.07, "Mesorectal": 0.08, "Common iliac": 0.05,
    "Retroperitoneal": 0.05, "Pelvic bone": 0.08,
}  # fmt: skip
_EXTRAPELVIC = ("Retroperitoneal", "Pelvic bone")
_LESIONS = (1, 2, 3, 4, 5)
_HOW_MANY = (0.6, 0.2, 0.1, 0.06, 0.04)
_SPREAD_MM = (3.0, 8.0)
"""Most lie near where their kind usually lies, three in ten farther off."""
_SPREAD_OTHERS_MM = 2.0
_COVERED_FROM = 0.99
_NAMES = {name for names in NAMES_OF_ROLE.values() for name in names} | {"vertebrae_T12"}


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
        missed = [ball for ball in self.balls if ball.in_clinical < _COVERED_FROM]
        if not self.balls:
            return "negative"
        if not missed:
            return "covered"
        return "extrapelvic" if any(b.place in _EXTRAPELVIC for b in missed) else "pelvic_outside"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which of the difficult kinds he is."""
        missed = [ball for ball in self.balls if ball.in_clinical < _COVERED_FROM]
        places = {ball.place for ball in self.balls}
        found = []
        if any(ball.in_clinical >= 0.1 for ball in missed):
            found.append("partial")
        if any(ball.in_clinical < 0.1 and ball.in_planning >= _COVERED_FROM for ball in missed):
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


Rule = Callable[[LesionVolumeCoverage], bool]
RULES: dict[str, Rule] = {
    "lower bound 0.99 (default)": lambda c: c.is_covered,
    "fraction 0.99": lambda c: c.fraction >= _COVERED_FROM,
    "class inside (> 0.9)": lambda c: c.coverage_class is CoverageClass.INSIDE,
    "partial covers (>= 0.1)": lambda c: c.coverage_class is not CoverageClass.OUTSIDE,
    "centroid inside": lambda c: c.centroid_distance_mm < 0,
}


class Classifier:
    """This program on one cohort: masks in, impact out."""

    def __init__(self, phantoms: Sequence[Phantom]) -> None:
        self._caches = [CoverageCache() for _ in phantoms]
        self._settings, self._regions = CoverageSettings(), RegionSettings()
        self._targets, self._anatomy = [], []
        for phantom in phantoms:
            clinical = {n: m for n, m in phantom.volumes.items() if n.startswith("CTV")}
            planning = {n: m for n, m in phantom.volumes.items() if n.startswith("PTV")}
            self._targets.append(Targets(clinical, planning))
            wanted = [name for name in phantom.structure_names if name.lower() in _NAMES or name in _NAMES]
            self._anatomy.append(RegionAnatomy({n: phantom.structure(n).cropped() for n in wanted}))

    def labels(
        self, anatomy: int, lesions: Sequence[tuple[Mask, tuple[float, float, float]]]
    ) -> dict[str, str]:
        """The patient's label by every rule; "unknown" where the program says it cannot tell."""
        if not lesions:
            return dict.fromkeys(RULES, "negative")
        found = []
        for mask, peak in lesions:
            lesion = PatientLesion("", mask, peak, is_accepted=True)
            standing = standing_of(lesion, self._targets[anatomy], self._settings, self._caches[anatomy])
            region = assign_region(mask, self._anatomy[anatomy], self._regions)
            found.append((standing, is_extrapelvic(region, self._regions)))
        return {name: self._label(found, rule) for name, rule in RULES.items()}

    def _label(self, found: list, rule: Rule) -> str:
        counted = []
        for number, (standing, outside) in enumerate(found):
            cover = Cover.COVERED if rule(standing.best) else Cover.OUTSIDE
            counted.append(CountedLesion(str(number), True, True, cover, outside))
        impact = patient_impact(counted).calais
        return "unknown" if impact is None else "covered" if impact is Impact.COVERED else impact.value


def known_lesions(patient: Patient) -> list[tuple[Mask, tuple[float, float, float]]]:
    return [(ball_mask(ball), ball.centre_ras) for ball in patient.balls]


def found_lesions(patient: Patient, phantom: Phantom) -> list[tuple[Mask, tuple[float, float, float]]] | None:
    """Lesions that the program finds in the patient's PET; None when he cannot be drawn."""
    regions = {truth.name: truth for truth in phantom.lesions}
    lesions = tuple(
        PhantomLesion(
            ball.place, regions[ball.place].region, ball.centre_ras, ball.diameter_mm, 20.0,
            regions[ball.place].side,
        )
        for ball in patient.balls
    )  # fmt: skip
    try:
        drawn = make_phantom(replace(phantom.parameters, lesions=lesions))
    except PhantomError:
        return None
    anatomy = {name: drawn.structure(name).cropped() for name in drawn.structure_names}
    case = PlanningCase(who="cohort")
    state = replace(case.state, pet=drawn.pet, ct=drawn.ct, anatomy=anatomy)
    found = find_lesions(state, case.change("found"), Stage(no_progress)).lesions
    return [(each.contour.mask, each.region.peak_ras) for each in found if not each.contour.mask.is_empty]


def table(patients: Sequence[Patient], labels: Sequence[Mapping[str, str]]) -> str:
    """Counts by every rule beside the published ones, and how many patients stay what they are."""
    rows = [*PUBLISHED, "unknown"]
    truth = Counter(patient.label for patient in patients)
    lines = [f"{'':<30}" + "".join(f"{name:>16}" for name in (*rows, "major")) + f"{'as drawn':>12}"]

    def line(name: str, counts: Mapping[str, int], same: str) -> None:
        major = counts.get("pelvic_outside", 0) + counts.get("extrapelvic", 0)
        cells = "".join(f"{counts.get(row, 0):>16}" for row in rows)
        lines.append(f"{name:<30}{cells}{major:>16}{same:>12}")

    line("published (Calais 2018)", PUBLISHED, "")
    line("drawn (exact balls)", truth, f"{len(patients)}/{len(patients)}")
    for rule in RULES:
        counts = Counter(label[rule] for label in labels)
        same = sum(label[rule] == patient.label for label, patient in zip(labels, patients, strict=True))
        line(rule, counts, f"{same}/{len(patients)}")
    kinds = Counter(kind for patient in patients for kind in patient.kinds)
    lines.append("among them: " + ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=int, default=0, metavar="N", help="positive patients with a PET")
    arguments = parser.parse_args()
    phantoms = anatomies(arguments.seed)
    patients = cohort(phantoms, PUBLISHED, arguments.seed)
    classifier = Classifier(phantoms)
    labels = [classifier.labels(patient.anatomy, known_lesions(patient)) for patient in patients]
    print("Known lesions")
    print(table(patients, labels))
    positive = [patient for patient in patients if patient.balls]
    step = max(1, len(positive) // max(1, arguments.found))
    with_pet, found_labels = [], []
    for patient in positive[::step][: arguments.found]:
        found = found_lesions(patient, phantoms[patient.anatomy])
        if found is not None:
            with_pet.append(patient)
            found_labels.append(classifier.labels(patient.anatomy, found))
    if with_pet:
        print(f"\nLesions found by the program, {len(with_pet)} patients, nothing reviewed")
        print(table(with_pet, found_labels))


if __name__ == "__main__":
    main()
