"""Directions as letters of the patient's axes."""

import numpy as np
import pytest
from PSMAPlanningLib.coverage.direction import direction_letters


@pytest.mark.parametrize(
    ("vector_ras", "expected"),
    [
        ((1, 0, 0), "R"),
        ((-2, 0, 0), "L"),
        ((0, 1, 0), "A"),
        ((0, -1, 0), "P"),
        ((0, 0, 1), "S"),
        ((0, 0, -5), "I"),
        ((0, 0, 0), ""),
        ((0, -1, 0.5), "P"),
        ((0, -1, 0.9), "PS"),
        ((0, 0.9, -1), "IA"),
    ],
)
def test_letters(vector_ras, expected):
    assert direction_letters(np.array(vector_ras)) == expected


@pytest.mark.parametrize(("degrees", "expected"), [(29, "R"), (31, "RS"), (44, "RS"), (46, "SR"), (61, "S")])
def test_second_axis_within_fifteen_degrees_of_the_diagonal(degrees, expected):
    a = np.radians(degrees)
    assert direction_letters(np.array([np.cos(a), 0, np.sin(a)])) == expected
