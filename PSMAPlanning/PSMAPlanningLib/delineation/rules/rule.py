"""What a delineation rule is: formula, parameters with bounds and units, source, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ...imaging.image import Mask
from ..lesion_crop import LesionCrop

FAMILIES = ("fixed", "liver", "relative", "adaptive", "recovery", "histogram", "gradient", "region")


@dataclass(frozen=True)
class Parameter:
    """A number a rule takes, with its unit, default and bounds; default None: measured in the image."""

    name: str
    unit: str
    default: float | None
    smallest: float
    largest: float


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a rule found: a threshold, or the voxels inside when the rule draws its contour itself.

    inside: (K, J, I) bool on the crop's grid, before the part at the peak is taken. Neither: not to be told.
    flags: why, or what to beware of; details: numbers the rule found on its way, by name with unit.
    """

    threshold_suv: float | None = None
    inside: np.ndarray | None = None
    flags: tuple[str, ...] = ()
    details: Mapping[str, float] = field(default_factory=dict)


Method = Callable[[LesionCrop, Mapping[str, float]], Outcome]
"""From the lesion's crop and the rule's numbers (parameters and what was measured) to an outcome."""


@dataclass(frozen=True)
class Rule:
    """A delineation rule.

    family: one of FAMILIES, for votes that weigh families rather than rules.
    verified: whether the primary text of every number in it was read.
    parameters: with defaults; measured: taken from the image or the case unless given;
    needs: which of the measured numbers the rule cannot do without.
    per_lesion: false when the threshold is the same for the whole patient.
    """

    name: str
    formula: str
    family: str
    citation: str
    verified: bool
    parameters: tuple[Parameter, ...]
    method: Method
    measured: tuple[Parameter, ...] = ()
    needs: tuple[str, ...] = ()
    per_lesion: bool = True


@dataclass(frozen=True, eq=False)
class Delineation:
    """One rule's contour of one lesion; the mask lies on the lesion's fine grid.

    threshold_suv: None for a rule that is no threshold, and where the rule could not be applied.
    flags: "leaks" when it reaches the edge of the crop, "empty" when nothing is at or above the
    threshold, "no_background", "no_liver" when the rule needs them and they are not known, "not_converged",
    "collapsed" when the contour holds only a hot spot of the lesion.
    details: numbers the rule found on its way, such as `diameter_mm` and `background_suv`.
    """

    rule: str
    parameters: Mapping[str, float]
    threshold_suv: float | None
    mask: Mask
    flags: tuple[str, ...] = ()
    details: Mapping[str, float] = field(default_factory=dict)


BACKGROUND = Parameter("background_suv", "SUV", None, 0.0, 1000.0)
LIVER_MEAN = Parameter("liver_mean", "SUV", None, 0.01, 1000.0)
LIVER_SD = Parameter("liver_sd", "SUV", None, 0.0, 1000.0)
LIVER_MAX = Parameter("liver_max", "SUV", None, 0.01, 1000.0)
BLOOD_POOL_MEAN = Parameter("blood_pool_mean", "SUV", None, 0.01, 1000.0)
BLOOD_POOL_SD = Parameter("blood_pool_sd", "SUV", None, 0.0, 1000.0)
CORE = Parameter("core_percent", "%", 70.0, 20.0, 100.0)
FWHM = Parameter("fwhm_mm", "mm", 6.0, 0.5, 30.0)


def percent(default: float, largest: float = 99.0) -> Parameter:
    return Parameter("percent", "%", default, 1.0, largest)
