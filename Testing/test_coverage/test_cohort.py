"""The simulated cohort with the quotas of the published table, known lesions, a small one and the whole."""

from collections import Counter

import cohort_table
import pytest


def classified(seed, quotas, count):
    phantoms = cohort_table.anatomies(seed, count)
    patients = cohort_table.cohort(phantoms, quotas, seed)
    classifier = cohort_table.Classifier(phantoms)
    labels = [classifier.labels(p.anatomy, cohort_table.known_lesions(p)) for p in patients]
    return patients, labels


def check(patients, labels, doubtful):
    """Nobody whom the exact balls call missed is called covered, and extrapelvic is never mistaken."""
    for patient, found in zip(patients, labels, strict=True):
        default, exact = found["lower bound 0.99 (default)"], found["fraction 0.99"]
        if patient.label in ("negative", "extrapelvic"):
            assert default == exact == patient.label
        else:
            assert default in ("covered", "pelvic_outside")
        if patient.label == "pelvic_outside":
            assert default == "pelvic_outside"
    same = sum(found["fraction 0.99"] == p.label for found, p in zip(labels, patients, strict=True))
    assert len(patients) - same <= doubtful


def test_small_cohort():
    patients, labels = classified(3, cohort_table.SMALL, 1)
    assert Counter(patient.label for patient in patients) == cohort_table.SMALL
    check(patients, labels, doubtful=1)


@pytest.mark.slow
def test_whole_cohort():
    patients, labels = classified(1, cohort_table.PUBLISHED, cohort_table.ANATOMIES)
    assert Counter(patient.label for patient in patients) == cohort_table.PUBLISHED
    kinds = Counter(kind for patient in patients for kind in patient.kinds)
    assert {"partial", "setup_margin_only_lesion", "bone_plus_node"} <= set(kinds)
    check(patients, labels, doubtful=8)
