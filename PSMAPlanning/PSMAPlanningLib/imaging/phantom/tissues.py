"""What the phantom is made of: label, CT number, uptake and public name of every tissue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tissue:
    """One label of the phantom.

    hounsfield: CT number before the scanner's blur and noise.
    uptake: key into a tracer's uptake table.
    names: names of the structures this tissue belongs to (TotalSegmentator's where it has one).
    texture: how much of the coarse tissue texture shows, 1 is about 20 HU.
    """

    name: str
    hounsfield: int
    uptake: str
    names: tuple[str, ...] = ()
    texture: float = 0.4


def _pair(
    name: str, hounsfield: int, uptake: str, names: tuple[str, ...], texture: float = 0.4
) -> list[Tissue]:
    return [
        Tissue(f"{name}_{side}", hounsfield, uptake, tuple(n.replace("#", side) for n in names), texture)
        for side in ("right", "left")
    ]


def _table() -> tuple[Tissue, ...]:
    tissues = [
        Tissue("air", -1000, "air", (), 0.0),
        Tissue("skin", -45, "skin", ("skin",)),
        Tissue("subcutaneous_fat", -106, "fat", ("subcutaneous_fat",), 0.45),
        Tissue("visceral_fat", -100, "fat", ("torso_fat",), 0.6),
        Tissue("nodal_fat", -100, "fat", ("torso_fat",), 0.6),
        Tissue("mesorectal_fat", -94, "fat", ("mesorectal_fat",), 0.6),
        Tissue("fascia", 15, "muscle"),
        Tissue("septum", -70, "fat"),
        Tissue("muscle", 52, "muscle", (), 0.9),
        Tissue("abdominal_wall", 48, "muscle", ("abdominal_wall",), 0.9),
        Tissue("levator_ani", 45, "muscle", ("levator_ani",), 0.6),
        Tissue("joint", 60, "fat"),
        Tissue("disc", 85, "muscle", ("intervertebral_discs",)),
        Tissue("spinal_canal", 22, "blood", ("spinal_cord",)),
        Tissue("cartilage", 95, "fat", ("costal_cartilages",)),
        Tissue("rib", 230, "marrow", ("ribs",)),
        Tissue("couch", -180, "air", (), 0.0),
        Tissue("lung", -820, "lung", ("lung",), 1.5),
        Tissue("liver", 58, "liver", ("liver",), 0.35),
        Tissue("gallbladder", 6, "gallbladder", ("gallbladder",), 0.1),
        Tissue("spleen", 50, "spleen", ("spleen",), 0.3),
        Tissue("stomach_wall", 42, "bowel", ("stomach",)),
        Tissue("stomach_content", 12, "lumen", ("stomach",), 1.0),
        Tissue("stomach_gas", -960, "air", ("stomach", "bowel_gas"), 0.0),
        Tissue("pancreas", 36, "pancreas", ("pancreas",), 1.2),
        Tissue("adrenal", 25, "muscle", ("adrenal_gland",)),
        Tissue("duodenum", 34, "duodenum", ("duodenum",), 0.8),
        Tissue("jejunum_wall", 44, "jejunum", ("small_bowel",)),
        Tissue("jejunum_content", 22, "jejunum", ("small_bowel",), 0.8),
        Tissue("ileum_wall", 44, "bowel", ("small_bowel",)),
        Tissue("ileum_content", 16, "lumen", ("small_bowel",), 0.8),
        Tissue("small_bowel_gas", -940, "air", ("small_bowel", "bowel_gas"), 0.0),
        Tissue("colon_wall", 42, "bowel", ("colon",)),
        Tissue("colon_content", -25, "lumen", ("colon",), 4.0),
        Tissue("colon_gas", -950, "air", ("colon", "bowel_gas"), 0.0),
        Tissue("sigmoid_wall", 44, "bowel", ("colon", "sigmoid")),
        Tissue("sigmoid_content", 5, "lumen", ("colon", "sigmoid"), 3.0),
        Tissue("sigmoid_gas", -950, "air", ("colon", "sigmoid", "bowel_gas"), 0.0),
        Tissue("rectum_wall", 44, "bowel", ("colon", "rectum")),
        Tissue("rectum_content", 18, "lumen", ("colon", "rectum"), 2.0),
        Tissue("rectum_gas", -950, "air", ("colon", "rectum", "bowel_gas"), 0.0),
        Tissue("anal_canal", 46, "muscle", ("anal_canal",)),
        Tissue("bladder_wall", 34, "muscle", ("urinary_bladder",)),
        Tissue("bladder_urine", 6, "urine", ("urinary_bladder",), 0.1),
        Tissue("urethra", 38, "urethra", ("urethra",)),
        Tissue("penile_bulb", 40, "penile_bulb", ("penile_bulb",)),
        Tissue("genitals", 30, "muscle", ("genitals",), 0.6),
        Tissue("surgical_clip", 2600, "muscle", ("surgical_clips",), 0.0),
        Tissue("lymph_node", 42, "muscle", ("lymph_nodes",)),
        Tissue("aorta", 46, "blood", ("aorta",), 0.2),
        Tissue("inferior_vena_cava", 44, "blood", ("inferior_vena_cava",), 0.2),
        Tissue("small_vessel", 40, "blood", (), 0.2),
        Tissue("calcification", 800, "blood", (), 0.0),
        Tissue("sacrum", 75, "marrow", ("sacrum",), 2.0),
        Tissue("foramen", -40, "fat", ("sacral_foramina",)),
        Tissue("vertebra_T11", 150, "marrow", ("vertebrae_T11",), 1.4),
        Tissue("vertebra_T12", 150, "marrow", ("vertebrae_T12",), 1.4),
        *(Tissue(f"vertebra_L{n}", 150, "marrow", (f"vertebrae_L{n}",), 1.4) for n in range(1, 6)),
        *_pair("kidney_cortex", 34, "kidney", ("kidney_#",), 0.2),
        *_pair("kidney_medulla", 26, "kidney_medulla", ("kidney_#",), 0.2),
        *_pair("ureter", 30, "ureter_empty", ("ureter_#",)),
        *_pair("ureter_filled", 20, "ureter", ("ureter_#",)),
        *_pair("artery_common", 46, "blood", ("iliac_artery_#", "iliac_artery_common_#"), 0.2),
        *_pair("artery_external", 46, "blood", ("iliac_artery_#", "iliac_artery_external_#"), 0.2),
        *_pair("artery_internal", 46, "blood", ("iliac_artery_#", "iliac_artery_internal_#"), 0.2),
        *_pair("vein_common", 44, "blood", ("iliac_vena_#", "iliac_vena_common_#"), 0.2),
        *_pair("vein_external", 44, "blood", ("iliac_vena_#", "iliac_vena_external_#"), 0.2),
        *_pair("vein_internal", 44, "blood", ("iliac_vena_#", "iliac_vena_internal_#"), 0.2),
        *_pair("hip", 105, "marrow", ("hip_#",), 2.2),
        *_pair("femur", 250, "marrow", ("femur_#",), 2.2),
        *_pair("femur_shaft", 1250, "cortex", ("femur_#",), 0.4),
        *_pair("femur_marrow", -30, "fat", ("femur_#",), 0.6),
        *_pair("iliopsoas", 56, "muscle", ("iliopsoas_#",), 0.6),
        *_pair("gluteus_maximus", 46, "muscle", ("gluteus_maximus_#",), 1.2),
        *_pair("gluteus_medius", 52, "muscle", ("gluteus_medius_#",), 0.9),
        *_pair("gluteus_minimus", 48, "muscle", ("gluteus_minimus_#",), 1.0),
        *_pair("autochthon", 48, "muscle", ("autochthon_#",), 1.2),
        *_pair("obturator_internus", 52, "muscle", ("obturator_internus_#",), 0.6),
        *_pair("piriformis", 50, "muscle", ("piriformis_#",), 0.6),
    ]
    return tuple(tissues)


TISSUES = _table()
CODES = {tissue.name: code for code, tissue in enumerate(TISSUES)}

STRUCTURES: dict[str, tuple[int, ...]] = {}
for _code, _tissue in enumerate(TISSUES):
    for _name in _tissue.names:
        STRUCTURES[_name] = (*STRUCTURES.get(_name, ()), _code)

LUMEN_NAMES = tuple(t.name for t in TISSUES if t.name.endswith(("_content", "_gas", "_urine")))


def table_of(*names: str) -> np.ndarray:
    """A table of 256 bools, true for the labels of tissues (or structures) with these names."""
    table = np.zeros(256, bool)
    for name in names:
        codes = (CODES[name],) if name in CODES else STRUCTURES[name]
        table[list(codes)] = True
    return table


FAT = table_of("septum", "subcutaneous_fat", "visceral_fat", "nodal_fat", "mesorectal_fat")
BONE = table_of(
    "sacrum",
    "rib",
    *(f"{bone}_{side}" for bone in ("hip", "femur", "femur_shaft") for side in ("right", "left")),
    *(t.name for t in TISSUES if t.name.startswith("vertebra")),
)
