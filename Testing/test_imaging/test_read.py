"""The doors for images, against independent answers on real series and sentences on bad input."""

import json

import numpy as np
import pytest
from PSMAPlanningLib.dicomrt.rasterise import rasterise
from PSMAPlanningLib.dicomrt.rtstruct_reader import read_rtstruct
from PSMAPlanningLib.errors import (
    DicomError,
    InputError,
    NoUptakeError,
    PlanningError,
    SeriesChoiceError,
    SuvHeaderError,
    UnitsError,
)
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.image_file import read_image_file, write_image_file
from PSMAPlanningLib.imaging.read import read_ct, read_pet
from PSMAPlanningLib.imaging.suv_entered import EnteredValues
from test_imaging.dicom_builder import BASE_FACTOR, ct_datasets, pet_datasets, write_series

STORED = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)
OPTIONS = (
    "--units",
    "--weight-kg",
    "--dose-bq",
    "--injection-time",
    "--half-life-s",
    "--decay",
    "--reference-time",
)


def crop_like(image, reference):
    start = image.grid.kji_of(reference.grid.origin_ras)
    np.testing.assert_allclose(start, np.round(start), atol=1e-3)
    k, j, i = np.round(start).astype(int)
    depth, height, width = reference.array.shape
    return image.array[k : k + depth, j : j + height, i : i + width]


def test_whole_body_pet_against_ibsi(shared_data):
    folder = shared_data("sts001_ge_wholebody_pet")
    expected = json.loads((folder / "expected.json").read_text())
    pet = read_pet(folder / "dicom_pet")
    assert pet.suv.factor == pytest.approx(expected["suvbw_factor_per_BqmL"], rel=1e-9)
    assert pet.suv.branch == "bqml_start_series_time"
    assert pet.suv.uptake_time_min * 60 == pytest.approx(expected["series_minus_injection_s"])
    assert float(pet.image.array.max()) == pytest.approx(expected["suv_max_whole_body"], abs=0.005)
    assert pet.warnings == () and [w for w in pet.suv.warnings if "not a PSMA ligand" not in w] == []
    reference = read_image_file(folder / "reference_ibsi_cropped" / "PET_image.nii.gz")
    assert np.abs(crop_like(pet.image, reference) - reference.array).max() <= 0.001
    structures = read_rtstruct(folder / "rtstruct" / "RS.dcm")
    assert structures.frame_of_reference_uid == pet.image.frame_of_reference_uid
    mass = rasterise(structures.roi("GTV_Mass"), pet.image.grid)
    inside = pet.image.array[mass.array].astype(float)
    assert mass.voxels == expected["gtv_mass_voxels"]
    assert mass.volume_ml == pytest.approx(expected["gtv_mass_ml"], abs=0.001)
    assert inside.max() == pytest.approx(expected["gtv_mass_suv_max"], abs=1e-4)
    assert inside.mean() == pytest.approx(expected["gtv_mass_suv_mean"], abs=1e-4)


def test_pet_in_suv_already_is_not_converted_twice(shared_data):
    folder = shared_data("ibsi_sts_petct") / "STS_002"
    pet = read_pet(folder / "dicom_PET_units_GML" / "image")
    reference = read_image_file(folder / "PET_image.nii.gz")
    assert pet.suv.factor == 1.0 and pet.suv.branch == "gml_bw"
    assert pet.image.grid.same_as(reference.grid, 1e-3)
    np.testing.assert_allclose(pet.image.array, reference.array, atol=5e-6)


def test_phantom_without_header_is_refused_until_everything_is_entered(shared_data):
    folder = shared_data("nema_iq_pet") / "dicom"
    with pytest.raises(UnitsError) as caught:
        read_pet(folder)
    assert all(option in str(caught.value) for option in OPTIONS)
    entered = EnteredValues(70, None, 50e6, "10:00:00", 6586.2, "START", "11:00:00")
    pet = read_pet(folder, units="Bq/ml", entered=entered)
    raw = read_pet(folder, units="SUVbw")
    factor = 70e3 / (50e6 * 2 ** (-3600 / 6586.2))
    assert pet.suv.factor == pytest.approx(factor, rel=1e-9)
    np.testing.assert_allclose(pet.image.array, raw.image.array * factor, rtol=1e-6)


def test_ct_in_hounsfield(tmp_path):
    image = read_ct(write_series(ct_datasets(STORED), tmp_path))
    assert image.quantity is Quantity.HOUNSFIELD
    np.testing.assert_array_equal(image.array, STORED.astype(np.float32) - 1024)


def test_dicom_pet_with_identity_and_study(tmp_path):
    pet = read_pet(write_series(pet_datasets(STORED), tmp_path))
    np.testing.assert_allclose(pet.image.array, STORED * BASE_FACTOR, rtol=1e-6)
    assert pet.image.quantity is Quantity.SUVBW
    assert (pet.patient.patient_id, pet.patient.name) == ("SYNTHETIC", "Nobody^Synthetic")
    assert (pet.study.modality, pet.study.study_uid) == ("PT", "1.2.3.4")
    assert "SYNTHETIC" not in repr(pet.patient) and "1.2.3.4" not in repr(pet.study)


@pytest.mark.parametrize("suffix", [".nrrd", ".nii", ".nii.gz", ".mha"])
def test_files_need_units(tmp_path, suffix):
    image = Image(STORED.astype(np.float32), VoxelGrid((3, 4, 5), (2, 2, 3)), Quantity.UNKNOWN)
    path = tmp_path / f"pet{suffix}"
    write_image_file(image, path)
    with pytest.raises(UnitsError, match=r"pet\.(nrrd|nii|mha).*--units"):
        read_pet(path)
    suv = read_pet(path, units="suvbw")
    np.testing.assert_array_equal(suv.image.array, image.array)
    assert suv.patient is None and suv.suv.sources["units"] == "entered by the user"
    assert any("attenuation" in warning for warning in suv.suv.warnings)
    with pytest.raises(SuvHeaderError, match=r"--weight-kg.*--dose-bq"):
        read_pet(path, units="Bq/ml")
    entered = EnteredValues(70, None, 368.08e6, "10:00", 6586.2, "START", "11:00")
    np.testing.assert_allclose(
        read_pet(path, "Bq/ml", entered=entered).image.array, image.array * BASE_FACTOR, rtol=1e-6
    )
    with pytest.raises(UnitsError, match="twice"):
        read_pet(path, "Bq/ml", entered=EnteredValues(units="SUVbw"))


def test_refusals_of_the_header_name_a_file(tmp_path):
    folder = write_series(pet_datasets(STORED, tracer={"RadionuclideTotalDose": "0"}), tmp_path)
    with pytest.raises(SuvHeaderError, match=r"^slice002\.dcm: .*0018,1074"):
        read_pet(folder)


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda f: f / "absent", InputError, "does not exist"),
        (lambda f: f, InputError, "is empty"),
        (lambda f: write_series(ct_datasets(STORED), f), InputError, r"no PET .PT. series.*CT"),
        (
            lambda f: write_series(pet_datasets(STORED), write_series(pet_datasets(STORED), f, "a"), "b"),
            SeriesChoiceError,
            "--series",
        ),
        (lambda f: write_series(pet_datasets(STORED * 0), f), NoUptakeError, "no uptake"),
        (lambda f: write_series(pet_datasets(STORED, Units=None), f), UnitsError, "--units"),
        (
            lambda f: write_series(pet_datasets(STORED, tracer={"RadionuclideTotalDose": None}), f),
            SuvHeaderError,
            r"0018,1074.*--dose-bq",
        ),
        (lambda f: write_series(pet_datasets(STORED), f) / "slice000.dcm", InputError, "single file"),
        (lambda f: write_series(pet_datasets(STORED[[0]]), f), DicomError, "only slice"),
    ],
)
def test_bad_input_is_one_plain_sentence(tmp_path, build, error, words):
    with pytest.raises(error, match=words) as caught:
        read_pet(build(tmp_path))
    assert isinstance(caught.value, PlanningError) and "\n" not in str(caught.value)


def test_a_pet_is_no_ct(tmp_path):
    with pytest.raises(InputError, match=r"no CT series.*PT"):
        read_ct(write_series(pet_datasets(STORED), tmp_path))
