"""Regions, classes and miTNM of lesions that the program found and contoured itself, on unseen patients."""

import found_lesions_table
import pytest


@pytest.mark.parametrize(
    "seed", [701, *(pytest.param(n, marks=pytest.mark.slow) for n in (702, 703, 704, 705))]
)
def test_the_ten_lesions_as_found(seed):
    patient = found_lesions_table.found_patient(seed)
    assert len(patient.lesions) == 10
    for lesion in patient.lesions:
        assert lesion.region is lesion.true_region, lesion.name
        assert lesion.wrong_classes == {}, lesion.name
        # Of 7 mm and four times its surroundings: below the threshold, and a reader has to add it.
        assert lesion.by_hand == (lesion.name == "Internal iliac"), lesion.name
    assert patient.mitnm == patient.true_mitnm
    assert str(seed) in found_lesions_table.table([patient])
