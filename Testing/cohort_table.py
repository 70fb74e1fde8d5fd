"""A simulated cohort of 270 with the quotas of Calais et al., classified by this program, beside their table.

Run: PYTHONPATH=PSMAPlanning:Testing python Testing/cohort_table.py [--seed 1] [--found 30]
The program is given nothing but masks of the patients of cohort_patients.py; in a second table the volumes
are known below the voxel, as those of an RTSTRUCT are, and in a third the lesions too. --found: as many
positive patients get a PET, and the program finds their lesions itself.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from cohort_patients import (
    COVERED_FROM,
    EXTRAPELVIC,
    PUBLISHED,
    Patient,
    anatomies,
    ball_filling,
    ball_mask,
    cohort,
)
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.coverage.lesion_coverage import CoverageCache, CoverageClass, LesionVolumeCoverage
from PSMAPlanningLib.coverage.patient import CountedLesion, Cover, Impact, TargetCoverage, patient_impact
from PSMAPlanningLib.coverage.patient_result import PatientLesion, standing_of
from PSMAPlanningLib.coverage.regions import is_extrapelvic
from PSMAPlanningLib.coverage.regions_anatomy import RegionAnatomy
from PSMAPlanningLib.coverage.regions_assign import assign_region
from PSMAPlanningLib.coverage.registration_shift import Targets
from PSMAPlanningLib.coverage.solid import Filled
from PSMAPlanningLib.errors import PhantomError
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.phantom import Phantom, make_phantom
from PSMAPlanningLib.imaging.phantom.parameters import PhantomLesion
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.rtvolumes.nodal_anatomy import NAMES_OF_ROLE
from PSMAPlanningLib.rtvolumes.occupancy import OccupancyField
from PSMAPlanningLib.settings import CoverageSettings, RegionSettings

_NEAR_MM = 4.0
_NAMES = {name for names in NAMES_OF_ROLE.values() for name in names} | {"vertebrae_T12"}

Rule = Callable[[LesionVolumeCoverage], bool]
RULES: dict[str, Rule] = {
    "lower bound 0.99 (default)": lambda c: c.is_covered,
    "fraction 0.99": lambda c: c.fraction >= COVERED_FROM,
    "class inside (> 0.9)": lambda c: c.coverage_class is CoverageClass.INSIDE,
    "partial covers (>= 0.1)": lambda c: c.coverage_class is not CoverageClass.OUTSIDE,
    "centroid inside": lambda c: c.centroid_distance_mm < 0,
}


def _as_voxels(mask: Mask) -> Mask:
    """Somewhere in its outermost voxels each surface lies; where is not known."""
    return mask


def _below_voxel(mask: Mask) -> OccupancyField:
    """The volume is its voxels, to their faces, which is how the exact balls were counted."""
    return OccupancyField(mask.array.astype(np.float32), mask.grid)


class Classifier:
    """This program on one cohort: masks in, impact out."""

    def __init__(self, phantoms: Sequence[Phantom], below_voxel: bool = False) -> None:
        filled = _below_voxel if below_voxel else _as_voxels
        self._caches = [CoverageCache() for _ in phantoms]
        self._settings, self._regions = CoverageSettings(), RegionSettings()
        self._targets, self._anatomy = [], []
        for phantom in phantoms:
            clinical = {n: filled(m) for n, m in phantom.volumes.items() if n.startswith("CTV")}
            planning = {n: filled(m) for n, m in phantom.volumes.items() if n.startswith("PTV")}
            self._targets.append(Targets(clinical, planning))
            wanted = [name for name in phantom.structure_names if name.lower() in _NAMES or name in _NAMES]
            self._anatomy.append(RegionAnatomy({n: phantom.structure(n).cropped() for n in wanted}))

    def labels(
        self, anatomy: int, lesions: Sequence[tuple[Filled, tuple[float, float, float]]]
    ) -> dict[str, str]:
        """The patient's label by every rule; "unknown" where the program says it cannot tell."""
        if not lesions:
            return dict.fromkeys(RULES, "negative")
        found = [self.lesion(anatomy, mask, peak) for mask, peak in lesions]
        return {name: self._label(found, rule) for name, rule in RULES.items()}

    def lesion(
        self, anatomy: int, filled: Filled, peak_ras: tuple[float, float, float]
    ) -> tuple[TargetCoverage, bool | None]:
        """How one lesion stands to the targets, and whether it is extrapelvic (None: not known)."""
        lesion = PatientLesion("", filled, peak_ras, is_accepted=True)
        standing = standing_of(lesion, self._targets[anatomy], self._settings, self._caches[anatomy])
        mask = filled if isinstance(filled, Mask) else Mask(filled.fraction >= 0.5, filled.grid)
        region = assign_region(mask, self._anatomy[anatomy], self._regions)
        return standing, is_extrapelvic(region, self._regions)

    def _label(self, found: list, rule: Rule) -> str:
        counted = []
        for number, (standing, outside) in enumerate(found):
            cover = Cover.COVERED if rule(standing.best) else Cover.OUTSIDE
            counted.append(CountedLesion(str(number), True, True, cover, outside))
        impact = patient_impact(counted).calais
        return "unknown" if impact is None else "covered" if impact is Impact.COVERED else impact.value


def known_lesions(
    patient: Patient, below_voxel: bool = False
) -> list[tuple[Filled, tuple[float, float, float]]]:
    made = ball_filling if below_voxel else ball_mask
    return [(made(ball), ball.centre_ras) for ball in patient.balls]


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


def errors_of(
    patient: Patient, found: Sequence[tuple[Mask, tuple[float, float, float]]], classifier: Classifier
) -> list[str]:
    """What differs from the truth lesion by lesion: not found, otherwise covered, elsewhere, no lesion."""
    said, left = [], list(range(len(found)))
    for ball in patient.balls:
        away = {n: float(np.linalg.norm(np.subtract(found[n][1], ball.centre_ras))) for n in left}
        nearest = min(away, key=away.get, default=None)
        what = f"{ball.place} of {ball.diameter_mm:.0f} mm"
        if nearest is None or away[nearest] > ball.diameter_mm / 2 + _NEAR_MM:
            said.append(f"{what}: not found")
            continue
        left.remove(nearest)
        standing, outside = classifier.lesion(patient.anatomy, *found[nearest])
        if (standing.best.fraction >= COVERED_FROM) != (ball.in_clinical >= COVERED_FROM):
            ratio = 6000 * found[nearest][0].volume_ml / (np.pi * ball.diameter_mm**3)
            said.append(
                f"{what}: {standing.best.fraction:.1%} inside, truly {ball.in_clinical:.1%}; "
                f"contour of {ratio:.1f} times its volume"
            )
        if outside is not (ball.place in EXTRAPELVIC):
            said.append(f"{what}: {'region unknown' if outside is None else 'region in another group'}")
    for n in left:
        standing, _ = classifier.lesion(patient.anatomy, *found[n])
        said.append(f"no lesion, and {'covered' if standing.best.fraction >= COVERED_FROM else 'missed'}")
    return said


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


def known_table(
    phantoms: Sequence[Phantom], patients: Sequence[Patient], volumes_below: bool, lesions_below: bool
) -> str:
    """The table of the lesions as drawn; below: known below the voxel."""
    classifier = Classifier(phantoms, volumes_below)
    labels = [classifier.labels(each.anatomy, known_lesions(each, lesions_below)) for each in patients]
    return table(patients, labels)


def print_found_table(phantoms: Sequence[Phantom], patients: Sequence[Patient], count: int) -> None:
    """Lesions that the program found in every n-th positive patient: errors as they come, then the table."""
    classifier = Classifier(phantoms, below_voxel=True)
    positive = [patient for patient in patients if patient.balls]
    with_pet, labels = [], []
    print("Lesions found by the program, nothing reviewed; what is not as drawn:", flush=True)
    for patient in positive[:: max(1, len(positive) // count)][:count]:
        found = found_lesions(patient, phantoms[patient.anatomy])
        if found is None:
            continue
        with_pet.append(patient)
        labels.append(classifier.labels(patient.anatomy, found))
        errors = "; ".join(errors_of(patient, found, classifier))
        if errors:
            print(f"  {patient.label} -> {labels[-1]['fraction 0.99']}: {errors}", flush=True)
    print(f"{len(with_pet)} patients")
    print(table(with_pet, labels))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=int, default=0, metavar="N", help="positive patients with a PET")
    arguments = parser.parse_args()
    phantoms = anatomies(arguments.seed)
    patients = cohort(phantoms, PUBLISHED, arguments.seed)
    for title, volumes_below, lesions_below in (
        ("Known lesions on voxels of 1 mm, volumes on voxels of 1.6 x 1.6 x 2 mm", False, False),
        ("The same with volumes known below the voxel, as from contours", True, False),
        ("The same with lesions known below the voxel too", True, True),
    ):
        print(f"{title}\n{known_table(phantoms, patients, volumes_below, lesions_below)}\n", flush=True)
    if arguments.found:
        print_found_table(phantoms, patients, arguments.found)


if __name__ == "__main__":
    main()
