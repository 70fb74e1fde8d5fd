"""Two blurred spheres, 20 and 8 mm, searched with any settings: what tests of lesions start from."""

from dataclasses import replace

import numpy as np
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.settings import ConsensusSettings, ContourSettings, RuleSettings, Settings

GRID = centred_grid(50, (4, 4, 3))
PET = blurred_spheres(GRID, [((20, 0, 0), 20, 12), ((-20, 0, 0), 8, 20)])


def state_of(settings=None, pet=PET, anatomy=None):
    case = PlanningCase(settings or Settings(), who="test")
    state = replace(case.state, pet=pet, anatomy=anatomy or {})
    return find_lesions(state, case.change("found"), Stage(no_progress))


def case_of(state):
    case = PlanningCase(who="test")
    case.perform("find lesions", state)
    return case


def settings_of(*rules, **consensus):
    return Settings(
        contours=ContourSettings(rules=tuple(RuleSettings(rule) for rule in rules)),
        consensus=ConsensusSettings(**consensus),
    )


def with_liver():
    """A PET whose liver is known and uniform but for a tenth, and the liver."""
    liver = ball(GRID, (0, 30, 30), 14)
    noise = np.random.default_rng(0).normal(2.0, 0.2, GRID.shape_kji)
    pet = replace(PET, array=np.where(liver.array, noise, PET.array).astype(np.float32))
    return pet, {"liver": liver}
