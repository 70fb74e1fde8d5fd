"""Anatomy for tests of generated volumes: the small phantom by seed, and the real pelvis."""

from __future__ import annotations

from functools import cache

from PSMAPlanningLib.anatomy_import import read_label_names
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.imaging.phantom import PhantomParameters, make_phantom
from PSMAPlanningLib.rtvolumes.nodal_anatomy import NAMES_OF_ROLE, anatomy_of

# The phantom also names the parts of the vessels; a segmentation of a patient does not.
_KNOWN = {name for role, names in NAMES_OF_ROLE.items() for name in names
          if not role.startswith(("artery_", "vein_")) or role.count("_") == 1}  # fmt: skip


_SIDED = ("iliac_artery", "iliac_vena", "hip", "femur", "gluteus_maximus", "gluteus_medius",
          "gluteus_minimus", "iliopsoas", "autochthon")  # fmt: skip
TOTALSEGMENTATOR = {
    "aorta", "inferior_vena_cava", "urinary_bladder", "prostate", "colon", "small_bowel", "duodenum",
    "sacrum", "spinal_cord", "vertebrae_S1", *(f"vertebrae_L{n}" for n in range(1, 6)),
    *(f"{name}_{side}" for name in _SIDED for side in ("left", "right")),
}  # fmt: skip
"""Those of the names that its task total has (version 2.18): no rectum, no obturator internus, no levator."""


@cache
def _phantom(seed, variant):
    return make_phantom(PhantomParameters(seed=seed, variant=variant, lesions=()))


@cache
def _structures(seed, variant):
    return structures_of(_phantom(seed, variant))


def structures_of(phantom):
    """The structures of a phantom that fill a role, by their names."""
    return {
        name: phantom.structure(name).cropped()
        for name in phantom.structure_names
        if name.lower() in _KNOWN and not phantom.structure(name).is_empty
    }


def phantom_of(seed, variant="small", structures=False):
    return dict(_structures(seed, variant)) if structures else _phantom(seed, variant)


def phantom_anatomy(phantom):
    return anatomy_of(_structures(phantom.parameters.seed, phantom.parameters.variant))


def real_structures(shared_data):
    folder = shared_data("pelvis_ct_totalsegmentator")
    labels = read_labels(folder / "segmentation_117.nii.gz", read_label_names(folder / "labels.csv"))
    return {label.name: label.mask.cropped() for label in labels if not label.mask.is_empty}


def real_anatomy(shared_data):
    return anatomy_of(real_structures(shared_data))
