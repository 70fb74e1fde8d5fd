"""SUV by lean mass, ideal mass and surface, on request; half-lives against independent tables."""

import pytest
from PSMAPlanningLib.errors import SuvHeaderError
from PSMAPlanningLib.imaging.image import Quantity
from PSMAPlanningLib.imaging.read import read_pet
from PSMAPlanningLib.imaging.suv_entered import SUV_TYPES, EnteredValues
from PSMAPlanningLib.imaging.suv_quantity import UNITS_OF
from PSMAPlanningLib.imaging.suv_tables import HALF_LIVES_S
from test_imaging.dicom_builder import BASE_FACTOR, pet_datasets, write_series
from test_imaging.suv_cases import LEAN, converted

SURFACE_CM2 = 0.007184 * 70**0.425 * 175**0.725 * 1e4
# Kilograms that replace the body weight of 70 kg; male vectors of the specification, 70 kg and 175 cm.
MALE = {"lbm": 57.80, "lbm_james": 56.52, "lbm_janma": 55.857, "ibw": 72.38, "bsa": SURFACE_CM2 / 1000.0}


@pytest.mark.parametrize("suv_type", MALE)
def test_other_quantities_from_activity(suv_type):
    conversion = converted(EnteredValues(suv_type=suv_type, sex="m"))
    assert conversion.factor == pytest.approx(BASE_FACTOR * MALE[suv_type] / 70, rel=1e-5)
    assert conversion.quantity != "SUVbw" and conversion.quantity in UNITS_OF
    assert any("not SUVbw" in warning for warning in conversion.warnings)
    document = conversion.to_document()
    assert document["quantity"] == conversion.quantity and document["height_m"] == 1.75
    if suv_type != "bsa":
        assert document["sex"] == "M" and document["sources"]["sex"] == "entered by the user"


@pytest.mark.parametrize(("stored", "mass"), [*LEAN.items(), ("BW", 70.0)])
def test_from_one_quantity_to_another(stored, mass):
    conversion = converted(EnteredValues(suv_type="bsa"), Units="GML", SUVType=stored)
    assert conversion.factor == pytest.approx(SURFACE_CM2 / 1000 / mass, rel=1e-9)
    assert conversion.quantity == "SUVbsa"


def test_what_is_stored_already_needs_nothing():
    for stored, wanted in (("LBMJANMA", "lbm_janma"), ("IBW", "ibw")):
        conversion = converted(
            EnteredValues(suv_type=wanted), Units="GML", SUVType=stored, PatientSize=None, PatientSex=None
        )
        assert conversion.factor == 1.0 and conversion.quantity == UNITS_OF_NAME[wanted]
    assert converted(EnteredValues(suv_type="bsa"), Units="CM2ML").factor == 1.0


UNITS_OF_NAME = {"lbm_janma": "SUVlbm(Janma)", "ibw": "SUVibw"}


def test_what_is_missing_is_named_in_one_message():
    with pytest.raises(SuvHeaderError) as caught:
        converted(
            EnteredValues(suv_type="lbm_james"),
            PatientWeight=None,
            PatientSize=None,
            PatientSex=None,
            tracer={"RadionuclideTotalDose": None},
        )
    message = str(caught.value)
    assert all(option in message for option in ("--weight-kg", "--height-m", "--sex", "--dose-bq"))
    assert message.count("--weight-kg") == 1


def test_a_height_that_is_not_needed_is_said():
    conversion = converted(EnteredValues(height_m=1.8, sex="M"))
    assert conversion.factor == pytest.approx(BASE_FACTOR) and conversion.height_m is None
    assert any("needs no height_m nor sex" in warning for warning in conversion.warnings)


def test_a_sex_that_the_formulae_do_not_know_is_said():
    assert any("--sex" in warning for warning in converted(EnteredValues(suv_type="ibw")).warnings)


@pytest.mark.parametrize(
    "values", [{"suv_type": "lean"}, {"sex": "O"}, {"uptake_time_min": -1}, {"tracer": " "}]
)
def test_entered_values_that_cannot_be(values):
    with pytest.raises(SuvHeaderError, match="--"):
        EnteredValues(**values)


def test_an_image_of_another_quantity_does_not_pass_for_suvbw(tmp_path):
    folder = write_series(pet_datasets(), tmp_path)
    pet = read_pet(folder, entered=EnteredValues(suv_type="lbm_janma", sex="M"))
    assert pet.image.quantity is Quantity.SUV_OTHER
    assert pet.image.array.max() == pytest.approx(59 * BASE_FACTOR * 55.857 / 70, rel=1e-5)
    assert read_pet(folder).image.quantity is Quantity.SUVBW
    assert set(SUV_TYPES) == {"bw", *MALE}


# European Pharmacopoeia 5.7 (from NNDC); Sc-44 Tarkanyi 2019 (IAEA), doi:10.1007/s10967-018-6380-5; Cu-64 to
# Rb-82 doi:10.2967/jnumed.121.263506, table 3; Lu-177 doi:10.1186/s40658-020-00301-2, table 1.
PUBLISHED_S = {
    "C-11": 20.385 * 60,
    "N-13": 9.965 * 60,
    "O-15": 122.24,
    "F-18": 109.77 * 60,
    "Sc-44": 3.97 * 3600,
    "Cu-64": 12.7 * 3600,
    "Zr-89": 78.4 * 3600,
    "I-124": 100.2 * 3600,
    "Rb-82": 1.27 * 60,
    "Ga-68": 67.7 * 60,
    "Lu-177": 6.647 * 86400,
}


@pytest.mark.parametrize("nuclide", PUBLISHED_S)
def test_half_lives_agree_with_published_tables(nuclide):
    assert HALF_LIVES_S[nuclide] == pytest.approx(PUBLISHED_S[nuclide], rel=0.003)


def test_half_lives_agree_with_a_decay_library():
    library = pytest.importorskip("radioactivedecay", reason="radioactivedecay is not installed")
    for nuclide, half_life_s in HALF_LIVES_S.items():
        assert half_life_s == pytest.approx(library.Nuclide(nuclide).half_life("s"), rel=0.0013)


def test_scandium_and_terbium_by_their_dicom_codes():
    for code, nuclide in (
        ("126600", "Sc-44"),
        ("126605", "Sc-43"),
        ("126606", "Tb-152"),
        ("C-131A1", "Ga-66"),
    ):
        conversion = converted(tracer={"RadionuclideHalfLife": None}, nuclide=(code, ""))
        assert conversion.half_life_s == HALF_LIVES_S[nuclide] and conversion.nuclide == nuclide
