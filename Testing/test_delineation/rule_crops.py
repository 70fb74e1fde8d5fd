"""The reference table's spheres as lesion crops, and the table: volume error in percent by rule."""

import functools

import numpy as np
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.delineation.avid_regions import find_avid_regions
from PSMAPlanningLib.delineation.lesion_crop import lesion_crop
from PSMAPlanningLib.settings import ContourSettings, DetectionSettings

DIAMETERS_MM = (6, 8, 10, 13, 17, 22, 37)
LEAKS = np.inf

# S = 10, background 1, FWHM 6 mm, noise-free; section 1.2 of the delineation reference.
VOLUME_ERRORS = [
    ("fixed_suv", {"suv": 3}, (-62, 21, 47, 53, 50, 43, 29)),
    ("fixed_suv", {"suv": 4}, (-100, -53, -17, 4, 12, 15, 13)),
    ("qpsma", {"liver_mean": 6, "liver_sd": 0.9}, (-100, -89, -55, -29, -13, -6, 1)),
    ("percent_max", {"percent": 41}, (472, 115, 41, 13, 11, 12, 11)),
    ("percent_max", {"percent": 50}, (235, 40, -4, -18, -14, -7, 0)),
    ("a50", {}, (53, -9, -29, -33, -25, -16, -6)),
    ("a50_peak", {}, (561, 219, 93, 20, -10, -14, -6)),
    ("background_percent", {"percent": 41}, (123, 31, 0, -10, -6, 0, 4)),
    ("nestle", {}, (523, 289, 189, 126, 92, 71, 41)),
    ("schaefer", {"a_small": 0.5, "b_small": 0.5}, (166, 44, 7, -7, -7, -4, -1)),
    ("black", {}, (LEAKS, 620, 326, 177, 104, 67, 31)),
    ("recovery", {}, (0, 0, 0, 0, 0, 0, 0)),
    ("gradient", {"iterations": 0}, (-3, -38, -44, -36, -24, -15, -6)),
]


def volume_of(diameter_mm):
    return np.pi * diameter_mm**3 / 6000


def error_percent(volume_ml, diameter_mm):
    return 100 * (volume_ml / volume_of(diameter_mm) - 1)


@functools.cache
def crop_of(diameter_mm):
    """A sphere on voxels fine enough to be exact: linear interpolation rounds the top off a small one."""
    spacing_mm = {6: 0.25, 8: 0.22, 10: 0.26, 13: 0.4, 17: 0.5, 22: 0.6}.get(diameter_mm, 0.7)
    margin_mm = {6: 13, 8: 14}.get(diameter_mm, 16)
    pet = blurred_spheres(
        centred_grid(margin_mm + diameter_mm / 2, (spacing_mm,) * 3), [((0, 0, 0), diameter_mm, 10)]
    )
    regions = find_avid_regions(pet, DetectionSettings(threshold_suv=2.0)).regions
    return lesion_crop(pet, regions, regions[0], ContourSettings(fine_spacing_mm=1.0))
