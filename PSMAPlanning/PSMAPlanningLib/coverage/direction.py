"""Directions as a clinician names them: L R A P S I, the patient's own left and right."""

from __future__ import annotations

import numpy as np

_LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))
"""For a positive and a negative component along the axes R, A, S."""
_SECOND_AXIS_WITHIN_DEGREES = 30.0


def direction_letters(vector_ras: np.ndarray) -> str:
    """The patient axis nearest to a vector, and a second one when it is nearly as near.

    The second axis is named when the vector's angle to it is less than 30 degrees more than its angle to
    the first: up to 15 degrees off the diagonal between the two. Empty for a vector of no length.
    """
    vector = np.asarray(vector_ras, float)
    length = float(np.linalg.norm(vector))
    if length < 1e-9:
        return ""
    degrees = np.degrees(np.arccos(np.clip(np.abs(vector) / length, 0, 1)))
    # Rounded: voxels lie on exact diagonals, and there the last digit must not decide between RA and AR.
    first, second = np.argsort(np.round(degrees, 3), kind="stable")[:2]
    letters = _letter(vector, first)
    if degrees[second] - degrees[first] < _SECOND_AXIS_WITHIN_DEGREES:
        letters += _letter(vector, second)
    return letters


def _letter(vector: np.ndarray, axis: int) -> str:
    return _LETTERS[axis][0 if vector[axis] > 0 else 1]
