"""SUV: every branch of the specification with its closed form, the published headers, and fuzz."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PSMAPlanningLib.errors import GridError, PlanningError, SuvHeaderError, UnitsError
from PSMAPlanningLib.imaging.suv import SuvConversion, apply, suv_conversion
from PSMAPlanningLib.imaging.suv_entered import EnteredValues
from PSMAPlanningLib.imaging.suv_header import SliceHeader, SuvHeader, suv_header
from PSMAPlanningLib.imaging.suv_reference import average_decay_time_s
from PSMAPlanningLib.imaging.suv_tables import HALF_LIVES_S, body_surface_m2, lean_body_mass_kg
from test_imaging.dicom_builder import BASE_FACTOR, pet_datasets

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
UNDECAYED = math.log(2) / F18 * 300 / (1 - math.exp(-math.log(2) / F18 * 300))

BRANCHES = {
    "bqml start": ({}, BASE_FACTOR, "bqml_start_series_time"),
    "bqml admin": ({"DecayCorrection": "ADMIN"}, factor(0), "bqml_admin"),
    "bqml none": ({"DecayCorrection": "NONE"}, factor(3600) * UNDECAYED, "bqml_none"),
    "ga-68": (
        {"tracer": {"RadionuclideHalfLife": "4057.7"}, "nuclide": ("C-131A3", "68Ga")},
        factor(3600, 4057.7),
        "bqml_start_series_time",
    ),
    "half-life by code": (
        {"tracer": {"RadionuclideHalfLife": None}, "nuclide": ("C-131A3", "")},
        factor(3600, 4057.7),
        "bqml_start_series_time",
    ),
    "half-life by meaning": (
        {"tracer": {"RadionuclideHalfLife": None}, "nuclide": ("999", "^18^Fluorine")},
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "dose in MBq": ({"tracer": {"RadionuclideTotalDose": "368.08"}}, BASE_FACTOR, "bqml_start_series_time"),
    "weight in grams": ({"PatientWeight": "70000"}, BASE_FACTOR, "bqml_start_series_time"),
    "time without datetime": (
        {"tracer": {"RadiopharmaceuticalStartDateTime": None}},
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "datetime without time": (
        {"tracer": {"RadiopharmaceuticalStartTime": None}},
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "series before acquisition": (
        {"SeriesTime": "105500"},
        factor(3300),
        "bqml_start_series_time",
    ),
    "series after acquisition": (
        {"SeriesTime": "113000", "FrameReferenceTime": repr(1000 * average_decay_time_s(300, F18))},
        BASE_FACTOR,
        "bqml_start_back_computed",
    ),
    "ge private": (
        {"SeriesTime": "113000", "private": [(*GE, 0x0D, "DT", "20250101110000.00")]},
        BASE_FACTOR,
        "bqml_start_ge_private",
    ),
    "injection before midnight by time": (
        {
            "SeriesDate": "20250102",
            "AcquisitionDate": "20250102",
            "SeriesTime": "003000",
            "AcquisitionTime": "003000",
            "tracer": {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": "233000"},
        },
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "injection before midnight by datetime": (
        {
            "SeriesDate": "20250102",
            "AcquisitionDate": "20250102",
            "SeriesTime": "003000",
            "AcquisitionTime": "003000",
            "tracer": {
                "RadiopharmaceuticalStartDateTime": "20250101233000",
                "RadiopharmaceuticalStartTime": None,
            },
        },
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "dates altered": (
        {"tracer": {"RadiopharmaceuticalStartDateTime": "20231224100000"}},
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "time zones": (
        {
            "TimezoneOffsetFromUTC": "+0100",
            "tracer": {
                "RadiopharmaceuticalStartDateTime": "20250101090000+0000",
                "RadiopharmaceuticalStartTime": None,
            },
        },
        BASE_FACTOR,
        "bqml_start_series_time",
    ),
    "gml without type": ({"Units": "GML"}, 1.0, "gml_bw"),
    "gml bw": ({"Units": "GML", "SUVType": "BW"}, 1.0, "gml_bw"),
    **{
        f"gml {kind}": ({"Units": "GML", "SUVType": kind}, 70 / mass, f"gml_{kind.lower()}")
        for kind, mass in LEAN.items()
    },
    "height in cm": ({"Units": "GML", "SUVType": "IBW", "PatientSize": "175"}, 70 / LEAN["IBW"], "gml_ibw"),
    "cm2ml": (
        {"Units": "CM2ML", "SUVType": "BSA"},
        70e3 / (0.007184 * 70**0.425 * 175**0.725 * 1e4),
        "cm2ml_bsa",
    ),
    "cnts suv": (
        {"Units": "CNTS", "private": [(*PHILIPS, 0x00, "DS", "0.000728"), (*PHILIPS, 0x09, "DS", "2.5")]},
        0.000728,
        "cnts_philips_suv",
    ),
    "cnts activity": (
        {"Units": "CNTS", "private": [(*PHILIPS, 0x00, "DS", "0"), (*PHILIPS, 0x09, "DS", "2.5")]},
        2.5 * BASE_FACTOR,
        "cnts_philips_activity_start_series_time",
    ),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_every_branch_has_its_closed_form(name):
    changes, expected, branch = BRANCHES[name]
    conversion = converted(**dict(changes))
    assert conversion.branch == branch
    assert conversion.factors == pytest.approx([expected] * 3, rel=1e-9)
    assert conversion.factor == pytest.approx(expected, rel=1e-9)
    assert conversion.quantity == "SUVbw"


def cornerstone_header(instances):
    first = instances[0]
    slices = tuple(
        SliceHeader(
            each["AcquisitionDate"],
            each["AcquisitionTime"],
            each["FrameReferenceTime"],
            each["ActualFrameDuration"],
            philips_suv_factor=each["PhilipsPETPrivateGroup"].get("SUVScaleFactor"),
            philips_activity_factor=each["PhilipsPETPrivateGroup"].get("ActivityConcentrationScaleFactor"),
        )
        for each in instances
    )
    return SuvHeader(
        slices,
        units=first["Units"],
        corrected_image=tuple(first["CorrectedImage"]),
        decay_correction=first["DecayCorrection"],
        sex=first["PatientSex"],
        weight_kg=first["PatientWeight"],
        height_m=first.get("PatientSize"),
        series_date=first["SeriesDate"],
        series_time=first["SeriesTime"],
        injection_datetime=first.get("RadiopharmaceuticalStartDateTime"),
        injection_time=first.get("RadiopharmaceuticalStartTime"),
        dose_bq=first["RadionuclideTotalDose"],
        half_life_s=first["RadionuclideHalfLife"],
    )


@pytest.mark.parametrize(
    "name",
    [
        "PHILIPS_BQML",
        "PHILIPS_CNTS_AND_SUV",
        "SIEMENS",
        "GE_MEDICAL_AND_BQML",
        "BQML_AC_DT_lessThan_S_DT_SIEMENS",
    ],
)
def test_headers_of_real_series(shared_data, name):
    folder = shared_data("suv_headers_cornerstone")
    expected = json.loads((folder / "expected_suvbw.json").read_text())["suvbw_scale_factor"][name]
    header = cornerstone_header(json.loads((folder / f"{name}-instances.json").read_text()))
    conversion = suv_conversion(header)
    assert conversion.factors == pytest.approx([expected] * 3, rel=1e-6)


def test_slices_back_compute_their_own_reference():
    mean = 1000 * average_decay_time_s(300, F18)
    conversion = converted(
        SeriesTime="120000",
        per_slice={
            "AcquisitionTime": ["110000", "110500", "111000"],
            "FrameReferenceTime": [repr(mean), repr(mean + 300e3), repr(mean + 620e3)],
        },
    )
    assert conversion.factors == pytest.approx([factor(3600), factor(3600), factor(3580)], rel=1e-9)
    assert conversion.factor is None
    assert any("20.0 s apart" in warning for warning in conversion.warnings)


def test_contradicting_reference_times_are_refused():
    with pytest.raises(SuvHeaderError, match=r"600 s apart.*--reference-time"):
        converted(
            SeriesTime="120000",
            per_slice={"AcquisitionTime": ["110000", "110500", "111000"]},
        )


def test_undecayed_slices_use_their_own_acquisition():
    conversion = converted(
        DecayCorrection="NONE", per_slice={"AcquisitionTime": ["110000", "110500", "111000"]}
    )
    expected = [factor(s) * UNDECAYED for s in (3600, 3900, 4200)]
    assert conversion.factors == pytest.approx(expected, rel=1e-9)
    assert conversion.factor is None and conversion.to_document()["factor"] is None


def test_average_decay_time():
    assert average_decay_time_s(300, F18) == pytest.approx(149.605, abs=5e-4)
    assert average_decay_time_s(603, F18) == pytest.approx(299.906, abs=5e-4)


def test_body_measures():
    assert lean_body_mass_kg("LBM", 70, 1.75, "M") == pytest.approx(57.80)
    assert lean_body_mass_kg("LBMJAMES128", 70, 1.75, "M") == pytest.approx(56.52)
    assert lean_body_mass_kg("LBMJANMA", 70, 1.75, "M") == pytest.approx(55.857, abs=5e-4)
    assert lean_body_mass_kg("IBW", 70, 1.75, "M") == pytest.approx(72.38)
    assert lean_body_mass_kg("LBMJAMES128", 90, 1.80, "M") == pytest.approx(67.00)
    assert lean_body_mass_kg("LBMJANMA", 90, 1.80, "M") == pytest.approx(65.797, abs=5e-4)
    assert body_surface_m2(70, 1.75) == pytest.approx(1.84814, abs=5e-6)
    assert body_surface_m2(90, 1.80) == pytest.approx(2.09890, abs=5e-6)
    assert 2 ** (-3600 / HALF_LIVES_S["F-18"]) == pytest.approx(0.684633, abs=5e-7)
    assert 2 ** (-3600 / HALF_LIVES_S["Ga-68"]) == pytest.approx(0.540662, abs=5e-7)


REFUSED = {
    "proportional counts": ({"Units": "PROPCNTS"}, UnitsError, "PROPCNTS"),
    "proportional rate": ({"Units": "PROPCPS"}, UnitsError, "PROPCPS"),
    "attenuation map": ({"Units": "1CM"}, UnitsError, "1CM"),
    "counts without factor": ({"Units": "CNTS"}, UnitsError, r"7053,1000.*7053,1009"),
    "negative Philips factor": (
        {"Units": "CNTS", "private": [(*PHILIPS, 0x00, "DS", "-1")]},
        SuvHeaderError,
        "7053,1000",
    ),
    "no attenuation correction": ({"CorrectedImage": ["DECY", "SCAT"]}, UnitsError, "0028,0051"),
    "no list of corrections": ({"CorrectedImage": None}, UnitsError, "0028,0051"),
    "gml by surface": ({"Units": "GML", "SUVType": "BSA"}, UnitsError, "0054,1006"),
    "surface by weight": ({"Units": "CM2ML", "SUVType": "BW"}, UnitsError, "0054,1006"),
    "lean without sex": ({"Units": "GML", "SUVType": "LBM", "PatientSex": None}, SuvHeaderError, "0010,0040"),
    "lean without height": (
        {"Units": "GML", "SUVType": "LBM", "PatientSize": None},
        SuvHeaderError,
        r"0010,1020.*--height-m",
    ),
    "intercept": ({"RescaleIntercept": "5"}, UnitsError, "0028,1052"),
    "zero dose": ({"tracer": {"RadionuclideTotalDose": "0"}}, SuvHeaderError, r"0018,1074.*--dose-bq"),
    "negative dose": ({"tracer": {"RadionuclideTotalDose": "-3e8"}}, SuvHeaderError, r"0018,1074"),
    "dose in GBq": ({"tracer": {"RadionuclideTotalDose": "0.368"}}, SuvHeaderError, r"0018,1074"),
    "dose not finite": ({"tracer": {"RadionuclideTotalDose": "NaN"}}, SuvHeaderError, r"0018,1074"),
    "no weight": ({"PatientWeight": None}, SuvHeaderError, r"0010,1030.*--weight-kg"),
    "weight zero": ({"PatientWeight": "0"}, SuvHeaderError, r"0010,1030.*--weight-kg"),
    "weight negative": ({"PatientWeight": "-70"}, SuvHeaderError, r"0010,1030.*--weight-kg"),
    "weight 700 kg": ({"PatientWeight": "700"}, SuvHeaderError, r"0010,1030.*--weight-kg"),
    "half-life zero": (
        {"tracer": {"RadionuclideHalfLife": "0"}},
        SuvHeaderError,
        r"0018,1075.*--half-life-s",
    ),
    "half-life in minutes": ({"tracer": {"RadionuclideHalfLife": "109.77"}}, SuvHeaderError, r"0018,1075"),
    "half-life of another nuclide": (
        {"nuclide": ("C-131A3", "68Ga")},
        SuvHeaderError,
        r"Ga-68.*0018,1075.*--half-life-s",
    ),
    "injection after the scan": (
        {
            "tracer": {
                "RadiopharmaceuticalStartDateTime": "20250101113000",
                "RadiopharmaceuticalStartTime": None,
            }
        },
        SuvHeaderError,
        r"0018,1078.*--injection-time",
    ),
    "injection after the scan by time": (
        {"tracer": {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": "113000"}},
        SuvHeaderError,
        r"0018,1072.*--injection-time",
    ),
    "unknown decay correction": ({"DecayCorrection": "MAYBE"}, SuvHeaderError, r"0054,1102.*--decay"),
    "time that is none": ({"AcquisitionTime": "9999"}, SuvHeaderError, "0008,0032"),
    "date that is none": ({"SeriesDate": "20251340"}, SuvHeaderError, "0008,0021"),
    "frame of no length": (
        {"DecayCorrection": "NONE", "ActualFrameDuration": "0"},
        SuvHeaderError,
        "0018,1242",
    ),
    "no reference time": (
        {"SeriesTime": "113000", "FrameReferenceTime": None},
        SuvHeaderError,
        r"0054,1300.*--reference-time",
    ),
    "dose of two kinds": (
        {"per_slice": {"PatientWeight": ["70", "70", "71"]}},
        SuvHeaderError,
        r"0010,1030.*differs",
    ),
    "private value of the wrong type": (
        {"private": [(*GE, 0x0D, "DT", "yesterday")]},
        SuvHeaderError,
        r"0009,100d",
    ),
    "private number of the wrong type": (
        {"Units": "CNTS", "private": [(*PHILIPS, 0x00, "UN", b"\xff\xfe")]},
        SuvHeaderError,
        r"7053,1000",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_by_name(name):
    changes, error, words = REFUSED[name]
    with pytest.raises(error, match=words) as caught:
        converted(**dict(changes))
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


EMPTY = SuvHeader((SliceHeader(),) * 2, corrected_image=("DECY", "ATTN"))
OPTIONS = (
    "--units",
    "--weight-kg",
    "--dose-bq",
    "--injection-time",
    "--half-life-s",
    "--decay",
    "--reference-time",
)


def test_everything_missing_is_named_at_once():
    with pytest.raises(UnitsError) as caught:
        suv_conversion(EMPTY)
    assert all(option in str(caught.value) for option in OPTIONS)


ALL_ENTERED = EnteredValues(
    weight_kg=70,
    dose_bq=DOSE,
    injection_time="10:00:00",
    half_life_s=F18,
    decay_correction="START",
    reference_time="11:00",
    units="Bq/ml",
    tracer="PSMA-11",
)


def test_everything_entered():
    conversion = suv_conversion(EMPTY, ALL_ENTERED)
    assert conversion.factor == pytest.approx(BASE_FACTOR, rel=1e-9)
    assert set(conversion.sources.values()) == {"entered by the user"}
    assert conversion.injection_time == "10:00:00" and conversion.reference_time == "11:00:00"
    assert conversion.uptake_time_min == pytest.approx(60)
    assert conversion.tracer == "PSMA-11"


@pytest.mark.parametrize(
    ("injection", "reference", "seconds"),
    [
        ("2025-01-01T10:00:00", "2025-01-01T11:00:00", 3600),
        ("2025-01-01T10:00:00", "11:00", 3600),
        ("10:00", "2025-01-01T11:00:00", 3600),
        ("23:30", "00:30", 3600),
        ("20250101100000", "20250101113000.5", 5400.5),
    ],
)
def test_entered_times(injection, reference, seconds):
    entered = EnteredValues(
        weight_kg=70,
        dose_bq=DOSE,
        injection_time=injection,
        half_life_s=F18,
        decay_correction="START",
        reference_time=reference,
        units="Bq/ml",
    )
    assert suv_conversion(EMPTY, entered).factor == pytest.approx(factor(seconds), rel=1e-9)


def test_entered_values_win_and_are_said():
    conversion = converted(EnteredValues(weight_kg=80, injection_time="09:30:00"))
    assert conversion.factor == pytest.approx(factor(5400) * 80 / 70, rel=1e-9)
    assert conversion.sources["weight_kg"] == conversion.sources["injection_time"] == "entered by the user"
    assert conversion.sources["dose_bq"] == "header (0018,1074)"
    assert any("80" in warning and "70" in warning for warning in conversion.warnings)


def test_entered_injection_after_the_scan_is_refused():
    with pytest.raises(SuvHeaderError, match="--injection-time"):
        converted(EnteredValues(injection_time="2025-01-01T11:00:01"))


@pytest.mark.parametrize(("stated", "entered"), [("BQML", "SUVbw"), ("GML", "Bq/ml"), ("CM2ML", "SUVbw")])
def test_entered_units_do_not_override_the_header(stated, entered):
    with pytest.raises(UnitsError, match="--units"):
        converted(EnteredValues(units=entered), Units=stated)


@pytest.mark.parametrize(
    "values",
    [
        {"weight_kg": 0},
        {"weight_kg": 70000},
        {"dose_bq": 368.08},
        {"dose_bq": math.nan},
        {"half_life_s": -1},
        {"half_life_s": "long"},
        {"decay_correction": "maybe"},
        {"units": "kBq"},
        {"injection_time": "noon"},
        {"reference_time": 11},
        {"height_m": 175},
    ],
)
def test_entered_values_that_cannot_be(values):
    with pytest.raises((SuvHeaderError, UnitsError), match="--"):
        EnteredValues(**values)


def test_the_gml_audit_does_not_fail_on_times_it_does_not_use():
    conversion = converted(Units="GML", tracer={"RadiopharmaceuticalStartDateTime": "20250101113000"})
    assert conversion.factor == 1.0 and conversion.uptake_time_min is None
    assert any("uptake time is not known" in warning for warning in conversion.warnings)


def test_entered_values_that_change_nothing_are_said():
    conversion = converted(EnteredValues(weight_kg=80, dose_bq=3e8), Units="GML")
    assert conversion.factor == 1.0
    assert any("change no number: dose_bq, weight_kg" in warning for warning in conversion.warnings)
    lean = converted(EnteredValues(weight_kg=80), Units="GML", SUVType="IBW")
    assert lean.factor == pytest.approx(80 / LEAN["IBW"])
    assert not any("change no number" in warning for warning in lean.warnings)


def test_a_reference_time_far_from_the_scan_is_refused():
    """Beds across midnight without an acquisition date would otherwise gain a day of decay."""
    with pytest.raises(SuvHeaderError, match=r"hours from the start.*--reference-time"):
        converted(
            AcquisitionDate=None,
            private=[(*GE, 0x0D, "DT", "20250101235000")],
            per_slice={"AcquisitionTime": ["235000", "235500", "001000"]},
            tracer={
                "RadiopharmaceuticalStartDateTime": "20250101225000",
                "RadiopharmaceuticalStartTime": None,
            },
        )


def test_document_is_json_and_complete():
    document = converted().to_document()
    assert json.loads(json.dumps(document)) == document
    assert document["factor"] == pytest.approx(BASE_FACTOR)
    assert document["injection_time"] == "2025-01-01T10:00:00"
    assert document["reference_time"] == "2025-01-01T11:00:00"
    assert document["uptake_time_min"] == 60 and document["half_life_s"] == F18
    assert document["dose_bq"] == DOSE and document["weight_kg"] == 70 and document["tracer"] == "PSMA-1007"
    assert document["units_in"] == "BQML" and document["decay_correction"] == "START"
    assert document["warnings"] == []


def test_apply_is_per_slice_and_float32():
    conversion = SuvConversion("BQML", (1.0, 0.5, 0.25), "test")
    suv = apply(conversion, np.ones((3, 2, 2), dtype=np.float32))
    assert suv.dtype == np.float32 and suv[:, 0, 0].tolist() == [1.0, 0.5, 0.25]
    with pytest.raises(GridError, match="3 slices"):
        apply(conversion, np.ones((2, 2, 2), dtype=np.float32))


@pytest.mark.parametrize("factors", [(), (0.0,), (-1.0,), (math.nan,), (math.inf,)])
def test_a_conversion_is_positive_and_finite(factors):
    with pytest.raises(SuvHeaderError):
        SuvConversion("BQML", factors, "test")


CLOCK = st.one_of(
    st.none(),
    st.sampled_from(["100000", "110000", "110000.5"]),
    st.from_regex(r"[0-2][0-9][0-5][0-9][0-5][0-9](\.[0-9]{1,6})?", fullmatch=True),
    st.text(max_size=8),
)
DAY = st.one_of(
    st.none(),
    st.sampled_from(["20250101", "20250102", "20231231", "00010101", "99991231"]),
    st.text(max_size=9),
)
NUMBER = st.one_of(
    st.none(),
    st.sampled_from([150000.0, 300000.0]),
    st.floats(),
    st.floats(1, 1e9),
    st.integers(-10, 10**12),
    st.sampled_from(["", "x", "368.08"]),
)
SLICES = st.lists(
    st.builds(
        dict,
        acquisition_date=DAY,
        acquisition_time=CLOCK,
        frame_reference_time_ms=NUMBER,
        frame_duration_ms=NUMBER,
        rescale_intercept=st.sampled_from([None, 0.0, 0.0, 1.0]),
        philips_suv_factor=NUMBER,
        philips_activity_factor=NUMBER,
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=400, deadline=None)
@given(
    slices=SLICES,
    values=st.fixed_dictionaries(
        {
            "units": st.sampled_from([None, "BQML", "BQML", "BQML", "GML", "CM2ML", "CNTS", "PROPCPS", "?"]),
            "suv_type": st.sampled_from([None, "BW", "LBM", "LBMJANMA", "IBW", "BSA"]),
            "decay_correction": st.sampled_from([None, "START", "START", "ADMIN", "NONE", "x"]),
            "sex": st.sampled_from([None, "M", "F", "O", "?"]),
            "weight_kg": st.one_of(st.just(70.0), NUMBER),
            "height_m": st.one_of(st.just(1.75), NUMBER),
            "series_date": DAY,
            "series_time": CLOCK,
            "timezone_offset": st.sampled_from([None, "+0100", "-1400", "x"]),
            "ge_reference_datetime": st.one_of(st.none(), st.just("20250101110000.0"), st.text(max_size=20)),
            "injection_datetime": st.one_of(st.none(), st.just("20250101100000+0200"), st.text(max_size=20)),
            "injection_time": CLOCK,
            "dose_bq": st.one_of(st.just(3e8), NUMBER),
            "half_life_s": st.one_of(st.just(6586.2), NUMBER),
            "nuclide_code": st.sampled_from([None, "C-111A1", "C-131A3", "C-168A4"]),
        }
    ),
)
def test_fuzz_only_our_errors_and_never_a_bad_factor(slices, values):
    try:
        header = SuvHeader(tuple(SliceHeader(**each) for each in slices), corrected_image=("ATTN",), **values)
        conversion = suv_conversion(header)
    except PlanningError:
        return
    assert all(math.isfinite(f) and f > 0 for f in conversion.factors)
    json.dumps(conversion.to_document(), allow_nan=False)


@settings(max_examples=150, deadline=None)
@given(
    injection=CLOCK.filter(lambda text: text is not None),
    reference=CLOCK.filter(lambda text: text is not None),
    half_life=st.floats(1.0, 1e9),
    decay=st.sampled_from(["START", "ADMIN", "NONE"]),
)
def test_fuzz_of_entered_values(injection, reference, half_life, decay):
    try:
        entered = EnteredValues(70, None, DOSE, injection, half_life, decay, reference, None, "Bq/ml")
        conversion = suv_conversion(EMPTY, entered)
    except PlanningError:
        return
    assert all(math.isfinite(f) and f > 0 for f in conversion.factors)
