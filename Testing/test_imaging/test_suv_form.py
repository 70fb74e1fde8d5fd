"""The form for what a header lacks: known values with their source, open ones, and filling it in."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PSMAPlanningLib.errors import InputError, SeriesChoiceError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.image_file import write_image_file
from PSMAPlanningLib.imaging.read import pet_header, read_pet
from PSMAPlanningLib.imaging.suv import apply, suv_conversion
from PSMAPlanningLib.imaging.suv_entered import EnteredValues
from PSMAPlanningLib.imaging.suv_form import questions, suv_form
from PSMAPlanningLib.imaging.suv_header import SuvHeader, suv_header
from test_imaging.dicom_builder import BASE_FACTOR, pet_datasets, write_series
from test_imaging.suv_cases import DOSE, EMPTY, F18

NEEDED = {
    "units": "Bq/ml",
    "weight_kg": 70.0,
    "dose_bq": DOSE,
    "injection_time": "10:00:00",
    "half_life_s": F18,
    "decay_correction": "START",
    "reference_time": "11:00:00",
}


def header_with(**changes):
    return suv_header(pet_datasets(**changes))


def test_rows_are_the_fields_that_can_be_entered():
    form = suv_form(EMPTY)
    assert [row.name for row in form.rows] and {row.name for row in form.rows} == {
        field.name for field in dataclasses.fields(EnteredValues)
    }
    assert all(row.option.startswith("--") and row.label for row in form.rows)


def test_an_empty_header_is_filled_in_step_by_step():
    """What is asked for, and nothing else, leads to the conversion."""
    assert {row.name for row in questions(EMPTY) if row.is_needed} == set(NEEDED)
    assert {row.name for row in questions(EMPTY) if row.is_asked} == {"tracer"}
    given = {}
    for name, value in NEEDED.items():
        assert suv_form(EMPTY, EnteredValues(**given)).conversion is None
        given[name] = value
    form = suv_form(EMPTY, EnteredValues(**given))
    assert form.problem is None and form.conversion.factor == pytest.approx(BASE_FACTOR, rel=1e-9)
    assert form.row("weight_kg").value == 70 and form.row("weight_kg").source == "entered by the user"
    assert [row.name for row in questions(EMPTY, EnteredValues(**given))] == ["tracer"]
    assert questions(EMPTY, EnteredValues(**given, tracer="PSMA-11")) == ()


def test_a_full_header_is_shown_with_its_sources():
    form = suv_form(header_with())
    assert not any(row.is_open for row in form.rows)
    assert form.row("weight_kg").value == 70 and form.row("weight_kg").source == "header (0010,1030)"
    assert form.row("injection_time").value == "2025-01-01T10:00:00"
    assert form.row("units").value == "Bq/ml" and form.row("units").choices == ("SUVbw", "Bq/ml")
    assert form.row("uptake_time_min").value == 60 and form.row("tracer").value == "PSMA-1007"
    assert ("F-18", F18) in form.row("half_life_s").suggestions
    assert any("PSMA-11" in label for label, _ in form.row("tracer").suggestions)


def test_what_is_wrong_hides_nothing_that_is_missing():
    header = header_with(
        PatientWeight="0",
        tracer={
            "RadionuclideTotalDose": "-1",
            "RadiopharmaceuticalStartTime": None,
            "RadiopharmaceuticalStartDateTime": None,
        },
    )
    form = suv_form(header)
    assert form.conversion is None and "--dose-bq" in form.problem
    assert "0018,1074" in form.row("dose_bq").problem and form.row("dose_bq").value is None
    needed = {row.name for row in form.rows if row.is_needed}
    assert needed == {"weight_kg", "dose_bq", "injection_time"}
    entered = EnteredValues(weight_kg=70, dose_bq=DOSE, injection_time="10:00:00")
    assert suv_form(header, entered).conversion.factor == pytest.approx(BASE_FACTOR, rel=1e-9)


def test_height_and_sex_are_asked_for_where_they_are_needed():
    header = header_with(PatientSize=None, PatientSex=None)
    assert questions(header) == ()
    needed = {row.name for row in questions(header, EnteredValues(suv_type="lbm_janma"))}
    assert needed == {"height_m", "sex"}


def test_units_without_an_suv_are_a_problem_of_the_form():
    form = suv_form(header_with(Units="PROPCPS"))
    assert form.conversion is None and "PROPCPS" in form.problem


@settings(max_examples=80, deadline=None)
@given(
    weight=st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    dose=st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    injection=st.one_of(st.none(), st.text(max_size=8)),
    units=st.sampled_from([None, "BQML", "GML", "CNTS", "?"]),
    suv_type=st.sampled_from(["bw", "lbm", "bsa"]),
)
def test_a_form_never_raises_and_never_hides_an_open_row(weight, dose, injection, units, suv_type):
    header = dataclasses.replace(EMPTY, weight_kg=weight, dose_bq=dose, injection_time=injection, units=units)
    form = suv_form(header, EnteredValues(suv_type=suv_type))
    assert (form.conversion is None) == (form.problem is not None)
    if form.conversion is not None:
        assert not any(row.is_needed for row in form.rows)


def test_the_header_alone_is_read_for_the_form(tmp_path):
    stored = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
    folder = write_series(pet_datasets(stored, slopes=[1.0, 2.0, 3.0], PatientWeight=None), tmp_path)
    (tmp_path / "note.txt").write_text("x")
    header = pet_header(folder)
    assert [s.rescale_slope for s in header.slices] == [1.0, 2.0, 3.0], "in the order of the slices"
    assert [row.name for row in questions(header)] == ["weight_kg"]
    files = sorted(folder.glob("*.dcm"))
    assert pet_header(files) == pet_header([str(file) for file in files[::-1]]) == header
    entered = EnteredValues(weight_kg=70)
    # The same two steps for a volume in a scene: rescaled values in, SUV out.
    rescaled = (stored * np.array([1.0, 2.0, 3.0])[:, None, None]).astype(np.float32)
    suv = apply(suv_conversion(header, entered), rescaled)
    np.testing.assert_allclose(suv, read_pet(folder, entered=entered).image.array, rtol=1e-6)


def test_files_that_are_gone_or_of_two_series(tmp_path):
    one = sorted(write_series(pet_datasets(), tmp_path / "one").glob("*.dcm"))
    two = sorted(write_series(pet_datasets(), tmp_path / "two").glob("*.dcm"))
    with pytest.raises(SeriesChoiceError, match="--series"):
        pet_header([*one, *two])
    with pytest.raises(InputError, match="does not exist"):
        pet_header([*one, tmp_path / "absent.dcm"])
    with pytest.raises(InputError, match="does not exist"):
        pet_header([])


def test_a_file_without_header_knows_nothing(tmp_path):
    path = tmp_path / "pet.nrrd"
    image = Image(np.ones((4, 3, 2), np.float32), VoxelGrid((4, 3, 2), (2, 2, 2)), Quantity.UNKNOWN)
    write_image_file(image, path)
    assert pet_header(path) == SuvHeader.of_file_without_header(4)
    assert {row.name for row in questions(pet_header(path)) if row.is_needed} == set(NEEDED)
