"""Fuzzy c-means of the uptake in a box around the lesion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..lesion_crop import LesionCrop
from .histogram import MARGIN, uptake_around
from .rule import Outcome, Parameter, Rule

_FUZZINESS = 2.0
_STOP = 1e-5
_ITERATIONS = 300


def _fuzzy_cmeans(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    values, counts = uptake_around(crop, numbers["margin_mm"])
    clusters = round(numbers["clusters"])
    centres = np.linspace(values[0], values[-1], clusters)
    cost = np.inf
    for _ in range(_ITERATIONS):
        distance = np.maximum((values - centres[:, None]) ** 2, 1e-12)
        weight = distance ** (-1.0 / (_FUZZINESS - 1.0))
        membership = (weight / weight.sum(axis=0)) ** _FUZZINESS * counts
        following = float((membership * distance).sum())
        centres = membership @ values / membership.sum(axis=1)
        if abs(cost - following) <= _STOP * following:
            return Outcome(_halfway(centres))
        cost = following
    return Outcome(_halfway(centres), flags=("not_converged",))


def _halfway(centres: np.ndarray) -> float:
    # Memberships of one number per voxel are equal half-way between two centres: the contour is a threshold.
    below, top = np.sort(centres)[-2:]
    return float(0.5 * (below + top))


RULES = (
    Rule(
        "fuzzy_cmeans",
        "t half-way between the two highest of the fuzzy cluster centres (fuzziness 2), in the lesion's "
        "box + margin",
        "histogram",
        "Bezdek 1984, 10.1016/0098-3004(84)90020-7; for PET: Belhassen and Zaidi 2010, 10.1118/1.3301610; "
        "plain, without their filtered channels; sensitive to noise",
        False,
        (Parameter("clusters", "", 2.0, 2.0, 3.0), MARGIN),
        _fuzzy_cmeans,
    ),
)
