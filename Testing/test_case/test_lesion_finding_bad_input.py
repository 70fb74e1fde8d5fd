"""Images that are no good for finding lesions: a result with a flag or a warning, never a broken search."""

import json
from dataclasses import replace

import numpy as np
import pytest
from phantoms import blurred_spheres
from PSMAPlanningLib.case_document import case_document
from PSMAPlanningLib.delineation.rules import RULES
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image
from PSMAPlanningLib.settings import Settings
from test_case.lesion_cases import GRID, PET, case_of, settings_of, state_of


def changed(change):
    array = PET.array.copy()
    change(array)
    return replace(PET, array=array)


MIDDLE = tuple(n // 2 for n in GRID.shape_kji)
IMAGES = {
    "not a number": changed(lambda a: a.__setitem__((MIDDLE[0], MIDDLE[1], MIDDLE[2] + 8), np.nan)),
    "infinite": changed(lambda a: a.__setitem__((MIDDLE[0], MIDDLE[1], MIDDLE[2] + 7), np.inf)),
    "minus infinite": changed(lambda a: a.__setitem__((MIDDLE[0], MIDDLE[1], MIDDLE[2] + 7), -np.inf)),
    "negative": replace(PET, array=PET.array - np.float32(1.8)),
    "one hot voxel": changed(lambda a: (a.fill(0), a.__setitem__(MIDDLE, 9.0))),
    "cut by the edge": blurred_spheres(GRID, [((50, 0, 0), 14, 12)]),
    "hot all over": Image(
        np.full((8, 8, 8), 5, dtype=np.float32), VoxelGrid((8, 8, 8), (4, 4, 3)), PET.quantity
    ),
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("rules", [None, tuple(RULES)], ids=["default", "all"])
def test_no_image_breaks_the_search(name, rules):
    settings = settings_of(*rules) if rules else Settings()
    state = state_of(settings, IMAGES[name])
    assert state.lesions
    for lesion in state.lesions:
        assert not lesion.contour.mask.is_empty
        assert np.isfinite(lesion.contour.facts.suv_mean)
    json.dumps(case_document(case_of(state)), allow_nan=False)
    flags = {flag for lesion in state.lesions for flag in lesion.contour.flags}
    assert (
        flags
        >= {
            "not a number": {"not_finite"},
            "infinite": {"not_finite"},
            "minus infinite": {"not_finite"},
            "negative": set(),
            "one hot voxel": {"below_resolution"},
            "cut by the edge": {"leaks"},
            "hot all over": {"leaks"},
        }[name]
    )


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_an_image_without_uptake_has_no_lesion_and_says_so(value):
    state = state_of(pet=replace(PET, array=np.full_like(PET.array, value)))
    assert state.lesions == ()
    assert "does not mean no disease" in state.finding_warnings[-1]
