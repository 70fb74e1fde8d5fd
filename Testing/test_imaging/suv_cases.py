"""What the SUV tests share: the base series of the specification and its conversion."""

from PSMAPlanningLib.imaging.suv import suv_conversion
from PSMAPlanningLib.imaging.suv_header import SliceHeader, SuvHeader, suv_header
from test_imaging.dicom_builder import pet_datasets

F18, DOSE, GRAMS = 6586.2, 368.08e6, 70e3
PHILIPS = (0x7053, "Philips PET Private Group")
GE = (0x0009, "GEMS_PETD_01")


def factor(seconds, half_life=F18, dose=DOSE):
    return GRAMS / (dose * 2.0 ** (-seconds / half_life))


def converted(entered=None, **changes):
    return suv_conversion(suv_header(pet_datasets(**changes)), entered)


LEAN = {  # mean of both sexes for 70 kg, 1.75 m, sex O
    "LBM": (1.10 * 70 - 120 * 0.16 + 1.07 * 70 - 148 * 0.16) / 2,
    "LBMJAMES128": (1.10 * 70 - 128 * 0.16 + 1.07 * 70 - 148 * 0.16) / 2,
    "LBMJANMA": (9270 * 70 / (6680 + 216 * 70 / 1.75**2) + 9270 * 70 / (8780 + 244 * 70 / 1.75**2)) / 2,
    "IBW": (48.0 + 1.06 * 23 + 45.5 + 0.91 * 23) / 2,
}
EMPTY = SuvHeader((SliceHeader(),) * 2, corrected_image=("DECY", "ATTN"))
