"""Which structure of a segmentation is what: the roles the generators ask for, and the names that fill them.

Names of TotalSegmentator 2 (class map "total"), of CADS (resources/info/labelmap.md of murong-xu/CADS) and
of TG-263; anything else by a name table of the user.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import GenerationError
from ..imaging.image import Mask

SIDES = ("left", "right")

_SIDED = {
    "artery": ("iliac_artery_#", "common_iliac_artery_@", "a_iliac_@"),
    "vein": ("iliac_vena_#", "iliac_vein_#", "common_iliac_vein_@", "v_iliac_@"),
    "artery_common": ("iliac_artery_common_#", "a_iliac_cmn_@"),
    "artery_external": ("iliac_artery_external_#", "a_iliac_ext_@"),
    "artery_internal": ("iliac_artery_internal_#", "a_iliac_int_@"),
    "vein_common": ("iliac_vena_common_#", "v_iliac_cmn_@"),
    "vein_external": ("iliac_vena_external_#", "v_iliac_ext_@"),
    "vein_internal": ("iliac_vena_internal_#", "v_iliac_int_@"),
    "hip": ("hip_#", "hip_@", "bone_pelvic_@", "pelvis_@"),
    "femur": ("femur_#", "femur_@", "femur_head_@", "femoral_head_#", "femoral_head_@"),
    "iliopsoas": ("iliopsoas_#", "iliopsoas_muscle_@", "m_iliopsoas_@", "musc_iliopsoas_@"),
    "psoas": ("psoas_major_#", "psoas_major_muscle_@", "psoas_#"),
    "gluteus_maximus": ("gluteus_maximus_#", "gluteus_maximus_muscle_@"),
    "gluteus_medius": ("gluteus_medius_#", "gluteus_medius_muscle_@"),
    "gluteus_minimus": ("gluteus_minimus_#", "gluteus_minius_muscle_@", "gluteus_minimus_muscle_@"),
    "autochthon": ("autochthon_#", "deep_muscle_of_back_@"),
    "obturator_internus": ("obturator_internus_#", "obturator_internus_muscle_@", "musc_obturint_@"),
    "piriformis": ("piriformis_#", "piriformis_muscle_@"),
}
_SINGLE = {
    "aorta": ("aorta", "a_aorta"),
    "vena_cava": ("inferior_vena_cava", "v_venacava_i", "postcava"),
    "sacrum": ("sacrum",),
    "S1": ("vertebrae_s1", "vertebra_s1", "vb_s1"),
    **{f"L{n}": (f"vertebrae_l{n}", f"vertebra_l{n}", f"bone_lumbar_l{n}", f"vb_l{n}") for n in range(1, 7)},
    "spinal": ("spinal_cord", "spinal_canal", "spinalcord", "caudaequina"),
    "bladder": ("urinary_bladder", "bladder"),
    "rectum": ("rectum",),
    "sigmoid": ("sigmoid", "sigmoid_colon", "colon_sigmoid"),
    "colon": ("colon", "bowel_large"),
    "small_bowel": ("small_bowel", "small_intestine", "bowel_small"),
    "bowel_bag": ("bag_bowel", "bowel_bag", "spc_bowel"),
    "duodenum": ("duodenum",),
    "anal_canal": ("anal_canal", "canal_anal"),
    "levator": ("levator_ani", "levator", "musc_levator_ani"),
    "penile_bulb": ("penile_bulb", "penilebulb", "bulb"),
    "prostate": ("prostate",),
    "seminal_vesicle": ("seminal_vesicle", "seminalvesicles", "seminalves"),
}  # fmt: skip


def _names(pattern: str, side: str | None) -> str:
    return pattern if side is None else pattern.replace("#", side).replace("@", side[0])


NAMES_OF_ROLE: dict[str, tuple[str, ...]] = {
    **{
        f"{role}_{side}": tuple(_names(pattern, side) for pattern in patterns)
        for role, patterns in _SIDED.items()
        for side in SIDES
    },
    **_SINGLE,
}
_ROLE_OF_NAME = {name: role for role, names in NAMES_OF_ROLE.items() for name in names}


def plain(name: str) -> str:
    """A structure's name in lower case, with one _ for everything that is neither letter nor number."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def is_known(name: str) -> bool:
    """Whether a structure of that name fills a role."""
    return plain(name) in _ROLE_OF_NAME


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Structures by role. used: the name in the file of each role; not_used: names that filled none."""

    masks: Mapping[str, Mask]
    used: Mapping[str, str]
    not_used: tuple[str, ...]

    def get(self, role: str) -> Mask | None:
        """The structure of a role, None when the segmentation lacks it."""
        if role not in NAMES_OF_ROLE:
            raise GenerationError(f"There is no role {role!r} in the anatomy's name table.")
        return self.masks.get(role)

    def all_of(self, roles: Iterable[str]) -> list[Mask]:
        """Those of the roles that are there."""
        return [mask for role in roles if (mask := self.get(role)) is not None]

    def points(self, role: str) -> np.ndarray | None:
        """RAS positions, (N, 3), of a structure's voxels, None when it is missing."""
        mask = self.get(role)
        return None if mask is None else mask.points_ras()


def anatomy_of(structures: Mapping[str, Mask], names: Mapping[str, str] | None = None) -> Anatomy:
    """The structures by role.

    names: structure name in the file to a known name (of TotalSegmentator, say), for other segmentations;
    raises GenerationError for a known name that is none. Empty structures count as missing.
    """
    table = {}
    for given, known in (names or {}).items():
        if plain(known) not in _ROLE_OF_NAME:
            raise GenerationError(
                f"The name table maps {given!r} to {known!r}, which is no known structure; use a "
                "TotalSegmentator or CADS name."
            )
        table[given] = _ROLE_OF_NAME[plain(known)]
    masks, used, not_used = {}, {}, []
    for name, mask in structures.items():
        role = table.get(name) or _ROLE_OF_NAME.get(plain(name))
        if role is None or mask.is_empty or role in masks:
            not_used.append(name)
        else:
            masks[role], used[role] = mask, name
    return Anatomy(masks, used, tuple(not_used))
